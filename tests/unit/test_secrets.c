#include "unit.h"

#include "engine/secrets.h"
#include "support/fs.h"
#include "support/own.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Part of every value; it must appear in no message and no option. */
#define SENTINEL "s3cr3t-4f1c"

struct fixture {
    char *folder, *file, *home;
    struct project project;
    struct plan plan;
    struct strv secrets, ssh;
    struct secrets found;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    f->folder = unit_folder();
    f->file = path_join(f->folder, "token.txt");
    f->home = getcwd(NULL, 0);

    assert_int_equal(fs_write(f->file, SENTINEL, strlen(SENTINEL), 0600, &f->err), 0);
    assert_int_equal(chdir(f->folder), 0);
    setenv("LBUILD_TEST_SECRET", SENTINEL, 1);
    unsetenv("LBUILD_TEST_UNSET");
    unsetenv("SSH_AUTH_SOCK");

    *state = f;
    return 0;
}

static void forget(struct fixture *f)
{
    plan_release(&f->plan);
    project_release(&f->project);
    secrets_release(&f->found);
    strv_release(&f->secrets);
    strv_release(&f->ssh);
    f->err = (struct error){0};
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    forget(f);
    assert_int_equal(chdir(f->home), 0);
    unsetenv("LBUILD_TEST_SECRET");
    unsetenv("SSH_AUTH_SOCK");

    int result = fs_remove(f->folder, &f->err);
    free(f->folder);
    free(f->file);
    free(f->home);
    free(f);
    return result;
}

/* A project with these lines in its one stage, and these in [secrets]. */
static void load(struct fixture *f, const char *stage, const char *secrets)
{
    static const struct strv none = {0};
    static const struct provenance provenance = {0};
    static const struct template template = {0};
    AUTO(strv) files = {0};

    forget(f);
    autofree char *path = path_join(f->folder, "lbuild.ini");
    autofree char *text = xasprintf(
        "[project]\nname = p\n[stage:s]\nfrom = x:1\n%s[files]\nstage:s:/x = /x\n[secrets]\n%s",
        stage, secrets);
    const struct project_options options = {.dir = f->folder};
    const struct plan_facts facts = {.project = &f->project,
                                     .provenance = &provenance,
                                     .template = &template,
                                     .project_files = &files,
                                     .runtime_files = &none,
                                     .tags = &none};

    strv_add(&files, "main.c");
    assert_int_equal(fs_write(path, text, strlen(text), 0644, &f->err), 0);
    if (project_load(&options, &f->project, NULL, &f->err) != 0 ||
        plan_make(&facts, &f->plan, &f->err) != 0)
        fail_msg("%s", f->err.text);
}

static int find(struct fixture *f)
{
    return secrets_find(&f->plan, &f->secrets, &f->ssh, &f->found, &f->err);
}

static void expect_error(struct fixture *f, int kind, const char *part)
{
    assert_int_equal(find(f), -1);
    if ((int)f->err.kind != kind || !strstr(f->err.text, part))
        fail_msg("'%s' instead of '%s'", f->err.text, part);
    assert_null(strstr(f->err.text, SENTINEL));
}

static void are_found_by_name_alone(void **state)
{
    struct fixture *f = *state;

    load(f, "secrets = a b c\n",
         "a = env:LBUILD_TEST_SECRET\nb = file:token.txt\nc = file:/nowhere\n");
    strv_add(&f->secrets, "type=file,id=c,src=token.txt");
    if (find(f) != 0)
        fail_msg("%s", f->err.text);

    assert_int_equal(f->found.len, 3);

    static const char *const wanted[] = {"id=a,env=LBUILD_TEST_SECRET", "id=b,src=/", "id=c,src=/"};
    for (size_t i = 0; i < 3; i++) {
        autofree char *option = secret_option(&f->found.items[i]);
        assert_memory_equal(option, wanted[i], strlen(wanted[i]));
        assert_non_null(strstr(option, i == 0 ? "SECRET" : "/token.txt"));
    }

    load(f, "secrets = LBUILD_TEST_SECRET token.txt\n", "");
    strv_add(&f->secrets, "id=LBUILD_TEST_SECRET");
    strv_add(&f->secrets, "id=token.txt");
    assert_int_equal(find(f), 0);
    assert_string_equal(f->found.items[0].env, "LBUILD_TEST_SECRET");
    assert_non_null(strstr(f->found.items[1].file, "/token.txt"));
}

