#ifndef LBUILD_BASE_BASE_H
#define LBUILD_BASE_BASE_H

#include "lambda/arch.h"
#include "store/store.h"
#include "support/error.h"
#include "support/json.h"
#include "support/strv.h"

/* Base images. The other files of base/ are their sources; each source makes a struct base. */

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER };

struct base_request {
    const char *reference; /* "scratch", a registry reference, "oci:DIR[:TAG]",
                              "oci-archive:FILE[:TAG]", "docker-archive:FILE" */
    const char *dir;       /* paths in the reference are relative to this folder */
    enum arch arch;
    enum pull_policy pull;      /* PULL_NEVER for --offline */
    const struct strv *mirrors; /* "HOST=URL": the server to ask instead of HOST; names stay */
    const char *ca_file;        /* extra CA certificates (PEM), or NULL */
};

struct base_layer {
    struct digest digest, diff_id;
    uint64_t size; /* of the blob */
};

/* A base image in the store: every blob is present, verified and listed. scratch has no layers and
 * a NULL config. */
struct base {
    char *reference; /* as requested */
    char *name;      /* fully qualified "host/repository:tag"; NULL for a file and for scratch */
    struct digest manifest; /* of the platform's manifest, as the source served it;
                               empty for scratch */
    struct js *config;      /* the image's config as it came: unknown keys are carried over */
    struct base_layer *layers;
    size_t layer_count;
    bool scratch;
    char *answer; /* path of the store's file that says which manifest the reference means
                     (store_ref_path); NULL for scratch */
};

/* A source copies one platform's manifest and all of its blobs into the store. Each has a
 * line in base/list.h. */
struct base_source {
    const char *prefix; /* of references to a file or folder on this machine; NULL: the source
                           accepts every reference that no other source accepts */

    /* *key: base_load remembers the manifest under it (store_ref_set). It is the full name, or
     * a file's path with what stat says of the file. *name: as in struct base, or left NULL.
     * Uses no network. */
    int (*identify)(const struct base_request *request, char **key, char **name, struct error *err);

    /* *name: as in struct base, or left NULL. Errors: ERROR_REGISTRY is final, ERROR_RETRY is worth
     * another try, ERROR_LOCKED: PULL_NEVER, but something is not in the store. Called only when
     * the store doesn't know the key or lacks a blob, and for PULL_ALWAYS. base_load remembers the
     * result, and verifies and lists the layers. */
    int (*fetch)(const struct base_request *request, const struct store *store,
                 struct digest *manifest, char **name, struct error *err);
};

/* Whether a reference names a file or folder on this machine, by its prefix alone: the
 * file need not exist. */
bool base_is_file(const char *reference);

/* Fetches missing blobs and reads the image. Accepts OCI and Docker types, a missing, null or short
 * history, gzip of several members. Refuses another architecture or OS than requested, foreign
 * layers, more than 127 layers, a manifest or config over 4 MiB. */
int base_load(const struct base_request *request, const struct store *store, struct base *base,
              struct error *err) must_check;
/* As base_load, but only from the store, without network: 1 and *base, 0 when the image isn't
 * there, -1 on an error. */
int base_peek(const struct base_request *request, const struct store *store, struct base *base,
              struct error *err) must_check;
void base_release(struct base *base);

/* The base's history, repaired so that it has one non-empty entry for each layer, as BuildKit does:
 * surplus entries are marked as empty, missing ones are added. Those get the time `created` (RFC
 * 3339), since umoci fails on an entry without one. Caller frees. */
struct js *base_history(const struct base *base, const char *created);

#endif
