#include "unit.h"

#include "lambda/elf.h"
#include "support/fs.h"
#include "support/own.h"

#include <elf.h>
#include <unistd.h>

/* A small ELF program made by hand, so that every fact can be set at will. Layout: header, program
 * headers, one dynamic section, its strings, all in one loaded segment at address 0x1000. */
enum { HEADERS = 5, ENTRIES = 6, BASE = 0x1000 };

struct sample {
    Elf64_Ehdr header;
    Elf64_Phdr segments[HEADERS];
    Elf64_Dyn dynamic[ENTRIES];
    char strings[32];
    char interpreter[32];
    Elf64_Shdr sections[2];
};

static void make(struct sample *s, int machine)
{
    memset(s, 0, sizeof *s);
    memcpy(s->header.e_ident, ELFMAG, SELFMAG);
    s->header.e_ident[EI_CLASS] = ELFCLASS64;
    s->header.e_ident[EI_DATA] = ELFDATA2LSB;
    s->header.e_type = ET_EXEC;
    s->header.e_machine = (Elf64_Half)machine;
    s->header.e_phoff = offsetof(struct sample, segments);
    s->header.e_phentsize = sizeof(Elf64_Phdr);
    s->header.e_phnum = HEADERS;
    s->segments[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = BASE, .p_filesz = sizeof *s};
    s->segments[1] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
}

/* The facts of a dynamic program. */
static void make_dynamic(struct sample *s)
{
    make(s, EM_X86_64);
    memcpy(s->strings, "\0libc.so.6\0libm.so.6", 21);
    memcpy(s->interpreter, "/lib64/ld-linux.so.2", 21);
    s->header.e_type = ET_DYN;
    s->header.e_entry = 1;
    s->segments[2] = (Elf64_Phdr){
        .p_type = PT_INTERP, .p_offset = offsetof(struct sample, interpreter), .p_filesz = 32};
    s->segments[3] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                                  .p_offset = offsetof(struct sample, dynamic),
                                  .p_filesz = sizeof s->dynamic};
    s->segments[4].p_type = PT_GNU_RELRO;
    s->dynamic[0] = (Elf64_Dyn){DT_NEEDED, {1}};
    s->dynamic[1] = (Elf64_Dyn){DT_NEEDED, {11}};
    s->dynamic[2] = (Elf64_Dyn){DT_STRTAB, {BASE + offsetof(struct sample, strings)}};
    s->dynamic[3] = (Elf64_Dyn){DT_STRSZ, {32}};
    s->dynamic[4] = (Elf64_Dyn){DT_FLAGS, {DF_BIND_NOW}};
}

static void facts_of_a_static_program(void **state)
{
    struct error err = {0};
    struct sample s;
    AUTO(elf_facts) facts = {0};
    (void)state;

    make(&s, EM_AARCH64);
    assert_int_equal(elf_read(&s, sizeof s, "x", &facts, &err), 1);
    assert_int_equal(facts.machine, 183);
    assert_true(facts.is_64 && facts.little_endian && facts.executable && facts.stripped);
    assert_false(facts.executable_stack || facts.text_relocations);
    assert_null(facts.interpreter);
    assert_int_equal(facts.needed.len, 0);
}

static void facts_of_a_dynamic_program(void **state)
{
    struct error err = {0};
    struct sample s;
    AUTO(elf_facts) facts = {0};
    (void)state;

    make_dynamic(&s);
    s.header.e_shoff = offsetof(struct sample, sections);
    s.header.e_shentsize = sizeof(Elf64_Shdr);
    s.sections[0].sh_size = 2; /* e_shnum is 0: the number is here */
    s.sections[1].sh_type = SHT_SYMTAB;
    assert_int_equal(elf_read(&s, sizeof s, "x", &facts, &err), 1);
    assert_true(facts.executable);
    assert_false(facts.stripped || facts.text_relocations);
    assert_string_equal(facts.interpreter, "/lib64/ld-linux.so.2");
    assert_int_equal(facts.needed.len, 2);
    assert_string_equal(facts.needed.items[1], "libm.so.6");
}

static void other_things(void **state)
{
    struct error err = {0};
    struct sample s;
    AUTO(elf_facts) facts = {0};
    (void)state;

    assert_int_equal(elf_read("", 0, "x", &facts, &err), 0);
    assert_int_equal(elf_read("#!/bin/sh\n", 10, "x", &facts, &err), 0);
    make(&s, EM_PPC64);
    s.header.e_ident[EI_DATA] = ELFDATA2MSB;
    s.header.e_machine = 0x1500; /* 21, the other way around */
    assert_int_equal(elf_read(&s, sizeof s, "x", &facts, &err), 1);
    assert_int_equal(facts.machine, 21);
    assert_false(facts.little_endian);
    make(&s, EM_386);
    s.header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(elf_read(&s, 52, "x", &facts, &err), 1);
    assert_false(facts.is_64);
}

