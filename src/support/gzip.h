#ifndef LBUILD_SUPPORT_GZIP_H
#define LBUILD_SUPPORT_GZIP_H

#include "support/error.h"
#include "support/own.h"
#include "support/tar.h"

enum gzip_level { GZIP_DEFAULT, GZIP_FAST, GZIP_BEST, GZIP_LEVELS };
/* Reads the name of a level: "default", "fast" or "best". False for any other. */
bool gzip_level_parse(const char *name, enum gzip_level *level);

/* Compresses into exactly one gzip member (some readers stop after the first), whatever the size:
 * pieces of 512 KiB, made by libdeflate and joined inside the member; bytes that can't get smaller
 * (noise.h) are stored. Header: no name, mtime 0, OS 255. For one version of libdeflate, the bytes
 * depend on the input and the level alone, whatever the number of threads. There are at most 8
 * threads, the caller's included, which alone calls the sink; 0 threads: one for each usable core.
 * Each takes about 2 MiB of memory (GZIP_BEST: 9), and all share 1 more; small inputs take less. */
struct gzip_writer;
struct gzip_writer *gzip_writer_open(byte_sink sink, void *data, enum gzip_level level,
                                     unsigned threads, struct error *err) must_check;
void gzip_writer_free(struct gzip_writer *writer);
DEFINE_AUTOPTR(gzip_writer)
int gzip_writer_write(struct gzip_writer *writer, const void *bytes, size_t length,
                      struct error *err) must_check;
int gzip_writer_finish(struct gzip_writer *writer, struct error *err) must_check;
/* Names everything besides the input that the compressed bytes depend on:
 * "libdeflate-1.14-2-524288-32768". For cache keys. */
const char *gzip_writer_version(enum gzip_level level);

/* Decompresses one or several members and passes the plain bytes on. With `plain_allowed`, a stream
 * that is not gzip is passed on unchanged. Errors: ERROR_REGISTRY. */
struct gunzip;
struct gunzip *gunzip_open(byte_sink sink, void *data, bool plain_allowed,
                           struct error *err) must_check;
void gunzip_free(struct gunzip *gunzip);
DEFINE_AUTOPTR(gunzip)
int gunzip_feed(struct gunzip *gunzip, const void *bytes, size_t length,
                struct error *err) must_check;
/* Fails when the stream ended in the middle of a member. */
int gunzip_finish(struct gunzip *gunzip, struct error *err) must_check;
/* The number of members begun so far; 0 for a stream that is not gzip. */
uint64_t gunzip_members(const struct gunzip *gunzip);

#endif
