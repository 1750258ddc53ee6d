#ifndef LBUILD_LAMBDA_SECRET_H
#define LBUILD_LAMBDA_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* A small set of undoubted secrets: each has a fixed beginning and length, or a telling name. What
 * manuals show as examples, e.g. AKIAIOSFODNN7EXAMPLE, is none. */
enum secret_kind {
    SECRET_NONE,
    SECRET_AWS_KEY,
    SECRET_AWS,
    SECRET_GITHUB,
    SECRET_GITLAB,
    SECRET_NPM,
    SECRET_SLACK,
    SECRET_STRIPE,
    SECRET_REGISTRY,
    SECRET_PRIVATE_KEY,
};
const char *secret_kind_word(int kind); /* "an AWS access key" ...; NULL for SECRET_NONE */

/* What a value is by itself. */
enum secret_kind secret_value(const char *value);
/* Whether a file, by its name, holds settings that are often secrets: .env and .npmrc. Files of
 * packages and of the system aren't, nor are examples, e.g. ".env.sample". */
bool secret_settings(const char *path);
/* The first secret in the text of such a file. */
enum secret_kind secret_in_settings(const char *text, size_t length);

#endif
