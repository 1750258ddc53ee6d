#ifndef LBUILD_SUPPORT_TAR_H
#define LBUILD_SUPPORT_TAR_H

#include "support/error.h"
#include "support/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tar archives (OCI image-spec, layer.md): read by libarchive, which knows every dialect,
 * and written by our own code, since loading libarchive costs every build 1.5 to 3 ms and
 * 3 MiB (measured). */

enum tar_type {
    TAR_FILE,
    TAR_DIR,
    TAR_SYMLINK,
    TAR_HARDLINK,
    TAR_OTHER /* device, FIFO, socket */
};

struct tar_entry {
    const char *path; /* when read: as stored, not cleaned. When written: relative, without "./"; a
                         directory may lack its final slash */
    const char *link; /* target of a symbolic or hard link, else NULL */
    enum tar_type type;
    unsigned mode; /* permission bits, 07777 */
    int64_t uid, gid;
    int64_t mtime; /* whole seconds since 1970 */
    int64_t size;  /* bytes of content; 0 for anything but files */
};

/* Where bytes come from or go to. A source returns the number of bytes read, 0 at the end, or -1
 * with *err set. */
typedef int64_t (*tar_source)(void *data, void *bytes, size_t capacity, struct error *err);
typedef int (*byte_sink)(void *data, const void *bytes, size_t length, struct error *err);

/* Holes of sparse files are read as zeros, up to this many bytes in one archive, since a header of
 * 512 bytes can claim holes of any size. No image builder makes sparse files. */
#define TAR_HOLES_MAX (1024 * 1024 * 1024)

/* No archive holds more than this: Lambda accepts images of 10 GB. */
#define TAR_CONTENT_MAX (INT64_C(32) << 30)

/* Reads plain or gzip (several members too) tar of every dialect: ustar, GNU, PAX. Hostile input is
 * an error (ERROR_REGISTRY, with `name` in front), never a crash: names longer than 4,096 bytes,
 * sizes below 0, truncation, endless holes, an archive that is compressed twice or holds more than
 * TAR_CONTENT_MAX bytes. A signal ends the reading. Nothing is unpacked to the file system here. */
struct tar_reader;
struct tar_reader *tar_reader_open(tar_source source, void *data, const char *name,
                                   struct error *err) must_check;
struct tar_reader *tar_reader_open_file(const char *path, struct error *err) must_check;
void tar_reader_free(struct tar_reader *reader);
DEFINE_AUTOPTR(tar_reader)
/* 1 and the next entry (valid until the next call), 0 at the end, -1 on an error. Unread
 * content is skipped. */
int tar_reader_next(struct tar_reader *reader, struct tar_entry *entry,
                    struct error *err) must_check;
/* Up to `capacity` bytes of the current entry's content; 0 at its end, -1 on an error. */
int64_t tar_reader_read(struct tar_reader *reader, void *bytes, size_t capacity,
                        struct error *err) must_check;

/* Writes PAX restricted (ustar where it fits; PAX headers only for long names or big sizes): no
 * clock, user or device gets in, owners' names are empty, and the bytes depend on the calls alone.
 * Content is passed through to the sink without a copy. */
struct tar_writer;
struct tar_writer *tar_writer_open(byte_sink sink, void *data, struct error *err) must_check;
void tar_writer_free(struct tar_writer *writer);
DEFINE_AUTOPTR(tar_writer)
int tar_writer_entry(struct tar_writer *writer, const struct tar_entry *entry,
                     struct error *err) must_check;
/* Exactly entry.size bytes in all must follow a file's header, in any pieces. */
int tar_writer_data(struct tar_writer *writer, const void *bytes, size_t length,
                    struct error *err) must_check;
/* Ends the archive (two zero blocks, no more padding). */
int tar_writer_finish(struct tar_writer *writer, struct error *err) must_check;

#endif
