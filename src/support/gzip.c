#include "support/gzip.h"

#include "support/deflate.h"
#include "support/noise.h"

#include <libdeflate.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define DEFAULT_LEVEL 2 /* its output is 1 % larger than that of level 4, in 0.87 of the time */
#define FAST_LEVEL 1
#define BEST_LEVEL 10
#define PIECE 524288
#define CHUNK 65536
#define TEXT_OF(value) #value
#define TEXT(macro) TEXT_OF(macro)
#define VERSION(level)                                                                             \
    "libdeflate-" LIBDEFLATE_VERSION_STRING "-" TEXT(level) "-" TEXT(PIECE) "-" TEXT(NOISE_RUN)

enum {
    THREADS_MAX = 8,
    STORED_HEAD = 5,
    STORED_MAX = 65535,
    PARTS_MAX = 2 * PIECE / NOISE_RUN + 1,
    PART_EXTRA = 32, /* bytes of a part beyond its share of a piece's bound: a block's head, the
                        joint, rounding */
};

static const struct level {
    const char *name, *version;
    int number; /* libdeflate's */
} levels[GZIP_LEVELS] = {
    [GZIP_DEFAULT] = {"default", VERSION(DEFAULT_LEVEL), DEFAULT_LEVEL},
    [GZIP_FAST] = {"fast", VERSION(FAST_LEVEL), FAST_LEVEL},
    [GZIP_BEST] = {"best", VERSION(BEST_LEVEL), BEST_LEVEL},
};

enum state { STATE_EMPTY, STATE_READY, STATE_BUSY, STATE_DONE };

/* A part of the plain bytes and its compressed form. All but the last end at a byte boundary, so
 * any thread may compress any piece. */
struct piece {
    enum state state;
    bool last;
    unsigned char *plain, *packed;
    size_t used, length, room; /* bytes of plain, bytes of packed, and the capacity of packed */
    struct error err;          /* has a kind when compressing failed */
};

/* A ring of pieces: `filled` is the next to fill and `passed` the next to hand on, both
 * counted from the start. The writing thread compresses too while it waits, so it can do
 * without any other thread. */
struct gzip_writer {
    byte_sink sink;
    void *data;
    int level;
    struct libdeflate_compressor *compressor; /* the writing thread's */
    uint32_t crc, size;                       /* both modulo 2^32, for the trailer (RFC 1952) */
    struct piece *pieces;
    size_t count, filled, passed;
    pthread_mutex_t mutex; /* guards the pieces' states, filled and passed, and stop */
    pthread_cond_t ready, done;
    pthread_t threads[THREADS_MAX];
    unsigned running, most; /* numbers of threads besides the writing one */
    bool stop;
};

/* Lets other streams follow a finished one: clears the flag of its last block, and appends an empty
 * stored block (three zero bits, filled up to a byte, then 00 00 ff ff; RFC 1951 3.2.4), which ends
 * at a byte boundary. */
static int make_joint(unsigned char *packed, size_t *length, struct error *err)
{
    size_t start = 0, end = 0;
    if (!deflate_last_block(packed, *length, &start, &end))
        return error_set(err, ERROR_INTERNAL, "libdeflate made a stream that can't be read");
    packed[start / 8] &= (unsigned char)~(1u << (start % 8));
    if (end % 8 == 0 || end % 8 > 5)
        packed[(*length)++] = 0;
    memcpy(packed + *length, "\0\0\xff\xff", 4);
    *length += 4;
    return 0;
}

const char *gzip_writer_version(enum gzip_level level)
{
    return levels[level].version;
}

bool gzip_level_parse(const char *name, enum gzip_level *level)
{
    for (size_t i = 0; i < GZIP_LEVELS; i++) {
        if (strcmp(levels[i].name, name) != 0)
            continue;
        *level = (enum gzip_level)i;
        return true;
    }
    return false;
}

/* Appends stored blocks, which start and end at byte boundaries (RFC 1951 3.2.4). */
static void store_part(struct piece *piece, const unsigned char *bytes, size_t length, bool last)
{
    for (size_t part; length > 0; bytes += part, length -= part) {
        part = length < STORED_MAX ? length : STORED_MAX;
        unsigned char *to = piece->packed + piece->length;

        to[0] = last && part == length;
        to[1] = (unsigned char)part;
        to[2] = (unsigned char)(part >> 8);
        to[3] = (unsigned char)~to[1];
        to[4] = (unsigned char)~to[2];
        memcpy(to + STORED_HEAD, bytes, part);
        piece->length += STORED_HEAD + part;
    }
}

