#ifndef LBUILD_TEMPLATE_PRINT_H
#define LBUILD_TEMPLATE_PRINT_H

#include "support/buf.h"
#include "template/template.h"

/* Describes a template to users: as an entry of a list, and in full. Pure. */
void template_print_entry(const struct template *t, struct buf *out);
void template_print(const struct template *t, struct buf *out);

#endif