static void what_is_missing_is_said(void **state)
{
    struct fixture *f = *state;

    load(f, "secrets = a\n", "");
    expect_error(
        f, ERROR_USAGE,
        "lbuild.ini:5:11: [stage:s] asks for the secret 'a'; give it with --secret id=a,src=FILE");

    load(f, "secrets = a\n", "a = env:LBUILD_TEST_UNSET\n");
    expect_error(
        f, ERROR_PROJECT,
        "lbuild.ini:9:5: the secret 'a' is expected in $LBUILD_TEST_UNSET, which isn't set");
    load(f, "secrets = a\n", "a = file:nowhere\n");
    expect_error(f, ERROR_PROJECT, "/nowhere', which can't be read");
    load(f, "secrets = a\n", "a = file:.\n");
    expect_error(f, ERROR_PROJECT, "which can't be read");

    load(f, "", "");
    strv_add(&f->secrets, "id=a,src=token.txt");
    expect_error(f, ERROR_USAGE, "--secret: no stage asks for 'a'");
    load(f, "secrets = a\n", "");
    strv_add(&f->secrets, "id=a,env=LBUILD_TEST_UNSET");
    expect_error(f, ERROR_USAGE, "--secret: the secret 'a' is expected in $LBUILD_TEST_UNSET");

    assert_int_equal(truncate(f->file, SECRET_MAX + 1), 0);
    load(f, "secrets = a\n", "a = file:token.txt\n");
    expect_error(f, ERROR_PROJECT, "larger than 512000 bytes");
    assert_int_equal(truncate(f->file, SECRET_MAX), 0);
    load(f, "secrets = a\n", "a = file:token.txt\n");
    assert_int_equal(find(f), 0);
}

static void options_are_checked(void **state)
{
    static const struct {
        const char *option, *wrong;
    } cases[] = {
        {"a", "a part without a '=' is not understood"},
        {"id=a,value=" SENTINEL, "'value' is not understood"},
        {"id=a," SENTINEL, "a part without a '=' is not understood"},
        {"", "it has no id=NAME"},
        {"src=token.txt", "it has no id=NAME"},
        {"id=a b,src=x", "is not a secret's name"},
        {"id=a,src=x,env=Y", "give one of src= and env="},
        {"id=a,id=b", "'id' is not understood"},
        {"id=", "'id' is not understood"},
        {"type=vault,id=a", "'type' is not understood"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        load(f, "secrets = a\n", "");
        strv_add(&f->secrets, cases[i].option);
        assert_int_equal(find(f), -1);
        if (f->err.kind != ERROR_USAGE || !strstr(f->err.text, cases[i].wrong))
            fail_msg("%s: %s", cases[i].option, f->err.text);
        assert_null(strstr(f->err.text, SENTINEL));
    }

    load(f, "secrets = a\n", "");
    strv_add(&f->secrets, "id=a,src=token.txt");
    strv_add(&f->secrets, "id=a,env=LBUILD_TEST_SECRET");
    expect_error(f, ERROR_USAGE, "--secret: 'a' is given twice");
}

static void agents_are_handed_over(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "agent"};
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);

    load(f, "ssh = default\n", "");
    expect_error(
        f, ERROR_USAGE,
        "lbuild.ini:5:7: [stage:s] asks for the SSH agent 'default'; give it with --ssh default");
    load(f, "ssh = default\n", "");
    strv_add(&f->ssh, "default");
    expect_error(f, ERROR_USAGE, "no agent at $SSH_AUTH_SOCK");

    setenv("SSH_AUTH_SOCK", "agent", 1);
    load(f, "ssh = default key\n", "");
    strv_add(&f->ssh, "default");
    strv_add(&f->ssh, "key=token.txt,agent");
    if (find(f) != 0)
        fail_msg("%s", f->err.text);

    autofree char *agent = secret_ssh_option(&f->found.ssh[0]),
                  *key = secret_ssh_option(&f->found.ssh[1]);
    assert_string_equal(agent, "default");
    assert_int_equal(strncmp(key, "key=/", 5), 0);
    assert_non_null(strstr(key, "/token.txt,/"));

    load(f, "", "");
    strv_add(&f->ssh, "default");
    expect_error(f, ERROR_USAGE, "--ssh: no stage asks for 'default'");

    static const char *const wrong[] = {"", "default=", "a b", "default=nowhere"};
    for (size_t i = 0; i < countof(wrong); i++) {
        load(f, "ssh = default\n", "");
        strv_add(&f->ssh, wrong[i]);
        expect_error(f, ERROR_USAGE, "--ssh");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(are_found_by_name_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(options_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(agents_are_handed_over, setup, teardown),
    };
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
