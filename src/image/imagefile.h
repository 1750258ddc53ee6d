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

/* A finished image, read back from a file, a folder or a registry: an OCI image layout (as a folder
 * or in a tar archive), what `docker save` writes, or an image reference. Everything that it
 * consists of is read, hashed and listed on the way; what is wrong about it is told in the struct,
 * as far as it can be told, so that all of it can be reported at once. */
struct imagefile_layer {
    struct digest digest; /* that the manifest names; in a docker archive the bytes' own. Empty: not
                             a digest */
    struct digest diff_id;    /* that the config says; empty: none */
    uint64_t size;            /* that the manifest says; in a docker archive the bytes' own */
    char *media_type;         /* "" when the format has none */
    char *missing;            /* why the bytes can't be had, else NULL */
    struct listing_scan scan; /* what the bytes are */
};

struct imagefile {
    const char *format;     /* "oci", "oci-layout", "docker" or "registry" */
    char *path;             /* as it was named */
    struct strv names;      /* full references, may be empty */
    struct digest manifest; /* empty for "docker" */
    struct digest config_digest;
    char *manifest_type, *config_type; /* media types as they are said, "" when unsaid */
    char *platform;      /* "linux/arm64", of the descriptor in an index; NULL: it says none */
    bool index;          /* the name leads to an index, and the image is in there */
    size_t images;       /* images that go by the same name, this one included */
    size_t attestations; /* beside it */
    bool two_faces;      /* index.json and manifest.json mean different images */
    struct strv
        damage; /* what is wrong with sizes and digests of manifest and config: "WHAT: TEXT" */
    struct js *document; /* the manifest; NULL for "docker" */
    struct js *config;
    enum arch arch;
    bool arch_known; /* false: the config says something else than amd64 and arm64 */
    struct imagefile_layer *layers;
    size_t layer_count;
    size_t diff_id_count; /* that the config names */
};

struct imagefile_choice {
    const char *tag;  /* which image, where there are several; NULL: the only one */
    const char *arch; /* as arch_parse takes it; NULL: the machine's own, else the other one */
    const struct strv *mirrors; /* for registries: "HOST=URL", or NULL */
    const char *ca_file;        /* or NULL */
    bool offline;               /* no registry is asked */
    bool files_only;            /* whatever the name looks like, it is a file or folder */
};

/* `path`: a file or folder, also behind "oci-archive:", "oci:" or "docker-archive:" (and then with
 * ":TAG"), or an image reference. What isn't there is a reference when it has a tag, a digest or a
 * host, and doesn't end as archives do. The lists of the layers are kept in the store. Errors:
 * ERROR_REGISTRY for what can't be read as an image, or isn't there; ERROR_USAGE for a choice that
 * makes no sense; those of the registry. */
int imagefile_load(const char *path, const struct imagefile_choice *choice,
                   const struct store *store, struct imagefile *image,
                   struct error *err) must_check;
void imagefile_release(struct imagefile *image);
/* ERROR_REGISTRY with the first thing that is wrong about sizes, digests and contents. */
int imagefile_verified(const struct imagefile *image, struct error *err) must_check;

/* Fills the config's part of the struct: arch, diff_ids. `image` owns the config from here on. For
 * imagefile.c and who makes such an image from something else. */
void imagefile_take_config(struct imagefile *image, struct js *config);

#endif
