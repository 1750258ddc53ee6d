#include "project/settings.h"

#include "support/inifile.h"
#include "support/own.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *origin_text(const struct origin *origin)
{
    if (!origin->file)
        return xstrdup("default");
    if (origin->line == 0)
        return xstrdup(origin->file);
    return xasprintf("%s:%d:%d", origin->file, origin->line, origin->column);
}

void settings_complain(struct strv *complaints, const struct origin *origin, const char *format,
                       ...)
{
    autofree char *place = origin_text(origin);
    autofree char *text = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);

    strv_addf(complaints, "%s: %s", place, text ? text : "");
}

void setting_release(struct setting *setting)
{
    free(setting->name);
    free(setting->value);
    free(setting->lines);
    *setting = (struct setting){0};
}

void setting_set(struct setting *setting, const char *value, const struct origin *origin)
{
    free(setting->value);
    free(setting->lines);
    *setting = (struct setting){
        .name = setting->name, .value = value ? xstrdup(value) : NULL, .origin = *origin};
}

void setting_copy(struct setting *to, const struct setting *from)
{
    setting_set(to, from->value, &from->origin);
    for (size_t i = 0; i < from->line_count; i++) {
        grow(to->lines, to->line_count, to->line_cap);
        to->lines[to->line_count++] = from->lines[i];
    }
}

static void add_line(struct setting *setting, const struct origin *origin)
{
    grow(setting->lines, setting->line_count, setting->line_cap);
    setting->lines[setting->line_count++] = *origin;
}

size_t setting_length(const struct setting *setting)
{
    if (setting->room > 0)
        return setting->length;
    return setting->value ? strlen(setting->value) : 0;
}

/* A value may have half a million lines, so it isn't measured and copied for each of them. */
static void append(struct setting *setting, const char *text, size_t length)
{
    setting->length = setting_length(setting);
    if (setting->length + length >= setting->room) {
        setting->room = 2 * (setting->length + length) + 64;
        setting->value = xrealloc(setting->value, setting->room, 1);
    }

    memcpy(setting->value + setting->length, text, length);
    setting->length += length;
    setting->value[setting->length] = '\0';
}

void setting_continue(struct setting *setting, const char *value, const struct origin *origin)
{
    bool first = !setting->value || !setting->value[0];
    if (!first && setting->line_count == 0)
        add_line(setting, &setting->origin);
    add_line(setting, origin);

    if (!first)
        append(setting, "\n", 1);
    append(setting, value, strlen(value));
}

struct origin setting_line(const struct setting *setting, size_t index)
{
    return index < setting->line_count ? setting->lines[index] : setting->origin;
}

void setting_settle(struct setting *setting, enum value_type type, struct strv *complaints)
{
    if (!setting->value)
        return;

    if (!value_keeps_quotes(type)) {
        char *text = ini_unquote(setting->value);
        if (!text) {
            settings_complain(
                complaints, &setting->origin,
                "the quotes of %.80s don't match; write \"...\" with \\\" \\\\ \\n \\t inside and "
                "nothing after it",
                setting->value);
            return;
        }
        free(setting->value);
        setting->value = text;
        setting->room = 0;
    }

    autofree char *wrong = setting->value[0] ? value_check(type, setting->value) : NULL;
    if (wrong)
        settings_complain(complaints, &setting->origin, "%s", wrong);
}

struct setting *settings_find(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->len; i++)
        if (strcmp(settings->items[i].name, name) == 0)
            return &settings->items[i];
    return NULL;
}

struct setting *settings_add(struct settings *settings, const char *name)
{
    grow(settings->items, settings->len, settings->cap);
    struct setting *setting = &settings->items[settings->len++];
    *setting = (struct setting){.name = xstrdup(name)};
    return setting;
}

void settings_release(struct settings *settings)
{
    for (size_t i = 0; i < settings->len; i++)
        setting_release(&settings->items[i]);
    free(settings->items);
    *settings = (struct settings){0};
}
