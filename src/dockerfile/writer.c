#include "dockerfile/writer.h"

#include "dockerfile/quote.h"
#include "support/own.h"

void writer_refuse(struct writer *w, const struct origin *origin, const char *name,
                   const char *text)
{
    if (w->failed)
        return;
    w->failed = true;
    autofree char *place = origin && origin->file ? origin_text(origin) : xstrdup(name);
    error_set(w->err, ERROR_PROJECT, "%s: %s", place, text);
}

void writer_fail(struct writer *w, const struct origin *origin, const char *name, const char *value,
                 const char *wrong)
{
    autofree char *text = xasprintf(
        "'%.200s' %s, and can't be written into a Dockerfile; change '%s'", value, wrong, name);
    writer_refuse(w, origin, name, text);
}

const struct origin *writer_origin(const struct writer *w, enum key_id key)
{
    return w->plan->project ? &w->plan->project->values[key].origin : NULL;
}

void writer_from(struct writer *w, const struct origin *origin)
{
    autofree char *place = origin && origin->file ? origin_text(origin) : xstrdup(w->here);
    dockerfile_mark(w->to, place);
}

void writer_quoted(struct writer *w, quoter quote, const char *value, const struct origin *origin,
                   const char *name)
{
    const char *wrong = quote(value, w->out);
    if (wrong)
        writer_fail(w, origin, name, value, wrong);
}

void writer_pair(struct writer *w, quoter quote, const struct plan_pair *pair, const char *value,
                 const char *section)
{
    autofree char *name = xasprintf("%s.%s", section, pair->name);
    writer_quoted(w, quote, value, &pair->origin, name);
}

void writer_value(struct writer *w, quoter quote, const char *value, enum key_id key)
{
    writer_quoted(w, quote, value, writer_origin(w, key), project_key_name(key));
}

void writer_words(struct writer *w, const struct strv *words, enum key_id key)
{
    for (size_t i = 0; i < words->len; i++) {
        buf_addc(w->out, ' ');
        writer_value(w, quote_shell, words->items[i], key);
    }
}

void writer_option(struct writer *w, const char *option, const char *value, enum key_id key)
{
    autofree char *word = xasprintf("%s%s", option, value);
    buf_addc(w->out, ' ');
    writer_value(w, quote_shell, word, key);
}

void writer_path(struct writer *w, const char *path, enum key_id key)
{
    writer_option(w, path[0] == '-' || path[0] == '@' ? "./" : "", path, key);
}
