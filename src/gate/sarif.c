#include "gate/gate.h"

#include "config.h"
#include "support/json.h"
#include "support/own.h"

/* SARIF 2.1.0 (OASIS standard, 27 March 2020), which code-scanning services read. Section numbers
 * refer to that text. */

/* 3.27.10: a result's level uses these words. */
static const char *level(enum gate_severity severity)
{
    return gate_severity_word(severity);
}

static struct js *text_object(const char *text)
{
    struct js *object = js_object();
    js_set_string(object, "text", text);
    return object;
}

/* 3.49 reportingDescriptor. */
static struct js *rule_json(const struct gate_rule *rule)
{
    struct js *object = js_object(), *configuration = js_object(), *properties = js_object();
    js_set_string(configuration, "level", level(rule->severity));
    js_set_string(properties, "sureness", gate_sureness_word(rule->sureness));

    js_set_string(object, "id", rule->id);
    js_set(object, "shortDescription", text_object(rule->title));
    js_set(object, "help", text_object(rule->remedy));
    js_set(object, "defaultConfiguration", configuration);
    js_set(object, "properties", properties);
    return object;
}

/* A path as a URI reference (RFC 3986): characters that aren't unreserved are escaped. */
static void add_uri(struct buf *out, const char *path)
{
    for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || *c == '-' || *c == '.' || *c == '_' || *c == '~' ||
                     *c == '/';

        if (plain)
            buf_addc(out, (char)*c);
        else
            buf_addf(out, "%%%02X", *c);
    }
}

/* 3.28 location: the image file, and the place inside it. */
static struct js *location_json(const struct gate_report *report,
                                const struct gate_finding *finding)
{
    AUTO(buf) uri = {0};
    struct js *object = js_object(), *physical = js_object(), *artifact = js_object();
    add_uri(&uri, report->image);
    js_set_string(artifact, "uri", buf_text(&uri));
    js_set(physical, "artifactLocation", artifact);
    js_set(object, "physicalLocation", physical);

    if (finding->path) {
        struct js *logical = js_object(), *list = js_array();
        autofree char *name = xasprintf("/%s", finding->path);
        js_set_string(logical, "fullyQualifiedName", name);
        js_set_string(logical, "kind", "resource");
        js_append(list, logical);
        js_set(object, "logicalLocations", list);
    }
    return object;
}

/* 3.27 result. */
static struct js *result_json(const struct gate_report *report, const struct gate_finding *finding)
{
    struct js *object = js_object(), *locations = js_array();
    autofree char *text = xasprintf("%s; %s", finding->text, finding->rule->remedy);

    js_set_string(object, "ruleId", finding->rule->id);
    js_set_integer(object, "ruleIndex", (int64_t)(finding->rule - gate_rules));
    js_set_string(object, "level", level(gate_weight(report, finding)));
    js_set(object, "message", text_object(text));
    js_append(locations, location_json(report, finding));
    js_set(object, "locations", locations);

    if (finding->ignored) { /* 3.35 */
        struct js *suppressions = js_array(), *one = js_object();
        js_set_string(one, "kind", "external");
        js_append(suppressions, one);
        js_set(object, "suppressions", suppressions);
    }
    return object;
}

void gate_print_sarif(const struct gate_report *report, struct buf *out)
{
    AUTOPTR(js) object = js_object();
    struct js *runs = js_array(), *run = js_object(), *tool = js_object(), *driver = js_object(),
              *rules = js_array();
    struct js *results = js_array();

    for (size_t i = 0; i < gate_rule_count; i++)
        js_append(rules, rule_json(&gate_rules[i]));
    for (size_t i = 0; i < report->len; i++)
        js_append(results, result_json(report, &report->items[i]));

    js_set_string(driver, "name", PACKAGE_NAME);
    js_set_string(driver, "version", PACKAGE_VERSION);
    js_set(driver, "rules", rules);
    js_set(tool, "driver", driver);

    js_set(run, "tool", tool);
    js_set(run, "results", results);
    js_append(runs, run);

    js_set_string(object, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    js_set_string(object, "version", "2.1.0");
    js_set(object, "runs", runs);
    js_dump_pretty(object, out);
}
