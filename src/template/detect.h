#ifndef LBUILD_TEMPLATE_DETECT_H
#define LBUILD_TEMPLATE_DETECT_H

#include "template/template.h"

/* Which language a folder is in, by the files that the templates' heads name ([detect]). */

struct detected {
    char *language; /* NULL: none */
    char *why;      /* the file that says so */
};
void detected_release(struct detected *detected);

/* Looks three folders deep and at 10,000 names at most, and passes over names that start with a
 * dot. A folder that isn't there has no language. Two languages with equal claims are ERROR_USAGE;
 * the message names both. */
int detect_language(const char *dir, struct detected *out, struct error *err) must_check;
/* Whether the folder has a file of this template's language. */
bool detect_has(const struct template *t, const char *dir);

#endif
