#include "lambda/program.h"

#include "lambda/secret.h"
#include "support/control.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD = 16 * 1024 * 1024,
    DYNAMIC = 1024 * 1024,
    TAIL = 256 * 1024,
    WHOLE_SCRIPT = 1024 * 1024, /* scripts up to this size are searched for a client */
    TEXT = 16 * 1024,
    LINE = 512,
    FIRST = 4096, /* enough to tell what a file is */
    NEEDLE = 22,  /* of `needle` */
};
static const char needle[] = "AWS_LAMBDA_RUNTIME_API";
_Static_assert(sizeof needle - 1 == NEEDLE, "its length");

/* The last bytes of each piece are kept and put before the next one, so that the needle is found
 * across both. */
struct search {
    char carry[2 * NEEDLE];
    size_t carried;
    bool found;
};

struct program_scan {
    char *head, *dynamic, *tail;
    uint64_t size, seen, dynamic_offset, dynamic_size;
    size_t head_used, first_used;
    char first[FIRST];
    bool elf, script, text, settings, key;
    struct search search;
};

struct program_scan *program_scan_new(void)
{
    return xcalloc(1, sizeof(struct program_scan));
}

void program_scan_free(struct program_scan *scan)
{
    if (!scan)
        return;
    free(scan->head);
    free(scan->dynamic);
    free(scan->tail);
    free(scan);
}

void program_scan_begin(struct program_scan *scan, uint64_t size, enum program_want want)
{
    char *head = scan->head, *dynamic = scan->dynamic, *tail = scan->tail;
    memset(scan, 0, offsetof(struct program_scan, first));

    scan->elf = scan->script = scan->key = false;
    scan->search = (struct search){0};

    scan->head = head;
    scan->dynamic = dynamic;
    scan->tail = tail;
    scan->size = size;
    scan->text = want == PROGRAM_TEXT && size <= TEXT;
    scan->settings = want == PROGRAM_SECRET && size <= TEXT;
}

static void search(struct search *search, const char *bytes, size_t length)
{
    size_t front = length < NEEDLE - 1 ? length : NEEDLE - 1;
    if (search->found)
        return;

    memcpy(search->carry + search->carried, bytes, front);
    search->found = memmem(search->carry, search->carried + front, needle, NEEDLE) ||
                    memmem(bytes, length, needle, NEEDLE);

    if (length >= NEEDLE - 1) {
        memcpy(search->carry, bytes + length - (NEEDLE - 1), NEEDLE - 1);
        search->carried = NEEDLE - 1;
    } else {
        size_t total = search->carried + front;
        size_t drop = total > NEEDLE - 1 ? total - (NEEDLE - 1) : 0;
        memmove(search->carry, search->carry + drop, total - drop);
        search->carried = total - drop;
    }
}

/* Copies the part of a piece at `at` that falls into the window [offset, offset + length). */
static void keep(char *window, uint64_t offset, uint64_t length, uint64_t at, const char *bytes,
                 size_t count)
{
    uint64_t from = at > offset ? at : offset, end = offset + length;
    if (at + count < end)
        end = at + count;
    if (from < end)
        memcpy(window + (from - offset), bytes + (from - at), end - from);
}

static bool is_key(const char *text, size_t length)
{
    static const char begin[] = "-----BEGIN ", end[] = "PRIVATE KEY-----";
    enum { FRONT = 200 /* OpenSSL writes attributes before some keys */, LABEL = 64 };
    const char *at = memmem(text, length < FRONT ? length : FRONT, begin, sizeof begin - 1);
    size_t rest = at ? (size_t)(text + length - at) : 0;
    return at && memmem(at, rest < LABEL ? rest : LABEL, end, sizeof end - 1);
}

/* Judges the file by its first bytes. */
static void classify(struct program_scan *scan, const char *bytes, size_t length)
{
    scan->elf = length >= 4 && memcmp(bytes, "\177ELF", 4) == 0;
    scan->script = length >= 2 && memcmp(bytes, "#!", 2) == 0;
    scan->key = is_key(bytes, length);
    if (!scan->head)
        scan->head = xmalloc(HEAD); /* untouched pages cost nothing */
}

static uint64_t tail_offset(const struct program_scan *scan)
{
    return scan->size > TAIL ? scan->size - TAIL : 0;
}

