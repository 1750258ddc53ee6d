#ifndef LBUILD_REGISTRY_REFERENCE_H
#define LBUILD_REGISTRY_REFERENCE_H

#include "support/digest.h"
#include "support/error.h"

#include <stdbool.h>

/* Names of images in registries, as docker reads them (OCI distribution-spec, "Pulling manifests"):
 * [HOST[:PORT]/]PATH[:TAG][@sha256:HEX].
 *
 * The first component is a host only when it has a '.' or a ':' or is "localhost". Without a host
 * the image is on Docker Hub, where one-word names are in "library/". With neither a tag nor a
 * digest the tag is "latest"; with both, the digest decides which image is fetched. Limits: 253
 * bytes for the host's name, 255 for the repository, 128 for the tag. */
struct reference {
    char *host; /* lower case: "docker.io", "public.ecr.aws", "localhost:5000", "[::1]:5000" */
    char *repository;     /* "library/debian", "lambda/provided" */
    char *tag;            /* NULL when only a digest was given */
    struct digest digest; /* empty unless given */
};

/* Errors: ERROR_PROJECT, with the wrong part and its right form; *out is then empty. */
int reference_parse(const char *text, struct reference *out, struct error *err) must_check;
void reference_release(struct reference *reference);

/* The full name, "HOST/REPOSITORY[:TAG][@DIGEST]". Caller frees. */
char *reference_name(const struct reference *reference);
/* Whether two texts name the same image: "go" and "docker.io/library/go:latest". A text that is no
 * reference is the same as itself only. */
bool reference_same(const char *one, const char *other);
/* The server that requests for a host go to: "registry-1.docker.io" for "docker.io", otherwise the
 * host itself. Borrowed. */
const char *reference_server(const char *host);
/* Whether "HOST[:PORT]" is this machine: localhost, 127.0.0.0/8 or ::1. lbuild speaks plain HTTP
 * only to these. */
bool reference_is_loopback(const char *host);
/* Whether "HOST[:PORT]" is well-formed: a DNS name, an IPv4 address, or an IPv6
 * address in brackets. */
bool reference_host_valid(const char *host);

#endif
