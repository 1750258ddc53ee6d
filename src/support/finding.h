#ifndef LBUILD_SUPPORT_FINDING_H
#define LBUILD_SUPPORT_FINDING_H

#include "support/buf.h"
#include "support/json.h"

#include <stdbool.h>
#include <stddef.h>

/* A message about a place in a file, in the forms that CI services show next to the code. */
struct finding {
    char *path; /* relative to the repository's root; absolute when it lies elsewhere */
    int line;   /* from 1 on */
    int column; /* 0: unknown */
    bool warning;
    char *text;
};

/* Reads "FILE:LINE[:COLUMN]: TEXT", with "error: ", "fatal error: " or "warning: " before the text,
 * as compilers write it. Without one of these words the severity is `word` ("error" or "warning"),
 * and with NULL there the line is no finding. FILE is relative to `dir` (NULL: the current folder).
 * False for any other line, and when FILE is not a file, as in "host:443: ...". */
bool finding_parse(const char *line, size_t length, const char *dir, const char *word,
                   struct finding *out);
void finding_release(struct finding *finding);

/* The path relative to the repository's root. That is $GITHUB_WORKSPACE or $CI_PROJECT_DIR, else
 * the folder above the file that has a .git. Caller frees. */
char *finding_path(const char *path);

/* Appends GitHub's workflow command and a newline, escaped as
 * in actions/toolkit (packages/core/src/command.ts). */
void finding_github(const struct finding *finding, struct buf *out);
/* Adds an entry to GitLab's code-quality report (docs.gitlab.com: "Code Quality report format")
 * unless the report already has it. */
void finding_gitlab(const struct finding *finding, struct js *report);

#endif
