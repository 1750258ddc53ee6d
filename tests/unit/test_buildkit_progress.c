#include "unit.h"

#include "engine/container/buildkit_progress.h"
#include "support/buf.h"
#include "support/own.h"

/* Reads a text line by line and records the result of each line. */
static void read_text(struct buildkit_progress *progress, const char *text, struct buf *seen)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        autofree char *line = xstrndup(text, length);
        const struct progress_step *step = NULL;
        const char *said = NULL;
        switch (buildkit_progress_line(progress, "Dockerfile.lbuild", line, &step, &said)) {
        case PROGRESS_BEGIN:
            buf_addf(seen, "begin %s|%s\n", step->stage, step->command);
            break;
        case PROGRESS_OUTPUT:
            buf_addf(seen, "%s: %s\n", step->stage, said);
            break;
        case PROGRESS_NOTHING:
            break;
        }
        text += length + (text[length] == '\n');
    }
}

/* As buildctl 0.26 printed it. */
static void a_failed_step(void **state)
{
    AUTO(buildkit_progress) progress = {0};
    AUTO(buf) seen = {0};
    (void)state;

    read_text(
        &progress,
        "#0 building with \"remote\" instance using remote driver\n\n"
        "#1 [internal] load build definition from Dockerfile.lbuild\n"
        "#1 transferring dockerfile: 125B 0.0s done\n#1 DONE 0.1s\n\n"
        "#2 [context b] load metadata for docker.io/library/b@sha256:a277\n#2 DONE 0.0s\n\n"
        "#4 [context b] OCI load from client\n#4 CACHED\n\n"
        "#5 [a 1/2] RUN echo one\n#5 0.055 one\n#5 ...\n\n#6 [stage-1 1/2] COPY x /x\n"
        "#6 DONE 0.0s\n\n"
        "#5 [a 1/2] RUN echo one\n#5 0.060 [3/4] two\n#5 0.1 \n#5 0.2\n#5 1.5 #7 [x 1/1] RUN no\n"
        "#5 sha256:ab 0.0s\n"
        "#5 ERROR: process \"/bin/sh -c echo one\" did not complete successfully: exit code: 4\n"
        "------\n > [a 1/2] RUN echo one:\n0.055 one\n------\nDockerfile.lbuild:2\n"
        "--------------------\n"
        "   1 |     FROM b AS a\n   2 | >>> RUN echo one\n--------------------\n"
        "ERROR: failed to build: failed to solve: process \"/bin/sh -c echo one\" did not "
        "complete successfully: exit code: 4\n",
        &seen);

    assert_string_equal(
        buf_text(&seen),
        "begin a 1/2|RUN echo one\na 1/2: one\nbegin stage-1 1/2|COPY x /x\na 1/2: [3/4] two\n"
        "a 1/2: \n"
        "a 1/2: \na 1/2: #7 [x 1/1] RUN no\n");

    const struct progress_step *failed = buildkit_progress_failed(&progress);
    assert_non_null(failed);
    assert_string_equal(failed->command, "RUN echo one");
    assert_int_equal(failed->tail.len, 5);
    assert_string_equal(failed->tail.items[0], "one");
    assert_int_equal(progress.line, 2);
    assert_string_equal(
        buildkit_progress_reason(&progress),
        "process \"/bin/sh -c echo one\" did not complete successfully: exit code: 4");
}

/* As docker 20.10 printed it: no place in the Dockerfile, and the reason has no form. */
static void an_old_one(void **state)
{
    AUTO(buildkit_progress) progress = {0};
    AUTO(buf) seen = {0};
    (void)state;

    read_text(
        &progress,
        "#4 [a 1/2] FROM docker.io/library/lbuild-base:x\n#4 sha256:ee476d89\n#4 DONE 0.2s\n\n"
        "#5 [a 2/2] RUN exit 3\n#5 sha256:8e5b15e6\n#5 0.120 two\n"
        "#5 ERROR: executor failed running [/bin/sh -c exit 3]: exit code: 3\n"
        "------\n > [a 2/2] RUN exit 3:\n------\nexecutor failed running [/bin/sh -c exit 3]: "
        "exit code: 3\n",
        &seen);

    assert_string_equal(
        buf_text(&seen),
        "begin a 1/2|FROM docker.io/library/lbuild-base:x\nbegin a 2/2|RUN exit 3\na 2/2: two\n");
    assert_int_equal(progress.line, 0);
    assert_string_equal(buildkit_progress_failed(&progress)->command, "RUN exit 3");
    assert_string_equal(buildkit_progress_reason(&progress),
                        "executor failed running [/bin/sh -c exit 3]: exit code: 3");
}

