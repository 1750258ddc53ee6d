#ifndef LBUILD_BASE_BASE_H
#define LBUILD_BASE_BASE_H

#include "lambda/arch.h"
#include "store/store.h"
#include "support/error.h"
#include "support/json.h"
#include "support/strv.h"

/* Base images: where they come from is a folder of choices (base/), what they are is one struct. */

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER };

struct base_request {
    const char *reference; /* "scratch", a registry reference, "oci:DIR[:TAG]",
                              "oci-archive:FILE[:TAG]", "docker-archive:FILE" */
    const char *dir;       /* paths in the reference are relative to this folder */
    enum arch arch;
    enum pull_policy pull;      /* PULL_NEVER is what --offline means */
    const struct strv *mirrors; /* "HOST=URL": where to go instead of HOST; the names stay */
    const char *ca_file;        /* extra CA certificates (PEM), or NULL */
};

struct base_layer {
    struct digest digest, diff_id;
    uint64_t size; /* of the blob */
};

/* A base image as it lies in the store: every blob present, verified and listed. scratch has no
 * layers and a NULL config. */
struct base {
    char *reference; /* as asked for */
    char *name;      /* fully qualified "host/repository:tag"; NULL when it came from a file or is
                        scratch */
    struct digest
        manifest;      /* of the platform manifest as the source served it; empty for scratch */
    struct js *config; /* the image config as it came: unknown keys are carried over */
    struct base_layer *layers;
    size_t layer_count;
    bool scratch;
    char *answer; /* path of the file whose content says what the reference means (store_ref_path);
                     NULL for scratch */
};

/* A source, one line each in base/list.h, puts all blobs of one platform manifest into the store
 * and says its digest (the manifest is a blob too). */
struct base_source {
    const char *prefix; /* of references to a file or folder of this machine; NULL: not files, and
                           the source takes every reference that no other source takes */
    /* *key: what base_load remembers the manifest under (store_ref_set): the full name, or a file's
     * path with what tells that it changed. *name: as in struct base, or left NULL. No network. */
    int (*identify)(const struct base_request *request, char **key, char **name, struct error *err);
    /* *name: as in struct base, or left NULL. Errors: ERROR_REGISTRY final, ERROR_RETRY worth
     * another try, ERROR_LOCKED when PULL_NEVER meets something absent. Called only when the store
     * doesn't know the key or lacks a blob, or for PULL_ALWAYS; base_load itself remembers the
     * result, and verifies and lists the layers. */
    int (*fetch)(const struct base_request *request, const struct store *store,
                 struct digest *manifest, char **name, struct error *err);
};

/* Whether a reference names a file or folder of this machine, by its prefix alone: the file need
 * not exist. */
bool base_is_file(const char *reference);

/* Fetches what is missing and reads the result. Accepts OCI and Docker types, a missing, null or
 * short history, gzip of several members; refuses another architecture or OS than asked for,
 * foreign layers, more layers than 127, a manifest or config over 4 MiB. */
int base_load(const struct base_request *request, const struct store *store, struct base *base,
              struct error *err) must_check;
/* Only what the store knows already, no network: 1 and *base, 0 when it isn't there, -1 on an
 * error. */
int base_peek(const struct base_request *request, const struct store *store, struct base *base,
              struct error *err) must_check;
void base_release(struct base *base);

/* The base's history with as many entries that stand for a layer as it has layers: what is too much
 * is marked as empty, what is missing is added (BuildKit repairs it the same way), with a time (RFC
 * 3339), since umoci fails on an entry without. Caller frees. */
struct js *base_history(const struct base *base, const char *created);

#endif
