#include "support/instructions.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r"

bool dockerfile_word_is(const char *word, size_t length, const char *wanted)
{
    return length == strlen(wanted) && strncasecmp(word, wanted, length) == 0;
}

const char *dockerfile_word(const struct dockerfile_instruction *instruction, const char *at,
                            size_t *length)
{
    const char *end = instruction->text + instruction->length;
    while (at < end && (strchr(BLANKS "\n", *at) ||
                        (*at == '\\' && at + 1 < end && strchr(BLANKS "\n", at[1]))))
        at++;
    *length = 0;
    while (at + *length < end && !strchr(BLANKS "\n", at[*length]))
        ++*length;
    return at;
}

bool dockerfile_is(const struct dockerfile_instruction *instruction, const char *keyword)
{
    size_t length;
    const char *word = dockerfile_word(instruction, instruction->text, &length);
    return dockerfile_word_is(word, length, keyword);
}

static bool is_note(const char *line)
{
    line += strspn(line, BLANKS);
    return *line == '#' || *line == '\n' || *line == '\0';
}

static bool goes_on(const char *line, size_t length)
{
    while (length > 0 && strchr(BLANKS, line[length - 1]))
        length--;
    return length > 0 && line[length - 1] == '\\';
}

/* Here-documents. */

static bool ends_document(const struct dockerfile_lines *lines, const char *line, size_t length)
{
    while (lines->strips_tabs && length > 0 && *line == '\t')
        line++, length--;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    return length == strlen(lines->delimiter) && memcmp(line, lines->delimiter, length) == 0;
}

static bool has_end(const struct dockerfile_lines *lines)
{
    for (const char *line = lines->at; *line;) {
        size_t length = strcspn(line, "\n");
        if (ends_document(lines, line, length))
            return true;
        line += length + (line[length] == '\n');
    }
    return false;
}

/* The end of a word, in which quotes may hold blanks. */
static const char *end_of_word(const char *at, const char *end)
{
    char quote = 0;
    for (; at < end && (quote || !strchr(BLANKS "\n", *at)); at++) {
        if (*at == '\\' && quote != '\'' && at + 1 < end && at[1] != '\n')
            at++;
        else if (quote)
            quote = *at == quote ? 0 : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
    }
    return at;
}

/* Whether a word is "<<NAME", with a digit or more before it, and '-' or quotes around the name,
 * and the text has the line that ends it. */
static bool opens_document(struct dockerfile_lines *lines, const char *word, const char *end)
{
    size_t length = 0;
    while (word < end && isdigit((unsigned char)*word))
        word++;
    if (end - word < 3 || word[0] != '<' || word[1] != '<')
        return false;
    word += 2;
    lines->strips_tabs = *word == '-';
    word += lines->strips_tabs;

    for (; word < end && length < DELIMITER_MAX && *word != '<'; word++)
        if (!strchr("\"'\\", *word))
            lines->delimiter[length++] = *word;
    lines->delimiter[length] = '\0';
    return word == end && length > 0 && has_end(lines);
}

/* Finds the next here-document of an instruction whose own lines are all read. */
static void find_document(struct dockerfile_lines *lines)
{
    const char *at = lines->documents, *end = lines->documents_end;
    while (at < end) {
        at += strspn(at, BLANKS);
        if (*at == '\n' && is_note(at + 1))
            at += 1 + strcspn(at + 1, "\n");
        else if (*at == '\n')
            at++;
        if (at >= end || strchr(BLANKS "\n", *at))
            continue;

        const char *word = at;
        at = end_of_word(word, end);
        lines->documents = at;
        if (opens_document(lines, word, at))
            return;
    }
    lines->documents = end;
    lines->delimiter[0] = '\0';
}

static void begin_documents(struct dockerfile_lines *lines)
{
    const struct dockerfile_instruction *instruction = &lines->instruction;
    lines->documents = instruction->text;
    lines->documents_end = instruction->text + instruction->length;
    if (dockerfile_is(instruction, "RUN") || dockerfile_is(instruction, "COPY") ||
        dockerfile_is(instruction, "ADD"))
        find_document(lines);
}

/* Lines and instructions. */

static enum dockerfile_line_kind kind_of(const struct dockerfile_lines *lines)
{
    if (lines->delimiter[0])
        return LINE_DOCUMENT;
    if (is_note(lines->text))
        return LINE_NOTE;
    return lines->more ? LINE_MORE : LINE_START;
}

bool dockerfile_lines_next(struct dockerfile_lines *lines)
{
    struct dockerfile_instruction *instruction = &lines->instruction;
    if (!*lines->at)
        return false;
    lines->text = lines->at;
    lines->length = strcspn(lines->at, "\n");
    lines->at += lines->length + (lines->at[lines->length] == '\n');
    lines->number++;

    lines->kind = kind_of(lines);
    if (lines->kind == LINE_START)
        *instruction = (struct dockerfile_instruction){lines->number, lines->text, 0};
    if (lines->kind != LINE_NOTE || lines->more)
        instruction->length = (size_t)(lines->text - instruction->text) + lines->length;

    if (lines->kind == LINE_DOCUMENT) {
        if (ends_document(lines, lines->text, lines->length))
            find_document(lines);
    } else if (lines->kind != LINE_NOTE) {
        lines->more = goes_on(lines->text, lines->length);
        if (!lines->more)
            begin_documents(lines);
    }
    return true;
}

bool dockerfile_next(const char **at, int *line, struct dockerfile_instruction *out)
{
    struct dockerfile_lines lines = {.at = *at, .number = *line - 1};
    bool found = false, whole = false;
    while (!whole && dockerfile_lines_next(&lines)) {
        found = found || lines.kind == LINE_START;
        whole = found && !lines.more && !lines.delimiter[0];
    }

    *at = lines.at;
    *line = lines.number + 1;
    *out = lines.instruction;
    return found;
}
