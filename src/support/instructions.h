#ifndef LBUILD_SUPPORT_INSTRUCTIONS_H
#define LBUILD_SUPPORT_INSTRUCTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Dockerfile text, split as the engines' parsers split it: into instructions, with their
 * continuation lines and here-documents, and comments. Pure. */

struct dockerfile_instruction {
    int line;         /* where it starts, counted from 1 */
    const char *text; /* with its continuation lines; points into the Dockerfile */
    size_t length;
};

enum dockerfile_line_kind {
    LINE_NOTE,     /* a comment or a blank line, which may be inside an instruction */
    LINE_START,    /* the first line of an instruction */
    LINE_MORE,     /* continues it */
    LINE_DOCUMENT, /* of its here-documents, including the lines that end them */
};

enum { DELIMITER_MAX = 80 };

/* Goes through the lines. Starts as {.at = the text}. */
struct dockerfile_lines {
    const char *at; /* the rest of the text */
    int number;     /* of this line, counted from 1 */
    const char *text;
    size_t length; /* without the line end */
    enum dockerfile_line_kind kind;
    struct dockerfile_instruction instruction; /* the one that has this line, up to here */
    bool more;                                 /* it goes on in a continuation line */
    char delimiter[DELIMITER_MAX + 1];         /* of the here-document that is open, or "" */
    bool strips_tabs;                          /* "<<-" opened it */
    const char *documents, *documents_end;     /* where the next "<<" is looked for */
};
bool dockerfile_lines_next(struct dockerfile_lines *lines);

/* Goes on at *at (the text at first) in line *line (1 at first): true and the next instruction. */
bool dockerfile_next(const char **at, int *line, struct dockerfile_instruction *out);

/* The next word of an instruction from `at` on; *length 0: no more. Words end at blanks, whatever
 * quotes are open; a backslash at a line's end belongs to no word. */
const char *dockerfile_word(const struct dockerfile_instruction *instruction, const char *at,
                            size_t *length);
/* In any case of letters, as engines compare keywords. */
bool dockerfile_word_is(const char *word, size_t length, const char *wanted);
/* Whether the instruction's keyword is this one. */
bool dockerfile_is(const struct dockerfile_instruction *instruction, const char *keyword);

#endif
