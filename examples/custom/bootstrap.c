/* Answers with the CRC-32 of each event, made by zlib: a program that speaks to Lambda's Runtime
 * API by itself. Any language that has sockets can do this. */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <zlib.h>

#define API "/2018-06-01/runtime/invocation/"

static int dial(const char *api)
{
    char host[64];
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (!api || sscanf(api, "%63[^:]:%hu", host, &to.sin_port) != 2 ||
        inet_pton(AF_INET, host, &to.sin_addr) != 1)
        errx(1, "AWS_LAMBDA_RUNTIME_API must be ADDRESS:PORT");

    to.sin_port = htons(to.sin_port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        err(1, "%s", api);
    return fd;
}

/* Reads a reply up to its end, where an HTTP/1.0 server closes. *text gets the body. */
static size_t receive(int fd, char **text, char id[64])
{
    size_t room = 0;
    FILE *in = fdopen(fd, "r");

    while (in && getline(text, &room, in) > 2)
        if (strncasecmp(*text, "Lambda-Runtime-Aws-Request-Id:", 30) == 0)
            sscanf(*text + 30, "%63s", id);

    ssize_t size = in ? getdelim(text, &room, '\0', in) : -1;
    if (in)
        fclose(in);
    return size > 0 ? (size_t)size : 0;
}

int main(void)
{
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");

    for (;;) {
        char *event = NULL, *reply = NULL, id[64] = "";
        int fd = dial(api);
        dprintf(fd, "GET " API "next HTTP/1.0\r\nConnection: close\r\n\r\n");
        size_t size = receive(fd, &event, id);

        fd = dial(api);
        dprintf(fd,
                "POST " API
                "%s/response HTTP/1.0\r\nConnection: close\r\nContent-Length: 21\r\n\r\n"
                "{\"crc32\": \"%08lx\"}",
                id, crc32_z(0, (const Bytef *)event, size));
        receive(fd, &reply, id);

        free(event);
        free(reply);
    }
}
