#include "store/verify.h"

#include "support/fs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

enum state { STATE_WAITING, STATE_BUSY, STATE_GOOD, STATE_LEFT };

struct item {
    struct digest digest;
    enum state state;
    int fd;
    struct stat as; /* the file when it was hashed */
};

struct verify {
    const struct store *store;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards states and stop */
    pthread_cond_t ended;
    bool running, stop;
    struct verify_sink sink;
    bool refused; /* by the sink; only the thread uses it until it has ended */
    struct item *items;
    size_t count;
    char *chunk;
};

static bool stopped(struct verify *verify)
{
    pthread_mutex_lock(&verify->mutex);
    bool stop = verify->stop;
    pthread_mutex_unlock(&verify->mutex);
    return stop;
}

/* Whether the file open as item->fd has the right digest. */
static bool hash(struct verify *verify, struct item *item)
{
    AUTO(digest_context) context = {0};
    struct error ignored;
    struct digest actual;
    struct stat after;
    if (fstat(item->fd, &item->as) != 0 || digest_init(&context, &ignored) != 0)
        return false;
    verify->refused =
        verify->refused ||
        (verify->sink.blob && verify->sink.blob(verify->sink.data, &item->digest,
                                                (uint64_t)item->as.st_size, &ignored) != 0);

    for (;;) {
        ssize_t got = read(item->fd, verify->chunk, CHUNK);
        if ((got < 0 && errno != EINTR) || stopped(verify))
            return false;
        if (got == 0)
            break;
        if (got < 0)
            continue;
        digest_update(&context, verify->chunk, (size_t)got);
        verify->refused = verify->refused || (verify->sink.bytes &&
                                              verify->sink.bytes(verify->sink.data, verify->chunk,
                                                                 (size_t)got, &ignored) != 0);
    }

    digest_final(&context, &actual);
    return digest_equal(&actual, &item->digest) && fstat(item->fd, &after) == 0 &&
           fs_same_file(&item->as, &after);
}

static void *run(void *data)
{
    struct verify *verify = data;
    for (size_t i = 0; i < verify->count; i++) {
        struct item *item = &verify->items[i];
        struct error ignored;
        uint64_t size = 0;

        pthread_mutex_lock(&verify->mutex);
        bool mine = item->state == STATE_WAITING && !verify->stop;
        if (mine)
            item->state = STATE_BUSY;
        pthread_mutex_unlock(&verify->mutex);
        if (!mine)
            continue;

        item->fd = store_open_blob(verify->store, &item->digest, &size, &ignored);
        bool good = item->fd >= 0 && hash(verify, item);
        pthread_mutex_lock(&verify->mutex);
        item->state = good ? STATE_GOOD : STATE_LEFT;
        pthread_cond_broadcast(&verify->ended);
        pthread_mutex_unlock(&verify->mutex);
    }
    return NULL;
}

static void add_item(struct verify *verify, const struct digest *digest)
{
    for (size_t i = 0; i < verify->count; i++)
        if (digest_equal(&verify->items[i].digest, digest))
            return;
    verify->items[verify->count++] = (struct item){.digest = *digest, .fd = -1};
}

struct verify *verify_start(const struct store *store, const struct digest *blobs, size_t count,
                            const struct verify_sink *sink)
{
    struct error ignored;
    AUTO(digest_context) context = {0}; /* loads the library while there is only one thread */
    AUTOPTR(verify) verify = xcalloc(1, sizeof *verify);

    pthread_mutex_init(&verify->mutex, NULL);
    pthread_cond_init(&verify->ended, NULL);
    verify->store = store;
    verify->items = xcalloc(count, sizeof *verify->items);
    verify->chunk = xmalloc(CHUNK);
    verify->sink = sink ? *sink : (struct verify_sink){0};
    for (size_t i = 0; i < count; i++)
        add_item(verify, &blobs[i]);

    /* Signals are for the thread that waits for the compilers. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    verify->running = digest_init(&context, &ignored) == 0 &&
                      pthread_create(&verify->thread, NULL, run, verify) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    return verify->running ? take(verify) : NULL;
}

bool verify_finish(struct verify *verify)
{
    if (!verify)
        return false;
    if (verify->running)
        pthread_join(verify->thread, NULL);
    verify->running = false;

    bool good = !verify->refused;
    for (size_t i = 0; i < verify->count; i++)
        good = good && verify->items[i].state == STATE_GOOD;
    return good;
}

int verify_take(struct verify *verify, const struct digest *blob)
{
    struct stat now;
    int fd = -1;
    for (size_t i = 0; verify && i < verify->count && fd < 0; i++) {
        struct item *item = &verify->items[i];
        if (!digest_equal(&item->digest, blob))
            continue;

        pthread_mutex_lock(&verify->mutex);
        while (item->state == STATE_BUSY)
            pthread_cond_wait(&verify->ended, &verify->mutex);
        if (item->state == STATE_WAITING)
            item->state = STATE_LEFT;
        if (item->state == STATE_GOOD && fstat(item->fd, &now) == 0 &&
            fs_same_file(&item->as, &now) && lseek(item->fd, 0, SEEK_SET) == 0)
            fd = item->fd;
        pthread_mutex_unlock(&verify->mutex);
    }
    return fd;
}

void verify_free(struct verify *verify)
{
    if (!verify)
        return;

    pthread_mutex_lock(&verify->mutex);
    verify->stop = true;
    pthread_mutex_unlock(&verify->mutex);
    if (verify->running)
        pthread_join(verify->thread, NULL);

    for (size_t i = 0; i < verify->count; i++)
        autoclose_release(&verify->items[i].fd);
    pthread_mutex_destroy(&verify->mutex);
    pthread_cond_destroy(&verify->ended);
    free(verify->items);
    free(verify->chunk);
    free(verify);
}
