/* The C runtime's HTTP parser. The first byte is the size of the pieces in which the rest arrives.
 * However a reply is cut, the parser must come to the same result with the same body. */
#include "../../runtimes/c/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 4096 };

static enum lambda_http_result parse(struct lambda_http *http, char *data, const uint8_t *reply,
                                     size_t size, size_t step)
{
    enum lambda_http_result result = LAMBDA_HTTP_MORE;
    size_t held = 0;

    lambda_http_begin(http, BODY_MAX);
    for (size_t at = 0; at < size && result == LAMBDA_HTTP_MORE;) {
        size_t piece = step < size - at ? step : size - at;
        memcpy(data + held, reply + at, piece);
        held += piece;
        at += piece;
        result = lambda_http_parse(http, data, &held);
        if (http->next > held || http->body + http->body_size > held || http->body_size > BODY_MAX)
            abort();
    }
    if (result == LAMBDA_HTTP_MORE)
        result = lambda_http_end(http);
    if ((result == LAMBDA_HTTP_BAD) != (http->reason != NULL))
        abort();
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lambda_http whole, cut;
    char *one = malloc(size + 1), *two = malloc(size + 1);

    if (!one || !two)
        abort();
    if (size > 0) {
        enum lambda_http_result result = parse(&whole, one, data + 1, size - 1, size);
        if (parse(&cut, two, data + 1, size - 1, (size_t)data[0] + 1) != result)
            abort();
        if (result == LAMBDA_HTTP_DONE) {
            if (whole.status != cut.status || whole.body_size != cut.body_size ||
                memcmp(one + whole.body, two + cut.body, whole.body_size) != 0)
                abort();
            for (int id = 0; id < LAMBDA_HTTP_HEADER_COUNT; id++) {
                const char *a = lambda_http_value(&whole, one, (enum lambda_http_header)id);
                const char *b = lambda_http_value(&cut, two, (enum lambda_http_header)id);
                if (!a != !b || (a && strcmp(a, b) != 0))
                    abort();
            }
        }
    }
    free(one);
    free(two);
    return 0;
}
