#ifndef LBUILD_REGISTRY_MANIFEST_H
#define LBUILD_REGISTRY_MANIFEST_H

#include "lambda/arch.h"
#include "support/digest.h"
#include "support/error.h"
#include "support/json.h"
#include "support/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The JSON documents of images: index, manifest and config, with OCI's and with Docker's types (OCI
 * image-spec descriptor.md, image-index.md, manifest.md, config.md; Docker's manifest schema 2).
 * Pure. Errors are ERROR_REGISTRY and start with `where`, which says what the document is and where
 * it comes from. */

#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define MEDIA_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

enum {
    MANIFEST_BYTES = 4 * 1024 * 1024, /* maximum size of an index, a manifest or a config */
    MANIFEST_LAYERS = 127, /* maximum that overlay file systems stack; docker's limit too */
};

struct descriptor {
    struct digest digest;
    uint64_t size;          /* at most 16 GiB */
    const char *media_type; /* borrowed from the JSON; "" when absent */
};

/* Digest and size are required. `where` names the document that has the descriptor. */
int descriptor_read(const struct js *value, const char *where, struct descriptor *out,
                    struct error *err) must_check;

/* Whether the document is an index, by its media type, or by its keys when it has none. */
bool manifest_is_index(const struct js *document, const char *media_type);

/* What an entry of an index says about itself. */
enum index_entry {
    INDEX_ENTRY_IMAGE,
    INDEX_ENTRY_INDEX,
    INDEX_ENTRY_ATTESTATION,
    INDEX_ENTRY_OTHER
};
enum index_entry index_entry_kind(const struct js *entry);

/* Whether an entry of a layout's index.json has this name, in full or as its tag. */
bool layout_has_name(const struct js *entry, const char *tag);

/* Finds the first manifest for linux and the architecture: arm64 without a variant or with v8,
 * amd64 without one or with v1. Skips entries for unknown platforms, attestations and other
 * artifacts, and follows no index inside of the index. */
int index_choose(const struct js *index, enum arch arch, const char *where, struct descriptor *out,
                 struct error *err) must_check;

/* Finds the entry of a layout's index.json (OCI image-spec image-layout.md), an image or an index.
 * With a tag: the entry of this name (annotation org.opencontainers.image.ref.name or
 * io.containerd.image.name). Without: the entry of the only name; several names are an error that
 * lists them. Among several entries of one name the platform decides. */
int layout_choose(const struct js *index, enum arch arch, const char *tag, const char *where,
                  struct descriptor *out, struct error *err) must_check;

struct manifest {
    struct descriptor config;
    struct descriptor *layers; /* base first */
    size_t layer_count;
};

/* Refuses an index, schema 1, artifacts that are not images, foreign, encrypted and zstd layers,
 * and everything over a limit. The descriptors borrow from `document`. */
int manifest_read(const struct js *document, const char *where, struct manifest *out,
                  struct error *err) must_check;
void manifest_release(struct manifest *manifest);

/* Checks that the config is for linux and this architecture and lists `count` layers, whose digests
 * it copies to `diff_ids`. */
int config_read(const struct js *config, enum arch arch, size_t count, const char *where,
                struct digest *diff_ids, struct error *err) must_check;
/* How many layers the config's history tells of. */
size_t config_history_layers(const struct js *config);

#endif
