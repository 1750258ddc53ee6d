#include "registry/helper.h"

#include "registry/censor.h"
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

enum { MAX_REPLY = 64 * 1024, SECONDS = 30, MAX_NAME = 100, MAX_TEXTS = 100 };

/* What a helper wrote. */
struct words {
    struct buf reply, noise; /* standard output and standard error */
};

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

/* Adds everything between quotation marks in what may be a login, whole or not. */
static void learn_secrets(const struct buf *reply, struct censor *censor)
{
    const char *at = strchr(buf_text(reply), '"');
    for (size_t i = 0; at && i < MAX_TEXTS && *at; i++) {
        size_t length = strcspn(at, "\"");
        autofree char *text = xstrndup(at, length);
        if (strcmp(text, "Secret") != 0 && strcmp(text, "Username") != 0)
            censor_add(censor, text);
        explicit_bzero(text, length);
        at += length + (at[length] == '"');
    }
}

/* Appends the text in one line: each run of blanks, line breaks and colours becomes one space. */
static void add_line(struct buf *out, const char *text)
{
    while (*text) {
        bool escape = strncmp(text, "\033[", 2) == 0;
        if (escape)
            text += 2 + strspn(text + 2, "0123456789;");
        if (!escape && !strchr(" \t\r\n", *text))
            buf_addc(out, *text);
        else if (out->len > 0 && out->data[out->len - 1] != ' ')
            buf_addc(out, ' ');
        text += *text != '\0';
    }
    trim(out);
}

/* Why a helper failed, in its own words: those on standard error, or those on standard output,
 * where docker's helpers write their errors. NULL when they may be a login. Caller frees. */
static char *reason(const struct words *words)
{
    AUTO(censor) censor = {0};
    AUTO(buf) line = {0};
    const char *noise = buf_text(&words->noise), *reply = buf_text(&words->reply);

    add_line(&line, noise);
    if (strcasestr(noise, "\"secret\""))
        return NULL;
    if (line.len == 0 && !strpbrk(reply, "{\""))
        add_line(&line, reply);

    learn_secrets(&words->reply, &censor);
    return line.len > 0 ? censor_text(&censor, line.data) : NULL;
}

/* Judges a failed helper. One that knows no login says so only on its standard output, and exits
 * with status 1. */
static int refused(const char *program, struct words *words, int status, struct error *err)
{
    struct buf *reply = &words->reply;
    trim(reply);
    if (strcmp(buf_text(reply), "credentials not found in native keychain") == 0 ||
        strcmp(buf_text(reply), "no credentials server URL") == 0 ||
        strcmp(buf_text(reply), "no credentials username") == 0)
        return 0;

    autofree char *why = reason(words);
    return error_set(err, ERROR_REGISTRY, "'%s' failed with status %d%s%s", program, status,
                     why ? ": " : " without a reason; run it by hand", why ? why : "");
}

/* Runs "PROGRAM get" with `input` as its standard input, for at most SECONDS. */
static int run(const char *program, int input, struct words *words, int *status, struct error *err)
{
    autoclose int timer = open_alarm(err);
    if (timer < 0)
        return -1;

    const char *argv[] = {program, "get", NULL};
    struct process process = {.argv = argv,
                              .input = input,
                              .output = &words->reply,
                              .errors = &words->noise,
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

static void words_release(struct words *words)
{
    struct buf *texts[] = {&words->reply, &words->noise};
    for (size_t i = 0; i < countof(texts); i++) {
        if (texts[i]->data)
            explicit_bzero(texts[i]->data, texts[i]->cap);
        buf_release(texts[i]);
    }
}

/* The name comes from a file with secrets, so a message has it only when it is a name. */
static bool is_name(const char *name)
{
    size_t length =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return name[length] == '\0' && length <= MAX_NAME;
}

int helper_get(const char *name, const char *host, struct credentials *out, struct error *err)
{
    AUTO(words) words = {0};
    int status = 0;
    autofree char *program = xasprintf("docker-credential-%s", name);
    if (!is_name(name))
        return error_set(
            err, ERROR_REGISTRY,
            "a credential helper's name may only have letters, digits, '.', '_' and '-'");

    autoclose int input =
        open_question(strcmp(host, "docker.io") == 0 ? HELPER_DOCKER_HUB : host, err);
    if (input < 0)
        return -1;
    int result = run(program, input, &words, &status, err);
    if (result == 0 && status == 0)
        result = read_reply(program, &words.reply, out, err);
    else if (result == 0)
        result = refused(program, &words, status, err);
    return result;
}
