#include "unit.h"

#include "dockerfile/context.h"
#include "support/fs.h"
#include "support/own.h"

#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char *path;
};

static int set_up(void **state)
{
    struct folder *folder = xcalloc(1, sizeof *folder);
    folder->path = unit_folder();
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;
    struct error err = {0};
    int result = fs_remove(folder->path, &err);
    free(folder->path);
    free(folder);
    return result;
}

static void make(const struct folder *folder, const char *path, const char *text, mode_t mode)
{
    struct error err = {0};
    autofree char *full = path_join(folder->path, path), *parent = path_dir(full);
    if (fs_mkdirs(parent, &err) != 0 || fs_write(full, text, strlen(text), mode, &err) != 0)
        fail_msg("%s", err.text);
}

static void make_link(const struct folder *folder, const char *path, const char *target)
{
    autofree char *full = path_join(folder->path, path);
    assert_int_equal(symlink(target, full), 0);
}

/* One line for each file: type, mode, path and more. */
static char *scan(const struct folder *folder, const char *rules, const char *left_out)
{
    struct error err = {0};
    AUTO(context) context = {0};
    AUTO(strv) left = {0};
    AUTO(buf) out = {0};
    AUTOPTR(ignore) ignore = ignore_parse(rules, strlen(rules), "rules", &err);

    assert_non_null(ignore);
    strv_add(&left, left_out);
    if (context_scan(folder->path, ignore, &left, &context, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < context.len; i++) {
        const struct context_file *file = &context.files[i];
        buf_addf(&out, "%c%o %s", "fdl"[file->type], file -> mode, file -> path);
        buf_addf(&out, "%s%s\n", file->link ? " -> " : "", file->link ? file->link : "");
    }

    return buf_detach(&out);
}

static void fill(const struct folder *folder)
{
    autofree char *fifo = path_join(folder->path, "fifo"),
                  *empty = path_join(folder->path, "empty");

    make(folder, "b/c.c", "c\n", 0640);
    make(folder, "b-a", "", 0777);
    make(folder, "b/run", "#!", 0700);
    make(folder, ".git/config", "x", 0644);
    make(folder, "sub/.git", "gitdir: x", 0644);
    make(folder, "sub/k/keep.h", "k", 0600);
    make(folder, "sub/k/drop.o", "k", 0600);
    make_link(folder, "l", "../outside");
    make_link(folder, "b/dir", "/");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(mkdir(empty, 0700), 0);
}

static void scan_lists_what_is_there(void **state)
{
    const struct folder *folder = *state;
    fill(folder);
    autofree char *all = scan(folder, "", "");
    assert_string_equal(all,
                        "d755 b\nf755 b-a\nf644 b/c.c\nl755 b/dir -> /\nf755 b/run\nd755 empty\n"
                        "l755 l -> ../outside\n"
                        "d755 sub\nd755 sub/k\nf644 sub/k/drop.o\nf644 sub/k/keep.h\n");
}

static void rules_and_the_output_leave_out(void **state)
{
    const struct folder *folder = *state;

    fill(folder);
    autofree char *exceptions = scan(folder, "*\n!b/c.c\n!**/keep.h", "");
    assert_string_equal(exceptions,
                        "d755 b\nf644 b/c.c\nd755 sub\nd755 sub/k\nf644 sub/k/keep.h\n");
    autofree char *plain = scan(folder, "sub\nempty\nl\nb/*\n!b/run", "b-a");
    assert_string_equal(plain, "d755 b\nf755 b/run\n");
    autofree char *output = scan(folder, "b-a\nl\nempty\nsub/k/*.h", "b");
    assert_string_equal(output, "d755 sub\nd755 sub/k\nf644 sub/k/drop.o\n");
}

static void folders_too_deep_are_an_error(void **state)
{
    const struct folder *folder = *state;
    struct error err = {0};
    AUTO(context) context = {0};
    AUTO(strv) none = {0};
    AUTO(buf) path = {0};

    for (int i = 0; i < 201; i++)
        buf_adds(&path, "d/");
    buf_adds(&path, "f");
    make(folder, path.data, "", 0644);
    assert_int_equal(context_scan(folder->path, NULL, &none, &context, &err), -1);
    assert_int_equal(err.kind, ERROR_PROJECT);
    assert_non_null(strstr(err.text, "nested deeper than 200"));

    struct error gone = {0};
    AUTO(context) other = {0};
    autofree char *missing = path_join(folder->path, "missing");
    assert_int_equal(context_scan(missing, NULL, &none, &other, &gone), -1);
    assert_non_null(strstr(gone.text, "missing'"));
}

/* Writing. */

static int sink(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

static int64_t source(void *data, void *bytes, size_t capacity, struct error *err)
{
    struct buf *tar = data;
    (void)err;
    size_t left = tar->len - tar->cap,
           take_now = left < capacity ? left : capacity; /* cap: where reading is */
    memcpy(bytes, tar->data + tar->cap, take_now);
    tar->cap += take_now;
    return (int64_t)take_now;
}

static char *list(const struct buf *tar)
{
    struct error err = {0};
    struct tar_entry entry;
    struct buf at = {.data = tar->data, .len = tar->len, .cap = 0};
    AUTO(buf) out = {0};
    AUTOPTR(tar_reader) reader = tar_reader_open(source, &at, "tar", &err);
    int more;

    while ((more = tar_reader_next(reader, &entry, &err)) == 1) {
        char content[64] = "";
        if (entry.type == TAR_FILE)
            assert_true(tar_reader_read(reader, content, sizeof content - 1, &err) ==
                        (entry.size < 63 ? entry.size : 63));
        content[strcspn(content, "\n")] = '\0';
        assert_int_equal(entry.uid + entry.gid, 0);
        assert_int_equal(entry.mtime, 1234);
        buf_addf(&out, "%c%o %s %s\n", "fdl"[entry.type], entry.mode, entry.path,
                 entry.link ? entry.link : content);
    }

    if (more != 0)
        fail_msg("%s", err.text);
    return buf_detach(&out);
}

struct written {
    struct plan plan;
    struct context context;
    struct buf tar;
};

static void written_release(struct written *w)
{
    plan_release(&w->plan);
    context_release(&w->context);
    buf_release(&w->tar);
}

static void look(struct written *w, const struct folder *folder, const char *project,
                 const char *runtime)
{
    struct error err = {0};
    AUTO(strv) none = {0};
    autofree char *dir = path_join(folder->path, project);

    w->plan = (struct plan){
        .project_dir = dir, .epoch = 1234, .runtime_prefix = xstrdup(".lbuild/runtime/c")};
    w->plan.runtime_dir = runtime ? path_join(folder->path, runtime) : xstrdup("");
    if (context_scan(dir, NULL, &none, &w->context, &err) != 0)
        fail_msg("%s", err.text);
    w->plan.project_dir = NULL;
}

static int try_write(struct written *w, const struct folder *folder, const char *project,
                     struct error *err)
{
    autofree char *dir = path_join(folder->path, project);
    w->plan.project_dir = dir;
    int result = context_write(&w->plan, &w->context, "FROM x\n", sink, &w->tar, err);
    w->plan.project_dir = NULL;
    return result;
}

static void tar_holds_project_runtime_and_dockerfile(void **state)
{
    const struct folder *folder = *state;
    struct error err = {0};
    AUTO(written) w = {0}, again = {0};

    make(folder, "p/src/main.c", "int main;", 0600);
    make(folder, "p/-run", "#!", 0755);
    make(folder, "p/.dockerignore", "*\n", 0644);
    make(folder, "p/sub/.dockerignore", "a\n", 0644);
    make_link(folder, "p/link", "src");
    make(folder, "r/include/x.h", "x", 0644);
    make(folder, "r/loop.c", "loop", 0755);
    look(&w, folder, "p", "r");
    if (try_write(&w, folder, "p", &err) != 0)
        fail_msg("%s", err.text);

    autofree char *listed = list(&w.tar);
    assert_string_equal(listed, "f755 -run #!\n"
                                "d755 .lbuild/ \n"
                                "d755 .lbuild/held/ \n"
                                "f644 .lbuild/held/.dockerignore *\n"
                                "d755 .lbuild/runtime/ \n"
                                "d755 .lbuild/runtime/c/ \n"
                                "d755 .lbuild/runtime/c/include/ \n"
                                "f644 .lbuild/runtime/c/include/x.h x\n"
                                "f644 .lbuild/runtime/c/loop.c loop\n"
                                "f644 Dockerfile.lbuild FROM x\n"
                                "l777 link src\n"
                                "d755 src/ \n"
                                "f644 src/main.c int main;\n"
                                "d755 sub/ \n"
                                "f644 sub/.dockerignore a\n");

    /* The bytes are the same elsewhere, with other times and the modes of another umask. */
    mode_t old = umask(077);
    make(folder, "q/sub/.dockerignore", "a\n", 0600);
    make(folder, "q/.dockerignore", "*\n", 0600);
    make(folder, "q/src/main.c", "int main;", 0644);
    make(folder, "q/-run", "#!", 0711);
    make_link(folder, "q/link", "src");
    umask(old);
    look(&again, folder, "q", "r");
    assert_int_equal(try_write(&again, folder, "q", &err), 0);
    assert_int_equal(again.tar.len, w.tar.len);
    assert_memory_equal(again.tar.data, w.tar.data, w.tar.len);
}

static void own_names_are_refused(void **state)
{
    static const char *const names[] = {".lbuild/x", ".lbuild", "Dockerfile.lbuild",
                                        "Dockerfile.lbuild.dockerignore"};
    const struct folder *folder = *state;

    for (size_t i = 0; i < countof(names); i++) {
        struct error err = {0};
        AUTO(written) w = {0};
        autofree char *project = xasprintf("p%zu", i), *path = path_join(project, names[i]);
        make(folder, path, "", 0644);
        look(&w, folder, project, NULL);
        assert_int_equal(try_write(&w, folder, project, &err), -1);
        assert_int_equal(err.kind, ERROR_PROJECT);
        assert_non_null(strstr(err.text, "has a name that lbuild needs"));
    }

    struct error err = {0};
    AUTO(written) fine = {0};
    make(folder, "fine/Dockerfile.lbuild2", "", 0644);
    make(folder, "fine/.lbuildx/y", "", 0644);
    look(&fine, folder, "fine", NULL);
    assert_int_equal(try_write(&fine, folder, "fine", &err), 0);
}

static int failing_sink(void *data, const void *bytes, size_t length, struct error *err)
{
    size_t *left = data;
    (void)bytes;
    if (*left < length)
        return error_set(err, ERROR_BUILD, "full");
    *left -= length;
    return 0;
}

static void failures_get_out(void **state)
{
    const struct folder *folder = *state;
    AUTO(written) w = {0};
    struct error err = {0};
    autofree char *file = path_join(folder->path, "p/b"), *dir = path_join(folder->path, "p");

    make(folder, "p/a", "text", 0644);
    make(folder, "p/b", "text", 0644);
    look(&w, folder, "p", NULL);
    assert_int_equal(try_write(&w, folder, "p", &err), 0);
    w.plan.project_dir = dir;
    for (size_t room = 0; room < w.tar.len; room += 256) {
        size_t left = room;
        assert_int_equal(context_write(&w.plan, &w.context, "FROM x\n", failing_sink, &left, &err),
                         -1);
        assert_string_equal(err.text, "full");
    }

    assert_int_equal(unlink(file), 0);
    assert_int_equal(context_write(&w.plan, &w.context, "FROM x\n", sink, &w.tar, &err), -1);
    assert_non_null(strstr(err.text, "can't read"));
    assert_int_equal(mkdir(file, 0755), 0);
    assert_int_equal(context_write(&w.plan, &w.context, "FROM x\n", sink, &w.tar, &err), -1);
    assert_non_null(strstr(err.text, "changed while it was read"));
    w.plan.project_dir = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scan_lists_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rules_and_the_output_leave_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_too_deep_are_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tar_holds_project_runtime_and_dockerfile, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(own_names_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_get_out, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
