#ifndef LBUILD_TEMPLATE_OPENVERSION_H
#define LBUILD_TEMPLATE_OPENVERSION_H

#include "support/strv.h"

#include <stddef.h>

/* Versions in an XML file that names dependencies, as Maven's pom.xml: which of them may mean
 * another one tomorrow. */

struct openversion {
    char *version; /* as it is written, without blanks around it and control characters; NULL: all
                      are fixed */
    int line;
};

/* The first version that isn't fixed. `elements`: "PARENT/ELEMENT", where versions stand;
 * `patterns`: of fnmatch(3), in either case, for those that are open. "${NAME}" in one is followed:
 * to elements NAME of any <properties>, and to paths as "project.version". A name that is nowhere
 * counts as fixed. Comments don't count, namespaces neither. What isn't XML has none. Time is about
 * proportional to the text. */
void openversion_find(const char *text, size_t length, const struct strv *elements,
                      const struct strv *patterns, struct openversion *out);
void openversion_release(struct openversion *found);

#endif
