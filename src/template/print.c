#include "template/print.h"

#include "support/own.h"
#include "template/parts.h"

#include <string.h>

static void add_input(const struct template_input *input, struct buf *out)
{
    buf_addf(out, "  %-14s  %s", input->name, template_input_type_name(input->type));
    for (size_t i = 0; i < input->choices.len; i++)
        buf_addf(out, "%s%s", i == 0 ? ": " : ", ", input->choices.items[i]);
    buf_addf(out, ". %s%sDefault: ", input->help, input->help[0] ? " " : "");
    buf_addf(out, template_input_is_plain(input->type) ? "%s.\n" : "'%s'.\n", input->fallback);
}

void template_print_entry(const struct template *t, struct buf *out)
{
    buf_addf(out, "%-16s  %s\n", t->language, t->description ? t->description : t->path);
    for (size_t i = 0; i < t->input_count; i++)
        add_input(&t->inputs[i], out);
}

static void add_line(const char *what, const char *text, struct buf *out)
{
    if (text && text[0])
        buf_addf(out, "%-16s  %s\n", what, text);
}

static void add_words(const char *what, const struct strv *words, struct buf *out)
{
    AUTO(buf) text = {0};
    for (size_t i = 0; i < words->len; i++)
        buf_addf(&text, "%s%s", i == 0 ? "" : " ", words->items[i]);
    add_line(what, buf_text(&text), out);
}

void template_print(const struct template *t, struct buf *out)
{
    AUTO(strv) locks = {0};
    for (size_t i = 0; i < t->lock_count; i++) {
        const struct template_lock *lock = &t->locks[i];
        if (lock->strict)
            strv_addf(&locks, "%s (with '%s')", lock->file, lock->strict);
        else
            strv_add(&locks, lock->file);
    }

    add_line("language", t->language, out);
    add_line("description", t->description, out);
    add_line("file", t->path, out);
    add_words("manifest", t->manifest_needs.len > 0 ? &t->manifest_needs : &t->manifest_takes, out);
    add_words("lock files", &locks, out);
    add_line("handler", t->handler_help, out);
    add_line("default handler", t->handler_fallback, out);
    add_line("base = aws", t->aws_base, out);

    if (t->input_count > 0)
        buf_adds(out, "\nTo be set in [inputs]:\n");
    for (size_t i = 0; i < t->input_count; i++)
        add_input(&t->inputs[i], out);
}
