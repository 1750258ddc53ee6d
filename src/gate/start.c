#include "gate/rule.h"

#include "lambda/limits.h"
#include "support/fs.h"

#include <fnmatch.h>
#include <string.h>

/* What Lambda executes, and in which folder (Lambda guide, "Container image settings"). */

static const char *show(const struct rootfs_entry *entry)
{
    return entry->path[0] ? entry->path : "/";
}

/* Checks that the file exists, is regular, executable and reachable. The ids name the
 * rules to report. */
static void check_file(struct gate *gate, enum rule_id missing, enum rule_id irregular,
                       enum rule_id forbidden)
{
    const struct gate_start *start = &gate->start;
    const char *program = start->command.program;
    const struct rootfs_entry *entry = start->entry,
                              *barrier = entry ? gate_barrier(gate, entry->path) : NULL;

    if (!entry && gate->whole)
        gate_add(gate, missing, 0, program + 1, "'%s' is not in the image", program);
    if (!entry)
        return;

    if (start->link && !start->command.stock)
        gate_add(gate, irregular, entry->layer, program + 1, "'%s' is a symbolic link to '/%s'",
                 program, entry->path);
    else if (entry->type != TAR_FILE)
        gate_add(gate, irregular, entry->layer, entry->path, "'%s' is not a regular file", program);
    else if (!(gate_rights(entry) & 1))
        gate_add(gate, forbidden, entry->layer, entry->path,
                 "the mode of '%s' is %04o: Lambda's user can't execute it", program, entry->mode);
    else if (barrier)
        gate_add(gate, forbidden, barrier->layer, barrier->path,
                 "'%s' is in '%s', whose mode is %04o: Lambda's user can't enter it", program,
                 show(barrier), barrier->mode);
}

void gate_start(struct gate *gate)
{
    const struct gate_start *start = &gate->start;
    if (!start->command.program) {
        gate_add(gate, RULE_NO_ENTRYPOINT, 0, NULL, "there is neither ENTRYPOINT nor CMD");
        return;
    }

    if (start->command.stock && start->command.words.len != 2)
        gate_add(
            gate, RULE_CMD_WORDS, 0, NULL,
            "the entry script '%s' takes the handler's name and nothing else; it gets %zu words",
            LAMBDA_ENTRYPOINT, start->command.words.len - 1);

    if (start->command.stock && gate->whole && !gate_follow(gate, LAMBDA_ENTRYPOINT))
        gate_add(gate, RULE_ENTRYPOINT_MISSING, 0, &LAMBDA_ENTRYPOINT[1],
                 "'%s' is not in the image", LAMBDA_ENTRYPOINT);

    if (start->command.program[0] != '/')
        gate_add(gate, RULE_ENTRYPOINT_RELATIVE, 0, NULL, "the image starts '%.200s'",
                 start->command.program);
    else if (start->command.stock)
        check_file(gate, RULE_BOOTSTRAP, RULE_BOOTSTRAP, RULE_BOOTSTRAP);
    else
        check_file(gate, RULE_ENTRYPOINT_MISSING, RULE_ENTRYPOINT_IRREGULAR,
                   RULE_ENTRYPOINT_FORBIDDEN);
}

void gate_workdir(struct gate *gate)
{
    const char *workdir = js_get_text(gate->config, "WorkingDir");
    if (!workdir || !workdir[0] || (workdir[0] == '/' && !gate->whole))
        return;
    if (workdir[0] != '/') {
        gate_add(gate, RULE_WORKDIR_RELATIVE, 0, NULL, "WORKDIR is '%.200s'", workdir);
        return;
    }
    autofree char *clean = path_clean(workdir);
    if (clean && !clean[0]) /* the root exists, whether a layer lists it or not */
        return;

    const struct rootfs_entry *entry = gate_follow(gate, workdir);
    if (!entry || entry->type != TAR_DIR) {
        gate_add(gate, RULE_WORKDIR_CLOSED, entry ? entry->layer : 0, clean, "'%.200s' is %s",
                 workdir, entry ? "not a folder" : "not in the image");
        return;
    }

    const struct rootfs_entry *closed = gate_barrier(gate, entry->path);
    if (!closed && !(gate_rights(entry) & 1))
        closed = entry;
    if (closed)
        gate_add(gate, RULE_WORKDIR_CLOSED, closed->layer, closed->path,
                 "the mode of '/%s' is %04o: Lambda's user can't enter it", closed->path,
                 closed->mode);
}

