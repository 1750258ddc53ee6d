#ifndef LBUILD_GATE_GATE_H
#define LBUILD_GATE_GATE_H

#include "gate/rules.h"
#include "image/imagefile.h"
#include "store/store.h"
#include "support/buf.h"

/* The Lambda gate checks a finished image for everything that Lambda is known to refuse, or that
 * works differently there than it looks. It reports all breaches at once. */

struct gate_options {
    const struct strv *ignore; /* ids of rules to ignore, checked by gate_ids_check; or NULL */
    bool werror;               /* warnings count as errors */
    uint64_t budget;           /* unpacked bytes; 0: none */
    int64_t now;               /* seconds since 1970, for rules with a date */
    int base_age;              /* days after which a base is old; 0: never */
};

struct gate_finding {
    const struct gate_rule *rule;
    char *text;   /* what is wrong, without the remedy */
    char *path;   /* in the image, without a leading slash; NULL: the image as a whole */
    size_t layer; /* from 1; 0: none, or the merged tree */
    bool ignored;
};

struct gate_report {
    char *image; /* as the user named it */
    bool werror;
    struct gate_finding *items; /* in the order of the rules */
    size_t len, cap;
    size_t *found; /* number of findings of each rule; GATE_LISTED of them are in `items` */
};
enum { GATE_LISTED = 20 /* findings of a rule */ };

/* ERROR_USAGE when an id in the list belongs to no rule. */
int gate_ids_check(const struct strv *ids, const char *where, struct error *err) must_check;

/* Checks the image; findings don't make it fail. ERROR_BUILD when the store lacks the list of a
 * layer that was read. */
int gate_check(const struct imagefile *image, const struct store *store,
               const struct gate_options *options, struct gate_report *report,
               struct error *err) must_check;
void gate_report_release(struct gate_report *report);

/* The number of findings of a severity that aren't ignored; with --werror warnings are errors. */
size_t gate_count(const struct gate_report *report, enum gate_severity severity);
/* The severity of a finding in this report, with --werror applied. */
enum gate_severity gate_weight(const struct gate_report *report,
                               const struct gate_finding *finding);
/* ERROR_LAMBDA when an error is among the findings. */
int gate_verdict(const struct gate_report *report, struct error *err) must_check;

/* "LB055: layer 1: /var/task/app: TEXT; REMEDY"; caller frees. */
char *gate_line(const struct gate_finding *finding);

/* Print the report for people, as one JSON object, or as SARIF 2.1.0 (OASIS). */
void gate_print_text(const struct gate_report *report, struct buf *out);
void gate_print_json(const struct gate_report *report, struct buf *out);
void gate_print_sarif(const struct gate_report *report, struct buf *out);

#endif
