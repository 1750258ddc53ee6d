#ifndef LBUILD_TEMPLATE_OPENVERSION_H
#define LBUILD_TEMPLATE_OPENVERSION_H

#include "support/error.h"
#include "support/strv.h"

#include <stddef.h>

/* Versions in an XML file that names dependencies, e.g. Maven's pom.xml: which of them may mean
 * another version tomorrow. */

struct openversion {
    char *version; /* as written, without the blanks around it, control characters as '?'; NULL: all
                      versions are fixed */
    int line;
};

/* The first version that isn't fixed. `elements`: "PARENT/ELEMENT", which hold versions;
 * `patterns`: of fnmatch(3), ignoring case, for versions that are open. "${NAME}" in a version is
 * followed: to elements NAME of any <properties>, and to paths like "project.version". A name that
 * is defined nowhere counts as fixed. Comments and namespaces are ignored, external entities never
 * read. A file that isn't XML is read up to the first error. At most INT_MAX bytes; time is about
 * proportional to them. ERROR_ENGINE when libexpat can't be loaded. */
int openversion_find(const char *text, size_t length, const struct strv *elements,
                     const struct strv *patterns, struct openversion *out,
                     struct error *err) must_check;
void openversion_release(struct openversion *found);

#endif
