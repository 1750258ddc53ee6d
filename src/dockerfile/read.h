#ifndef LBUILD_DOCKERFILE_READ_H
#define LBUILD_DOCKERFILE_READ_H

#include "support/buf.h"
#include "support/instructions.h"
#include "support/strv.h"

#include <stdbool.h>

/* Reads the text of a Dockerfile back, as far as engines need it: where its steps are, and which
 * images it is made from. Pure. */

/* The line of the step'th instruction of a stage. Both count from 1, as buildah and podman print
 * them: FROM is step 1. 0: there is none. */
int dockerfile_step(const char *text, int stage, int step);

/* An image that a stage is FROM, or that COPY takes from; not scratch, another stage, or a name
 * with a variable in it. */
struct dockerfile_image {
    char *reference, *platform; /* platform: of FROM --platform=, or NULL */
};
struct dockerfile_images {
    struct dockerfile_image *items; /* each reference once, in the order of the text */
    size_t len, cap;
};
void dockerfile_images_find(const char *text, struct dockerfile_images *images);
void dockerfile_images_release(struct dockerfile_images *images);

/* The text with other names for images: references->items[i] becomes names->items[i]. Line numbers
 * stay the same. */
void dockerfile_rename(const char *text, const struct strv *references, const struct strv *names,
                       struct buf *out);

#endif
