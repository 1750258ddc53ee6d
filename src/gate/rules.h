#ifndef LBUILD_GATE_RULES_H
#define LBUILD_GATE_RULES_H

#include "support/buf.h"
#include "support/error.h"

#include <stdbool.h>
#include <stddef.h>

/* The rules of the Lambda gate as data: gate/list.h is the table, docs/rules.md explains them. */

enum gate_severity { GATE_NOTE, GATE_WARNING, GATE_ERROR };
enum gate_sureness { GATE_DOCUMENTED, GATE_SPECIFIED, GATE_REPORTED, GATE_INFERRED, GATE_ADVICE };

/* RULE_INDEX is LB001, and so on. */
enum rule_id {
#define RULE(number, name, function, severity, sureness, title, remedy) RULE_##name = number,
#include "gate/list.h"
};

struct gate;
struct gate_rule {
    enum rule_id number;
    const char *id; /* "LB007" */
    enum gate_severity severity;
    enum gate_sureness sureness;
    const char *title, *remedy;
    void (*look)(struct gate *gate);
};
extern const struct gate_rule gate_rules[];
extern const size_t gate_rule_count;

/* A rule by its name in the code; or by its id, in upper or lower case, NULL if there is none. */
const struct gate_rule *gate_rule(enum rule_id id);
const struct gate_rule *gate_rule_find(const char *id);
const char *gate_severity_word(enum gate_severity severity); /* "note", "warning", "error" */
const char *gate_sureness_word(enum gate_sureness sureness); /* "documented" ... */
/* Appends the rule's section of docs/rules.md, as installed. */
int gate_rule_page(const struct gate_rule *rule, struct buf *out, struct error *err) must_check;

#endif