static bool any_path(const struct gate *gate, const char *pattern)
{
    for (size_t i = 0; i < rootfs_count(gate->tree); i++)
        if (fnmatch(pattern, rootfs_at(gate->tree, i)->path, 0) == 0)
            return true;
    return false;
}

/* Whether the image has the runtime client for a program. *known: lbuild knows one for it. */
static bool client_is_there(const struct gate *gate, const char *program, bool *known)
{
    static const struct {
        const char *program, *client;
    } languages[] = {
        {"python*", "*/awslambdaric/*"},
        {"node*", "*/aws-lambda-ric/*"},
        {"npx", "*/aws-lambda-ric/*"},
        {"aws-lambda-ric", "*/aws-lambda-ric/*"},
        {"aws_lambda_ric", "*/aws_lambda_ric*"},
        {"java", "*aws-lambda-java-runtime-interface-client*.jar"},
        {"ruby", "*/aws_lambda_ric*"},
    };
    const char *name = path_base(program);

    for (size_t i = 0; i < countof(languages); i++) {
        if (fnmatch(languages[i].program, name, 0) != 0)
            continue;
        *known = true;
        if (any_path(gate, languages[i].client))
            return true;
    }
    return false;
}

/* Whether a program or library other than `but` names the variable that says
 * where Lambda listens. */
static bool some_client(const struct gate *gate, const struct rootfs_entry *but)
{
    for (size_t i = 0; i < rootfs_count(gate->tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(gate->tree, i);
        bool candidate = entry != but && entry->facts && strstr(entry->facts, "client \n") &&
                         entry != rootfs_find(gate->tree, "lambda-entrypoint.sh") &&
                         strcmp(path_base(entry->path), "aws-lambda-rie") != 0;

        if (candidate)
            return true;
    }
    return false;
}

static bool is_shell(const struct program *program)
{
    static const char *const shells[] = {"sh", "bash", "dash", "ash", "busybox"};
    const char *name = program->interpreter ? path_base(program->interpreter) : "";
    for (size_t i = 0; i < countof(shells); i++)
        if (program->kind == PROGRAM_SCRIPT && strcmp(name, shells[i]) == 0)
            return true;
    return false;
}

/* A bootstrap that is a shell script speaks to Lambda itself, unless another program in the image
 * does. Other scripts only start such a program. */
static void check_script(struct gate *gate, const struct program *program)
{
    static const char *const clients[] = {"curl",
                                          "*/curl",
                                          "wget",
                                          "*/wget",
                                          "*.jar",
                                          "*/awslambdaric/*",
                                          "*/aws-lambda-ric/*",
                                          "*/aws_lambda_ric*",
                                          "*.dll"};

    if (strcmp(gate->start.path, LAMBDA_BOOTSTRAP) != 0 || !is_shell(program) ||
        some_client(gate, gate->start.entry))
        return;
    for (size_t i = 0; i < countof(clients); i++)
        if (any_path(gate, clients[i]))
            return;

    gate_add(
        gate, RULE_NO_CLIENT, gate->start.entry->layer, gate->start.path,
        "it is a shell script that asks for events, and neither 'curl' nor 'wget' is in the image");
}

void gate_client(struct gate *gate)
{
    AUTO(program) program = {0};
    const struct gate_start *start = &gate->start;
    bool known = false;

    if (!gate->whole || !start->entry || start->entry->type != TAR_FILE)
        return;
    program_read(start->entry->facts, &program);

    if (program.client)
        check_script(gate, &program);
    if (program.client || client_is_there(gate, start->command.program, &known) ||
        (known && some_client(gate, NULL)))
        return;

    if (known)
        gate_add(gate, RULE_NO_CLIENT, 0, start->path,
                 "'%s' is started, and the image has no runtime client for it",
                 start->command.program);
    else if (program.kind == PROGRAM_ELF && !some_client(gate, NULL))
        gate_add(gate, RULE_NO_CLIENT, start->entry->layer, start->path,
                 "neither '%s' nor anything else in the image names AWS_LAMBDA_RUNTIME_API",
                 start->command.program);
}
