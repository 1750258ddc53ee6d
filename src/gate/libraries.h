#ifndef LBUILD_GATE_LIBRARIES_H
#define LBUILD_GATE_LIBRARIES_H

#include "gate/rule.h"

/* How the dynamic loader finds libraries in this image (ld.so(8), and musl's ldso/dynlink.c). The
 * loader's cache isn't read: it is assumed to match the folders of /etc/ld.so.conf. */

struct library {
    char *name;                       /* the name by which it is needed; for the
                                         program itself its path */
    char *path;                       /* where it was found; NULL: it wasn't */
    const struct rootfs_entry *entry; /* the file that the path leads to */
    const struct rootfs_entry *unfit; /* the first file of this name that the loader tries in vain,
                                         for another machine or no library at all; or NULL */
    bool musl;                        /* musl's loader looks for it */
    bool stop;                        /* the loader looks no further after `unfit` */
    struct program program;
    size_t by; /* index of the item that needs it */
};

/* A program and all libraries that it needs, in the order of loading. Missing ones are listed
 * without a path. */
struct libraries {
    struct library *items;
    size_t len, cap;
};
void libraries_release(struct libraries *libraries);

/* Where the loader looks. */
struct library_path {
    struct strv always;      /* default folders and those in the loader's configuration */
    struct strv environment; /* LD_LIBRARY_PATH of the image */
};
void library_path_make(const struct gate *gate, struct library_path *out);
void library_path_release(struct library_path *path);

/* Finds the libraries of `entry`, an ELF file. */
void libraries_load(const struct gate *gate, const struct library_path *path,
                    const struct rootfs_entry *entry, struct libraries *out);
/* Whether an ELF file is for the image's architecture. */
bool library_fits(const struct gate *gate, const struct elf_facts *elf);
/* A file with this name anywhere in the image, one for the image's architecture where there is one;
 * or NULL. */
const struct rootfs_entry *library_elsewhere(const struct gate *gate, const char *name);

#endif