/* The failure of one step ends the others, and docker 20.10 reports it for them too. */
static void several_failed(void **state)
{
    AUTO(buildkit_progress) progress = {0};
    AUTO(buf) seen = {0};
    (void)state;

    read_text(&progress,
              "#7 [build 5/5] RUN make\n#8 [bad 3/3] RUN exit 7\n"
              "#7 1.0 runc run failed: container process is already dead\n"
              "#7 ERROR: executor failed running [/bin/sh -c exit 7]: exit code: 7\n"
              "#8 ERROR: executor failed running [/bin/sh -c exit 7]: exit code: 7\n",
              &seen);
    assert_string_equal(buildkit_progress_failed(&progress)->stage, "bad 3/3");

    read_text(&progress,
              "#9 [c 1/1] RUN true\n#9 ERROR: context canceled\n"
              "executor failed running [/bin/sh -c exit 7]: exit code: 7\n",
              &seen);
    assert_string_equal(buildkit_progress_failed(&progress)->stage, "bad 3/3");
}

static void no_step_at_all(void **state)
{
    AUTO(buildkit_progress) progress = {0};
    AUTO(buf) seen = {0};
    (void)state;

    read_text(&progress, "", &seen);
    assert_string_equal(buildkit_progress_reason(&progress), "");

    read_text(
        &progress,
        "Cannot connect to the Docker daemon at unix:///nope. Is the docker daemon running?\n",
        &seen);
    assert_null(buildkit_progress_failed(&progress));
    assert_string_equal(
        buildkit_progress_reason(&progress),
        "Cannot connect to the Docker daemon at unix:///nope. Is the docker daemon running?");

    read_text(&progress, "ERROR: no builder \"nope\" found\n", &seen);
    assert_string_equal(buildkit_progress_reason(&progress), "no builder \"nope\" found");
    read_text(&progress, "#3 ERROR: of a step that nobody began\n", &seen);
    assert_null(buildkit_progress_failed(&progress));
    assert_int_equal(seen.len, 0);
}

/* A RUN step can print anything: its output must neither make lbuild grow nor pass for
 * anything but output. */
static void hostile_output(void **state)
{
    AUTO(buildkit_progress) progress = {0};
    AUTO(buf) seen = {0}, text = {0};
    (void)state;

    for (int i = 0; i < 100; i++)
        buf_addf(&text, "#5 0.%d line %d\n", i, i); /* before it began */
    buf_adds(&text, "#5 [a 1/2] RUN x\n");
    for (int i = 0; i < 1000; i++)
        buf_addf(&text, "#5 0.%d line %d\n", i, i);
    buf_adds(&text,
             "#99999999999999999999 [b 1/1] RUN y\n#-1 [b 1/1] RUN y\n#6\n#6 \n#6 [\n#6 [] x\n"
             "#6 [/] x\n#6 [1/] x\n#6 [ /1] x\n#6 [1/1]x\n");
    buf_adds(&text, "Dockerfile.lbuild:99999999999\nDockerfile.lbuild:x\nDockerfile.lbuild:3x\n");

    read_text(&progress, buf_text(&text), &seen);
    assert_int_equal(progress.len, 1);
    assert_int_equal(progress.steps[0].tail.len, PROGRESS_TAIL);
    assert_string_equal(progress.steps[0].tail.items[PROGRESS_TAIL - 1], "line 999");
    assert_string_equal(progress.steps[0].tail.items[0], "line 980");
    assert_int_equal(progress.line, 0);

    for (int i = 10; i < PROGRESS_STEPS_MAX + 100; i++) {
        buf_clear(&text);
        buf_addf(&text, "#%d [a 1/2] RUN x\n", i);
        read_text(&progress, buf_text(&text), &seen);
    }

    assert_int_equal(progress.len, PROGRESS_STEPS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_step),  cmocka_unit_test(an_old_one),
        cmocka_unit_test(several_failed), cmocka_unit_test(no_step_at_all),
        cmocka_unit_test(hostile_output),
    };
    return cmocka_run_group_tests_name("buildkit_progress", tests, NULL, NULL);
}