static void feed_elf(struct program_scan *scan, const char *bytes, size_t length)
{
    if (scan->head_used < HEAD) {
        size_t part = HEAD - scan->head_used < length ? HEAD - scan->head_used : length;
        bool first = scan->head_used == 0;
        memcpy(scan->head + scan->head_used, bytes, part);
        scan->head_used += part;
        if (first && scan->size > HEAD &&
            elf_find_dynamic(scan->head, part, &scan->dynamic_offset, &scan->dynamic_size)) {
            bool fits = scan->dynamic_size <= DYNAMIC &&
                        scan->dynamic_offset <= scan->size - scan->dynamic_size;
            scan->dynamic_size = fits ? scan->dynamic_size : 0;
            scan->dynamic = scan->dynamic ? scan->dynamic : xmalloc(DYNAMIC);
        }
    }

    if (scan->size > HEAD) {
        scan->tail = scan->tail ? scan->tail : xmalloc(TAIL);
        keep(scan->tail, tail_offset(scan), TAIL, scan->seen, bytes, length);
        if (scan->dynamic_size > 0)
            keep(scan->dynamic, scan->dynamic_offset, scan->dynamic_size, scan->seen, bytes,
                 length);
    }

    search(&scan->search, bytes, length);
}

static void take_piece(struct program_scan *scan, const char *bytes, size_t length)
{
    if (scan->seen == 0)
        classify(scan, bytes, length);

    if (scan->elf) {
        feed_elf(scan, bytes, length);
    } else {
        if (scan->head_used < TEXT) {
            size_t part = TEXT - scan->head_used < length ? TEXT - scan->head_used : length;
            memcpy(scan->head + scan->head_used, bytes, part);
            scan->head_used += part;
        }
        if (scan->size <= WHOLE_SCRIPT)
            search(&scan->search, bytes, length);
    }

    scan->seen += length;
}

static void take_first(struct program_scan *scan)
{
    size_t used = scan->first_used;
    scan->first_used = 0;
    if (used > 0)
        take_piece(scan, scan->first, used);
}

void program_scan_feed(struct program_scan *scan, const void *bytes, size_t length)
{
    const char *from = bytes;

    if (scan->seen == 0) {
        size_t room = FIRST - scan->first_used, part = length < room ? length : room;
        memcpy(scan->first + scan->first_used, from, part);
        scan->first_used += part;
        if (scan->first_used < FIRST)
            return;
        take_first(scan);
        from += part;
        length -= part;
    }

    if (length > 0)
        take_piece(scan, from, length);
}

/* A keyword and a text from the file, which gets no control characters and at most 4,096 bytes. */
static void add_line(struct buf *out, const char *word, const char *text)
{
    enum { MOST = 4096 };
    buf_addf(out, "%s ", word);
    control_add(out, text, MOST);
    buf_addc(out, '\n');
}

static void add_lines(struct buf *out, const char *word, const struct strv *list)
{
    for (size_t i = 0; i < list->len; i++)
        add_line(out, word, list->items[i]);
}

/* The parts of the file that were kept. */
static struct elf_source kept_parts(const struct program_scan *scan)
{
    struct elf_source source = {.size = scan->size};
    source.windows[0] = (struct elf_window){scan->head, 0, scan->head_used};
    if (scan->dynamic_size > 0)
        source.windows[1] =
            (struct elf_window){scan->dynamic, scan->dynamic_offset, scan->dynamic_size};
    if (scan->size > HEAD)
        source.windows[2] = (struct elf_window){scan->tail, tail_offset(scan), TAIL};
    return source;
}

static void add_elf(const struct program_scan *scan, struct buf *out)
{
    static const char prefix[] = "it: damaged ELF file: ";
    struct error err = {0};
    AUTO(elf_facts) facts = {0};
    const struct elf_source source = kept_parts(scan);
    if (elf_read_source(&source, "it", &facts, &err) != 1) {
        bool prefixed = strncmp(err.text, prefix, sizeof prefix - 1) == 0;
        add_line(out, "damaged", err.text + (prefixed ? sizeof prefix - 1 : 0));
        return;
    }

    buf_addf(out, "elf %d %d %d %d %d %u %d\n", facts.machine, facts.is_64, facts.little_endian,
             facts.type, facts.executable, facts.isa, facts.partial);
    const struct {
        const char *word, *text;
    } single[] = {{"interp", facts.interpreter},
                  {"soname", facts.soname},
                  {"rpath", facts.rpath},
                  {"runpath", facts.runpath}};
    for (size_t i = 0; i < countof(single); i++)
        if (single[i].text)
            add_line(out, single[i].word, single[i].text);

    add_lines(out, "needed", &facts.needed);
    add_lines(out, "version", &facts.versions);
    add_lines(out, "gives", &facts.gives);
    add_lines(out, "section", &facts.sections);
}

