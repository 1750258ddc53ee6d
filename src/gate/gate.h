#ifndef LBUILD_GATE_GATE_H
#define LBUILD_GATE_GATE_H

#include "gate/rules.h"
#include "image/imagefile.h"
#include "store/store.h"
#include "support/buf.h"

/* The Lambda gate: a finished image against everything that Lambda is known to refuse, or to do
 * other than it looks. All breaches at once. */

struct gate_options {
    const struct strv *ignore; /* ids that don't count (gate_ids_check), or NULL */
    const char
        *ignored_by; /* who says so, for the report: "--ignore" or the project file; NULL: nobody */
    bool werror;     /* warnings count as errors */
    uint64_t budget; /* bytes unpacked; 0: none */
    int64_t now;     /* seconds since 1970, for what has a date */
    int base_age;    /* days after which a base is old; 0: never */
};

struct gate_finding {
    const struct gate_rule *rule;
    char *text;   /* what is wrong, without the remedy */
    char *path;   /* in the image, without its leading slash; NULL: about the image as a whole */
    size_t layer; /* from 1; 0: none, or the merged tree */
    bool ignored;
};

struct gate_report {
    char *image; /* as it was named */
    bool werror;
    struct gate_finding *items; /* in the order of the rules */
    size_t len, cap;
    size_t *found; /* of each rule: how many, of which GATE_LISTED are listed */
};
enum { GATE_LISTED = 20 /* findings of one rule */ };

/* Every id of the list must be one. ERROR_USAGE, naming the nearest. */
int gate_ids_check(const struct strv *ids, const char *where, struct error *err) must_check;

/* Judges; what is found is no error of this function. Layers whose list is missing in the store
 * though they were read are ERROR_BUILD. */
int gate_check(const struct imagefile *image, const struct store *store,
               const struct gate_options *options, struct gate_report *report,
               struct error *err) must_check;
void gate_report_release(struct gate_report *report);

/* How many findings of a severity count; with --werror warnings are errors. */
size_t gate_count(const struct gate_report *report, enum gate_severity severity);
/* The severity that counts for this report. */
enum gate_severity gate_weight(const struct gate_report *report,
                               const struct gate_finding *finding);
/* ERROR_LAMBDA when there is an error among the findings. */
int gate_verdict(const struct gate_report *report, struct error *err) must_check;

/* "LB055: layer 1: /var/task/app: TEXT; REMEDY"; caller frees. */
char *gate_line(const struct gate_finding *finding);

/* For people, as one JSON object, and as SARIF 2.1.0 (OASIS). */
void gate_print_text(const struct gate_report *report, struct buf *out);
void gate_print_json(const struct gate_report *report, struct buf *out);
void gate_print_sarif(const struct gate_report *report, struct buf *out);

#endif
