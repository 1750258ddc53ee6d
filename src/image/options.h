#ifndef LBUILD_IMAGE_OPTIONS_H
#define LBUILD_IMAGE_OPTIONS_H

#include "image/imagefile.h"
#include "support/options.h"
#include "support/strv.h"

/* The options of verbs that read a finished image: which of several images, and how
 * to ask a registry. */
struct image_options {
    const char *tag, *arch, *ca_file;
    struct strv mirrors;
    bool offline;
};
extern const struct option_row image_option_rows[];
void image_options_release(struct image_options *options);

/* The choice for imagefile_load; it borrows from *options. */
struct imagefile_choice image_options_choice(const struct image_options *options);

#endif
