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
 *     blobs/sha256/HEX      layers, configs, manifests: whole and verified, or not there
 *     partial/HEX           a download that was cut, to be resumed
 *     refs/NAME             one JSON object: reference, architecture, manifest digest, time of the
 * look-up lists/HEX             what a layer holds (listing.h) objects/              what the host
 * engine compiled builds/               what the last build of a project read and made (fresh.h)
 *     replaced/             the file that the last output took the place of, until the next build
 * (store_spare) lock                  held, shared, by every process that has the store open
 *
 * Safe for any number of concurrent builds: files appear by rename, a download holds an flock on
 * its partial file. A process killed at any instant leaves nothing that a later one trips over.
 * Errors: ERROR_BUILD for the file system. */
struct store {
    char *root; /* absolute */
    int lock;   /* -1 when the store can't be written: then nobody prunes it either */
};

/* Makes the root when it is missing. Without a home and a cache folder, the store is
 * $TMPDIR/lbuild-UID, and only when that belongs to this user alone. */
int store_open(struct store *store, const char *root /* NULL: the default */,
               struct error *err) must_check;
void store_release(struct store *store);
/* "ROOT/FOLDER/NAME"; the folder is made when it is missing. Caller frees. */
char *store_path(const struct store *store, const char *folder, const char *name,
                 struct error *err);

/* Where a blob lies, or would; caller frees. Whether it is there. */
char *store_blob_path(const struct store *store, const struct digest *digest);
bool store_has(const struct store *store, const struct digest *digest);
/* A small blob (manifest, config) into memory, its digest verified: a file that doesn't match is
 * removed and reported as ERROR_REGISTRY with the remedy to build again. */
int store_read(const struct store *store, const struct digest *digest, size_t max, struct buf *out,
               struct error *err) must_check;
/* Opens a blob for reading; its size goes to *size. The caller verifies while it reads. -1: not
 * there. */
int store_open_blob(const struct store *store, const struct digest *digest, uint64_t *size,
                    struct error *err);
/* A blob that turned out damaged is put away, so that the next build fetches it again. */
void store_discard(const struct store *store, const struct digest *digest);
/* Whether the blob is there with this size, and, if so, notes that it is in use: pruning goes by
 * that. A blob of another size is damaged and is discarded. Costs two system calls. */
bool store_use(const struct store *store, const struct digest *digest, uint64_t size);

/* Writing a blob. With an `expected` digest the partial file is kept when the write is given up,
 * and taken up again by the next one (store_writer.offset bytes are already there and hashed);
 * another process that writes the same blob is waited for, and if it finished, `done` is true and
 * nothing needs to be written. Without one, the digest is what comes out. */
struct store_writer {
    const struct store *store;
    int fd;
    char *path;
    struct digest expected;
    struct digest_context context;
    uint64_t offset; /* bytes written so far */
    bool done, resumable;
    bool lazy; /* set after the open: no fsync. For what can be made again, and whose reader knows
                  the size and the digest */
};
int store_writer_open(struct store_writer *writer, const struct store *store,
                      const struct digest *expected, struct error *err) must_check;
int store_writer_write(struct store_writer *writer, const void *bytes, size_t length,
                       struct error *err) must_check;
/* Starts over at byte 0 (a server that ignored the range). */
int store_writer_restart(struct store_writer *writer, struct error *err) must_check;
/* Checks the digest (a wrong one: ERROR_REGISTRY, and the file is gone) and lets the blob appear.
 */
int store_writer_commit(struct store_writer *writer, struct digest *digest,
                        struct error *err) must_check;
void store_writer_release(struct store_writer *writer);
/* The steps for content in memory. */
int store_put(const struct store *store, const void *bytes, size_t length, struct digest *digest,
              struct error *err) must_check;

/* What a reference resolved to for an architecture. What stands behind a '#' tells states of a file
 * apart, and a reference that begins with '=' is a note of lbuild's own: store_report shows
 * neither. get: 1 found, 0 not, -1 error; a damaged file counts as not found. */
int store_ref_get(const struct store *store, const char *reference, enum arch arch,
                  struct digest *manifest, struct error *err) must_check;
int store_ref_set(const struct store *store, const char *reference, enum arch arch,
                  const struct digest *manifest, struct error *err) must_check;

/* The file that says what a reference resolved to; it need not exist. Its content changes when the
 * answer does, its times whenever it is asked for. Caller frees. */
char *store_ref_path(const struct store *store, const char *reference, enum arch arch);

/* To be called before a file is replaced: gives it a second name under replaced/ where the file
 * systems allow it, so that its blocks aren't freed at once. That takes some disks 20 ms (those
 * that are told of each free block), and the next build has time for it while its compiler works:
 * store_free_replaced. Neither ever fails; at most one file stays. */
void store_spare(const struct store *store, const char *path);
void store_free_replaced(const struct store *store);

/* For `lbuild cache ls`: one JSON object {"root", "blobs": [{digest,size,used}], "refs": [...],
 * "total"}. Caller frees. */
struct js *store_report(const struct store *store, struct error *err) must_check;
/* Removes what was not used for `days` days (0: everything), refs first, never what another process
 * holds: while another lbuild has the store open, whatever was used in the last 24 hours stays, and
 * objects/ and builds/ as a whole. Adds up the bytes freed. With dry_run nothing is touched. */
int store_prune(const struct store *store, unsigned days, bool dry_run, uint64_t *freed,
                struct error *err) must_check;

#endif
