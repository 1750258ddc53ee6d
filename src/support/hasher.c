#include "support/hasher.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 4, PIECE = 256 * 1024, ALONE = 1024 * 1024 };

/* A ring: the caller fills piece `filled`, the thread hashes piece `hashed`; both
 * count from the start. */
struct hasher {
    struct digest_context context; /* used by the thread, once there is one */
    char *pieces[PIECES];
    size_t lengths[PIECES], current; /* current: bytes in the piece that is being filled */
    size_t filled, hashed, alone;
    pthread_mutex_t mutex; /* guards filled, hashed and stop */
    pthread_cond_t more, room;
    pthread_t thread;
    bool running, refused, stop;
};

struct hasher *hasher_new(struct error *err)
{
    AUTOPTR(hasher) hasher = xcalloc(1, sizeof *hasher);
    pthread_mutex_init(&hasher->mutex, NULL);
    pthread_cond_init(&hasher->more, NULL);
    pthread_cond_init(&hasher->room, NULL);
    return digest_init(&hasher->context, err) == 0 ? take(hasher) : NULL;
}

static void end_thread(struct hasher *hasher)
{
    if (!hasher->running)
        return;
    pthread_mutex_lock(&hasher->mutex);
    hasher->stop = true;
    pthread_cond_signal(&hasher->more);
    pthread_mutex_unlock(&hasher->mutex);
    pthread_join(hasher->thread, NULL);
    hasher->running = false;
}

void hasher_free(struct hasher *hasher)
{
    if (!hasher)
        return;

    end_thread(hasher);
    digest_context_release(&hasher->context);
    for (size_t i = 0; i < PIECES; i++)
        free(hasher->pieces[i]);
    pthread_cond_destroy(&hasher->room);
    pthread_cond_destroy(&hasher->more);
    pthread_mutex_destroy(&hasher->mutex);
    free(hasher);
}

static void *run(void *data)
{
    struct hasher *hasher = data;
    pthread_mutex_lock(&hasher->mutex);

    for (;;) {
        while (hasher->hashed == hasher->filled && !hasher->stop)
            pthread_cond_wait(&hasher->more, &hasher->mutex);
        if (hasher->hashed == hasher->filled)
            break;
        size_t index = hasher->hashed % PIECES;
        pthread_mutex_unlock(&hasher->mutex);
        digest_update(&hasher->context, hasher->pieces[index], hasher->lengths[index]);
        pthread_mutex_lock(&hasher->mutex);
        hasher->hashed++;
        pthread_cond_signal(&hasher->room);
    }

    pthread_mutex_unlock(&hasher->mutex);
    return NULL;
}

/* Signals are for the main thread. */
static void start_thread(struct hasher *hasher)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    hasher->running = pthread_create(&hasher->thread, NULL, run, hasher) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hasher->refused = !hasher->running;
    for (size_t i = 0; hasher->running && i < PIECES; i++)
        hasher->pieces[i] = xmalloc(PIECE);
}

/* Hands the current piece over, and waits until the next one is free. */
static void submit(struct hasher *hasher)
{
    pthread_mutex_lock(&hasher->mutex);
    hasher->lengths[hasher->filled % PIECES] = hasher->current;
    hasher->filled++;
    hasher->current = 0;
    pthread_cond_signal(&hasher->more);
    while (hasher->filled - hasher->hashed >= PIECES)
        pthread_cond_wait(&hasher->room, &hasher->mutex);
    pthread_mutex_unlock(&hasher->mutex);
}

void hasher_add(struct hasher *hasher, const void *bytes, size_t length)
{
    const char *from = bytes;

    if (!hasher->running && !hasher->refused && hasher->alone >= ALONE)
        start_thread(hasher);
    if (!hasher->running) {
        digest_update(&hasher->context, bytes, length);
        hasher->alone += hasher->alone < ALONE ? length : 0;
        return;
    }

    while (length > 0) {
        size_t room = PIECE - hasher->current, part = length < room ? length : room;
        memcpy(hasher->pieces[hasher->filled % PIECES] + hasher->current, from, part);
        hasher->current += part;
        from += part;
        length -= part;
        if (hasher->current == PIECE)
            submit(hasher);
    }
}

void hasher_finish(struct hasher *hasher, struct digest *out)
{
    if (hasher->running && hasher->current > 0)
        submit(hasher);
    end_thread(hasher);
    digest_final(&hasher->context, out);
}
