/* One keep-alive connection to the Runtime API: the only file that talks to the network. */
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_TRIES = 4, CONNECT_TIMEOUT_S = 1, CONNECT_PAUSE_MS = 20 };

/* "1.2.3.4:9001", "[::1]:9001", "localhost:9001". No name is looked up: a static program
 * has no resolver. */
static int parse_address(struct lambda_connection *connection, const char *api)
{
    char host[sizeof connection->host];
    const char *colon = strrchr(api, ':');
    size_t size = colon ? (size_t)(colon - api) : 0;

    if (size == 0 || strlen(api) >= sizeof connection->host)
        return -1;
    int64_t port = lambda_decimal(colon + 1, 5);
    if (port < 1 || port > 65535)
        return -1;

    memcpy(host, api, size);
    host[size] = '\0';
    if (host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        connection->address.v6.sin6_family = AF_INET6;
        connection->address.v6.sin6_port = htons((uint16_t)port);
        connection->address_size = sizeof connection->address.v6;
        return inet_pton(AF_INET6, host + 1, &connection->address.v6.sin6_addr) == 1 ? 0 : -1;
    }

    const char *ip = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    connection->address.v4.sin_family = AF_INET;
    connection->address.v4.sin_port = htons((uint16_t)port);
    connection->address_size = sizeof connection->address.v4;
    return inet_pton(AF_INET, ip, &connection->address.v4.sin_addr) == 1 ? 0 : -1;
}

int lambda_connection_init(struct lambda_connection *connection, const char *api)
{
    memset(connection, 0, sizeof *connection);
    connection->fd = -1;
    connection->in.max = LAMBDA_HTTP_HEAD_MAX + LAMBDA_PAYLOAD_MAX + 2 * LAMBDA_HTTP_LINE_MAX;

    if (!api || !*api)
        return lambda_log(
            "AWS_LAMBDA_RUNTIME_API is not set: this program is started by AWS Lambda, or here by "
            "a tool that stands in for it, such as 'lbuild invoke'",
            NULL);
    if (parse_address(connection, api) != 0)
        return lambda_log(
            "AWS_LAMBDA_RUNTIME_API is '", api,
            "': it must be an IPv4 address, an IPv6 address in brackets or localhost, and :port",
            NULL);

    memcpy(connection->host, api, strlen(api) + 1);
    if (lambda_buffer_reserve(&connection->in, LAMBDA_HTTP_HEAD_MAX) != 0)
        return lambda_log("cannot start: out of memory", NULL);
    return 0;
}

static void disconnect(struct lambda_connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
}

void lambda_connection_release(struct lambda_connection *connection)
{
    disconnect(connection);
    lambda_buffer_release(&connection->in);
}

/* The kernel's send timeout also bounds connect. It's taken off afterwards: a frozen function may
 * have to wait longer. */
static int connect_once(struct lambda_connection *connection)
{
    struct timeval timeout = {.tv_sec = CONNECT_TIMEOUT_S};
    int on = 1;

    connection->fd = socket(connection->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        return -1;

    setsockopt(connection->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(connection->fd, &connection->address.any, connection->address_size) != 0) {
        int error = errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno;
        disconnect(connection);
        errno = error;
        return -1;
    }

    timeout.tv_sec = 0;
    setsockopt(connection->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return 0;
}

static int connect_patiently(struct lambda_connection *connection)
{
    for (int try = 0; connect_once(connection) != 0; try++) {
        if (try + 1 == CONNECT_TRIES)
            return lambda_log("cannot connect to the Runtime API at ", connection->host, ": ",
                              strerror(errno), NULL);
        nanosleep(&(struct timespec){.tv_nsec = (CONNECT_PAUSE_MS << try) * 1000000L}, NULL);
    }
    return 0;
}

/* One system call, unless the socket's buffer is full. No SIGPIPE: that signal is the handler's. */
static int send_all(int fd, const struct lambda_buffer *head, const char *body, size_t body_size)
{
    struct iovec parts[] = {{head->data, head->size}, {(char *)body, body_size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    while (parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t sent = body_size ? sendmsg(fd, &message, MSG_NOSIGNAL)
                                 : send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;

        for (int i = 0; i < 2 && sent > 0; i++) {
            size_t part = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;
            if (part == 0)
                continue;
            parts[i].iov_base = (char *)parts[i].iov_base + part;
            parts[i].iov_len -= part;
            sent -= (ssize_t)part;
        }
    }
    return 0;
}

/* Receive one reply. MORE: the connection ended before its first byte. */
static enum lambda_http_result receive(struct lambda_connection *connection)
{
    struct lambda_buffer *in = &connection->in;
    struct lambda_http *http = &connection->http;
    enum lambda_http_result result = LAMBDA_HTTP_MORE;

    lambda_http_begin(http, LAMBDA_PAYLOAD_MAX);
    in->size = 0;

    while (result == LAMBDA_HTTP_MORE) {
        size_t room = lambda_http_missing(http) + 2; /* for one byte at least, and the final NUL */
        if (lambda_buffer_reserve(in, room) != 0) {
            http->reason = "there is no memory for it";
            return LAMBDA_HTTP_BAD;
        }

        ssize_t count = recv(connection->fd, in->data + in->size, in->capacity - in->size - 1, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0 && in->size == 0)
            return LAMBDA_HTTP_MORE;
        if (count <= 0)
            return count == 0 ? lambda_http_end(http) : LAMBDA_HTTP_BAD;
        in->size += (size_t)count;
        result = lambda_http_parse(http, in->data, &in->size);
    }
    return result;
}

enum lambda_http_result lambda_connection_call(struct lambda_connection *connection,
                                               struct lambda_buffer *head, const char *body,
                                               size_t body_size)
{
    enum lambda_http_result result = LAMBDA_HTTP_MORE;

    if (lambda_buffer_append(head, body, body_size) == 0)
        body_size = 0; /* it is sent with the head */

    for (int try = 0; try < 2 && result == LAMBDA_HTTP_MORE; try++) {
        if (connection->fd < 0 && connect_patiently(connection) != 0)
            return LAMBDA_HTTP_BAD;
        /* When sending fails, there may still be a refusal to read: a 413 before the server closed
         * the connection. */
        if (send_all(connection->fd, head, body, body_size) != 0)
            shutdown(connection->fd, SHUT_WR);
        result = receive(connection);
        if (result != LAMBDA_HTTP_DONE || !connection->http.keep_alive)
            disconnect(connection);
    }

    if (result == LAMBDA_HTTP_MORE) {
        lambda_log("the Runtime API at ", connection->host,
                   " closed the connection instead of replying", NULL);
        return LAMBDA_HTTP_BAD;
    }
    if (result == LAMBDA_HTTP_BAD)
        lambda_log("cannot use the Runtime API's reply: ",
                   connection->http.reason ? connection->http.reason : "the connection broke off",
                   NULL);
    if (result == LAMBDA_HTTP_DONE)
        connection->in.data[connection->http.body + connection->http.body_size] = '\0';
    return result;
}
