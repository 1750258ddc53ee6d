#include "lambda/program.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever a file contains, the result is lines of text that can be read back; the size of the
 * pieces in which it came makes no difference. */
static void scan(struct program_scan *scan, const uint8_t *data, size_t size, size_t piece,
                 struct buf *lines)
{
    program_scan_begin(scan, size, PROGRAM_TEXT);
    for (size_t at = 0; at < size; at += piece)
        program_scan_feed(scan, data + at, size - at < piece ? size - at : piece);
    program_scan_end(scan, lines);
    if (lines->len > 0 && strlen(lines->data) != lines->len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf) whole = {0}, pieces = {0};
    AUTO(program) program = {0}, raw = {0};
    static struct program_scan *one; /* for all inputs, as for the files of a layer: it is large */

    one = one ? one : program_scan_new();
    scan(one, data, size, size ? size : 1, &whole);
    scan(one, data, size, 61, &pieces);
    if (whole.len != pieces.len ||
        (whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0))
        abort();

    program_read(buf_text(&whole), &program);
    if (program.kind == PROGRAM_ELF && program.elf.versions.len > 2000)
        abort();

    /* A list from the store may hold anything that has the right checksum. */
    autofree char *text = xstrndup((const char *)data, size);
    program_read(text, &raw);
    return 0;
}
