#ifndef LBUILD_REGISTRY_REFERENCE_H
#define LBUILD_REGISTRY_REFERENCE_H

#include "support/digest.h"
#include "support/error.h"

#include <stdbool.h>

/* Names of images in registries, as docker reads them (OCI distribution-spec, "Pulling manifests";
 * "Distribution API" of the format facts): [HOST[:PORT]/]PATH[:TAG][@sha256:HEX].
 *
 * The first component is a host only when it has a '.' or a ':' or is "localhost"; without one the
 * image is Docker Hub's, whose one-word names live in "library/". With neither a tag nor a digest
 * the tag is "latest"; with both, the digest decides what is fetched. Limits: 253 bytes for the
 * host's name, 255 for the repository, 128 for the tag. */
struct reference {
    char *host; /* as it is named: "docker.io", "public.ecr.aws", "localhost:5000", "[::1]:5000";
                   lower case */
    char *repository;     /* "library/debian", "lambda/provided" */
    char *tag;            /* NULL when only a digest was given */
    struct digest digest; /* empty unless given */
};

/* Errors: ERROR_PROJECT, with the offending part and how to write it; *out is then empty. */
int reference_parse(const char *text, struct reference *out, struct error *err) must_check;
void reference_release(struct reference *reference);
/* Fully qualified: "HOST/REPOSITORY[:TAG][@DIGEST]". Caller frees. */
char *reference_name(const struct reference *reference);
/* Where requests for a host go: "registry-1.docker.io" for "docker.io", else the host itself.
 * Borrowed. */
const char *reference_server(const char *host);
/* Whether "HOST[:PORT]" is this machine: localhost, 127.0.0.0/8 or ::1. Plain HTTP is spoken with
 * nobody else. */
bool reference_is_loopback(const char *host);
/* Whether "HOST[:PORT]" is well-formed: a DNS name, an IPv4 address or an IPv6 address in brackets.
 */
bool reference_host_valid(const char *host);

#endif
