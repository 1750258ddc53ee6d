#ifndef LBUILD_ENGINE_INSTALL_H
#define LBUILD_ENGINE_INSTALL_H

#include "lambda/arch.h"

/* The one command that installs a C compiler which links static programs for an architecture and a
 * C library ("glibc", "musl" or "auto") on this distribution, by its os-release file
 * (os-release(5); NULL: /etc/os-release). A distribution without such a package is told where zig
 * is, a compiler that brings both architectures. Caller frees. */
char *install_compiler(enum arch arch, const char *libc, const char *os_release);
/* The same for other packages: picks the word for the distribution's package manager, NULL where it
 * has no such package. */
struct install_names {
    const char *apt, *dnf, *apk, *pacman, *zypper;
};
char *install_packages(const struct install_names *names, const char *os_release);

#endif
