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

/* System V ABI, chapters 4 and 5; the GNU segment types from binutils' elf/common.h. The structs of <elf.h> only serve for
 * the offsets of their fields: the bytes are read one by one, in little-endian order, whatever this machine is. */

enum { INTERPRETER_MAX = 4096, NEEDED_MAX = 1000, FILE_MAX = 512 * 1024 * 1024 };

struct bytes {
    const unsigned char *at;
    size_t length;
    const char *name; /* for messages */
};

static uint64_t number(const unsigned char *at, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* A field of one of the structs in <elf.h>; `record` is known to be inside. */
#define FIELD(record, type, field) number((record) + offsetof(type, field), sizeof(((type *)NULL)->field))

static int damaged(const struct bytes *b, const char *what, struct error *err)
{
    return error_set(err, ERROR_LAMBDA, "%s: damaged ELF file: %s; build or fetch it again", b->name, what);
}

static bool inside(const struct bytes *b, uint64_t offset, uint64_t length)
{
    return offset <= b->length && length <= b->length - offset;
}

/* A table of `count` records at `offset`, each `size` bytes: both come from the file. */
struct table {
    const unsigned char *at;
    size_t count, size;
};

static const unsigned char *record(const struct table *table, size_t index)
{
    return table->at + index * table->size;
}

static int program_headers(const struct bytes *b, struct table *out, struct error *err)
{
    uint64_t offset = FIELD(b->at, Elf64_Ehdr, e_phoff), count = FIELD(b->at, Elf64_Ehdr, e_phnum);
    *out = (struct table){.size = sizeof(Elf64_Phdr)};
    if (count == 0)
        return 0;
    if (FIELD(b->at, Elf64_Ehdr, e_phentsize) != sizeof(Elf64_Phdr) || count == PN_XNUM)
        return damaged(b, "the program headers have an odd size", err);
    if (!inside(b, offset, count * sizeof(Elf64_Phdr)))
        return damaged(b, "the program headers lie outside of the file", err);
    out->at = b->at + offset;
    out->count = count;
    return 0;
}

/* Sections only tell whether there is a symbol table. */
static int read_sections(const struct bytes *b, struct elf_facts *facts, struct error *err)
{
    uint64_t offset = FIELD(b->at, Elf64_Ehdr, e_shoff), count = FIELD(b->at, Elf64_Ehdr, e_shnum);
    facts->stripped = true;
    if (offset == 0)
        return 0;
    if (FIELD(b->at, Elf64_Ehdr, e_shentsize) != sizeof(Elf64_Shdr) || !inside(b, offset, sizeof(Elf64_Shdr)))
        return damaged(b, "the section headers lie outside of the file", err);
    if (count == 0) /* more than fit into 16 bits: the number is in the first header */
        count = FIELD(b->at + offset, Elf64_Shdr, sh_size);
    if (count > b->length / sizeof(Elf64_Shdr) || !inside(b, offset, count * sizeof(Elf64_Shdr)))
        return damaged(b, "the section headers lie outside of the file", err);
    struct table sections = {b->at + offset, count, sizeof(Elf64_Shdr)};
    for (size_t i = 0; i < sections.count; i++)
        if (FIELD(record(&sections, i), Elf64_Shdr, sh_type) == SHT_SYMTAB)
            facts->stripped = false;
    return 0;
}

static int read_interpreter(const struct bytes *b, uint64_t offset, uint64_t size, struct elf_facts *facts,
                            struct error *err)
{
    if (facts->interpreter)
        return damaged(b, "it names two interpreters", err);
    if (size == 0 || size > INTERPRETER_MAX || !memchr(b->at + offset, 0, size))
        return damaged(b, "the interpreter's name has no end", err);
    facts->interpreter = xstrdup((const char *)b->at + offset);
    return 0;
}

/* What the dynamic section says, before its addresses are looked up. */
struct dynamic {
    uint64_t strings, strings_size; /* address and size of its strings */
    uint64_t needed[NEEDED_MAX];
    size_t needed_count;
};

static int read_dynamic(const struct bytes *b, const struct table *entries, struct dynamic *dynamic,
                        struct elf_facts *facts, struct error *err)
{
    for (size_t i = 0; i < entries->count; i++) {
        uint64_t tag = FIELD(record(entries, i), Elf64_Dyn, d_tag), value = FIELD(record(entries, i), Elf64_Dyn, d_un);
        if (tag == DT_NULL)
            break;
        if (tag == DT_NEEDED) {
            if (dynamic->needed_count == NEEDED_MAX)
                return damaged(b, "it needs more than 1000 libraries", err);
            dynamic->needed[dynamic->needed_count++] = value;
        } else if (tag == DT_STRTAB) {
            dynamic->strings = value;
        } else if (tag == DT_STRSZ) {
            dynamic->strings_size = value;
        } else if (tag == DT_TEXTREL || (tag == DT_FLAGS && (value & DF_TEXTREL))) {
            facts->text_relocations = true;
        }
        if (tag == DT_BIND_NOW || (tag == DT_FLAGS && (value & DF_BIND_NOW)) ||
            (tag == DT_FLAGS_1 && (value & DF_1_NOW)))
            facts->bind_now = true;
    }
    return 0;
}

/* The place in the file of what is loaded at an address. */
static bool locate(const struct bytes *b, const struct table *headers, uint64_t address, uint64_t size, uint64_t *offset)
{
    for (size_t i = 0; i < headers->count; i++) {
        const unsigned char *header = record(headers, i);
        uint64_t start = FIELD(header, Elf64_Phdr, p_vaddr), length = FIELD(header, Elf64_Phdr, p_filesz);
        if (FIELD(header, Elf64_Phdr, p_type) != PT_LOAD || address < start || address - start > length ||
            size > length - (address - start))
            continue;
        *offset = FIELD(header, Elf64_Phdr, p_offset) + (address - start);
        return inside(b, *offset, size);
    }
    return false;
}

static int read_needed(const struct bytes *b, const struct table *headers, const struct dynamic *dynamic,
                       struct elf_facts *facts, struct error *err)
{
    uint64_t offset = 0;
    if (dynamic->needed_count == 0)
        return 0;
    if (!locate(b, headers, dynamic->strings, dynamic->strings_size, &offset))
        return damaged(b, "the names of the libraries lie outside of the file", err);
    for (size_t i = 0; i < dynamic->needed_count; i++) {
        uint64_t at = dynamic->needed[i];
        if (at >= dynamic->strings_size || !memchr(b->at + offset + at, 0, dynamic->strings_size - at))
            return damaged(b, "a library's name has no end", err);
        strv_add(&facts->needed, (const char *)b->at + offset + at);
    }
    return 0;
}

static int read_segments(const struct bytes *b, struct elf_facts *facts, struct error *err)
{
    struct table headers, entries = {.size = sizeof(Elf64_Dyn)};
    struct dynamic dynamic = {0};
    if (program_headers(b, &headers, err) != 0)
        return -1;
    facts->executable_stack = true;
    for (size_t i = 0; i < headers.count; i++) {
        const unsigned char *header = record(&headers, i);
        uint64_t type = FIELD(header, Elf64_Phdr, p_type), offset = FIELD(header, Elf64_Phdr, p_offset);
        uint64_t size = FIELD(header, Elf64_Phdr, p_filesz);
        if (type == PT_GNU_STACK)
            facts->executable_stack = FIELD(header, Elf64_Phdr, p_flags) & PF_X;
        if (type == PT_GNU_RELRO)
            facts->relro = true;
        if (type != PT_INTERP && type != PT_DYNAMIC && type != PT_LOAD)
            continue;
        if (!inside(b, offset, size))
            return damaged(b, "a segment lies outside of the file", err);
        if (type == PT_INTERP && read_interpreter(b, offset, size, facts, err) != 0)
            return -1;
        if (type == PT_DYNAMIC) {
            entries.at = b->at + offset;
            entries.count = size / sizeof(Elf64_Dyn);
        }
    }
    if (read_dynamic(b, &entries, &dynamic, facts, err) != 0)
        return -1;
    return read_needed(b, &headers, &dynamic, facts, err);
}

static int read_all(const struct bytes *b, struct elf_facts *facts, struct error *err)
{
    if (b->length < EI_NIDENT + 4)
        return damaged(b, "it ends within its header", err);
    facts->is_64 = b->at[EI_CLASS] == ELFCLASS64;
    facts->little_endian = b->at[EI_DATA] == ELFDATA2LSB;
    facts->machine = b->at[offsetof(Elf64_Ehdr, e_machine)] | b->at[offsetof(Elf64_Ehdr, e_machine) + 1] << 8;
    if (!facts->little_endian)
        facts->machine = (facts->machine & 0xff) << 8 | facts->machine >> 8;
    if (!facts->is_64 || !facts->little_endian)
        return 0; /* of such a file nobody needs to know more: it can't run on Lambda */
    if (b->length < sizeof(Elf64_Ehdr))
        return damaged(b, "it ends within its header", err);
    uint64_t type = FIELD(b->at, Elf64_Ehdr, e_type);
    facts->executable = type == ET_EXEC || (type == ET_DYN && FIELD(b->at, Elf64_Ehdr, e_entry) != 0);
    facts->pie = type == ET_DYN && facts->executable;
    return read_sections(b, facts, err) != 0 ? -1 : read_segments(b, facts, err);
}

int elf_read(const void *bytes, size_t length, const char *name, struct elf_facts *facts, struct error *err)
{
    struct bytes b = {bytes, length, name};
    *facts = (struct elf_facts){0};
    if (length < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return 0;
    if (read_all(&b, facts, err) == 0)
        return 1;
    elf_facts_release(facts);
    return -1;
}

int elf_read_file(const char *path, struct elf_facts *facts, struct error *err)
{
    char magic[SELFMAG];
    AUTO(buf) content = {0};
    *facts = (struct elf_facts){0};
    {
        autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            return error_errno(err, ERROR_BUILD, "can't read '%s'", path);
        if (read(fd, magic, sizeof magic) != (ssize_t)sizeof magic || memcmp(magic, ELFMAG, SELFMAG) != 0)
            return 0;
    }
    return fs_read(path, FILE_MAX, &content, err) != 0 ? -1 : elf_read(content.data, content.len, path, facts, err);
}

void elf_facts_release(struct elf_facts *facts)
{
    free(facts->interpreter);
    strv_release(&facts->needed);
    *facts = (struct elf_facts){0};
}

static const char *machine_name(const struct elf_facts *facts, char *room, size_t size)
{
    if (facts->machine == EM_X86_64)
        return "x86_64";
    if (facts->machine == EM_AARCH64)
        return "arm64";
    snprintf(room, size, "machine %d", facts->machine);
    return room;
}

static int judge(const char *name, const struct elf_facts *facts, enum arch arch, struct error *err)
{
    char room[32];
    int machine = arch == ARCH_ARM64 ? EM_AARCH64 : EM_X86_64;
    if (facts->machine != machine || !facts->is_64 || !facts->little_endian)
        return error_set(err, ERROR_LAMBDA, "'%s' is a program for %s%s, not for %s; use a compiler for that (lbuild doctor lists them)",
                         name, machine_name(facts, room, sizeof room), facts->is_64 ? "" : " (32 bit)", arch_lambda(arch));
    if (!facts->executable)
        return error_set(err, ERROR_LAMBDA, "'%s' is not a program that can be started; drop -c, -r and -shared from the link flags", name);
    if (facts->interpreter)
        return error_set(err, ERROR_LAMBDA, "'%s' is not static: it wants the interpreter '%s'; drop -dynamic and -pie from the link flags",
                         name, facts->interpreter);
    if (facts->needed.len > 0)
        return error_set(err, ERROR_LAMBDA, "'%s' is not static: it needs '%s'; link with that library's static archive (.a)", name,
                         facts->needed.items[0]);
    if (facts->executable_stack)
        return error_set(err, ERROR_LAMBDA, "'%s' asks for an executable stack; link with -Wl,-z,noexecstack and avoid nested functions",
                         name);
    if (facts->text_relocations)
        return error_set(err, ERROR_LAMBDA, "'%s' has text relocations; compile every part of it with -fPIE, or link without -static-pie",
                         name);
    return 0;
}

int elf_prove_static(const char *path, const char *name, enum arch arch, struct error *err)
{
    AUTO(elf_facts) facts;
    int kind = elf_read_file(path, &facts, err);
    if (kind < 0)
        return -1;
    if (kind == 0)
        return error_set(err, ERROR_LAMBDA, "'%s' is not an ELF program; lbuild packs programs that were linked statically", name);
    return judge(name, &facts, arch, err);
}
