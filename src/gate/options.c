#include "gate/options.h"

#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int gate_parse_size(const char *text, const char *where, uint64_t *out, struct error *err)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1},     {"B", 1},      {"kB", 1e3},      {"MB", 1e6},
                 {"GB", 1e9}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}};
    char *end = NULL;
    size_t digits = strspn(text, "0123456789.");
    autofree char *number = xstrndup(text, digits);
    double value = strtod(number, &end);

    for (size_t i = 0; digits > 0 && *end == '\0' && i < countof(units); i++) {
        if (strcasecmp(text + digits, units[i].name) != 0 || value * units[i].factor < 1 ||
            value * units[i].factor > 1e15)
            continue;
        *out = (uint64_t)(value * units[i].factor);
        return 0;
    }
    return error_set(err, ERROR_USAGE, "%s: '%s' is not a size; write e.g. 200MB or 1.5GiB", where,
                     text);
}

int gate_take_ids(const struct strv *words, const char *where, struct strv *out, struct error *err)
{
    for (size_t i = 0; i < words->len; i++) {
        for (const char *at = words->items[i]; *at; at += strcspn(at, ","), at += *at == ',') {
            autofree char *id = xstrndup(at, strcspn(at, ","));
            if (id[0])
                strv_add(out, id);
        }
    }
    return gate_ids_check(out, where, err);
}

static int wrong(const struct project *project, enum key_id key, struct error *err)
{
    autofree char *place = origin_text(&project->values[key].origin);
    err->kind = ERROR_PROJECT;
    return error_wrap(err, "%s: [check]", place);
}

int gate_take_project(const struct project *project, struct strv *ignore, uint64_t *budget,
                      struct error *err)
{
    AUTO(strv) words = {0};
    const char *size = project_get(project, KEY_CHECK_BUDGET);

    if (project_get(project, KEY_CHECK_IGNORE) &&
        project_words(project, KEY_CHECK_IGNORE, &words, err) != 0)
        return -1;

    if (gate_take_ids(&words, "ignore", ignore, err) != 0)
        return wrong(project, KEY_CHECK_IGNORE, err);

    if (size && *budget == 0 && gate_parse_size(size, "budget", budget, err) != 0)
        return wrong(project, KEY_CHECK_BUDGET, err);
    return 0;
}
