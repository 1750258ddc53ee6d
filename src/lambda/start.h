#ifndef LBUILD_LAMBDA_START_H
#define LBUILD_LAMBDA_START_H

#include "support/json.h"
#include "support/strv.h"

/* What Lambda starts from an image, and with which environment (Lambda guide, "Container image
 * settings", "Using an AWS OS-only base image", "Defined runtime environment variables"). `config`
 * is always the part of the image's config that describes the process; NULL: an empty one. */

struct start {
    struct strv words;   /* ENTRYPOINT and CMD as one command */
    bool stock;          /* it is the entry script of AWS's bases, which runs `program` and passes
                            its only argument, the handler, in _HANDLER */
    const char *program; /* as the config names it, or "/var/runtime/bootstrap"; NULL: nothing */
};
void start_find(const struct js *config, struct start *out);
void start_release(struct start *start);

/* Appends the words of a list in the config. An item that isn't text counts as an empty word. */
void start_words(const struct js *list, struct strv *out);

/* The function's name: the image's title where that is a valid name, else
 * "function". Caller frees. */
char *start_function_name(const char *title);

/* The image's variables, overridden by Lambda's. The credentials and the region come from the
 * caller's environment, where they are set; nothing else does. HOME is not set: Lambda
 * doesn't set it either. */
void start_environment(const struct js *config, const struct start *start, const char *function,
                       struct strv *out);

#endif
