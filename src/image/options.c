#include "image/options.h"

#include "support/own.h"

#define ROW(name, type, field, argument, help)                                                     \
    {                                                                                              \
        0, name, type, offsetof(struct image_options, field), argument, help                       \
    }

const struct option_row image_option_rows[] = {
    ROW("tag", OPTION_TEXT, tag, "TAG", "The image to read when there are several."),
    ROW("arch", OPTION_TEXT, arch, "ARCH", "The architecture to read when there are several."),
    ROW("registry-mirror", OPTION_LIST, mirrors, "HOST=URL",
        "Fetch images of HOST from URL; their names stay the same."),
    ROW("registry-ca", OPTION_TEXT, ca_file, "FILE",
        "CA certificates (PEM) to trust besides the system's."),
    ROW("offline", OPTION_FLAG, offline, NULL, "Never use the network."),
    {0},
};

void image_options_release(struct image_options *options)
{
    strv_release(&options->mirrors);
}

struct imagefile_choice image_options_choice(const struct image_options *options)
{
    return (struct imagefile_choice){.tag = options->tag,
                                     .arch = options->arch,
                                     .mirrors = &options->mirrors,
                                     .ca_file = options->ca_file,
                                     .offline = options->offline};
}
