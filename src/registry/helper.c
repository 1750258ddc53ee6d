#include "registry/helper.h"

#include "support/json.h"
#include "support/own.h"
#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MAX_REPLY = 64 * 1024, SECONDS = 30 };

/* Returns the reading end of a pipe that holds the host; the other end is closed. */
static int open_question(const char *host, struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(err, ERROR_REGISTRY, "can't make a pipe");

    autoclose int reading = ends[0];
    autoclose int writing = ends[1];
    size_t length = strlen(host); /* far below PIPE_BUF, so one write takes it without blocking */
    if (write(writing, host, length) != (ssize_t)length)
        return error_errno(err, ERROR_REGISTRY, "can't write to a pipe");
    return take_fd(reading);
}

static int open_alarm(struct error *err)
{
    const struct itimerspec once = {.it_value.tv_sec = SECONDS};
    autoclose int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (timer < 0 || timerfd_settime(timer, 0, &once, NULL) != 0)
        return error_errno(err, ERROR_REGISTRY, "can't set a timer");
    return take_fd(timer);
}

static bool rang(int timer)
{
    struct pollfd poll_timer = {.fd = timer, .events = POLLIN};
    return poll(&poll_timer, 1, 0) > 0;
}

static void trim(struct buf *text)
{
    while (text->len > 0 && strchr(" \t\r\n", text->data[text->len - 1]))
        text->data[--text->len] = '\0';
}

static int read_reply(const char *program, const struct buf *reply, struct credentials *out,
                      struct error *err)
{
    struct error ignored; /* its text may quote the reply */
    AUTOPTR(js) object = js_parse(buf_text(reply), reply->len, program, &ignored);
    const char *username = js_get_text(object, "Username"), *secret = js_get_text(object, "Secret");
    if (!username || !secret)
        return error_set(err, ERROR_REGISTRY, "'%s' gave no JSON with Username and Secret",
                         program);
    if (!secret[0])
        return 0;

    *out = (struct credentials){0};
    if (strcmp(username, "<token>") == 0) {
        out->identity_token = xstrdup(secret);
    } else {
        out->username = xstrdup(username);
        out->password = xstrdup(secret);
    }
    return 1;
}

/* Judges a failed helper. One that knows no login says so only on its standard output, and exits
 * with status 1. */
static int refused(const char *program, struct buf *reply, int status, struct error *err)
{
    trim(reply);
    if (strcmp(buf_text(reply), "credentials not found in native keychain") == 0 ||
        strcmp(buf_text(reply), "no credentials server URL") == 0 ||
        strcmp(buf_text(reply), "no credentials username") == 0)
        return 0;
    return error_set(err, ERROR_REGISTRY, "'%s' failed with status %d: %.200s", program, status,
                     buf_text(reply));
}

/* Runs "PROGRAM get" with `input` as its standard input, for at most SECONDS. */
static int run(const char *program, int input, struct buf *reply, int *status, struct error *err)
{
    AUTO(buf) noise = {0};
    autoclose int timer = open_alarm(err);
    if (timer < 0)
        return -1;

    const char *argv[] = {program, "get", NULL};
    struct process process = {.argv = argv,
                              .input = input,
                              .output = reply,
                              .errors = &noise,
                              .limit = MAX_REPLY,
                              .stop = timer};
    struct process_result ended = {0};
    if (process_run(&process, &ended, err) != 0) {
        err->kind = err->kind > ERROR_SIGNAL ? err->kind : ERROR_REGISTRY;
        return -1;
    }

    if (rang(timer))
        return error_set(err, ERROR_REGISTRY, "'%s' gave no answer within %d seconds", program,
                         SECONDS);
    *status = ended.status;
    return 0;
}

int helper_get(const char *name, const char *host, struct credentials *out, struct error *err)
{
    AUTO(buf) reply = {0};
    int status = 0;
    autofree char *program = xasprintf("docker-credential-%s", name);
    if (strchr(name, '/') || strlen(name) > 100)
        return error_set(err, ERROR_REGISTRY, "'%s' can't be the name of a credential helper",
                         name);

    autoclose int input =
        open_question(strcmp(host, "docker.io") == 0 ? HELPER_DOCKER_HUB : host, err);
    if (input < 0)
        return -1;
    int result = run(program, input, &reply, &status, err);
    if (result == 0 && status == 0)
        result = read_reply(program, &reply, out, err);
    else if (result == 0)
        result = refused(program, &reply, status, err);

    if (reply.data)
        explicit_bzero(reply.data, reply.cap);
    return result;
}
