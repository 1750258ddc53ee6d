#ifndef LBUILD_IMAGE_READING_H
#define LBUILD_IMAGE_READING_H

#include "image/imagefile.h"
#include "image/parts.h"

/* What the steps of reading one image share. */
struct reading {
    struct parts *parts;
    const char *path;
    const struct imagefile_choice *choice;
    const char *tag; /* of the choice, or of the path */
    struct imagefile *image;
};
enum { IMAGEFILE_LAYERS = 1000 };

/* A JSON text of the image. NULL: an error; caller frees. */
struct js *reading_json(const struct reading *reading, const char *name, struct error *err);
/* Takes note of what is wrong with a document or config that can be read all the same. */
void reading_damage(const struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The next layer of the image, from its part; NULL: it is missing, and *why says so. */
struct imagefile_layer *reading_add_layer(const struct reading *reading, const struct part *part,
                                          const struct error *why);

/* An archive of docker save, chosen by the tag. */
int reading_docker(const struct reading *reading, struct error *err) must_check;
/* In an archive that has both: whether docker's manifest.json means the image that was read. */
int reading_compare_docker(const struct reading *reading, struct error *err) must_check;

#endif
