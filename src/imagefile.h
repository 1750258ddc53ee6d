#ifndef LBUILD_IMAGEFILE_H
#define LBUILD_IMAGEFILE_H

#include "arch.h"
#include "support/digest.h"
#include "support/error.h"
#include "support/json.h"
#include "support/strv.h"

/* A finished image, read back from a file or folder: an OCI image layout (as a folder or in a tar archive) or what
 * `docker save` writes. Everything that the image consists of is verified on the way: sizes and digests of manifest, config
 * and layers, and the diff_ids of what the layers unpack to. */
struct imagefile_layer {
    struct digest digest, diff_id;
    uint64_t size, content_size; /* of the blob, and of the tar in it */
    char *media_type;            /* "" when the format has none */
};

struct imagefile {
    const char *format;     /* "oci", "oci-layout" or "docker" */
    struct strv names;      /* full references, may be empty */
    struct digest manifest; /* empty for "docker" */
    struct digest config_digest;
    enum arch arch;
    struct js *config;
    struct js *annotations; /* of the manifest, or NULL */
    struct imagefile_layer *layers;
    size_t layer_count;
    uint64_t size, content_size; /* of all layers */
};

struct imagefile_choice {
    const char *tag;  /* which image, where there are several; NULL: the only one */
    const char *arch; /* as arch_parse takes it; NULL: the machine's own, else the other one */
};

/* Errors: ERROR_REGISTRY for what is damaged, missing or hostile; ERROR_USAGE for a choice that makes no sense. */
int imagefile_load(const char *path, const struct imagefile_choice *choice, struct imagefile *image,
                   struct error *err) must_check;
void imagefile_release(struct imagefile *image);

#endif
