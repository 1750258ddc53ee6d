#include "output/copy.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLOTS = 8, HALF = SLOTS / 2, SLOT = 128 * 1024 };

/* A ring of buffers. The copying thread fills slot `filled` and passes it on; the hashing thread
 * follows. Waking a thread costs as much as hashing a slot, so each is woken for half a ring. */
struct ring {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t more, room;
    bool running, ended, starved,
        blocked; /* starved: the hashing thread waits; blocked: the copying thread waits */
    size_t filled, hashed; /* counts of slots so far */
    size_t lengths[SLOTS];
    char *bytes;
    struct digest_context context;
};

static void hash_some(struct ring *ring, size_t from, size_t to)
{
    for (; from < to; from++)
        digest_update(&ring->context, ring->bytes + from % SLOTS * SLOT,
                      ring->lengths[from % SLOTS]);
}

static void *hash_slots(void *data)
{
    struct ring *ring = data;
    pthread_mutex_lock(&ring->mutex);
    for (;;) {
        for (ring->starved = true; ring->filled - ring->hashed < HALF && !ring->ended;)
            pthread_cond_wait(&ring->more, &ring->mutex);
        ring->starved = false;
        size_t from = ring->hashed, to = ring->filled - from < HALF ? ring->filled : from + HALF;
        if (from == to)
            break;

        pthread_mutex_unlock(&ring->mutex);
        hash_some(ring, from, to);
        pthread_mutex_lock(&ring->mutex);
        ring->hashed = to;
        if (ring->blocked)
            pthread_cond_signal(&ring->room);
    }

    pthread_mutex_unlock(&ring->mutex);
    return NULL;
}

/* Without a second thread (for a small blob, or when none can be had) the copying
 * thread hashes too. */
static int ring_init(struct ring *ring, uint64_t size, struct error *err)
{
    pthread_mutex_init(&ring->mutex, NULL);
    pthread_cond_init(&ring->more, NULL);
    pthread_cond_init(&ring->room, NULL);
    ring->bytes = xmalloc(SLOTS * SLOT);

    if (digest_init(&ring->context, err) != 0)
        return -1;
    ring->running =
        size > SLOTS * SLOT && pthread_create(&ring->thread, NULL, hash_slots, ring) == 0;
    return 0;
}

/* Waits until everything is hashed. */
static void ring_end(struct ring *ring)
{
    if (!ring->running)
        return;
    pthread_mutex_lock(&ring->mutex);
    ring->ended = true;
    pthread_cond_signal(&ring->more);
    pthread_mutex_unlock(&ring->mutex);
    pthread_join(ring->thread, NULL);
    ring->running = false;
}

static void ring_release(struct ring *ring)
{
    ring_end(ring);
    digest_context_release(&ring->context);
    pthread_cond_destroy(&ring->more);
    pthread_cond_destroy(&ring->room);
    pthread_mutex_destroy(&ring->mutex);
    free(ring->bytes);
}

/* The next buffer to fill. */
static char *ring_next(struct ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    for (ring->blocked = true; ring->filled - ring->hashed == SLOTS;)
        pthread_cond_wait(&ring->room, &ring->mutex);
    ring->blocked = false;
    size_t slot = ring->filled % SLOTS;
    pthread_mutex_unlock(&ring->mutex);
    return ring->bytes + slot * SLOT;
}

static void ring_pass(struct ring *ring, size_t length)
{
    ring->lengths[ring->filled % SLOTS] = length;
    if (!ring->running)
        hash_some(ring, ring->filled, ring->filled + 1);

    pthread_mutex_lock(&ring->mutex);
    ring->filled++;
    ring->hashed += !ring->running;
    if (ring->starved && ring->filled - ring->hashed >= HALF)
        pthread_cond_signal(&ring->more);
    pthread_mutex_unlock(&ring->mutex);
}

static int damaged(const struct store *store, const struct digest *digest, struct error *err)
{
    store_discard(store, digest);
    return error_set(err, ERROR_REGISTRY,
                     "'%s' was damaged on disk and has been removed from the cache; build again",
                     digest->text);
}

/* Reads a whole slot, or less at the end. */
static ssize_t fill(int fd, char *bytes)
{
    size_t done = 0;
    while (done < SLOT) {
        ssize_t got = read(fd, bytes + done, SLOT - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }

    return (ssize_t)done;
}

/* Passes on a blob that was hashed while the compiler ran: the same file, so it needs
 * no second thread. */
static int copy_verified(int fd, const struct digest *digest, uint64_t size, byte_sink sink,
                         void *data, struct error *err)
{
    autofree char *bytes = xmalloc(SLOT);

    for (uint64_t left = size; left > 0;) {
        ssize_t got = fill(fd, bytes);
        if (got <= 0 || (uint64_t)got > left)
            return error_set(err, ERROR_BUILD, "can't read the blob '%s'", digest->text);
        left -= (uint64_t)got;
        if (sink && sink(data, bytes, (size_t)got, err) != 0)
            return -1;
    }
    return 0;
}

int copy_blob(const struct blob_source *from, const struct digest *digest, uint64_t size,
              byte_sink sink, void *data, struct error *err)
{
    const struct store *store = from->store;
    int verified = verify_take(from->verified, digest);
    if (verified >= 0)
        return copy_verified(verified, digest, size, sink, data, err);

    AUTO(ring) ring = {0};
    struct digest actual;
    uint64_t there = 0;
    autoclose int fd = store_open_blob(store, digest, &there, err);
    if (fd < 0 || ring_init(&ring, size, err) != 0)
        return -1;
    if (there != size)
        return damaged(store, digest, err);

    for (uint64_t left = size; left > 0;) {
        char *bytes = ring_next(&ring);
        ssize_t got = fill(fd, bytes);
        if (got < 0)
            return error_errno(err, ERROR_BUILD, "can't read the blob '%s'", digest->text);
        if (got == 0 || (uint64_t)got > left)
            return damaged(store, digest, err);
        left -= (uint64_t)got;
        ring_pass(&ring, (size_t)got);
        /* The hashing thread only reads, so both may use the bytes at once. */
        if (sink && sink(data, bytes, (size_t)got, err) != 0)
            return -1;
    }

    ring_end(&ring);
    digest_final(&ring.context, &actual);
    return digest_equal(&actual, digest) ? 0 : damaged(store, digest, err);
}
