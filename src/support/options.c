#include "support/options.h"

#include "support/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row *find_name(const struct option_row *rows, size_t count,
                                          const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0)
            return &rows[i];
    return NULL;
}

static const struct option_row *find_letter(const struct option_row *rows, size_t count,
                                            char letter)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].letter && rows[i].letter == letter)
            return &rows[i];
    return NULL;
}

static int unknown(const struct option_row *rows, size_t count, const char *word, struct error *err)
{
    autofree const char **names = xcalloc(count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = rows[i].name;
    autofree char *name = xstrndup(word + 2, strcspn(word + 2, "="));
    const char *near = word[1] == '-' ? strv_nearest(name, names, count) : NULL;

    if (near)
        return error_set(err, ERROR_USAGE, "unknown option '%s'; did you mean '--%s'?", word, near);
    return error_set(err, ERROR_USAGE, "unknown option '%s'; see --help", word);
}

static int store(const struct option_row *row, const char *value, void *into, struct error *err)
{
    void *field = (char *)into + row->offset;
    char *end = NULL;
    long number = 0;

    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)field = true;
        break;
    case OPTION_TEXT:
        *(const char **)field = value;
        break;
    case OPTION_LIST:
        strv_add(field, value);
        break;
    case OPTION_COUNT:
        errno = 0;
        number = strtol(value, &end, 10);
        if (errno || end == value || *end || number < 1 || number > 1024)
            return error_set(err, ERROR_USAGE, "--%s takes a whole number from 1 to 1024, not '%s'",
                             row->name, value);
        *(int *)field = (int)number;
        break;
    }
    return 0;
}

/* The row that a word names, or NULL; *value is the text after the name, or NULL. */
static const struct option_row *find_row(const struct option_row *rows, size_t count,
                                         const char *word, const char **value)
{
    if (word[1] != '-') {
        *value = word[2] ? word + 2 : NULL;
        return find_letter(rows, count, word[1]);
    }
    size_t length = strcspn(word + 2, "=");
    *value = word[2 + length] ? word + 3 + length : NULL;
    return find_name(rows, count, word + 2, length);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* Parses the option at argv[*at]; advances *at over its value. */
static int parse_one(const struct option_row *rows, size_t count, const char *const *argv,
                     size_t *at, void *into, struct error *err)
{
    const char *word = argv[*at], *value = NULL;
    const struct option_row *row = find_row(rows, count, word, &value);
    if (!row || (row->type == OPTION_FLAG && word[1] != '-' && value))
        return unknown(rows, count, word, err);
    if (row->type == OPTION_FLAG && value)
        return error_set(err, ERROR_USAGE, "--%s takes no value", row->name);

    if (row->type != OPTION_FLAG && !value) {
        value = argv[++*at];
        if (!value)
            return error_set(err, ERROR_USAGE, "--%s needs a value: %s", row->name, row->argument);
    }
    return store(row, value, into, err);
}

int options_parse(const struct option_row *rows, size_t count, const char *const *argv, void *into,
                  struct strv *operands, struct error *err)
{
    for (size_t i = 1; argv[i]; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (argv[++i])
                strv_add(operands, argv[i]);
            return 0;
        }
        if (!is_option(argv[i]))
            strv_add(operands, argv[i]);
        else if (parse_one(rows, count, argv, &i, into, err) != 0)
            return -1;
    }
    return 0;
}

void options_forward(const struct option_row *rows, size_t count, const char *const *argv,
                     const char *const *but, struct strv *out)
{
    for (size_t i = 1; argv[i] && strcmp(argv[i], "--") != 0; i++) {
        const char *value = NULL;
        const struct option_row *row =
            is_option(argv[i]) ? find_row(rows, count, argv[i], &value) : NULL;
        const char *const *name = but;
        if (!row)
            continue;

        if (row->type != OPTION_FLAG && !value)
            value = argv[++i];
        while (*name && strcmp(*name, row->name) != 0)
            name++;
        if (!*name)
            strv_addf(out, "--%s%s%s", row->name, value ? "=" : "", value ? value : "");
    }
}

void options_help(const struct option_row *rows, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        char letter[8] = "    ";
        if (rows[i].letter) {
            letter[0] = '-';
            letter[1] = rows[i].letter;
            letter[2] = ',';
        }

        autofree char *left =
            xasprintf("  %s--%s%s%s", letter, rows[i].name, rows[i].argument ? " " : "",
                      rows[i].argument ? rows[i].argument : "");
        buf_addf(out, "%-32s%s%s\n", left, strlen(left) >= 32 ? " " : "", rows[i].help);
    }
}
