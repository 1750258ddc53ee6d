#ifndef LBUILD_DOCKERFILE_WRITER_H
#define LBUILD_DOCKERFILE_WRITER_H

#include "dockerfile/text.h"
#include "plan/plan.h"

#include <stdbool.h>

/* Shared by the files that write parts of the Dockerfile: values of the plan, quoted for their
 * place. The first value that can't be written leaves ERROR_PROJECT with its place in *err; any
 * text written after that is of no use. */
struct writer {
    const struct plan *plan;
    const struct template *t;
    struct dockerfile *to;
    struct buf *out;   /* the text of `to` */
    const char *here;  /* the template's line that is being filled in */
    bool on_scratch;   /* the final stage is FROM scratch */
    bool without_deps; /* and leaves the dependencies out */
    struct error *err;
    bool failed;
};

/* A function of quote.h. */
typedef const char *(*quoter)(const char *value, struct buf *out);

/* `name` is the setting's name in the message, and its place if `origin` has none. */
void writer_fail(struct writer *w, const struct origin *origin, const char *name, const char *value,
                 const char *wrong);
/* The same with a whole sentence as the message. */
void writer_refuse(struct writer *w, const struct origin *origin, const char *name,
                   const char *text);
/* The place of a key, NULL when the plan knows no project. */
const struct origin *writer_origin(const struct writer *w, enum key_id key);
/* Notes that the text's last line and those after it come from this setting or, if it isn't set,
 * from the template's line. */
void writer_from(struct writer *w, const struct origin *origin);

/* `value`, which the user wrote at `origin`; messages call it `name`. */
void writer_quoted(struct writer *w, quoter quote, const char *value, const struct origin *origin,
                   const char *name);
/* `value`, which is part of a pair in this section of the project file. */
void writer_pair(struct writer *w, quoter quote, const struct plan_pair *pair, const char *value,
                 const char *section);
void writer_value(struct writer *w, quoter quote, const char *value, enum key_id key);
/* " word" for each item, as words of a shell. */
void writer_words(struct writer *w, const struct strv *words, enum key_id key);
/* " OPTIONvalue" as one word. */
void writer_option(struct writer *w, const char *option, const char *value, enum key_id key);
/* A file name as an argument: never an option or a compiler's response file. */
void writer_path(struct writer *w, const char *path, enum key_id key);

#endif
