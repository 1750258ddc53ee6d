#include "lambda/elf.h"

#include "support/fs.h"
#include "support/own.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* System V ABI, chapters 4 and 5; the GNU segment types from binutils' elf/common.h; versions from
 * the LSB's "Symbol Versioning". The structs of <elf.h> only give the offsets of their fields: the
 * bytes are read one by one in little-endian order, on any machine. */

enum {
    INTERPRETER_MAX = 4096,
    NEEDED_MAX = 1000,
    VERSIONS_MAX = 2000,
    SECTIONS_MAX = 100,
    FILE_MAX = 512 * 1024 * 1024
};

struct bytes {
    const struct elf_source *source;
    const char *name; /* for messages */
    bool *partial;    /* set when something is not at hand */
};

static uint64_t number(const unsigned char *at, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* A field of one of the structs in <elf.h>; `record` is known to lie inside. */
#define FIELD(record, type, field)                                                                 \
    number((record) + offsetof(type, field), sizeof(((type *)NULL)->field))

static int damaged(const struct bytes *b, const char *what, struct error *err)
{
    return error_set(err, ERROR_LAMBDA, "%s: damaged ELF file: %s; build or fetch it again",
                     b->name, what);
}

static bool inside(const struct bytes *b, uint64_t offset, uint64_t length)
{
    return offset <= b->source->size && length <= b->source->size - offset;
}

/* The bytes at `offset`, which is known to lie inside; NULL when they were not kept. */
static const unsigned char *span(const struct bytes *b, uint64_t offset, uint64_t length)
{
    for (size_t i = 0; i < ELF_WINDOWS; i++) {
        const struct elf_window *window = &b->source->windows[i];
        if (window->bytes && offset >= window->offset &&
            offset - window->offset <= window->length &&
            length <= window->length - (offset - window->offset))
            return (const unsigned char *)window->bytes + (offset - window->offset);
    }

    *b->partial = true;
    return NULL;
}

/* A table of `count` records of `size` bytes each; both numbers come from the file. */
struct table {
    const unsigned char *at;
    size_t count, size;
};

static const unsigned char *record(const struct table *table, size_t index)
{
    return table->at + index * table->size;
}

static int program_headers(const struct bytes *b, const unsigned char *head, struct table *out,
                           struct error *err)
{
    uint64_t offset = FIELD(head, Elf64_Ehdr, e_phoff), count = FIELD(head, Elf64_Ehdr, e_phnum);
    *out = (struct table){.size = sizeof(Elf64_Phdr)};
    if (count == 0)
        return 0;

    if (FIELD(head, Elf64_Ehdr, e_phentsize) != sizeof(Elf64_Phdr) || count == PN_XNUM)
        return damaged(b, "the program headers have an odd size", err);
    if (!inside(b, offset, count * sizeof(Elf64_Phdr)))
        return damaged(b, "the program headers lie outside of the file", err);

    out->at = span(b, offset, count * sizeof(Elf64_Phdr));
    out->count = out->at ? count : 0;
    return 0;
}

static void add_section(const struct bytes *b, const struct table *sections, size_t names,
                        const unsigned char *section, struct elf_facts *facts)
{
    uint64_t name = FIELD(section, Elf64_Shdr, sh_name), size = FIELD(section, Elf64_Shdr, sh_size);
    if (FIELD(section, Elf64_Shdr, sh_type) == SHT_NOBITS || size == 0 || size > b->source->size ||
        names >= sections->count || facts->sections.len >= SECTIONS_MAX)
        return;

    const unsigned char *strings = record(sections, names);
    uint64_t offset = FIELD(strings, Elf64_Shdr, sh_offset),
             length = FIELD(strings, Elf64_Shdr, sh_size);
    if (!inside(b, offset, length) || name >= length)
        return;

    const char *text = (const char *)span(b, offset, length);
    if (text && memchr(text + name, 0, length - name))
        strv_addf(&facts->sections, "%" PRIu64 " %.60s", size, text + name);
}

/* Sections only tell whether there is a symbol table, and what takes up room. */
static int read_sections(const struct bytes *b, const unsigned char *head, struct elf_facts *facts,
                         struct error *err)
{
    uint64_t offset = FIELD(head, Elf64_Ehdr, e_shoff), count = FIELD(head, Elf64_Ehdr, e_shnum);
    facts->stripped = true;

    if (offset == 0)
        return 0;
    if (FIELD(head, Elf64_Ehdr, e_shentsize) != sizeof(Elf64_Shdr) ||
        !inside(b, offset, sizeof(Elf64_Shdr)))
        return damaged(b, "the section headers lie outside of the file", err);

    const unsigned char *first = span(b, offset, sizeof(Elf64_Shdr));
    if (count == 0 && first) /* too many for 16 bits: the number is in the first header */
        count = FIELD(first, Elf64_Shdr, sh_size);
    if (count > b->source->size / sizeof(Elf64_Shdr) ||
        !inside(b, offset, count * sizeof(Elf64_Shdr)))
        return damaged(b, "the section headers lie outside of the file", err);

    const struct table sections = {span(b, offset, count * sizeof(Elf64_Shdr)), count,
                                   sizeof(Elf64_Shdr)};
    for (size_t i = 0; sections.at && i < sections.count; i++) {
        if (FIELD(record(&sections, i), Elf64_Shdr, sh_type) == SHT_SYMTAB)
            facts->stripped = false;
        add_section(b, &sections, FIELD(head, Elf64_Ehdr, e_shstrndx), record(&sections, i), facts);
    }
    return 0;
}

static int read_interpreter(const struct bytes *b, uint64_t offset, uint64_t size,
                            struct elf_facts *facts, struct error *err)
{
    if (facts->interpreter)
        return damaged(b, "it names two interpreters", err);
    if (size == 0 || size > INTERPRETER_MAX)
        return damaged(b, "the interpreter's name has no end", err);

    const char *text = (const char *)span(b, offset, size);
    if (text && !memchr(text, 0, size))
        return damaged(b, "the interpreter's name has no end", err);
    facts->interpreter = text ? xstrdup(text) : NULL;
    return 0;
}

/* The dynamic section before its addresses are looked up. */
struct dynamic {
    uint64_t strings, strings_size; /* address and size of its strings */
    uint64_t needed[NEEDED_MAX];
    size_t needed_count;
    uint64_t soname, rpath, runpath; /* offsets plus 1; 0: none */
    uint64_t verneed, verneed_count, verdef, verdef_count;
};

static int read_dynamic(const struct bytes *b, const struct table *entries, struct dynamic *dynamic,
                        struct elf_facts *facts, struct error *err)
{
    for (size_t i = 0; i < entries->count; i++) {
        uint64_t tag = FIELD(record(entries, i), Elf64_Dyn, d_tag),
                 value = FIELD(record(entries, i), Elf64_Dyn, d_un);
        switch (tag) {
        case DT_NULL:
            return 0;

        case DT_TEXTREL:
            facts->text_relocations = true;
            break;
        case DT_FLAGS:
            facts->text_relocations |= (value & DF_TEXTREL) != 0;
            break;
        case DT_NEEDED:
            if (dynamic->needed_count == NEEDED_MAX)
                return damaged(b, "it needs more than 1000 libraries", err);
            dynamic->needed[dynamic->needed_count++] = value;
            break;
        case DT_STRTAB:
            dynamic->strings = value;
            break;
        case DT_STRSZ:
            dynamic->strings_size = value;
            break;
        case DT_SONAME:
            dynamic->soname = value + 1;
            break;
        case DT_RPATH:
            dynamic->rpath = value + 1;
            break;
        case DT_RUNPATH:
            dynamic->runpath = value + 1;
            break;
        case DT_VERNEED:
            dynamic->verneed = value;
            break;
        case DT_VERNEEDNUM:
            dynamic->verneed_count = value;
            break;
        case DT_VERDEF:
            dynamic->verdef = value;
            break;
        case DT_VERDEFNUM:
            dynamic->verdef_count = value;
            break;
        default:
            break;
        }
    }

    return 0;
}

/* The place in the file of the bytes loaded at an address, and how many follow from there. */
static bool locate(const struct bytes *b, const struct table *headers, uint64_t address,
                   uint64_t size, uint64_t *offset, uint64_t *room)
{
    for (size_t i = 0; i < headers->count; i++) {
        const unsigned char *header = record(headers, i);
        uint64_t start = FIELD(header, Elf64_Phdr, p_vaddr),
                 length = FIELD(header, Elf64_Phdr, p_filesz);
        if (FIELD(header, Elf64_Phdr, p_type) != PT_LOAD || address < start ||
            address - start > length || size > length - (address - start))
            continue;

        *offset = FIELD(header, Elf64_Phdr, p_offset) + (address - start);
        *room = length - (address - start);
        return inside(b, *offset, size);
    }
    return false;
}

/* The strings of the dynamic section; `at` is NULL when they were not kept. */
struct strings {
    const char *at;
    uint64_t size;
};

/* NULL: the string lies outside, or has no end. */
static const char *string_at(const struct strings *strings, uint64_t offset)
{
    if (offset >= strings->size || !memchr(strings->at + offset, 0, strings->size - offset))
        return NULL;
    return strings->at + offset;
}

static int read_names(const struct bytes *b, const struct dynamic *dynamic,
                      const struct strings *strings, struct elf_facts *facts, struct error *err)
{
    const struct {
        uint64_t offset;
        char **out;
    } single[] = {{dynamic->soname, &facts->soname},
                  {dynamic->rpath, &facts->rpath},
                  {dynamic->runpath, &facts->runpath}};

    for (size_t i = 0; i < dynamic->needed_count; i++) {
        const char *name = string_at(strings, dynamic->needed[i]);
        if (!name)
            return damaged(b, "a library's name has no end", err);
        strv_add(&facts->needed, name);
    }

    for (size_t i = 0; i < countof(single); i++) {
        const char *name = single[i].offset ? string_at(strings, single[i].offset - 1) : NULL;
        if (single[i].offset && !name)
            return damaged(b, "the name of a library or folder has no end", err);
        *single[i].out = name ? xstrdup(name) : NULL;
    }
    return 0;
}

/* A record of a chain, `offset` bytes after its start. NULL: it lies outside, or was not kept. */
static const unsigned char *link_at(const struct bytes *b, uint64_t start, uint64_t room,
                                    uint64_t offset, size_t size)
{
    if (offset > room || size > room - offset || !inside(b, start + offset, size))
        return NULL;
    return span(b, start + offset, size);
}

static void read_version_needs(const struct bytes *b, const struct table *headers,
                               const struct dynamic *dynamic, const struct strings *strings,
                               struct elf_facts *facts)
{
    uint64_t start = 0, room = 0, at = 0;
    size_t steps = 0; /* links may form a circle */
    if (!dynamic->verneed ||
        !locate(b, headers, dynamic->verneed, sizeof(Elf64_Verneed), &start, &room))
        return;

    for (uint64_t i = 0; i < dynamic->verneed_count && steps < VERSIONS_MAX; i++, steps++) {
        const unsigned char *need = link_at(b, start, room, at, sizeof(Elf64_Verneed));
        const char *library = need ? string_at(strings, FIELD(need, Elf64_Verneed, vn_file)) : NULL;
        if (!library)
            return;

        uint64_t aux = at + FIELD(need, Elf64_Verneed, vn_aux),
                 next = FIELD(need, Elf64_Verneed, vn_next);
        for (uint64_t j = 0; j < FIELD(need, Elf64_Verneed, vn_cnt) && steps < VERSIONS_MAX;
             j++, steps++) {
            const unsigned char *entry = link_at(b, start, room, aux, sizeof(Elf64_Vernaux));
            const char *version =
                entry ? string_at(strings, FIELD(entry, Elf64_Vernaux, vna_name)) : NULL;
            if (!version)
                return;

            if (!(FIELD(entry, Elf64_Vernaux, vna_flags) & VER_FLG_WEAK))
                strv_addf(&facts->versions, "%.200s %.200s", library, version);
            aux += FIELD(entry, Elf64_Vernaux, vna_next);
        }

        if (next == 0)
            return;
        at += next;
    }
}

static void read_version_gifts(const struct bytes *b, const struct table *headers,
                               const struct dynamic *dynamic, const struct strings *strings,
                               struct elf_facts *facts)
{
    uint64_t start = 0, room = 0, at = 0;
    if (!dynamic->verdef ||
        !locate(b, headers, dynamic->verdef, sizeof(Elf64_Verdef), &start, &room))
        return;

    for (uint64_t i = 0; i < dynamic->verdef_count && i < VERSIONS_MAX; i++) {
        const unsigned char *gift = link_at(b, start, room, at, sizeof(Elf64_Verdef));
        const unsigned char *aux =
            gift ? link_at(b, start, room, at + FIELD(gift, Elf64_Verdef, vd_aux),
                           sizeof(Elf64_Verdaux))
                 : NULL;
        const char *version = aux ? string_at(strings, FIELD(aux, Elf64_Verdaux, vda_name)) : NULL;

        if (!version)
            return;
        if (!(FIELD(gift, Elf64_Verdef, vd_flags) & VER_FLG_BASE))
            strv_addf(&facts->gives, "%.200s", version);

        if (FIELD(gift, Elf64_Verdef, vd_next) == 0)
            return;
        at += FIELD(gift, Elf64_Verdef, vd_next);
    }
}

static int read_strings(const struct bytes *b, const struct table *headers,
                        const struct dynamic *dynamic, struct elf_facts *facts, struct error *err)
{
    uint64_t offset = 0, room = 0;
    if (dynamic->needed_count == 0 && !dynamic->soname && !dynamic->rpath && !dynamic->runpath &&
        !dynamic->verdef)
        return 0;

    if (!locate(b, headers, dynamic->strings, dynamic->strings_size, &offset, &room))
        return damaged(b, "the names of the libraries lie outside of the file", err);
    const struct strings strings = {(const char *)span(b, offset, dynamic->strings_size),
                                    dynamic->strings_size};
    if (!strings.at)
        return 0;

    if (read_names(b, dynamic, &strings, facts, err) != 0)
        return -1;

    read_version_needs(b, headers, dynamic, &strings, facts);
    read_version_gifts(b, headers, dynamic, &strings, facts);
    return 0;
}

/* "GNU" notes of type 5 hold properties: type, size and data, each padded to 8 bytes (x86-64 psABI,
 * "Program Property"). */
static void read_properties(const unsigned char *at, uint64_t length, struct elf_facts *facts)
{
    enum { HEAD = 8, ISA_NEEDED = (int)0x8002 };
    while (length >= HEAD) {
        uint64_t type = number(at, 4), size = number(at + 4, 4),
                 padded = HEAD + ((size + 7) & ~UINT64_C(7));
        if (size > length - HEAD)
            return;

        if (type == (UINT64_C(0xc0000000) | ISA_NEEDED) && size == 4)
            for (unsigned level = 1; level <= 4; level++)
                if (number(at + HEAD, 4) & (1u << (level - 1)))
                    facts->isa = level;

        if (padded >= length)
            return;
        at += padded;
        length -= padded;
    }
}

static void read_notes(const struct bytes *b, uint64_t offset, uint64_t size, uint64_t align,
                       struct elf_facts *facts)
{
    enum { HEAD = 12, PROPERTIES = 5, MOST = 65536 };
    const unsigned char *at = size <= MOST ? span(b, offset, size) : NULL;
    const uint64_t fill = align == 8 ? 7 : 3;
    while (at && size >= HEAD) {
        uint64_t name = number(at, 4), content = number(at + 4, 4), type = number(at + 8, 4);
        uint64_t begin = (HEAD + name + fill) & ~fill, end = begin + ((content + fill) & ~fill);

        if (begin > size || content > size - begin)
            return;

        if (type == PROPERTIES && name == 4 && memcmp(at + HEAD, "GNU", 4) == 0)
            read_properties(at + begin, content, facts);

        if (end >= size)
            return;
        at += end;
        size -= end;
    }
}

static int read_segment(const struct bytes *b, const unsigned char *header, struct table *entries,
                        struct elf_facts *facts, struct error *err)
{
    uint64_t type = FIELD(header, Elf64_Phdr, p_type), offset = FIELD(header, Elf64_Phdr, p_offset);
    uint64_t size = FIELD(header, Elf64_Phdr, p_filesz);

    if (type == PT_GNU_STACK)
        facts->executable_stack = FIELD(header, Elf64_Phdr, p_flags) & PF_X;
    if (type == PT_NOTE && inside(b, offset, size))
        read_notes(b, offset, size, FIELD(header, Elf64_Phdr, p_align), facts);

    if (type != PT_INTERP && type != PT_DYNAMIC && type != PT_LOAD)
        return 0;
    if (!inside(b, offset, size))
        return damaged(b, "a segment lies outside of the file", err);

    if (type == PT_INTERP)
        return read_interpreter(b, offset, size, facts, err);
    if (type == PT_DYNAMIC) {
        entries->at = span(b, offset, size);
        entries->count = entries->at ? size / sizeof(Elf64_Dyn) : 0;
    }
    return 0;
}

static int read_segments(const struct bytes *b, const unsigned char *head, struct elf_facts *facts,
                         struct error *err)
{
    struct table headers, entries = {.size = sizeof(Elf64_Dyn)};
    struct dynamic dynamic = {0};
    if (program_headers(b, head, &headers, err) != 0)
        return -1;

    facts->executable_stack = true;
    for (size_t i = 0; i < headers.count; i++)
        if (read_segment(b, record(&headers, i), &entries, facts, err) != 0)
            return -1;

    if (read_dynamic(b, &entries, &dynamic, facts, err) != 0)
        return -1;
    return read_strings(b, &headers, &dynamic, facts, err);
}

static int read_all(const struct bytes *b, struct elf_facts *facts, struct error *err)
{
    const unsigned char *head = b->source->windows[0].bytes;
    uint64_t length = b->source->windows[0].length;
    if (length < EI_NIDENT + 4)
        return damaged(b, "it ends within its header", err);

    facts->is_64 = head[EI_CLASS] == ELFCLASS64;
    facts->little_endian = head[EI_DATA] == ELFDATA2LSB;
    facts->machine =
        head[offsetof(Elf64_Ehdr, e_machine)] | head[offsetof(Elf64_Ehdr, e_machine) + 1] << 8;
    facts->type = head[offsetof(Elf64_Ehdr, e_type)] | head[offsetof(Elf64_Ehdr, e_type) + 1] << 8;

    if (!facts->little_endian) {
        facts->machine = (facts->machine & 0xff) << 8 | facts->machine >> 8;
        facts->type = (facts->type & 0xff) << 8 | facts->type >> 8;
    }

    if (!facts->is_64 || !facts->little_endian)
        return 0; /* no need to know more: it can't run on Lambda */
    if (length < sizeof(Elf64_Ehdr))
        return damaged(b, "it ends within its header", err);

    facts->executable =
        facts->type == ET_EXEC || (facts->type == ET_DYN && FIELD(head, Elf64_Ehdr, e_entry) != 0);
    return read_sections(b, head, facts, err) != 0 ? -1 : read_segments(b, head, facts, err);
}

int elf_read_source(const struct elf_source *source, const char *name, struct elf_facts *facts,
                    struct error *err)
{
    *facts = (struct elf_facts){0};
    const struct bytes b = {source, name, &facts->partial};
    if (source->windows[0].length < SELFMAG ||
        memcmp(source->windows[0].bytes, ELFMAG, SELFMAG) != 0)
        return 0;

    if (read_all(&b, facts, err) == 0)
        return 1;
    elf_facts_release(facts);
    return -1;
}

int elf_read(const void *bytes, size_t length, const char *name, struct elf_facts *facts,
             struct error *err)
{
    const struct elf_source source = {.windows = {{bytes, 0, length}}, .size = length};
    return elf_read_source(&source, name, facts, err);
}

bool elf_find_dynamic(const void *head, size_t length, uint64_t *offset, uint64_t *size)
{
    const unsigned char *at = head;
    if (length < sizeof(Elf64_Ehdr) || memcmp(at, ELFMAG, SELFMAG) != 0 ||
        at[EI_CLASS] != ELFCLASS64 || at[EI_DATA] != ELFDATA2LSB)
        return false;

    uint64_t start = FIELD(at, Elf64_Ehdr, e_phoff), count = FIELD(at, Elf64_Ehdr, e_phnum);
    if (start > length || count * sizeof(Elf64_Phdr) > length - start)
        return false;

    for (uint64_t i = 0; i < count; i++) {
        const unsigned char *header = at + start + i * sizeof(Elf64_Phdr);
        if (FIELD(header, Elf64_Phdr, p_type) != PT_DYNAMIC)
            continue;

        *offset = FIELD(header, Elf64_Phdr, p_offset);
        *size = FIELD(header, Elf64_Phdr, p_filesz);
        return true;
    }
    return false;
}

/* 1: the file begins like ELF. 0: it doesn't. */
static int has_magic(const char *path, struct error *err)
{
    char magic[SELFMAG];
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", path);
    return read(fd, magic, sizeof magic) == (ssize_t)sizeof magic &&
           memcmp(magic, ELFMAG, SELFMAG) == 0;
}

int elf_read_file(const char *path, struct elf_facts *facts, struct error *err)
{
    AUTO(buf) content = {0};
    *facts = (struct elf_facts){0};
    int found = has_magic(path, err);
    if (found != 1)
        return found;

    if (fs_read(path, FILE_MAX, &content, err) != 0)
        return -1;
    return elf_read(content.data, content.len, path, facts, err);
}

void elf_facts_release(struct elf_facts *facts)
{
    free(facts->interpreter);
    free(facts->soname);
    free(facts->rpath);
    free(facts->runpath);

    strv_release(&facts->needed);
    strv_release(&facts->versions);
    strv_release(&facts->gives);
    strv_release(&facts->sections);
    *facts = (struct elf_facts){0};
}
