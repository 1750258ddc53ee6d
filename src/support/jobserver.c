#include "support/jobserver.h"

#include "support/own.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void jobserver_address_release(struct jobserver_address *address)
{
    free(address->path);
    *address = (struct jobserver_address){0};
}

/* "R,W"; make writes negative numbers when there is nothing to join. */
static void parse_pair(const char *text, struct jobserver_address *out)
{
    char *end = NULL;
    long first = strtol(text, &end, 10), second = -1;
    if (end != text && *end == ',') {
        text = end + 1;
        second = strtol(text, &end, 10);
    }

    bool good = first >= 0 && first <= INT_MAX && second >= 0 && second <= INT_MAX && end != text &&
                *end == '\0';
    out->kind = good ? JOBSERVER_PIPE : JOBSERVER_SERIAL;
    out->read = good ? (int)first : -1;
    out->write = good ? (int)second : -1;
}

static void parse_word(const char *word, struct jobserver_address *out)
{
    static const char *const names[] = {"--jobserver-auth=", "--jobserver-fds="};
    for (size_t i = 0; i < countof(names); i++) {
        if (strncmp(word, names[i], strlen(names[i])) != 0)
            continue;
        const char *value = word + strlen(names[i]);

        jobserver_address_release(out);
        if (strncmp(value, "fifo:", 5) != 0)
            parse_pair(value, out);
        else
            *out = (struct jobserver_address){JOBSERVER_FIFO, -1, -1, xstrdup(value + 5)};
        return;
    }

    if (strcmp(word, "-j1") == 0 && out->kind == JOBSERVER_NONE)
        out->kind = JOBSERVER_SERIAL;
}

/* Blanks separate words, and a backslash quotes them; variables follow after "--". */
void jobserver_parse(const char *makeflags, struct jobserver_address *out)
{
    AUTO(buf) word = {0};
    *out = (struct jobserver_address){0};

    for (const char *at = makeflags ? makeflags : ""; *at;) {
        for (at += strspn(at, " \t"), buf_clear(&word); *at && *at != ' ' && *at != '\t'; at++) {
            at += at[0] == '\\' && at[1];
            buf_addc(&word, *at);
        }
        if (strcmp(buf_text(&word), "--") == 0)
            return;
        parse_word(buf_text(&word), out);
    }
}

/* Make's two descriptors are the ends of one pipe and are meant to be inherited. Stale
 * numbers are not. */
static bool is_pipe(const struct jobserver_address *address)
{
    struct stat in, out;
    int read_flags = fcntl(address->read, F_GETFL), write_flags = fcntl(address->write, F_GETFL);
    return read_flags >= 0 && write_flags >= 0 && (read_flags & O_ACCMODE) != O_WRONLY &&
           (write_flags & O_ACCMODE) != O_RDONLY && fcntl(address->read, F_GETFD) == 0 &&
           fcntl(address->write, F_GETFD) == 0 && fstat(address->read, &in) == 0 &&
           fstat(address->write, &out) == 0 && S_ISFIFO(in.st_mode) && in.st_dev == out.st_dev &&
           in.st_ino == out.st_ino;
}

static bool is_fifo(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* All clients share the pipe's reading end: O_NONBLOCK would be set for all of them, but
 * without it a reader that loses a race waits forever. Opening the pipe again gives us our own
 * open file description. */
static void open_ends(struct jobserver *jobserver, const struct jobserver_address *address)
{
    autofree char *own = xasprintf("/proc/self/fd/%d", address->read);
    bool pipe = address->kind == JOBSERVER_PIPE;
    if (pipe && !is_pipe(address))
        return;

    jobserver->read = open(pipe ? own : address->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (is_fifo(jobserver->read))
        jobserver->write = pipe ? fcntl(address->write, F_DUPFD_CLOEXEC, 0)
                                : open(address->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

void jobserver_join(struct jobserver *jobserver, const char *makeflags)
{
    AUTO(jobserver_address) address;
    jobserver_parse(makeflags, &address);
    jobserver->kind = address.kind;
    if (!jobserver_joined(jobserver))
        return;

    open_ends(jobserver, &address);
    if (jobserver->write >= 0)
        return;
    jobserver_release(jobserver);
    jobserver->kind = JOBSERVER_SERIAL;
}

bool jobserver_joined(const struct jobserver *jobserver)
{
    return jobserver->kind == JOBSERVER_PIPE || jobserver->kind == JOBSERVER_FIFO;
}

int jobserver_jobs(const struct jobserver *jobserver, int wanted)
{
    if (wanted)
        return wanted;
    if (jobserver->kind == JOBSERVER_SERIAL)
        return 1;
    if (jobserver_joined(jobserver))
        return INT_MAX;

    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (int)cores : 1;
}

bool jobserver_take(struct jobserver *jobserver)
{
    char token;
    ssize_t got;
    do
        got = read(jobserver->read, &token, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        buf_addc(&jobserver->tokens, token);
    return got == 1;
}

void jobserver_give(struct jobserver *jobserver, size_t keep)
{
    struct buf *tokens = &jobserver->tokens;
    while (tokens->len > keep) {
        ssize_t put = write(jobserver->write, &tokens->data[tokens->len - 1], 1);
        if (put < 0 && errno == EINTR)
            continue;
        tokens->len--; /* given back, or make is gone and nobody wants it */
    }
}

void jobserver_release(struct jobserver *jobserver)
{
    jobserver_give(jobserver, 0);
    buf_release(&jobserver->tokens);
    autoclose_release(&jobserver->read);
    autoclose_release(&jobserver->write);
    *jobserver = (struct jobserver)JOBSERVER_INIT;
}