static int deflate_part(struct piece *piece, const unsigned char *bytes, size_t length, bool last,
                        struct libdeflate_compressor *compressor)
{
    unsigned char *to = piece->packed + piece->length;
    size_t made =
        libdeflate_deflate_compress(compressor, bytes, length, to, piece->room - piece->length);
    if (made == 0)
        return error_set(&piece->err, ERROR_INTERNAL, "libdeflate needs more room than it said");
    if (!last && make_joint(to, &made, &piece->err) != 0)
        return -1;
    piece->length += made;
    return 0;
}

/* Compresses a piece. Memory is allocated for threads and pieces at their first use. */
static int pack(struct piece *piece, int level, struct libdeflate_compressor **compressor)
{
    if (!*compressor && !(*compressor = libdeflate_alloc_compressor(level)))
        return error_set(&piece->err, ERROR_INTERNAL, "libdeflate gives no compressor of level %d",
                         level);

    if (!piece->packed) {
        piece->room =
            libdeflate_deflate_compress_bound(*compressor, PIECE) + PARTS_MAX * PART_EXTRA;
        piece->packed = xcalloc(1, piece->room + DEFLATE_SLACK);
    }

    size_t at = 0;
    piece->length = 0;
    do {
        const unsigned char *bytes = piece->plain + at;
        size_t plain = 0, noise = noise_find(bytes, piece->used - at, &plain);
        at += plain + noise;
        bool last = piece->last && at == piece->used;
        if ((plain > 0 || noise == 0) &&
            deflate_part(piece, bytes, plain, last && noise == 0, *compressor) != 0)
            return -1;
        store_part(piece, bytes + plain, noise, last);
    } while (at < piece->used);
    return 0;
}

/* Takes the oldest piece that waits for a thread, or NULL. Call it with the mutex held. */
static struct piece *claim(struct gzip_writer *writer)
{
    for (size_t i = writer->passed; i < writer->filled; i++) {
        struct piece *piece = &writer->pieces[i % writer->count];
        if (piece->state != STATE_READY)
            continue;
        piece->state = STATE_BUSY;
        return piece;
    }
    return NULL;
}

/* Releases the mutex meanwhile. Failures are noted in the piece. */
static void work_on(struct gzip_writer *writer, struct piece *piece,
                    struct libdeflate_compressor **compressor)
{
    pthread_mutex_unlock(&writer->mutex);
    if (pack(piece, writer->level, compressor) != 0)
        piece->length = 0;
    pthread_mutex_lock(&writer->mutex);
    piece->state = STATE_DONE;
    pthread_cond_signal(&writer->done);
}

static void *help(void *data)
{
    struct gzip_writer *writer = data;
    struct libdeflate_compressor *compressor = NULL;
    pthread_mutex_lock(&writer->mutex);

    while (!writer->stop) {
        struct piece *piece = claim(writer);
        if (piece)
            work_on(writer, piece, &compressor);
        else
            pthread_cond_wait(&writer->ready, &writer->mutex);
    }

    pthread_mutex_unlock(&writer->mutex);
    libdeflate_free_compressor(compressor);
    return NULL;
}

/* Starts one more thread, if there may be one; the writer does without when that fails. Signals are
 * for the main thread. */
static void add_thread(struct gzip_writer *writer)
{
    sigset_t all, before;
    if (writer->running == writer->most)
        return;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&writer->threads[writer->running], NULL, help, writer) == 0)
        writer->running++;
    else
        writer->most = writer->running;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static unsigned usable_cores(void)
{
    cpu_set_t cores;
    int count = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return count > THREADS_MAX ? THREADS_MAX : (unsigned)count;
}

