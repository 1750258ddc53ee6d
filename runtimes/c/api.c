/* The Runtime API's requests (version 2018-06-01) and what its answers mean. */
#include "internal.h"

#include <string.h>

#define API_PATH "/2018-06-01/runtime/"
#define USER_AGENT "\r\nUser-Agent: lbuild-c/1\r\n"

/* The longest head: path 40 + id 128 + host 63 + Content-Type 127 + error type 127 + fixed text. */
#define REQUEST_HEAD_MAX 1024

enum lambda_http_result lambda_api_next(struct lambda_connection *connection)
{
    char bytes[REQUEST_HEAD_MAX];
    struct lambda_buffer head = LAMBDA_FIXED_BUFFER(bytes);

    lambda_buffer_text(&head, "GET " API_PATH "invocation/next HTTP/1.1\r\nHost: ");
    lambda_buffer_text(&head, connection->host);
    lambda_buffer_text(&head, USER_AGENT "\r\n");

    enum lambda_http_result result = lambda_connection_call(connection, &head, NULL, 0);
    if (result == LAMBDA_HTTP_BAD || connection->http.status == 200)
        return result;

    char status[4] = {0};
    struct lambda_buffer text = {status, 0, 3, 3};
    lambda_buffer_number(&text, (uint64_t)connection->http.status);
    lambda_log("asked for the next event, the Runtime API answered ", status, ": ",
               result == LAMBDA_HTTP_DONE ? connection->in.data + connection->http.body : "", NULL);
    return LAMBDA_HTTP_BAD;
}

static void post_head(struct lambda_buffer *head, const char *host, const char *id,
                      const struct lambda_response *response)
{
    lambda_buffer_text(head, id ? "POST " API_PATH "invocation/" : "POST " API_PATH "init");
    lambda_buffer_text(head, id ? id : "");
    lambda_buffer_text(head, response->failed ? "/error HTTP/1.1\r\nHost: "
                                              : "/response HTTP/1.1\r\nHost: ");
    lambda_buffer_text(head, host);
    lambda_buffer_text(head, USER_AGENT "Content-Type: ");
    lambda_buffer_text(head, response->failed ? "application/json" : response->content_type);
    if (response->failed) {
        lambda_buffer_text(head, "\r\nLambda-Runtime-Function-Error-Type: ");
        lambda_buffer_text(head, lambda_error_header(response->error_type));
    }
    lambda_buffer_text(head, "\r\nContent-Length: ");
    lambda_buffer_number(head, response->body.size);
    lambda_buffer_text(head, "\r\n\r\n");
}

int lambda_api_post(struct lambda_connection *connection, const char *id,
                    const struct lambda_response *response)
{
    char bytes[REQUEST_HEAD_MAX];
    struct lambda_buffer head = LAMBDA_FIXED_BUFFER(bytes);

    post_head(&head, connection->host, id, response);
    enum lambda_http_result result =
        lambda_connection_call(connection, &head, response->body.data, response->body.size);
    if (result == LAMBDA_HTTP_BAD)
        return -1;

    int code = connection->http.status;
    if (code >= 200 && code < 300)
        return 0;

    /* 400, 403, 410, 413: this invocation is lost, as the caller is told; the next one isn't. 5xx:
     * give up. */
    char status[4] = {0};
    struct lambda_buffer text = {status, 0, 3, 3};
    lambda_buffer_number(&text, (uint64_t)code);
    lambda_log("the Runtime API answered ", status, " to the ",
               response->failed ? "error" : "response", " of ", id ? "an invocation" : "the start",
               ": ", result == LAMBDA_HTTP_DONE ? connection->in.data + connection->http.body : "",
               NULL);
    return code >= 500 ? -1 : 0;
}
