#include "gates.h"

/* What Lambda starts: the forms that are in use, which work, and others that don't. */

#define SELF(path)                                                                                 \
    {                                                                                              \
        path, '0', "#!/usr/bin/dash\n", 0755                                                       \
    }

/* The layouts of Debian, of the official images of Python and Node.js, of distroless, and of AWS's
 * bases in one. Every program is a script for dash. */
static const struct item tree[] = {
    {"usr/", '5'},
    {"usr/bin/", '5'},
    SELF("usr/bin/dash"),
    {"usr/bin/sh", '2', "dash"},
    {"bin", '2', "usr/bin"},
    {"usr/bin/java", '2', "/usr/lib/jvm/java"},
    {"usr/lib/", '5'},
    {"usr/lib/jvm/", '5'},
    SELF("usr/lib/jvm/java"),
    {"usr/lib/jvm/aws-lambda-java-runtime-interface-client-2.0.jar", '0', "x"},
    SELF("usr/bin/python3.11"),
    {"usr/bin/python3", '2', "python3.11"},
    {"usr/local/", '5'},
    {"usr/local/bin/", '5'},
    SELF("usr/local/bin/python3.12"),
    {"usr/local/bin/python3", '2', "python3.12"},
    {"usr/local/bin/python", '2', "python3"},
    {"usr/local/bin/uvicorn", '0', "#!/usr/local/bin/python\n", 0755},
    SELF("usr/local/bin/node"),
    {"usr/local/bin/npx", '2', "../lib/npx-cli.js"},
    {"usr/local/bin/closed", '0', "#!/bin/sh\n", 0744},
    {"usr/local/bin/arm", '0', "#!/nowhere\n", 0755},
    {"usr/local/bin/text", '0', "echo\n", 0755},
    {"usr/local/lib/", '5'},
    {"usr/local/lib/npx-cli.js", '0', "#!/usr/bin/env node\n", 0755},
    {"usr/local/lib/awslambdaric/", '5'},
    {"usr/local/lib/awslambdaric/__main__.py", '0', "AWS_LAMBDA_RUNTIME_API"},
    {"usr/local/lib/aws-lambda-ric/", '5'},
    {"usr/local/lib/aws-lambda-ric/index.mjs", '0', "x"},
    SELF("usr/bin/env"),
    {"nodejs/", '5'},
    {"nodejs/bin/", '5'},
    SELF("nodejs/bin/node"),
    SELF("main"),
    {"lambda-entrypoint.sh", '0', "#!/bin/sh\n", 0755},
    {"var/", '5'},
    {"var/runtime/", '5'},
    SELF("var/runtime/bootstrap"),
    {"var/task/", '5'},
    {"var/task/run.sh", '0', "#!/bin/sh\nexec node index.js\n", 0755},
    {"function/", '5'},
    SELF("function/main"),
};

#define PATH "\"Env\":[\"PATH=/usr/local/bin:/usr/bin:/bin\"]"

/* C20: the forms of AWS's guide, of the examples of aws-lambda-web-adapter, and of distroless work,
 * and a warning is for those that Lambda Managed Instances refuse. */