struct gzip_writer *gzip_writer_open(byte_sink sink, void *data, enum gzip_level level,
                                     unsigned threads, struct error *err)
{
    static const unsigned char header[10] = {0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 0, 255};
    AUTOPTR(gzip_writer) writer = xcalloc(1, sizeof *writer);

    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->ready, NULL);
    pthread_cond_init(&writer->done, NULL);
    writer->sink = sink;
    writer->data = data;
    writer->level = levels[level].number;

    threads = threads == 0 ? usable_cores() : threads > THREADS_MAX ? THREADS_MAX : threads;
    writer->most = threads - 1;
    writer->count = threads + 1;
    writer->pieces = xcalloc(writer->count, sizeof *writer->pieces);

    return sink(data, header, sizeof header, err) == 0 ? take(writer) : NULL;
}

void gzip_writer_free(struct gzip_writer *writer)
{
    if (!writer)
        return;

    pthread_mutex_lock(&writer->mutex);
    writer->stop = true;
    pthread_cond_broadcast(&writer->ready);
    pthread_mutex_unlock(&writer->mutex);
    for (unsigned i = 0; i < writer->running; i++)
        pthread_join(writer->threads[i], NULL);

    for (size_t i = 0; i < writer->count; i++) {
        free(writer->pieces[i].plain);
        free(writer->pieces[i].packed);
    }
    libdeflate_free_compressor(writer->compressor);
    pthread_cond_destroy(&writer->done);
    pthread_cond_destroy(&writer->ready);
    pthread_mutex_destroy(&writer->mutex);
    free(writer->pieces);
    free(writer);
}

/* Passes the oldest piece on. Until that is done, this thread compresses pieces that no other
 * thread has. */
static int pass_one(struct gzip_writer *writer, struct error *err)
{
    struct piece *oldest = &writer->pieces[writer->passed % writer->count];
    pthread_mutex_lock(&writer->mutex);
    while (oldest->state != STATE_DONE) {
        struct piece *piece = claim(writer);
        if (piece)
            work_on(writer, piece, &writer->compressor);
        else
            pthread_cond_wait(&writer->done, &writer->mutex);
    }
    pthread_mutex_unlock(&writer->mutex);

    if (oldest->length == 0)
        return error_set(err, oldest->err.kind, "%s", oldest->err.text);
    if (writer->sink(writer->data, oldest->packed, oldest->length, err) != 0)
        return -1;

    pthread_mutex_lock(&writer->mutex);
    oldest->state = STATE_EMPTY;
    oldest->used = 0;
    writer->passed++;
    pthread_mutex_unlock(&writer->mutex);
    return 0;
}

/* The piece to fill; its place in the ring is free. */
static struct piece *current(struct gzip_writer *writer)
{
    struct piece *piece = &writer->pieces[writer->filled % writer->count];
    if (!piece->plain)
        piece->plain = xmalloc(PIECE);
    return piece;
}

static void submit(struct gzip_writer *writer, bool last)
{
    struct piece *piece = current(writer);
    if (!last)
        add_thread(writer);
    pthread_mutex_lock(&writer->mutex);
    piece->last = last;
    piece->state = STATE_READY;
    writer->filled++;
    pthread_cond_signal(&writer->ready);
    pthread_mutex_unlock(&writer->mutex);
}

int gzip_writer_write(struct gzip_writer *writer, const void *bytes, size_t length,
                      struct error *err)
{
    const unsigned char *from = bytes;
    writer->crc = libdeflate_crc32(writer->crc, from, length);
    writer->size += (uint32_t)length;

    while (length > 0) {
        /* A full piece is submitted when the next byte comes, since the last piece is submitted in
         * another way. */
        if (current(writer)->used == PIECE)
            submit(writer, false);
        if (writer->filled - writer->passed == writer->count && pass_one(writer, err) != 0)
            return -1;

        struct piece *piece = current(writer);
        size_t room = PIECE - piece->used, part = length < room ? length : room;
        memcpy(piece->plain + piece->used, from, part);
        piece->used += part;
        from += part;
        length -= part;
    }
    return 0;
}

int gzip_writer_finish(struct gzip_writer *writer, struct error *err)
{
    unsigned char trailer[8];
    submit(writer, true);
    while (writer->passed < writer->filled)
        if (pass_one(writer, err) != 0)
            return -1;

    for (unsigned i = 0; i < 4; i++) {
        trailer[i] = (unsigned char)(writer->crc >> (8 * i));
        trailer[4 + i] = (unsigned char)(writer->size >> (8 * i));
    }
    return writer->sink(writer->data, trailer, sizeof trailer, err);
}

