#ifndef LBUILD_ENGINE_INSTALL_H
#define LBUILD_ENGINE_INSTALL_H

#include "lambda/arch.h"

/* The command that installs a C compiler which links static programs for an architecture and a C
 * library ("glibc", "musl" or "auto") on the distribution that the os-release file (os-release(5);
 * NULL: /etc/os-release) names. Where the distribution has no such package, it says where to get
 * zig, a compiler for both architectures. Caller frees. */
char *install_compiler(enum arch arch, const char *libc, const char *os_release);
/* The same for other packages: takes the names for the distribution's package manager. Returns NULL
 * where it has no such package. */
struct install_names {
    const char *apt, *dnf, *apk, *pacman, *zypper;
};
char *install_packages(const struct install_names *names, const char *os_release);

#endif
