#include "registry.h"

#include "support/buf.h"
#include "support/own.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_REQUEST = 1024 * 1024 };

static bool wait_for(struct fake_server *server, int fd)
{
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                              {.fd = server->stop[0], .events = POLLIN}};
    return poll(polled, 2, -1) > 0 && polled[1].revents == 0;
}

static size_t body_length(const char *head)
{
    const char *length = strcasestr(head, "\r\nContent-Length:");
    return length ? strtoul(length + 17, NULL, 10) : 0;
}

/* Reads a head and its body. False: the client hung up, or spoke something else (TLS). */
static bool read_request(struct fake_server *server, int fd, struct buf *request)
{
    for (;;) {
        const char *end = strstr(buf_text(request), "\r\n\r\n");
        if (end && request->len >= (size_t)(end + 4 - request->data) + body_length(request->data))
            return true;
        if (request->len > MAX_REQUEST || (request->len > 0 && request->data[0] == 0x16) ||
            !wait_for(server, fd))
            return false;

        ssize_t got = recv(fd, buf_reserve(request, 4096), 4096, 0);
        if (got <= 0)
            return false;
        request->len += (size_t)got;
        request->data[request->len] = '\0';
    }
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* Waits for a tenth of a second; false when the server is to stop. */
static bool rest(struct fake_server *server)
{
    struct pollfd polled = {.fd = server->stop[0], .events = POLLIN};
    return poll(&polled, 1, 100) == 0;
}

static bool send_body(struct fake_server *server, int fd, const struct fake_reply *reply,
                      size_t from, size_t length)
{
    const char *bytes = (const char *)reply->body + from;
    size_t pace = reply->pace ? reply->pace : length;

    while (length > 0) {
        size_t piece = pace < length ? pace : length;
        if (!send_all(fd, bytes, piece) || (reply->pace && !rest(server)))
            return false;
        bytes += piece;
        length -= piece;
    }
    return true;
}

static void send_reply(struct fake_server *server, int fd, const struct fake_reply *reply,
                       const char *request)
{
    AUTO(buf) head = {0};
    const char *range = reply->ranges ? strcasestr(request, "\r\nRange: bytes=") : NULL;
    size_t from = range ? strtoul(range + 15, NULL, 10) : 0, length = reply->length - from;

    buf_addf(&head, "HTTP/1.1 %d Fake\r\nConnection: close\r\n%s", range ? 206 : reply->status,
             reply->headers ? reply->headers : "");
    if (range)
        buf_addf(&head, "Content-Range: bytes %zu-%zu/%zu\r\n", from, reply->length - 1,
                 reply->length);
    if (reply->cut_head) {
        send_all(fd, head.data, head.len);
        return;
    }
    if (!reply->chunked)
        buf_addf(&head, "Content-Length: %zu\r\n", length);
    buf_adds(&head, "\r\n");
    if (!send_all(fd, head.data, head.len) || strncmp(request, "HEAD", 4) == 0)
        return;

    size_t sent = reply->cut && reply->cut < length ? reply->cut : length;
    if (reply->stall && !reply->cut)
        sent = 0;
    if (!send_body(server, fd, reply, from, sent))
        return;

    char ignored = 0;
    if (reply->stall && wait_for(server, fd) && recv(fd, &ignored, 1, 0) != 0)
        return;
}

static void answer(struct fake_server *server, int fd, const char *request)
{
    static const struct fake_reply absent = {.status = 404};
    for (size_t i = 0; i < server->route_count; i++) {
        struct fake_route *route = &server->routes[i];
        if (strncmp(request, route->target, strlen(route->target)) != 0)
            continue;

        const struct fake_reply *reply = &route->replies[route->used];
        autofree char *challenge =
            xasprintf("WWW-Authenticate: %s\r\n", reply->challenge ? reply->challenge : "");
        if (reply->need && !strstr(request, reply->need)) {
            struct fake_reply refusal = {.status = 401, .headers = challenge};
            send_reply(server, fd, &refusal, request);
            return;
        }

        if (route->used + 1 < FAKE_REPLIES && reply[1].status != 0)
            route->used++;
        if (reply->status > 0)
            send_reply(server, fd, reply, request);
        return;
    }
    send_reply(server, fd, &absent, request);
}

static void serve(struct fake_server *server, int fd)
{
    AUTO(buf) request = {0};
    if (!read_request(server, fd, &request))
        return;

    pthread_mutex_lock(&server->lock);
    strv_add(&server->requests, request.data);
    pthread_mutex_unlock(&server->lock);
    answer(server, fd, request.data);
}

static void *run(void *data)
{
    struct fake_server *server = data;

    while (wait_for(server, server->listener)) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            continue;
        serve(server, fd);
        /* Closing with unread bytes would reset the connection, and the reply could be lost. */
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

void fake_start(struct fake_server *server, struct fake_route *routes, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    *server = (struct fake_server){.routes = routes, .route_count = count};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 ||
        bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 16) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &length) != 0 ||
        pipe(server->stop) != 0)
        abort();

    server->port = ntohs(address.sin_port);
    pthread_mutex_init(&server->lock, NULL);
    if (pthread_create(&server->thread, NULL, run, server) != 0)
        abort();
}

void fake_stop(struct fake_server *server)
{
    close(server->stop[1]);
    pthread_join(server->thread, NULL);
    close(server->stop[0]);
    close(server->listener);
    pthread_mutex_destroy(&server->lock);
    strv_release(&server->requests);
}

size_t fake_count(struct fake_server *server, const char *text, const char *other)
{
    size_t count = 0;

    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->requests.len; i++)
        count += strstr(server->requests.items[i], text) &&
                 (!other || strstr(server->requests.items[i], other));
    pthread_mutex_unlock(&server->lock);
    return count;
}
