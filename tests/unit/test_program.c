#include "unit.h"

#include "lambda/program.h"

#include <elf.h>

/* A library with versions, made by hand: header, segments, strings, needed and defined versions,
 * dynamic section. */
struct sample {
    Elf64_Ehdr header;
    Elf64_Phdr segments[3];
    char strings[64];
    Elf64_Verneed need;
    Elf64_Vernaux aux[2];
    Elf64_Verdef gift;
    Elf64_Verdaux gift_name;
    uint32_t note[12];
    Elf64_Dyn dynamic[9];
};

static void make(struct sample *s)
{
    memset(s, 0, sizeof *s);
    memcpy(s->header.e_ident, ELFMAG, SELFMAG);
    s->header.e_ident[EI_CLASS] = ELFCLASS64;
    s->header.e_ident[EI_DATA] = ELFDATA2LSB;
    s->header.e_type = ET_DYN;
    s->header.e_machine = EM_X86_64;
    s->header.e_phoff = offsetof(struct sample, segments);
    s->header.e_phentsize = sizeof(Elf64_Phdr);
    s->header.e_phnum = 3;
    s->segments[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_filesz = sizeof *s};
    s->segments[1] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                                  .p_offset = offsetof(struct sample, dynamic),
                                  .p_filesz = sizeof s->dynamic};
    s->segments[2] = (Elf64_Phdr){
        .p_type = PT_NOTE, .p_offset = offsetof(struct sample, note), .p_filesz = 32, .p_align = 8};
    memcpy(s->strings, "\0libc.so.6\0GLIBC_2.34\0WEAK_1\0MINE_1\0me.so\0$ORIGIN", 50);
    s->need = (Elf64_Verneed){1, 2, 1, sizeof s->need, 0};
    s->aux[0] = (Elf64_Vernaux){0, 0, 2, 11, sizeof *s->aux};
    s->aux[1] = (Elf64_Vernaux){0, VER_FLG_WEAK, 3, 22, 0};
    s->gift = (Elf64_Verdef){1, 0, 1, 1, 0, sizeof s->gift, 0};
    s->gift_name = (Elf64_Verdaux){29, 0};

    const uint32_t note[] = {4, 16, 5, 0x00554e47, 0xc0008002, 4, 7, 0};
    memcpy(s->note, note, sizeof note);

    const Elf64_Dyn dynamic[] = {
        {DT_NEEDED, {1}},     {DT_STRTAB, {offsetof(struct sample, strings)}},
        {DT_STRSZ, {64}},     {DT_SONAME, {36}},
        {DT_RUNPATH, {42}},   {DT_VERNEED, {offsetof(struct sample, need)}},
        {DT_VERNEEDNUM, {1}}, {DT_VERDEF, {offsetof(struct sample, gift)}},
        {DT_VERDEFNUM, {1}}};
    memcpy(s->dynamic, dynamic, sizeof dynamic);
}

/* In pieces of `piece` bytes. The caller releases both. */
static void scan(const void *bytes, size_t length, size_t piece, bool text, struct buf *lines,
                 struct program *program)
{
    AUTOPTR(program_scan) one = program_scan_new();

    for (int round = 0; round < 2; round++) { /* the second time it has been used before */
        buf_clear(lines);
        program_scan_begin(one, length, text ? PROGRAM_TEXT : PROGRAM_FACTS);
        for (size_t at = 0; at < length; at += piece)
            program_scan_feed(one, (const char *)bytes + at,
                              length - at < piece ? length - at : piece);
        program_scan_end(one, lines);
    }
    assert_true(lines->len == 0 || strlen(lines->data) == lines->len);
    program_read(lines->len ? lines->data : NULL, program);
}

static void facts_of_a_library(void **state)
{
    struct sample s;
    (void)state;

    make(&s);
    for (size_t piece = 1; piece < sizeof s + 7; piece += 7) {
        AUTO(buf) lines = {0};
        AUTO(program) program = {0};
        scan(&s, sizeof s, piece, false, &lines, &program);
        assert_int_equal(program.kind, PROGRAM_ELF);
        assert_int_equal(program.elf.machine, EM_X86_64);
        assert_int_equal(program.elf.type, ET_DYN);
        assert_false(program.elf.executable || program.elf.partial || program.client);
        assert_string_equal(program.elf.soname, "me.so");
        assert_string_equal(program.elf.runpath, "$ORIGIN");
        assert_int_equal(program.elf.needed.len, 1);
        assert_int_equal(program.elf.versions.len, 1); /* the weak one isn't needed */
        assert_string_equal(program.elf.versions.items[0], "libc.so.6 GLIBC_2.34");
        assert_string_equal(program.elf.gives.items[0], "MINE_1");
        assert_int_equal(program.elf.isa, 3);
    }
}