static void forms(void **state)
{
    static const struct {
        const char *process, *ids;
    } cases[] = {
        /* The guide: bases of AWS, Python, Node.js, Java, Go. */
        {"\"Entrypoint\":[\"/lambda-entrypoint.sh\"],\"Cmd\":[\"app.handler\"],"
         "\"WorkingDir\":\"/var/task\"",
         ""},
        {"\"Entrypoint\":[\"/usr/local/bin/python\",\"-m\",\"awslambdaric\"],"
         "\"Cmd\":[\"app.handler\"],\"WorkingDir\":\"/function\"",
         "LB054"},
        {"\"Entrypoint\":[\"/usr/local/bin/npx\",\"aws-lambda-ric\"],\"WorkingDir\":\"/function\"",
         "LB054"},
        {"\"Entrypoint\":[\"/usr/bin/java\",\"-cp\",\"./*\",\"x.AWSLambda\"],"
         "\"WorkingDir\":\"/function\"",
         "LB054"},
        {"\"Entrypoint\":[\"/main\"]", ""},
        {"\"Entrypoint\":[\"./main\"]", "LB052"},
        /* aws-lambda-web-adapter. */
        {"\"Cmd\":[\"node\",\"index.js\"],\"WorkingDir\":\"/var/task\"", "LB052"},
        {"\"Cmd\":[\"python\",\"app.py\"]", "LB052"},
        {"\"Cmd\":[\"./main\"],\"WorkingDir\":\"/function\"", "LB052"},
        {"\"Cmd\":[\"./run.sh\"]", "LB052"},
        {"\"Cmd\":[\"run.sh\"],\"Env\":[\"PATH=/usr/bin:/var/task\"]", "LB052"},
        {"\"Cmd\":[\"sh\",\"-c\",\"exec uvicorn app:app\"]", "LB052"},
        {"\"Cmd\":[\"/bin/sh\",\"-c\",\"exec uvicorn --port=$PORT main:app\"]", "LB054"},
        {"\"Cmd\":[\"/bin/sh\",\"-c\",\"node index.js\"]", "LB054"},
        {"\"Cmd\":[\"/bin/sh\",\"-c\",\"PORT=80 node x\"]", "LB054"},
        {"\"Cmd\":[\"/bin/sh\",\"-c\",\"cd x && unknown\"]", "LB054"},
        {"\"Cmd\":[\"/bin/sh\",\"-c\",\"exec $APP\"]", "LB054"},
        {"\"Cmd\":[\"/bin/sh\",\"-c\",\"/no/setup; exec node x\"]", "LB054"},
        {"\"Cmd\":[\"/bin/sh\",\"-c\",\"text\"]", "LB054"}, /* the shell reads it itself */
        /* distroless */
        {"\"Entrypoint\":[\"/nodejs/bin/node\"],\"Cmd\":[\"app.js\"]", ""},
        {"\"Entrypoint\":[\"/usr/bin/python3\"],\"Cmd\":[\"-m\",\"awslambdaric\"]", "LB054"},
        /* What can't start, whatever its form. */
        {"\"Cmd\":[\"nowhere\"]", "LB053"},
        {"\"Cmd\":[\"run.sh\"]", "LB053"},
        {"\"Cmd\":[\"./nowhere\"]", "LB053"},
        {"\"Cmd\":[\"/usr/bin/dash\",\"-c\",\"exec nowhere x\"]", "LB053"},
        {"\"Cmd\":[\"/usr/bin/dash\",\"-c\",\"/nowhere x\"]", "LB053"},
        {"\"Cmd\":[\"closed\"]", "LB052 LB055"},
        {"\"Cmd\":[\"/usr/bin/dash\",\"-c\",\"exec closed\"]", "LB055"},
        {"\"Cmd\":[\"/usr/bin/dash\",\"-c\",\"exec arm\"]", "LB033"},
        {"\"Cmd\":[\"arm\"]", "LB033 LB052"},
        {"\"Cmd\":[\"text\"]", "LB041 LB052"},
        {"\"Entrypoint\":[\"/usr/local\"]", "LB055"},
        {"\"Entrypoint\":[\"\"]", "LB053"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        bool env = strstr(cases[i].process, "\"Env\"");
        autofree char *process = xasprintf("{%s%s}", cases[i].process, env ? "" : "," PATH);
        AUTO_IMAGE image = image_with(tree, countof(tree), process);
        autofree char *found = ids(image, &(struct gate_options){0});
        if (strcmp(found, cases[i].ids) != 0)
            fail_msg("%s: '%s', not '%s'", process, found, cases[i].ids);
    }
}

/* A program's ELF header for a machine, and no more. */
#define ELF(machine, kind)                                                                         \
    "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0" kind "\0" machine "\0\1\0\0\0\100\0\0\0\0"
#define ARM64 "\267"
#define X86_64 "\076"
#define PROGRAM "\2"
#define LIBRARY "\3"
static const char arm64[64] = ELF(ARM64, PROGRAM), arm64_library[64] = ELF(ARM64, LIBRARY),
                  x86_64[64] = ELF(X86_64, PROGRAM);

/* An image with one more file, in a folder of its own below some of these. */
struct one_more {
    const char *process;
    struct item item;
    const char *ids;
};

static void assert_one_more(const struct one_more *one)
{
    static const struct item folders[] = {{"opt/", '5'},
                                          {"opt/extensions/", '5'},
                                          {"app/", '5'},
                                          {"home/", '5'},
                                          {"home/node/", '5'},
                                          {"usr/src/", '5'},
                                          {"usr/src/app/", '5'},
                                          {"etc/", '5'},
                                          {"tmp/", '5', .mode = 01777},
                                          {"tmp/x/", '5'}};
    struct item items[countof(tree) + countof(folders) + 1];

    memcpy(items, tree, sizeof tree);
    memcpy(items + countof(tree), folders, sizeof folders);
    items[countof(items) - 1] = one->item;
    AUTO_IMAGE image = image_with(items, countof(items), one->process);
    autofree char *found = ids(image, &(struct gate_options){0});
    if (strcmp(found, one->ids) != 0)
        fail_msg("%s with %s: '%s', not '%s'", one->process, one->item.path, found, one->ids);
}

static void assert_each(const struct one_more *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_one_more(&list[i]);
}

#define MAIN "{\"Entrypoint\":[\"/main\"]}"

/* C21: Lambda starts each file in /opt/extensions, but nothing deeper. */
static void extensions(void **state)
{
    static const struct one_more cases[] = {
        {MAIN, {"opt/extensions/fine", '0', "#!/bin/sh\n", 0755}, ""},
        {MAIN, {"opt/extensions/link", '2', "/usr/bin/dash"}, ""},
        {MAIN, {"opt/extensions/lib/", '5'}, ""},
        {MAIN, {"opt/extensions/README", '0', "#!/bin/sh\n", 0644}, "LB055"},
        {MAIN, {"opt/extensions/text", '0', "no program\n", 0755}, "LB041"},
        {MAIN, {"opt/extensions/empty", '0', "", 0755}, "LB041"},
        {MAIN, {"opt/extensions/script", '0', "#!/nowhere\n", 0755}, "LB033"},
        {MAIN, {"opt/extensions/cr", '0', "#!/bin/sh\r\n", 0755}, "LB034"},
        {MAIN, {"opt/extensions/link", '2', "/nowhere"}, "LB053"},
        {MAIN, {"opt/extensions/link", '2', "/usr"}, "LB055"},
        {MAIN, {"opt/extensions/arm64", '0', arm64, 0755, .size = 64}, "LB031"},
    };
    (void)state;
    assert_each(cases, countof(cases));
}

#define IN(folder) "{\"Entrypoint\":[\"/main\"],\"WorkingDir\":\"" folder "\"}"
#define NAMES(word) "{\"Entrypoint\":[\"/main\",\"" word "\"]}"

/* C22: WORKDIR, and what ENTRYPOINT and CMD name, are the function's own, but not the system's
 * folders. */
static void own(void **state)
{
    static const struct one_more cases[] = {
        {IN("/function"), {"function/app.py", '0', "x", 0600}, "LB061"},
        {IN("/function"), {"function/awslambdaric/", '5', NULL, 0700}, "LB061"},
        {IN("/function"), {"function/x.so", '0', arm64_library, 0644, .size = 64}, "LB032"},
        {IN("/function"), {"function/app.py", '0', "x", 0644}, ""},
        {IN("/usr/src/app"), {"usr/src/app/x", '0', "x", 0600}, "LB061"},
        {IN("/home/node"), {"home/node/x", '0', "x", 0600}, "LB061"},
        {IN("/home/node"), {"home/node/.npmrc", '0', "x", 0600}, ""},
        {IN("/app"), {"function/app.py", '0', "x", 0600}, ""},
        {IN("/work"), {"work/", '5', NULL, 0700}, "LB059"},
        {IN("/"), {"function/app.py", '0', "x", 0600}, ""},
        {IN("/etc"), {"etc/shadow", '0', "x", 0600}, ""},
        {IN("/usr"), {"usr/bin/su", '0', "x", 0700}, ""},
        {IN("/home"), {"home/node/x", '0', "x", 0600}, ""},
        {NAMES("/app"), {"app/x", '0', "x", 0600}, "LB061"},
        {NAMES("/app/x"), {"app/x", '0', "x", 0600}, "LB061"},
        {NAMES("app/x"), {"app/x", '0', "x", 0600}, "LB061"},
        {NAMES("x.py"), {"x.py", '0', "x", 0600}, "LB061"},
        {NAMES("/work"), {"work/", '5', NULL, 0700}, "LB061"},
        {NAMES("/app/y"), {"app/x", '0', "x", 0600}, ""},
        {NAMES("/etc/x"), {"etc/shadow", '0', "x", 0600}, ""},
        {"{\"Cmd\":[\"/function/main\"]}", {"function/x", '0', "x", 0600}, "LB061"},
        {"{\"Cmd\":[\"/bin/sh\",\"-c\",\"exec /function/main\"]}",
         {"function/x", '0', "x", 0600},
         "LB054 LB061"},
    };
    (void)state;
    assert_each(cases, countof(cases));
}

/* C30: the kernel starts a program that can't be read; a script's interpreter must read it. */
static void unreadable(void **state)
{
    static const struct one_more cases[] = {
        {MAIN, {"opt/x", '0', x86_64, 0711, .size = 64}, ""},
        {MAIN, {"opt/x", '0', x86_64, 0700, .size = 64}, "LB061"},
        {MAIN, {"opt/x", '0', x86_64, 0640, .size = 64}, "LB061"},
        {MAIN, {"opt/x", '0', "#!/bin/sh\n", 0711}, "LB061"},
    };
    (void)state;
    assert_each(cases, countof(cases));
}

/* C28: Lambda's own /tmp hides the image's. */
static void below_tmp(void **state)
{
    static const struct one_more cases[] = {
        {IN("/tmp"), {"opt/x", '0', "x"}, ""},
        {IN("/tmp/x"), {"opt/x", '0', "x"}, "LB062"},
        {"{\"Entrypoint\":[\"/tmp/main\"]}", {"tmp/main", '0', "#!/bin/sh\n", 0755}, "LB062 LB063"},
        {"{\"Cmd\":[\"/bin/sh\",\"-c\",\"exec /tmp/main\"]}",
         {"tmp/main", '0', "#!/bin/sh\n", 0755},
         "LB054 LB062 LB063"},
        {MAIN, {"tmp/x/data", '0', "x"}, "LB063"},
        {MAIN, {"tmp/x/y/", '5'}, ""},
    };
    (void)state;
    assert_each(cases, countof(cases));
}

/* The warning says where the name stands, what was found, and who refuses it. */
static void words(void **state)
{
    static const struct {
        const char *process, *text;
    } cases[] = {
        {"{\"Cmd\":[\"node\",\"x\"]}", "CMD starts 'node', which is '/usr/local/bin/node'"},
        {"{\"Entrypoint\":[\"node\"],\"Cmd\":[\"x\"]}", "ENTRYPOINT starts 'node', which is"},
        {"{\"Cmd\":[\"/bin/sh\"]}", "CMD starts '/bin/sh', a symbolic link to '/usr/bin/dash'"},
    };
    struct error err = {0};
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(gate_report) report = {0};
        AUTO(buf) text = {0};
        AUTO_IMAGE image = image_with(tree, countof(tree), cases[i].process);
        assert_int_equal(gate_check(image, &store, &(struct gate_options){0}, &report, &err), 0);
        gate_print_text(&report, &text);
        if (!strstr(buf_text(&text), cases[i].text))
            fail_msg("'%s' does not say '%s'", buf_text(&text), cases[i].text);
        assert_non_null(strstr(buf_text(&text), "Managed Instances"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(extensions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unreadable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(below_tmp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("gate_start", tests, NULL, NULL);
}