static void damage(struct sample *s, int kind)
{
    make_dynamic(s);
    switch (kind) {
    case 0:
        s->header.e_phoff = UINT64_MAX - 8;
        break;
    case 1:
        s->header.e_phnum = 65000;
        break;
    case 2:
        s->header.e_phentsize = 3;
        break;
    case 3:
        s->segments[2].p_offset = sizeof *s;
        break;
    case 4:
        s->segments[2].p_filesz = 0;
        break;
    case 5:
        memset(s->interpreter, 'a', sizeof s->interpreter);
        break;
    case 6:
        s->segments[4] = s->segments[2];
        break;
    case 7:
        s->dynamic[2].d_un.d_val = 5;
        break;
    case 8:
        s->dynamic[3].d_un.d_val = UINT64_MAX;
        break;
    case 9:
        s->dynamic[0].d_un.d_val = 32;
        break;
    case 10:
        memset(s->strings, 'a', sizeof s->strings);
        break;
    case 11:
        s->segments[0].p_filesz = UINT64_MAX;
        break;
    case 12:
        s->header.e_shoff = sizeof *s - 3;
        s->header.e_shentsize = sizeof(Elf64_Shdr);
        break;
    case 13:
        s->header.e_shoff = 64;
        s->header.e_shentsize = sizeof(Elf64_Shdr);
        s->header.e_shnum = 60000;
        break;
    case 14:
        s->segments[3].p_filesz = sizeof *s;
        break;
    case 15:
        s->header.e_phnum = PN_XNUM;
        break;
    }
}

static void damaged_files(void **state)
{
    struct error err = {0};
    struct sample s;
    AUTO(elf_facts) facts = {0};
    (void)state;

    for (int kind = 0; kind < 16; kind++) {
        damage(&s, kind);
        err = (struct error){0};
        if (elf_read(&s, sizeof s, "x", &facts, &err) != -1)
            fail_msg("damage %d was not noticed", kind);
        assert_int_equal(err.kind, ERROR_LAMBDA);
        assert_non_null(strstr(err.text, "x: damaged ELF file: "));
        assert_null(facts.interpreter);
    }

    make_dynamic(&s);
    for (size_t length = 4; length < offsetof(struct sample, sections); length++) {
        autofree char *copy = xmalloc(length); /* of the exact size, for the sanitizer's sake */
        memcpy(copy, &s, length);
        assert_int_equal(elf_read(copy, length, "x", &facts, &err), -1);
    }
}

static void proof(const struct sample *s, enum arch arch, const char *said)
{
    struct error err = {0};
    autofree char *folder = unit_folder();
    autofree char *path = path_join(folder, "program");

    assert_int_equal(fs_write(path, s, sizeof *s, 0755, &err), 0);
    int result = elf_prove_static(path, "program", arch, &err);
    if (said) {
        assert_int_equal(result, -1);
        assert_int_equal(err.kind, ERROR_LAMBDA);
        if (!strstr(err.text, said))
            fail_msg("'%s' lacks '%s'", err.text, said);
    } else if (result != 0) {
        fail_msg("%s", err.text);
    }

    assert_int_equal(fs_remove(folder, &err), 0);
}

static void proofs(void **state)
{
    struct sample s;
    (void)state;

    make(&s, EM_X86_64);
    proof(&s, ARCH_X86_64, NULL);
    proof(&s, ARCH_ARM64, "is a program for x86_64, not for arm64");
    make(&s, EM_AARCH64);
    proof(&s, ARCH_ARM64, NULL);
    s.segments[1].p_flags |= PF_X;
    proof(&s, ARCH_ARM64, "executable stack");
    s.segments[1].p_type = PT_NULL;
    proof(&s, ARCH_ARM64, "executable stack");
    make(&s, EM_RISCV);
    proof(&s, ARCH_ARM64, "is a program for machine 243");
    make(&s, EM_X86_64);
    s.header.e_type = ET_REL;
    proof(&s, ARCH_X86_64, "not a program that can be started");
    make_dynamic(&s);
    proof(&s, ARCH_X86_64, "wants the interpreter '/lib64/ld-linux.so.2'");
    s.segments[2].p_type = PT_NULL;
    proof(&s, ARCH_X86_64, "needs 'libc.so.6'");
    s.dynamic[0].d_tag = s.dynamic[1].d_tag =
        DT_DEBUG; /* static and position independent is fine */
    proof(&s, ARCH_X86_64, NULL);
    s.dynamic[4].d_un.d_val = DF_TEXTREL;
    proof(&s, ARCH_X86_64, "text relocations");
    memcpy(&s, "#!/bin/sh\n", 10);
    proof(&s, ARCH_X86_64, "is not an ELF program");
}

static void real_programs(void **state)
{
    struct error err = {0};
    AUTO(elf_facts) facts = {0};
    (void)state;

    assert_int_equal(elf_read_file("/proc/self/exe", &facts, &err),
                     1); /* this test itself, however it was linked */
    assert_true(facts.executable && facts.is_64);
    assert_false(facts.executable_stack);
    struct elf_facts none;
    assert_int_equal(elf_read_file("/nonexistent", &none, &err), -1);
    assert_int_equal(err.kind, ERROR_BUILD);
    assert_int_equal(elf_read_file("/dev/null", &none, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_a_static_program),
        cmocka_unit_test(facts_of_a_dynamic_program),
        cmocka_unit_test(other_things),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(proofs),
        cmocka_unit_test(real_programs),
    };

    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
