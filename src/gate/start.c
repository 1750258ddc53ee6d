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

/* The ids of the rules that check_file reports. */
struct file_rules {
    enum rule_id missing, forbidden;
};

/* Checks that the file exists, is regular, executable and reachable. */
static void check_file(struct gate *gate, const struct gate_program *program,
                       const struct file_rules *rules)
{
    const struct rootfs_entry *entry = program->entry,
                              *barrier = entry ? gate_barrier(gate, entry->path) : NULL;
    const char *path = program->full ? program->full : program->name;

    if (!entry && gate->whole)
        gate_add(gate, rules->missing, 0, program->full ? program->full + 1 : NULL,
                 "%s starts '%.200s', which is %s", program->by, program->name,
                 strchr(program->name, '/') ? "not in the image" : "in no folder of PATH");
    if (!entry)
        return;

    if (entry->type != TAR_FILE)
        gate_add(gate, rules->forbidden, entry->layer, entry->path, "'%s' is not a regular file",
                 path);
    else if (!(gate_rights(entry) & 1))
        gate_add(gate, rules->forbidden, entry->layer, entry->path,
                 "the mode of '%s' is %04o: Lambda's user can't execute it", path, entry->mode);
    else if (barrier)
        gate_add(gate, rules->forbidden, barrier->layer, barrier->path,
                 "'%s' is in '%s', whose mode is %04o: Lambda's user can't enter it", path,
                 show(barrier), barrier->mode);
}

/* Lambda accepts these names; Lambda Managed Instances refuse them. */
static void check_name(struct gate *gate, const struct gate_program *program)
{
    if (!program->entry)
        return;
    if (program->name[0] != '/')
        gate_add(gate, RULE_ENTRYPOINT_RELATIVE, 0, NULL,
                 "%s starts '%.200s', which is '%s'; Lambda finds it, but Lambda Managed Instances "
                 "refuse such a name",
                 program->by, program->name, program->full);
    else if (program->link)
        gate_add(gate, RULE_ENTRYPOINT_LINK, program->entry->layer, program->full + 1,
                 "%s starts '%s', a symbolic link to '/%s'; Lambda follows it, but Lambda Managed "
                 "Instances may refuse it",
                 program->by, program->full, program->entry->path);
}

void gate_start(struct gate *gate)
{
    static const struct file_rules usual = {RULE_ENTRYPOINT_MISSING, RULE_ENTRYPOINT_FORBIDDEN},
                                   bootstrap = {RULE_BOOTSTRAP, RULE_BOOTSTRAP};
    const struct gate_start *start = &gate->start;
    for (size_t i = 0; i < start->extension_count; i++)
        check_file(gate, &start->extensions[i], &usual);

    if (!start->command.program) {
        if (!gate->image->config_trouble)
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

    check_file(gate, &start->program, start->command.stock ? &bootstrap : &usual);
    if (start->in_shell.name)
        check_file(gate, &start->in_shell, &usual);
    if (!start->command.stock)
        check_name(gate, &start->program);
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

static bool in_tmp(const char *path)
{
    const char *rest = NULL;
    return path_below(path, "tmp", &rest) && rest[0];
}

static void check_tmp_program(struct gate *gate, const struct gate_program *program)
{
    if (program->entry && in_tmp(program->entry->path))
        gate_add(gate, RULE_START_IN_TMP, program->entry->layer, program->entry->path,
                 "%s starts '%s'", program->by, program->full);
}

void gate_tmp(struct gate *gate)
{
    const char *workdir = js_get_text(gate->config, "WorkingDir");
    const struct rootfs_entry *folder = workdir ? gate_follow(gate, workdir) : NULL, *first = NULL;
    size_t count = 0;

    check_tmp_program(gate, &gate->start.program);
    check_tmp_program(gate, &gate->start.in_shell);
    if (folder && in_tmp(folder->path))
        gate_add(gate, RULE_START_IN_TMP, folder->layer, folder->path, "WORKDIR is '%.200s'",
                 workdir);

    for (size_t i = 0; i < rootfs_count(gate->tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(gate->tree, i);
        if (entry->type != TAR_FILE || !in_tmp(entry->path))
            continue;
        first = first ? first : entry;
        count++;
    }

    if (count > 1)
        gate_add(gate, RULE_FILE_IN_TMP, first->layer, first->path,
                 "it and %zu other%s are gone when the function runs", count - 1,
                 count == 2 ? "" : "s");
    else if (count == 1)
        gate_add(gate, RULE_FILE_IN_TMP, first->layer, first->path,
                 "it is gone when the function runs");
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
static void check_script(struct gate *gate, const struct rootfs_entry *entry,
                         const struct program *program)
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

    if (strcmp(entry->path, LAMBDA_BOOTSTRAP) != 0 || !is_shell(program) ||
        some_client(gate, entry))
        return;
    for (size_t i = 0; i < countof(clients); i++)
        if (any_path(gate, clients[i]))
            return;

    gate_add(
        gate, RULE_NO_CLIENT, entry->layer, entry->path,
        "it is a shell script that asks for events, and neither 'curl' nor 'wget' is in the image");
}

void gate_client(struct gate *gate)
{
    AUTO(program) program = {0};
    const struct gate_start *start = &gate->start;
    const struct gate_program *first = start->in_shell.entry ? &start->in_shell : &start->program;
    const struct rootfs_entry *entry = first->entry;
    bool known = false;

    if (!gate->whole || !entry || entry->type != TAR_FILE)
        return;
    program_read(entry->facts, &program);

    if (program.client)
        check_script(gate, entry, &program);
    if (program.client || client_is_there(gate, first->name, &known) ||
        (known && some_client(gate, NULL)))
        return;

    if (known)
        gate_add(gate, RULE_NO_CLIENT, 0, entry->path,
                 "'%s' is started, and the image has no runtime client for it", first->name);
    else if (program.kind == PROGRAM_ELF && !some_client(gate, NULL))
        gate_add(gate, RULE_NO_CLIENT, entry->layer, entry->path,
                 "neither '%s' nor anything else in the image names AWS_LAMBDA_RUNTIME_API",
                 first->name);
}
