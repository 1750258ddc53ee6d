#ifndef LBUILD_SUPPORT_INIFILE_H
#define LBUILD_SUPPORT_INIFILE_H

#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* INI text with exact places, by inih. inih finds sections, names and continuation lines; the
 * values are taken from the raw line, since inih cuts lines at the length that it was compiled for
 * (200 bytes on some systems) and knows no quotes.
 *
 * The format: "[section]", "name = value" or "name: value", lines that start with ';' or '#' are
 * comments, " ;" after a value starts one too (not between double quotes), an indented line
 * continues the value above it. A name that starts with "stage:WORD:" or "stage:WORD." goes up to
 * the '='. UTF-8, with or without a BOM; CRLF is fine. */

#define INI_FILE_MAX (1024 * 1024) /* bytes */
#define INI_LINE_MAX 16384         /* bytes without the line end */
#define INI_SECTION_MAX 49         /* bytes that inih keeps */
#define INI_NAME_MAX 190           /* bytes that fit into inih's line */

struct ini_entry {
    const char *section, *name; /* section is "" before the first one */
    const char *value;          /* without comments and blanks around it, but with its quotes */
    const char *raw;   /* the same, but with comments: in shell text " ;" means something else */
    bool continuation; /* continues the value of the entry before */
    int line, column, value_column; /* counted from 1, in bytes */
};

struct ini_reader {
    void (*section)(void *data, const char *name, int line, int column); /* may be NULL */
    void (*entry)(void *data, const struct ini_entry *entry);
    void *data;
};

/* Calls back for each section line and entry, in order. A line with a wrong form (not UTF-8,
 * control bytes, no '=', an open section, too long) is left out, and `complaints` gets a line
 * "FILE:LINE:COLUMN: ...". */
void ini_read(const char *text, size_t length, const char *file, const struct ini_reader *reader,
              struct strv *complaints);

/* The text that a value stands for: "..." loses its quotes and may have \n \t \" \\ inside;
 * any other value stands for itself. NULL when a quote isn't closed or something follows
 * it. Caller frees. */
char *ini_unquote(const char *value);
/* Splits a value into words at blanks, with '...', "..." and backslash as in a shell; nothing is
 * expanded. -1 when a quote isn't closed. */
int ini_words(const char *value, struct strv *out) must_check;

#endif
