#ifndef LBUILD_IMAGE_IMAGEFILE_H
#define LBUILD_IMAGE_IMAGEFILE_H

#include "lambda/arch.h"
#include "layer/listing.h"
#include "registry/manifest.h"
#include "store/store.h"
#include "support/digest.h"
#include "support/error.h"
#include "support/json.h"
#include "support/strv.h"

/* A finished image, read back from a file, a folder or a registry: an OCI image layout (a folder or
 * a tar archive), an archive of `docker save`, or an image reference. All its parts are read,
 * hashed and listed on the way. Faults are noted in the struct as far as possible, so that all of
 * them can be reported at once. */
struct imagefile_layer {
    struct digest digest;  /* from the manifest, empty when it has no valid one; in a docker archive
                              the bytes' own */
    struct digest diff_id; /* from the config; empty: none */
    uint64_t size;         /* from the manifest; in a docker archive the bytes' own */
    char *media_type;      /* "" when the format has none */
    char *missing;         /* why the bytes are missing, or NULL */
    struct listing_scan scan; /* facts about the bytes */
};

struct imagefile {
    const char *format;     /* "oci", "oci-layout", "docker" or "registry" */
    char *path;             /* as it was named */
    struct strv names;      /* full references; may be empty */
    struct digest manifest; /* empty for "docker" */
    struct digest config_digest;
    char *manifest_type, *config_type; /* media types as stated, "" when not stated */
    char *platform;      /* "linux/arm64", from the descriptor in an index; NULL: not stated */
    bool index;          /* the name leads to an index, which names the image */
    size_t images;       /* images with the same name, this one included */
    size_t attestations; /* attestations next to the image */
    bool two_faces;      /* index.json and manifest.json describe different images */
    struct strv
        damage; /* what is wrong with sizes and digests of the manifest and config: "WHAT: TEXT" */
    struct strv misfits; /* where a document and its descriptor contradict each other */
    struct js *document; /* the manifest; NULL for "docker" */
    struct js *config;
    char *config_trouble; /* why there is no config, or NULL */
    enum arch arch;
    bool arch_known; /* false: the config says neither amd64 nor arm64 */
    struct imagefile_layer *layers;
    size_t layer_count;
    size_t diff_id_count; /* named by the config */
};

struct imagefile_choice {
    const char *tag;            /* which of several images; NULL: the only one */
    const char *arch;           /* as for arch_parse; NULL: this machine's, else the other one */
    const struct strv *mirrors; /* for registries: "HOST=URL", or NULL */
    const char *ca_file;        /* or NULL */
    bool offline;               /* no registry is asked */
    bool without_config;        /* an image whose config can't be read is loaded nevertheless */
    bool files_only;            /* the name is always a file or folder, whatever it looks like */
};

/* `path`: a file or folder, also after "oci-archive:", "oci:" or "docker-archive:" (and then with
 * ":TAG"), or an image reference. A name of no existing file is a reference when it has a tag, a
 * digest or a host, and doesn't end like an archive. The lists of the layers are kept in the store.
 * Errors: ERROR_REGISTRY when there is no such file, or it isn't an image; ERROR_USAGE for a choice
 * that makes no sense; and the errors of a registry. */
int imagefile_load(const char *path, const struct imagefile_choice *choice,
                   const struct store *store, struct imagefile *image,
                   struct error *err) must_check;
void imagefile_release(struct imagefile *image);
/* ERROR_REGISTRY with the first fault in sizes, digests and contents. */
int imagefile_verified(const struct imagefile *image, struct error *err) must_check;

/* Takes ownership of the config, and sets arch and diff_ids from it. For imagefile_load, and for
 * callers that build a struct imagefile themselves. */
void imagefile_take_config(struct imagefile *image, struct js *config);

#endif
