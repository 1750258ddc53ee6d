#include "project/value.h"
#include "support/buf.h"
#include "support/inifile.h"
#include "support/own.h"
#include "template/parts.h"

#include <ctype.h>
#include <string.h>

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-"

const char *template_input_type_name(enum template_input_type type)
{
    static const char *const names[] = {"text", "words", "version", "bool", "choice"};
    return names[type];
}

const struct template_input *template_input_find(const struct template *t, const char *name,
                                                 size_t length)
{
    for (size_t i = 0; i < t->input_count; i++)
        if (strlen(t->inputs[i].name) == length && memcmp(t->inputs[i].name, name, length) == 0)
            return &t->inputs[i];
    return NULL;
}

bool template_input_is_plain(enum template_input_type type)
{
    return type == INPUT_VERSION || type == INPUT_BOOL || type == INPUT_CHOICE;
}

static bool is_plain(const char *value)
{
    return value[0] && value[0] != '-' && value[strspn(value, PLAIN)] == '\0' &&
           strlen(value) <= 100;
}

static char *wrong_choice(const struct template_input *input, const char *value)
{
    AUTO(buf) known = {0};
    for (size_t i = 0; i < input->choices.len; i++) {
        const char *choice = input->choices.items[i];
        if (strcmp(choice, value) == 0 && !is_plain(value))
            return xasprintf("'%.80s' can't be a choice; use only letters, digits and . _ + -",
                             value);
        if (strcmp(choice, value) == 0)
            return NULL;
        buf_addf(&known, "%s%s", i == 0 ? "" : ", ", choice);
    }

    return xasprintf("'%s' must be one of %s, not '%.80s'", input->name, buf_text(&known), value);
}

char *template_input_check(const struct template_input *input, const char *value)
{
    AUTO(strv) words = {0};

    switch (input->type) {
    case INPUT_WORDS:
        return ini_words(value, &words) != 0 ? xstrdup("a quote is not closed") : NULL;
    case INPUT_VERSION:
        if (!is_plain(value) || !isdigit((unsigned char)value[0]))
            return xasprintf("'%.80s' is not a version; write one like 3.12", value);
        return NULL;
    case INPUT_BOOL:
        return value_check(TYPE_BOOL, value);
    case INPUT_CHOICE:
        return wrong_choice(input, value);
    case INPUT_TEXT:
    case INPUT_TYPE_COUNT:
        break;
    }
    return strpbrk(value, "\n\r") ? xasprintf("'%s' must be one line of text", input->name) : NULL;
}

/* Where the next placeholder of a text starts, or NULL. *name and *length: the text between the
 * braces; *name is NULL when they aren't closed. */
static const char *next(const char *text, const char **name, size_t *length)
{
    const char *at = strstr(text, "{{"), *close = at ? strstr(at, "}}") : NULL;
    *name = close ? at + 2 : NULL;
    *length = close ? (size_t)(close - at) - 2 : 0;
    return at;
}

static bool is_input(const char *name, size_t length)
{
    return length > 6 && strncmp(name, "input:", 6) == 0;
}

static bool is_word(const char *name, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(name, word, length) == 0;
}

char *template_expand_check(const struct template *t, const char *text, bool plain, bool program)
{
    const char *name;
    size_t length;

    for (const char *at = text; (at = next(at, &name, &length)); at = name + length + 2) {
        if (!name)
            return xstrdup("'{{' is not closed by '}}'");
        if (program && (is_word(name, length, "program") || is_word(name, length, "cache")))
            continue;

        const struct template_input *input =
            is_input(name, length) ? template_input_find(t, name + 6, length - 6) : NULL;
        if (!input)
            return xasprintf("unknown placeholder '%.*s'; allowed here: {{input:NAME}}%s",
                             (int)(length > 80 ? 80 : length), name,
                             program ? ", {{program}} and {{cache}}" : "");
        if (plain && !template_input_is_plain(input->type))
            return xasprintf(
                "the input '%s' can't be used here: its type is %s, not version, bool or choice",
                input->name, template_input_type_name(input->type));
        if (input->type == INPUT_WORDS && (!program || at != text || name[length + 2]))
            return xasprintf(
                "the input '%s' stands for several words, so it must be a whole word of a command",
                input->name);
    }
    return NULL;
}

char *template_expand(const struct template *t, const char *text,
                      const struct template_values *values)
{
    AUTO(buf) out = {0};
    const char *name, *found;
    size_t length;

    for (; (found = next(text, &name, &length)) && name; text = name + length + 2) {
        buf_add(&out, text, (size_t)(found - text));
        const struct template_input *input =
            is_input(name, length) ? template_input_find(t, name + 6, length - 6) : NULL;
        if (input)
            buf_adds(&out,
                     values->inputs ? values->inputs->items[input - t->inputs] : input->fallback);
        else if (is_word(name, length, "cache") && values->cache)
            buf_adds(&out, values->cache);
        else if (values->program)
            buf_adds(&out, values->program);
    }

    buf_adds(&out, text);
    return buf_detach(&out);
}