/* Chains that lead outside, or in circles, end; entries that were found until then count. */
static void hostile_chains(void **state)
{
    (void)state;

    for (int kind = 0; kind < 6; kind++) {
        struct sample s;
        AUTO(buf) lines = {0};
        AUTO(program) program = {0};
        make(&s);
        switch (kind) {
        case 0:
            s.need.vn_aux = UINT32_MAX;
            break;
        case 1:
            s.need.vn_cnt = UINT16_MAX;
            s.aux[0].vna_next = 0;
            break;
        case 2:
            s.gift.vd_aux = UINT32_MAX - 7;
            break;
        case 3:
            s.aux[0].vna_name = 63;
            s.strings[63] = 'x';
            break;
        case 4:
            s.dynamic[6].d_un.d_val = UINT64_MAX;
            s.need.vn_next = 1;
            break;
        default:
            s.note[1] = UINT32_MAX;
            break;
        }
        scan(&s, sizeof s, 100, false, &lines, &program);
        assert_true(program.kind == PROGRAM_ELF || program.kind == PROGRAM_DAMAGED);
        assert_true(lines.len < 200000);
    }
}

static void scripts(void **state)
{
    static const struct {
        const char *text, *interpreter, *arguments;
        bool cr;
    } cases[] = {{"#!/bin/sh\n", "/bin/sh", "", false},
                 {"#! /usr/bin/env  python3 -u\nx", "/usr/bin/env", "python3 -u", false},
                 {"#!/bin/sh\r\n", "/bin/sh", "", true},
                 {"#!/bin/sh", "/bin/sh", "", false},
                 {"#!", "", "", false},
                 {"#!\n", "", "", false},
                 {"#!/a\x01"
                  "b\n",
                  "/a?b", "", false}};
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(buf) lines = {0};
        AUTO(program) program = {0};
        scan(cases[i].text, strlen(cases[i].text), 1, false, &lines, &program);
        assert_int_equal(program.kind, PROGRAM_SCRIPT);
        assert_string_equal(program.interpreter, cases[i].interpreter);
        assert_string_equal(program.arguments, cases[i].arguments);
        assert_int_equal(program.carriage_return, cases[i].cr);
    }
}

static void other_contents(void **state)
{
    static const char key[] = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n",
                      public[] = "-----BEGIN PUBLIC KEY-----\nMIIB\n";
    static const char client[] = "x = os.environ['AWS_LAMBDA_RUNTIME_API']\n",
                      damaged[] = "\177ELF\2\1\1 and no more of it than this";
    (void)state;

    for (size_t piece = 1; piece < 60; piece++) {
        AUTO(buf) lines = {0};
        AUTO(program) one = {0}, two = {0}, three = {0}, four = {0}, five = {0};
        scan(key, sizeof key - 1, piece, true, &lines, &one);
        assert_true(one.key && !one.client && one.kind == PROGRAM_NONE);
        assert_string_equal(one.text, key);
        scan(public, sizeof public - 1, piece, false, &lines, &two);
        assert_int_equal(lines.len, 0);
        scan(client, sizeof client - 1, piece, false, &lines, &three);
        assert_true(three.client && !three.key && !three.text);
        scan(damaged, sizeof damaged - 1, piece, false, &lines, &four);
        assert_int_equal(four.kind, PROGRAM_DAMAGED);
        assert_non_null(strstr(four.trouble, "ends within"));
        scan("a\0b", 3, piece, true, &lines, &five);
        assert_null(five.text); /* no text */
    }
}

/* The name is found wherever it is, across pieces too. */
static void the_client_is_found_anywhere(void **state)
{
    enum { SIZE = 20000 };
    autofree char *bytes = xmalloc(SIZE);
    (void)state;

    for (size_t at = 4060; at < 4140; at++) {
        AUTO(buf) lines = {0};
        AUTO(program) program = {0};
        memset(bytes, 'A', SIZE);
        memcpy(bytes, "\177ELF", 4);
        memcpy(bytes + at, "AWS_LAMBDA_RUNTIME_API", 22);
        scan(bytes, SIZE, 10, false, &lines, &program);
        assert_true(program.client);
    }
}

/* A large file is not kept whole, and nothing is made up for the gaps. */
static void large_files(void **state)
{
    enum { SIZE = 18 * 1024 * 1024 };
    struct sample s;
    autofree char *bytes = xcalloc(1, SIZE);
    (void)state;

    for (int far = 0; far < 2; far++) {
        AUTO(buf) lines = {0};
        AUTO(program) program = {0};
        make(&s);
        s.segments[0].p_filesz = SIZE;
        if (far) { /* the dynamic section between head and tail: it is kept; its strings are not */
            s.segments[1].p_offset = SIZE - 1024 * 1024;
            s.dynamic[1].d_un.d_ptr = SIZE - 512 * 1024;
        }
        memcpy(bytes, &s, sizeof s);
        memcpy(bytes + SIZE - 1024 * 1024, s.dynamic, sizeof s.dynamic);
        scan(bytes, SIZE, 100000, false, &lines, &program);
        assert_int_equal(program.kind, PROGRAM_ELF);
        assert_int_equal(program.elf.partial, far);
        assert_int_equal(program.elf.needed.len, !far);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_a_library),
        cmocka_unit_test(hostile_chains),
        cmocka_unit_test(scripts),
        cmocka_unit_test(other_contents),
        cmocka_unit_test(the_client_is_found_anywhere),
        cmocka_unit_test(large_files),
    };

    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
