#include "support/options.h"

#include "support/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A row, and where its value goes in the struct that is filled. */
struct found {
    const struct option_row *row; /* NULL: not found */
    size_t offset;
};

static struct found find_name(const struct option_table *tables, const char *name, size_t length)
{
    for (const struct option_table *table = tables; table->rows; table++)
        for (const struct option_row *row = table->rows; row->name; row++)
            if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
                return (struct found){row, table->at + row->offset};
    return (struct found){0};
}

static struct found find_letter(const struct option_table *tables, char letter)
{
    for (const struct option_table *table = tables; table->rows; table++)
        for (const struct option_row *row = table->rows; row->name; row++)
            if (row->letter && row->letter == letter)
                return (struct found){row, table->at + row->offset};
    return (struct found){0};
}

/* The row that a word means; *value is what is written after the name, or NULL. */
static struct found find_row(const struct option_table *tables, const char *word,
                             const char **value)
{
    if (word[1] != '-') {
        *value = word[2] ? word + 2 : NULL;
        return find_letter(tables, word[1]);
    }

    size_t length = strcspn(word + 2, "=");
    *value = word[2 + length] ? word + 3 + length : NULL;
    return find_name(tables, word + 2, length);
}

static int unknown(const struct option_table *tables, const char *word, struct error *err)
{
    AUTO(strv) names = {0};
    autofree char *name = xstrndup(word + 2, strcspn(word + 2, "="));

    for (const struct option_table *table = tables; table->rows; table++)
        for (const struct option_row *row = table->rows; row->name; row++)
            strv_add(&names, row->name);

    const char *near = word[1] == '-' ? strv_nearest(name, strv_argv(&names), names.len) : NULL;
    if (near)
        return error_set(err, ERROR_USAGE, "unknown option '%s'; did you mean '--%s'?", word, near);
    return error_set(err, ERROR_USAGE, "unknown option '%s'; see --help", word);
}

static int store(const struct option_row *row, const char *value, void *field, struct error *err)
{
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

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* Reads the option at argv[*at]; advances over its value. */
static int parse_one(const struct option_table *tables, const char *const *argv, size_t *at,
                     void *into, struct error *err)
{
    const char *word = argv[*at], *value = NULL;
    const struct found found = find_row(tables, word, &value);
    const struct option_row *row = found.row;

    if (!row || (row->type == OPTION_FLAG && word[1] != '-' && value))
        return unknown(tables, word, err);
    if (row->type == OPTION_FLAG && value)
        return error_set(err, ERROR_USAGE, "--%s takes no value", row->name);

    if (row->type != OPTION_FLAG && !value) {
        value = argv[++*at];
        if (!value)
            return error_set(err, ERROR_USAGE, "--%s needs a value: %s", row->name, row->argument);
    }
    return store(row, value, (char *)into + found.offset, err);
}

int options_parse(const struct option_table *tables, const char *const *argv, void *into,
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
        else if (parse_one(tables, argv, &i, into, err) != 0)
            return -1;
    }
    return 0;
}

void options_forward(const struct option_table *tables, const char *const *argv,
                     const char *const *but, struct strv *out)
{
    for (size_t i = 1; argv[i] && strcmp(argv[i], "--") != 0; i++) {
        const char *value = NULL;
        const struct option_row *row =
            is_option(argv[i]) ? find_row(tables, argv[i], &value).row : NULL;
        if (!row)
            continue;
        if (row->type != OPTION_FLAG && !value)
            value = argv[++i];

        const char *const *name = but;
        while (*name && strcmp(*name, row->name) != 0)
            name++;
        if (!*name)
            strv_addf(out, "--%s%s%s", row->name, value ? "=" : "", value ? value : "");
    }
}

static void help_line(const struct option_row *row, struct buf *out)
{
    char letter[] = "-x, ";
    letter[1] = row->letter;
    autofree char *left = xasprintf("  %s--%s%s%s", row->letter ? letter : "    ", row->name,
                                    row->argument ? " " : "", row->argument ? row->argument : "");

    buf_addf(out, "%-32s%s%s\n", left, strlen(left) >= 32 ? " " : "", row->help);
}

void options_help(const struct option_table *tables, struct buf *out)
{
    for (const struct option_table *table = tables; table->rows; table++)
        for (const struct option_row *row = table->rows; row->name; row++)
            if (find_name(tables, row->name, strlen(row->name)).row == row)
                help_line(row, out);
}
