#ifndef LBUILD_TEMPLATE_PARTS_H
#define LBUILD_TEMPLATE_PARTS_H

#include "template/template.h"

/* What the files that read a template share. */

/* The two halves of template_parse: the head, then each body, whose text and line are set. */
int template_parse_head(const char *text, size_t length, struct template *t,
                        struct error *err) must_check;
int template_parse_body(const struct template *t, struct template_body *body,
                        struct error *err) must_check;

/* "text", "words", "version", "bool" or "choice". */
const char *template_input_type_name(enum template_input_type type);
/* What is wrong with a text of the head that has placeholders; NULL when nothing is. `plain`: only
 * inputs of plain types may be in it; `program`: {{program}} and {{cache}} too. Caller frees. */
char *template_expand_check(const struct template *t, const char *text, bool plain, bool program);

#endif
