#include "gate/rule.h"

#include "support/data.h"
#include "support/fs.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ID_(number) (number) < 10 ? "LB00" #number : "LB0" #number

const struct gate_rule gate_rules[] = {
#define RULE(number, name, function, severity, sureness, title, remedy)                            \
    {RULE_##name, ID_(number), GATE_##severity, GATE_##sureness, title, remedy, function},
#include "gate/list.h"
};
const size_t gate_rule_count = countof(gate_rules);

const struct gate_rule *gate_rule(enum rule_id id)
{
    for (size_t i = 0; i < gate_rule_count; i++)
        if (gate_rules[i].number == id)
            return &gate_rules[i];
    abort(); /* every name comes from a row */
}

const struct gate_rule *gate_rule_find(const char *id)
{
    for (size_t i = 0; i < gate_rule_count; i++)
        if (strcasecmp(gate_rules[i].id, id) == 0)
            return &gate_rules[i];
    return NULL;
}

const char *gate_severity_word(enum gate_severity severity)
{
    static const char *const words[] = {
        [GATE_NOTE] = "note", [GATE_WARNING] = "warning", [GATE_ERROR] = "error"};
    return words[severity];
}

const char *gate_sureness_word(enum gate_sureness sureness)
{
    static const char *const words[] = {[GATE_DOCUMENTED] = "documented",
                                        [GATE_SPECIFIED] = "specified",
                                        [GATE_REPORTED] = "reported",
                                        [GATE_INFERRED] = "inferred",
                                        [GATE_ADVICE] = "advice"};
    return words[sureness];
}

int gate_rule_page(const struct gate_rule *rule, struct buf *out, struct error *err)
{
    enum { PAGE_MAX = 1024 * 1024 };
    AUTO(buf) page = {0};
    autofree char *path = data_path("docs/rules.md"), *head = xasprintf("\n## %s ", rule->id);

    if (fs_read(path, PAGE_MAX, &page, err) != 0)
        return error_wrap(err, "the rules' page is missing; install lbuild again");

    const char *at = strstr(buf_text(&page), head), *end = at ? strstr(at + 1, "\n## ") : NULL;
    if (!at)
        return error_set(err, ERROR_INTERNAL, "'%s' has no section for %s; install lbuild again",
                         path, rule->id);

    at += strlen("\n## ");
    buf_add(out, at, end ? (size_t)(end + 1 - at) : strlen(at));
    return 0;
}