/* "#! INTERPRETER [ARGUMENTS]": the kernel reads only the beginning of the line (execve(2)). */
static void add_script(const struct program_scan *scan, struct buf *out)
{
    const char *line = scan->head + 2, *end = memchr(line, '\n', scan->head_used - 2);
    size_t length = end ? (size_t)(end - line) : scan->head_used - 2;
    bool cr = length > 0 && line[length - 1] == '\r';
    length = length < LINE ? length : LINE;
    autofree char *text = xstrndup(line, length - (cr && line[length - 1] == '\r'));

    const char *word = text + strspn(text, " \t");
    size_t part = strcspn(word, " \t");
    autofree char *interpreter = xstrndup(word, part);
    const char *rest = word + part + strspn(word + part, " \t");

    buf_addf(out, "script %d\n", cr);
    add_line(out, "interp", interpreter);
    add_line(out, "args", rest);
}

void program_scan_end(struct program_scan *scan, struct buf *out)
{
    take_first(scan);
    if (scan->seen == 0)
        return;

    if (scan->elf)
        add_elf(scan, out);
    else if (scan->script)
        add_script(scan, out);

    if (scan->search.found)
        buf_adds(out, "client \n");
    if (scan->key)
        buf_adds(out, "key \n");

    enum secret_kind secret =
        scan->settings ? secret_in_settings(scan->head, scan->head_used) : SECRET_NONE;
    if (secret != SECRET_NONE)
        buf_addf(out, "secret %d\n", secret);

    if (scan->text && scan->head_used == scan->size && !memchr(scan->head, 0, scan->head_used)) {
        buf_adds(out, "text \n");
        buf_add(out, scan->head, scan->head_used);
    }
}

static void read_elf(const char *text, struct program *out)
{
    int machine, is_64, little, type, executable, partial;
    unsigned isa;
    if (sscanf(text, "%d %d %d %d %d %u %d", &machine, &is_64, &little, &type, &executable, &isa,
               &partial) != 7)
        return;

    out->kind = PROGRAM_ELF;
    out->elf.machine = machine;
    out->elf.is_64 = is_64;
    out->elf.little_endian = little;
    out->elf.type = type;
    out->elf.executable = executable;
    out->elf.isa = isa;
    out->elf.partial = partial;
}

static void put(char **field, const char *text)
{
    free(*field);
    *field = xstrdup(text);
}

static void read_line(const char *word, const char *text, struct program *out)
{
    const struct {
        const char *word;
        struct strv *list;
    } lists[] = {{"needed", &out->elf.needed},
                 {"version", &out->elf.versions},
                 {"gives", &out->elf.gives},
                 {"section", &out->elf.sections}};
    const struct {
        const char *word;
        char **field;
    } fields[] = {
        {"interp", out->kind == PROGRAM_SCRIPT ? &out->interpreter : &out->elf.interpreter},
        {"soname", &out->elf.soname},
        {"rpath", &out->elf.rpath},
        {"runpath", &out->elf.runpath},
        {"args", &out->arguments}};

    for (size_t i = 0; i < countof(lists); i++)
        if (strcmp(word, lists[i].word) == 0)
            strv_add(lists[i].list, text);
    for (size_t i = 0; i < countof(fields); i++)
        if (strcmp(word, fields[i].word) == 0)
            put(fields[i].field, text);

    if (strcmp(word, "elf") == 0)
        read_elf(text, out);
    if (strcmp(word, "damaged") == 0) {
        out->kind = PROGRAM_DAMAGED;
        put(&out->trouble, text);
    }
    if (strcmp(word, "script") == 0) {
        out->kind = PROGRAM_SCRIPT;
        out->carriage_return = text[0] == '1';
    }

    out->client = out->client || strcmp(word, "client") == 0;
    out->key = out->key || strcmp(word, "key") == 0;
    if (strcmp(word, "secret") == 0)
        sscanf(text, "%d", &out->secret);
}

void program_read(const char *lines, struct program *out)
{
    *out = (struct program){0};
    for (const char *at = lines; at && *at;) {
        size_t length = strcspn(at, "\n"), part = strcspn(at, " \n");
        autofree char *word = xstrndup(at, part);
        autofree char *text =
            part < length ? xstrndup(at + part + 1, length - part - 1) : xstrdup("");
        at += length + (at[length] == '\n');

        if (strcmp(word, "text") == 0) {
            out->text = at;
            return;
        }
        read_line(word, text, out);
    }
}

void program_release(struct program *program)
{
    elf_facts_release(&program->elf);
    free(program->trouble);
    free(program->interpreter);
    free(program->arguments);
    *program = (struct program){0};
}
