#ifndef LBUILD_REGISTRY_CERTIFICATES_H
#define LBUILD_REGISTRY_CERTIFICATES_H

#include "support/buf.h"
#include "support/error.h"

/* The certificates of the authorities to trust, as one PEM text: those of the file `system` (NULL:
 * none; one that can't be read counts as empty) and those of `ca_file`. Errors: ERROR_REGISTRY for
 * a `ca_file` that can't be read or has more than 4 MiB. */
int certificates_load(const char *system, const char *ca_file, struct buf *out,
                      struct error *err) must_check;

#endif
