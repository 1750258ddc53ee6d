#ifndef LBUILD_IMAGE_READING_H
#define LBUILD_IMAGE_READING_H

#include "image/imagefile.h"
#include "image/parts.h"

/* What the steps of reading an image share. */
struct reading {
    struct parts *parts;
    const char *path;
    const struct imagefile_choice *choice;
    const char *tag; /* from the choice, or from the path */
    struct imagefile *image;
};
enum { IMAGEFILE_LAYERS = 1000 };

/* A JSON text of the image. NULL: an error; caller frees. */
struct js *reading_json(const struct reading *reading, const char *name, struct error *err);
/* Likewise for a part that was read already; `part` NULL: the error is set already. `name`: its
 * name in errors. */
struct js *reading_parse(const struct reading *reading, const struct part *part, const char *name,
                         struct error *err);
/* Notes what is wrong with a document or config that can be read nevertheless. */
void reading_damage(const struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The next layer of the image, from its part; NULL: it is missing, and *why says so. */
struct imagefile_layer *reading_add_layer(const struct reading *reading, const struct part *part,
                                          const struct error *why);
/* Takes the config, or NULL where *why says that it can't be read. That fails, unless the choice
 * allows it. Takes ownership of `config`. */
int reading_take_config(const struct reading *reading, struct js *config, const struct error *why,
                        struct error *err) must_check;

/* In oci_read.c: reads the image of an OCI layout that has the chosen tag and architecture. */
int reading_layout(const struct reading *reading, struct error *err) must_check;
/* Reads the image that a manifest or an index leads to, and takes ownership of the latter. `type`:
 * the media type in its descriptor; "" for none. */
int reading_document(const struct reading *reading, struct js *document, const char *type,
                     const struct digest *digest, struct error *err) must_check;

/* In docker_save.c: reads the image with the chosen tag from an archive of docker save. */
int reading_docker(const struct reading *reading, struct error *err) must_check;
/* For an archive that has index.json and docker's manifest.json: notes whether both describe the
 * image that was read. Does nothing without a manifest.json. */
int reading_compare_docker(const struct reading *reading, struct error *err) must_check;

#endif
