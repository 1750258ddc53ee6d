#ifndef LBUILD_STORE_STORE_H
#define LBUILD_STORE_STORE_H

#include "lambda/arch.h"
#include "support/digest.h"
#include "support/error.h"
#include "support/json.h"

#include <stdbool.h>
#include <stdint.h>

/* The content-addressed cache under $XDG_CACHE_HOME/lbuild (~/.cache/lbuild; without either, a
 * folder under $TMPDIR).
 *
 *     blobs/sha256/HEX   layers, configs, manifests: whole and verified, or not there
 *     partial/HEX        a download that was cut off, to be resumed
 *     refs/NAME          one JSON object: reference, architecture, manifest digest, time of look-up
 *     lists/HEX          what a layer holds (listing.h)
 *     objects/           what the host engine compiled
 *     builds/            what the last build of a project read and made (fresh.h)
 *     replaced/          the file that the last output replaced, until the next build (store_spare)
 *     lock               held, shared, by every process that has the store open
 *
 * Safe for any number of concurrent builds: files appear by rename, and a download holds an flock
 * on its partial file. A process killed at any instant leaves nothing that breaks a later one.
 * Errors: ERROR_BUILD for the file system. */
struct store {
    char *root; /* absolute */
    int lock;   /* -1 when the store can't be written, and so not pruned either */
};

/* Makes the root if it is missing. Without a home and a cache folder the store is
 * $TMPDIR/lbuild-UID, provided that belongs to this user alone. */
int store_open(struct store *store, const char *root /* NULL: the default */,
               struct error *err) must_check;
void store_release(struct store *store);
/* "ROOT/FOLDER/NAME"; makes the folder if it is missing. Caller frees. */
char *store_path(const struct store *store, const char *folder, const char *name,
                 struct error *err);

/* The path of a blob, present or not; caller frees. */
char *store_blob_path(const struct store *store, const struct digest *digest);
/* Whether the blob is there. */
bool store_has(const struct store *store, const struct digest *digest);
/* Reads a small blob (manifest, config) into memory and verifies its digest. A file that doesn't
 * match is removed and reported as ERROR_REGISTRY, with the advice to build again. */
int store_read(const struct store *store, const struct digest *digest, size_t max, struct buf *out,
               struct error *err) must_check;
/* Opens a blob for reading and sets *size. The caller verifies it while reading. -1: not there. */
int store_open_blob(const struct store *store, const struct digest *digest, uint64_t *size,
                    struct error *err);
/* Removes a damaged blob, so that the next build fetches it again. */
void store_discard(const struct store *store, const struct digest *digest);
/* Whether the blob is there with this size. If so, notes the use, which pruning goes by. A blob of
 * another size is damaged and is discarded. Costs two system calls. */
bool store_use(const struct store *store, const struct digest *digest, uint64_t size);

/* Writing a blob. With an `expected` digest, an unfinished partial file is kept and continued by
 * the next writer: `offset` bytes are then already there and hashed. Opening waits for another
 * process that writes the same blob; if that one finished it, `done` is true and nothing needs to
 * be written. Without an expected digest, commit reports the digest of the content. */
struct store_writer {
    const struct store *store;
    int fd;
    char *path;
    struct digest expected;
    struct digest_context context;
    uint64_t offset; /* bytes written so far */
    bool done, resumable;
    bool lazy; /* set after the open: no fsync. For blobs that can be made again and whose reader
                  knows size and digest */
};
int store_writer_open(struct store_writer *writer, const struct store *store,
                      const struct digest *expected, struct error *err) must_check;
int store_writer_write(struct store_writer *writer, const void *bytes, size_t length,
                       struct error *err) must_check;
/* Starts over at byte 0, e.g. when a server ignored the requested range. */
int store_writer_restart(struct store_writer *writer, struct error *err) must_check;
/* Checks the digest and lets the blob appear. A wrong digest is ERROR_REGISTRY and
 * removes the file. */
int store_writer_commit(struct store_writer *writer, struct digest *digest,
                        struct error *err) must_check;
void store_writer_release(struct store_writer *writer);
/* All steps, for content in memory. */
int store_put(const struct store *store, const void *bytes, size_t length, struct digest *digest,
              struct error *err) must_check;

/* The manifest that a reference resolved to for an architecture. In a reference, the text
 * after a '#' tells states of a file apart, and a leading '=' marks an internal note of
 * lbuild: store_report shows neither. get: 1 found, 0 not found, -1 error; a damaged file
 * counts as not found. */
int store_ref_get(const struct store *store, const char *reference, enum arch arch,
                  struct digest *manifest, struct error *err) must_check;
int store_ref_set(const struct store *store, const char *reference, enum arch arch,
                  const struct digest *manifest, struct error *err) must_check;

/* The file that holds this answer; it need not exist. Its content changes when the answer does, its
 * times whenever somebody asks. Caller frees. */
char *store_ref_path(const struct store *store, const char *reference, enum arch arch);

/* Call it before a file is replaced. It gives the file a second name under replaced/ where the file
 * systems allow that, so that its blocks aren't freed at once. Freeing takes about 20 ms on disks
 * mounted with discard, and the next build has time for it while its compiler works:
 * store_free_replaced. Neither ever fails; at most one file stays. */
void store_spare(const struct store *store, const char *path);
void store_free_replaced(const struct store *store);

/* For `lbuild cache ls`: one JSON object {"root", "blobs": [{digest,size,used}], "refs": [...],
 * "total"}. Caller frees. */
struct js *store_report(const struct store *store, struct error *err) must_check;
/* Removes files not used for `days` days (0: everything), refs first, and never files that
 * another process holds: while another lbuild has the store open, everything used in the last 24
 * hours stays, and all of objects/ and builds/. Adds the freed bytes to *freed. With dry_run
 * nothing is touched. */
int store_prune(const struct store *store, unsigned days, bool dry_run, uint64_t *freed,
                struct error *err) must_check;

#endif
