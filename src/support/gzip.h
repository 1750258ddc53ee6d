#ifndef LBUILD_SUPPORT_GZIP_H
#define LBUILD_SUPPORT_GZIP_H

#include "support/error.h"
#include "support/own.h"
#include "support/tar.h"

/* gzip, as layers need it. */

enum gzip_level { GZIP_DEFAULT, GZIP_FAST, GZIP_BEST, GZIP_LEVELS };
/* False: no level of that name ("default", "fast", "best"). */
bool gzip_level_parse(const char *name, enum gzip_level *level);

/* Compresses into exactly one gzip member (some readers stop after the first), whatever the size:
 * pieces of 512 KiB by libdeflate, joined inside the member; what can't get smaller (noise.h) is
 * stored. Header: no name, mtime 0, OS 255. The bytes depend on the input and the level alone, for
 * one version of libdeflate, whatever the number of threads. Of these at most 8, the caller's
 * included, which is the only one that calls the sink; 0: as many as there are cores to run on.
 * About 2 MiB of memory for each (GZIP_BEST: 9), and 1 more; less for what is small. */
struct gzip_writer;
struct gzip_writer *gzip_writer_open(byte_sink sink, void *data, enum gzip_level level,
                                     unsigned threads, struct error *err) must_check;
void gzip_writer_free(struct gzip_writer *writer);
DEFINE_AUTOPTR(gzip_writer)
int gzip_writer_write(struct gzip_writer *writer, const void *bytes, size_t length,
                      struct error *err) must_check;
int gzip_writer_finish(struct gzip_writer *writer, struct error *err) must_check;
/* Names whatever the compressed bytes depend on besides the input: "libdeflate-1.14-2-524288". For
 * keys of caches. */
const char *gzip_writer_version(enum gzip_level level);

/* Decompresses what is fed to it, one or several members, and passes the plain bytes on. A stream
 * that is not gzip is passed on as it is when `plain_allowed`. Errors: ERROR_REGISTRY. */
struct gunzip;
struct gunzip *gunzip_open(byte_sink sink, void *data, bool plain_allowed,
                           struct error *err) must_check;
void gunzip_free(struct gunzip *gunzip);
DEFINE_AUTOPTR(gunzip)
int gunzip_feed(struct gunzip *gunzip, const void *bytes, size_t length,
                struct error *err) must_check;
/* Fails when the stream ended in the middle of a member. */
int gunzip_finish(struct gunzip *gunzip, struct error *err) must_check;
/* Members begun so far; 0 for a stream that is not gzip. */
uint64_t gunzip_members(const struct gunzip *gunzip);

#endif
