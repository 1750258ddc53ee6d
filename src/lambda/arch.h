#ifndef LBUILD_LAMBDA_ARCH_H
#define LBUILD_LAMBDA_ARCH_H

/* The two architectures of Lambda. Lambda says x86_64 and arm64, OCI says amd64 and arm64 (GOARCH),
 * compilers say x86_64 and aarch64. */
enum arch { ARCH_X86_64, ARCH_ARM64, ARCH_COUNT };

/* Accepts every spelling in use: x86_64, x86-64, amd64, arm64, aarch64, arm64/v8, each also after
 * "linux/". 0, or -1 for anything else. */
int arch_parse(const char *text, enum arch *out);
const char *arch_lambda(enum arch arch);   /* "x86_64" or "arm64" */
const char *arch_oci(enum arch arch);      /* "amd64" or "arm64" */
const char *arch_compiler(enum arch arch); /* "x86_64" or "aarch64" */
enum arch arch_native(void);

#endif
