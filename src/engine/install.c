#include "engine/install.h"

#include "support/fs.h"
#include "support/own.h"

#include <string.h>

enum { OS_RELEASE_MAX = 65536 };

enum manager { APT, DNF, APK, PACMAN, ZYPPER, MANAGER_COUNT };

static const char *const commands[MANAGER_COUNT] = {
    "apt-get install", "dnf install", "apk add", "pacman -S", "zypper install",
};

/* ID and ID_LIKE of os-release(5). */
static const struct distribution {
    const char *id;
    enum manager manager;
} distributions[] = {
    {"debian", APT}, {"ubuntu", APT}, {"fedora", DNF},  {"rhel", DNF},    {"centos", DNF},
    {"amzn", DNF},   {"alpine", APK}, {"arch", PACMAN}, {"suse", ZYPPER}, {"opensuse", ZYPPER},
};

static const struct install_names native_glibc = {"gcc libc6-dev", "gcc glibc-static", NULL, "gcc",
                                                  "gcc glibc-devel-static"};
static const struct install_names native_any = {"gcc libc6-dev", "gcc glibc-static", "gcc musl-dev",
                                                "gcc", "gcc glibc-devel-static"};
static const struct install_names native_musl = {
    "musl-tools", "musl-gcc musl-libc-static musl-devel", "gcc musl-dev", "musl", "musl-gcc"};
static const struct install_names arm64_glibc = {"gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
                                                 NULL, NULL, "aarch64-linux-gnu-gcc", NULL};
static const struct install_names x86_64_glibc = {"gcc-x86-64-linux-gnu libc6-dev-amd64-cross",
                                                  NULL, NULL, NULL, NULL};
static const struct install_names zig = {NULL, "zig", "zig", "zig", "zig"};

/* The package manager of one word of ID or ID_LIKE. */
static int manager_of(const char *word, size_t length)
{
    for (size_t i = 0; i < countof(distributions); i++)
        if (strlen(distributions[i].id) == length &&
            strncmp(distributions[i].id, word, length) == 0)
            return (int)distributions[i].manager;
    return -1;
}

static int manager_of_line(const char *line, const char *key)
{
    size_t length = strlen(key);
    int found = -1;
    if (strncmp(line, key, length) != 0)
        return -1;

    for (line += length; found < 0 && *line && *line != '\n'; line += strspn(line, " \"'")) {
        size_t word = strcspn(line, " \"'\n");
        found = manager_of(line, word);
        line += word;
    }
    return found;
}

static int find_manager(const char *os_release)
{
    static const char *const keys[] = {"ID=", "ID_LIKE="};
    struct error ignored;
    AUTO(buf) text = {0};
    if (fs_read(os_release ? os_release : "/etc/os-release", OS_RELEASE_MAX, &text, &ignored) != 0)
        return -1;

    for (size_t i = 0; i < countof(keys); i++) {
        for (const char *line = buf_text(&text); line; line = strchr(line, '\n')) {
            line += *line == '\n';
            int found = manager_of_line(line, keys[i]);
            if (found >= 0)
                return found;
        }
    }
    return -1;
}

char *install_packages(const struct install_names *names, const char *os_release)
{
    const char *const all[MANAGER_COUNT] = {names->apt, names->dnf, names->apk, names->pacman,
                                            names->zypper};
    int manager = find_manager(os_release);
    if (manager < 0 || !all[manager])
        return NULL;
    return xasprintf("%s %s", commands[manager], all[manager]);
}

static const struct install_names *native_for(const char *libc)
{
    if (strcmp(libc, "musl") == 0)
        return &native_musl;
    return strcmp(libc, "glibc") == 0 ? &native_glibc : &native_any;
}

char *install_compiler(enum arch arch, const char *libc, const char *os_release)
{
    const struct install_names *names = &zig;
    if (arch == arch_native())
        names = native_for(libc);
    else if (strcmp(libc, "musl") != 0)
        names = arch == ARCH_ARM64 ? &arm64_glibc : &x86_64_glibc;

    char *command = install_packages(names, os_release);
    if (!command && strcmp(libc, "glibc") != 0)
        command = install_packages(&zig, os_release);
    if (command)
        return command;
    return xstrdup("put zig (https://ziglang.org/download) into PATH, and set [build] libc = musl");
}
