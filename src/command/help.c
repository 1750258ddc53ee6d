#include "command/command.h"
#include "gate/rules.h"
#include "project/project.h"
#include "support/own.h"
#include "template/print.h"
#include "template/template.h"

#include <string.h>

static void overview(struct buf *out)
{
    buf_adds(
        out,
        "Usage: lbuild [COMMAND] [OPTION...]\n\n"
        "Builds one OCI image tarball that AWS Lambda accepts from a folder with an lbuild.ini.\n"
        "Without a command it builds.\n\nCommands:\n");

    for (size_t i = 0; commands[i]; i++)
        buf_addf(out, "  %-12s%s\n", commands[i]->name, commands[i]->summary);

    buf_adds(
        out,
        "\n'lbuild help COMMAND' shows a command's options, 'lbuild help project-file' every key "
        "of lbuild.ini,\n'lbuild help templates' every language, 'lbuild help rules' what Lambda "
        "refuses and 'lbuild help LB001' one of these rules.\n");
}

static int templates(struct buf *out, struct error *err)
{
    AUTO(strv) languages = {0};

    template_languages(&languages);
    for (size_t i = 0; i < languages.len; i++) {
        AUTO(template) t = {0};
        if (template_load(languages.items[i], &t, err) != 0)
            return -1;
        template_print_entry(&t, out);
    }
    return 0;
}

static int one_template(const char *language, struct buf *out, struct error *err)
{
    AUTO(template) t = {0};
    if (template_load(language, &t, err) != 0)
        return -1;
    template_print(&t, out);
    return 0;
}

static void list_rules(struct buf *out)
{
    for (size_t i = 0; i < gate_rule_count; i++)
        buf_addf(out, "%s  %-8s %-11s %s\n", gate_rules[i].id,
                 gate_severity_word(gate_rules[i].severity),
                 gate_sureness_word(gate_rules[i].sureness), gate_rules[i].title);
}

/* A page that is neither a command nor a rule. False when there is no such page. */
static bool find_page(const char *const *argv, struct buf *out, int *result, struct error *err)
{
    *result = 0;
    if (!argv[1] || argv[1][0] == '-')
        overview(out);
    else if (strcmp(argv[1], "project-file") == 0)
        project_reference(out);
    else if (strcmp(argv[1], "templates") == 0)
        *result = templates(out, err);
    else if (strcmp(argv[1], "template") == 0 && argv[2])
        *result = one_template(argv[2], out, err);
    else if (strcmp(argv[1], "rules") == 0)
        list_rules(out);
    else
        return false;
    return true;
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    int result;
    if (find_page(argv, out, &result, err))
        return result;

    const struct gate_rule *rule = gate_rule_find(argv[1]);
    if (rule)
        return gate_rule_page(rule, out, err);

    const struct command *command = command_find(argv[1]);
    if (!command)
        return error_set(err, ERROR_USAGE, "no help for '%s'; 'lbuild help' lists the commands",
                         argv[1]);
    command_help(command, out);
    return 0;
}

const struct command command_help_verb = {
    .name = "help",
    .operands = "[COMMAND | project-file | templates | template LANGUAGE | rules | LB001]",
    .summary = "Show commands, options, the keys of lbuild.ini, languages, or a Lambda rule.",
    .run = run,
};
