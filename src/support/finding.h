#ifndef LBUILD_SUPPORT_FINDING_H
#define LBUILD_SUPPORT_FINDING_H

#include "support/buf.h"
#include "support/json.h"

#include <stdbool.h>
#include <stddef.h>

/* A message about a place in a file, for the places where CI shows such messages. */
struct finding {
    char *path; /* relative to the repository's root; absolute when it lies elsewhere */
    int line;   /* 1 and up */
    int column; /* 0: not known */
    bool warning;
    char *text;
};

/* Reads "FILE:LINE[:COLUMN]: TEXT", with "error: ", "fatal error: " or "warning: " before the text,
 * as compilers write it; without one of these words it is what `word` says ("error" or "warning";
 * NULL: then it is nothing). False for every other line, and when FILE (relative to `dir`; NULL:
 * the current folder) is not a file, so that "host:443: ..." is none. */
bool finding_parse(const char *line, size_t length, const char *dir, const char *word,
                   struct finding *out);
void finding_release(struct finding *finding);

/* The path as the repository names it. The root is $GITHUB_WORKSPACE or $CI_PROJECT_DIR, else the
 * folder with .git above the file. Caller frees. */
char *finding_path(const char *path);

/* GitHub's workflow command, with a newline; escaped as its actions/toolkit does it
 * (packages/core/src/command.ts). */
void finding_github(const struct finding *finding, struct buf *out);
/* Adds an entry to GitLab's code-quality report (docs.gitlab.com: "Code Quality report format")
 * unless it is in there. */
void finding_gitlab(const struct finding *finding, struct js *report);

#endif