struct gunzip {
    byte_sink sink;
    void *data;
    bool plain_allowed, plain, begun, in_member;
    unsigned char magic[2]; /* the first two bytes, until both are there */
    size_t magic_length;
    uint64_t members;
    z_stream stream;
    unsigned char *chunk;
};

struct gunzip *gunzip_open(byte_sink sink, void *data, bool plain_allowed, struct error *err)
{
    AUTOPTR(gunzip) gunzip = xcalloc(1, sizeof *gunzip);
    gunzip->sink = sink;
    gunzip->data = data;
    gunzip->plain_allowed = plain_allowed;
    gunzip->chunk = xmalloc(CHUNK);

    if (inflateInit2(&gunzip->stream, MAX_WBITS + 16) != Z_OK) {
        error_set(err, ERROR_INTERNAL, "zlib can't start: %s",
                  gunzip->stream.msg ? gunzip->stream.msg : "no reason given");
        return NULL;
    }
    return take(gunzip);
}

void gunzip_free(struct gunzip *gunzip)
{
    if (!gunzip)
        return;
    inflateEnd(&gunzip->stream);
    free(gunzip->chunk);
    free(gunzip);
}

/* Members may follow each other. Bytes after a member must be another one (Go's reader
 * wants that too). */
static int feed_members(struct gunzip *gunzip, const unsigned char *bytes, size_t length,
                        struct error *err)
{
    z_stream *stream = &gunzip->stream;
    stream->next_in = (unsigned char *)(uintptr_t)bytes;
    stream->avail_in = (uInt)length;

    do {
        if (stream->avail_in > 0 && !gunzip->in_member) {
            inflateReset(stream);
            gunzip->in_member = true;
            gunzip->members++;
        }

        stream->next_out = gunzip->chunk;
        stream->avail_out = CHUNK;
        int status = gunzip->in_member ? inflate(stream, Z_NO_FLUSH) : Z_BUF_ERROR;
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return error_set(err, ERROR_REGISTRY, "damaged gzip data: %s",
                             stream->msg ? stream->msg : "zlib refuses it");
        if (status == Z_STREAM_END)
            gunzip->in_member = false;

        size_t made = CHUNK - stream->avail_out;
        if (made > 0 && gunzip->sink(gunzip->data, gunzip->chunk, made, err) != 0)
            return -1;
    } while (stream->avail_in > 0 || stream->avail_out == 0);
    return 0;
}

static int feed(struct gunzip *gunzip, const void *bytes, size_t length, struct error *err)
{
    const unsigned char *from = bytes;
    if (gunzip->plain)
        return gunzip->sink(gunzip->data, bytes, length, err);

    /* zlib counts in unsigned int. */
    for (size_t part = 0; length > 0; from += part, length -= part) {
        part = length < (1u << 30) ? length : 1u << 30;
        if (feed_members(gunzip, from, part, err) != 0)
            return -1;
    }
    return 0;
}

static int begin(struct gunzip *gunzip, struct error *err)
{
    static const unsigned char magic[2] = {0x1f, 0x8b};
    gunzip->begun = true;
    gunzip->plain = gunzip->magic_length < 2 || memcmp(gunzip->magic, magic, 2) != 0;
    if (gunzip->plain && !gunzip->plain_allowed)
        return error_set(err, ERROR_REGISTRY, "not gzip data");
    return gunzip->magic_length > 0 ? feed(gunzip, gunzip->magic, gunzip->magic_length, err) : 0;
}

int gunzip_feed(struct gunzip *gunzip, const void *bytes, size_t length, struct error *err)
{
    const unsigned char *from = bytes;
    for (; !gunzip->begun && length > 0; from++, length--) {
        gunzip->magic[gunzip->magic_length++] = *from;
        if (gunzip->magic_length == 2 && begin(gunzip, err) != 0)
            return -1;
    }
    return length > 0 ? feed(gunzip, from, length, err) : 0;
}

int gunzip_finish(struct gunzip *gunzip, struct error *err)
{
    if (!gunzip->begun && begin(gunzip, err) != 0)
        return -1;
    if (gunzip->in_member)
        return error_set(err, ERROR_REGISTRY, "the gzip data is cut off");
    return 0;
}

uint64_t gunzip_members(const struct gunzip *gunzip)
{
    return gunzip->members;
}
