#include "registry/transfer.h"

#include <ctype.h>
#include <stdlib.h>

enum { MAX_HEADERS = 128 * 1024, MAX_ERROR_BODY = 64 * 1024 };

int transfer_fail(struct transfer *transfer)
{
    transfer->failed = true;
    return -1;
}

int transfer_head(struct transfer *transfer, const char *bytes, size_t length)
{
    transfer->header_bytes += length;
    if (transfer->header_bytes > MAX_HEADERS) {
        error_set(transfer->err, ERROR_REGISTRY, "%s: more than %d bytes of headers",
                  transfer->where, MAX_HEADERS);
        return transfer_fail(transfer);
    }

    while (length > 0 && isspace((unsigned char)bytes[length - 1]))
        length--;
    autofree char *line = xstrndup(bytes, length);
    http_reply_header(transfer->reply, line);
    return 0;
}

/* Whether the reply's body goes to the request's sink. */
static bool is_streamed(const struct transfer *transfer)
{
    long status = transfer->reply->status;
    return transfer->request->sink && (status == 200 || status == 206);
}

/* Calls `begin`, once per streamed reply. */
static int start_body(struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    if (transfer->started)
        return 0;

    transfer->started = true;
    if (request->begin && request->begin(request->data, transfer->reply, transfer->err) != 0)
        return transfer_fail(transfer);
    return 0;
}

static int keep_body(struct transfer *transfer, const char *bytes, size_t length)
{
    struct buf *body = &transfer->reply->body;
    bool fine = transfer->reply->status == 200;
    size_t limit = fine ? transfer->request->limit : MAX_ERROR_BODY;

    if (body->len + length <= limit) {
        buf_add(body, bytes, length);
        return 0;
    }
    if (!fine) {
        buf_add(body, bytes, limit - body->len);
        transfer->enough = true;
        return -1;
    }

    error_set(transfer->err, ERROR_REGISTRY, "%s: the reply is larger than %zu bytes",
              transfer->where, limit);
    return transfer_fail(transfer);
}

int transfer_body(struct transfer *transfer, const char *bytes, size_t length)
{
    const struct http_request *request = transfer->request;
    if (!is_streamed(transfer))
        return keep_body(transfer, bytes, length);

    if (start_body(transfer) != 0)
        return -1;
    if (request->sink(request->data, bytes, length, transfer->err) != 0)
        return transfer_fail(transfer);
    return 0;
}

int transfer_end(struct transfer *transfer)
{
    /* libcurl takes the end of the connection for the end of the head, and finds no body. */
    if (!transfer->reply->headed) {
        error_set(transfer->err, ERROR_RETRY, "%s: the reply was cut within its head",
                  transfer->where);
        return transfer_fail(transfer);
    }
    return is_streamed(transfer) ? start_body(transfer) : 0;
}
