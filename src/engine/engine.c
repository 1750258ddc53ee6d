#include "engine/engine.h"

#include "support/own.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ENGINE(name) extern const struct engine engine_##name;
#include "engine/list.h"
#undef ENGINE

const struct engine *const engines[] = {
#define ENGINE(name) &engine_##name,
#include "engine/list.h"
#undef ENGINE
    NULL,
};

const struct engine *engine_find(const char *name)
{
    for (size_t i = 0; engines[i]; i++)
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}

/* Options. */

void engine_options_release(struct engine_options *options)
{
    strv_release(&options->cache_from);
    strv_release(&options->cache_to);
    strv_release(&options->build_args);
    strv_release(&options->secrets);
    strv_release(&options->ssh);
}

static int parse_timeout(struct engine_options *options, struct error *err)
{
    static const char units[] = "smh";
    static const int seconds[] = {1, 60, 3600};
    const char *text = options->timeout_text;
    if (!text)
        return 0;

    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : units;
    if (text[0] < '0' || text[0] > '9' || errno || !unit || (*end && end[1]) || number < 1 ||
        number > INT_MAX / seconds[unit - units] / 1000)
        return error_set(err, ERROR_USAGE,
                         "--timeout takes a time such as 90s, 15m or 2h, not '%s'", text);
    options->timeout = (int)number * seconds[unit - units];
    return 0;
}

int engine_options_check(struct engine_options *options, struct error *err)
{
    static const char *const networks[] = {"none", "host", "default"};
    size_t known = 0;
    while (options->network && known < countof(networks) &&
           strcmp(options->network, networks[known]) != 0)
        known++;
    if (known == countof(networks))
        return error_set(err, ERROR_USAGE, "--network takes none, host or default, not '%s'",
                         options->network);

    for (size_t i = 0; i < options->build_args.len; i++)
        if (strchr("=", options->build_args.items[i][0]))
            return error_set(err, ERROR_USAGE, "--build-arg takes NAME=VALUE, not '%s'",
                             options->build_args.items[i]);
    return parse_timeout(options, err);
}

/* Each option, and whether it was given. */
struct given {
    const char *name;
    const char *text;
    const struct strv *list;
};
enum { GIVEN = 15 };

static void look(const struct engine_options *o, struct given *given)
{
    const struct given all[GIVEN] = {
        {"network", o->network, NULL},
        {"no-cache", o->no_cache ? "" : NULL, NULL},
        {"cache-from", NULL, &o->cache_from},
        {"cache-to", NULL, &o->cache_to},
        {"build-arg", NULL, &o->build_args},
        {"target", o->target, NULL},
        {"secret", NULL, &o->secrets},
        {"ssh", NULL, &o->ssh},
        {"builder", o->builder, NULL},
        {"addr", o->addr, NULL},
        {"tlsdir", o->tls_dir, NULL},
        {"tlscacert", o->tls_ca, NULL},
        {"tlscert", o->tls_cert, NULL},
        {"tlskey", o->tls_key, NULL},
        {"tlsservername", o->tls_server_name, NULL},
    };
    memcpy(given, all, sizeof all);
}

static bool is_given(const struct given *one)
{
    return one->text || (one->list && one->list->len > 0);
}

void engine_options_key(const struct engine_options *options, struct buf *key)
{
    struct given given[GIVEN];
    look(options, given);

    for (size_t i = 0; i < GIVEN; i++) {
        if (!is_given(&given[i]))
            continue;
        buf_addf(key, "%s\x02%s", given[i].name, given[i].text ? given[i].text : "");
        for (size_t j = 0; given[i].list && j < given[i].list->len; j++)
            buf_addf(key, "\x02%s", given[i].list->items[j]);
        buf_addc(key, '\x01');
    }

    /* "--build-arg NAME" takes the environment's value. */
    for (size_t i = 0; i < options->build_args.len; i++) {
        const char *argument = options->build_args.items[i];
        const char *value = strchr(argument, '=') ? NULL : getenv(argument);
        buf_addf(key, "%s\x01", value ? value : "");
    }
}

static const char *lack_of(const struct engine *engine, const char *option)
{
    for (const struct engine_lack *lack = engine->lacks; lack && lack->option; lack++) {
        size_t length = strcspn(lack->option, "*");
        if (strncmp(lack->option, option, lack->option[length] ? length : length + 1) == 0)
            return lack->reason;
    }
    return NULL;
}

/* The engines that have the option, as "a, b or c". Caller frees. */
static char *who_has(const char *option)
{
    AUTO(strv) names = {0};
    AUTO(buf) text = {0};
    for (size_t i = 0; engines[i]; i++)
        if (!lack_of(engines[i], option))
            strv_add(&names, engines[i]->name);

    for (size_t i = 0; i < names.len; i++) {
        const char *separator = i + 1 == names.len ? " or " : ", ";
        buf_addf(&text, "%s%s", i > 0 ? separator : "", names.items[i]);
    }
    return buf_detach(&text);
}

int engine_refuse(const struct engine *engine, const struct engine_options *options,
                  struct error *err)
{
    struct given given[GIVEN];
    look(options, given);

    for (size_t i = 0; i < GIVEN; i++) {
        const char *reason = is_given(&given[i]) ? lack_of(engine, given[i].name) : NULL;
        if (!reason)
            continue;
        autofree char *others = who_has(given[i].name);
        return error_set(err, ERROR_USAGE, "--%s: %s; %s%s", given[i].name, reason,
                         others[0] ? "use --engine " : "leave it out", others);
    }
    return 0;
}

/* Choosing. */

/* What the plan asks for and the engine can't do; NULL when there is nothing. */
static const char *plan_excludes(const struct engine *engine, const struct plan *plan)
{
    return plan->needs_engine && !engine->containers ? plan->engine_reason : NULL;
}

static const struct engine *by_name(const char *name, const struct plan *plan,
                                    const struct engine_options *options, struct error *err)
{
    const struct engine *engine = engine_find(name);
    AUTO(buf) names = {0};
    for (size_t i = 0; engines[i]; i++)
        buf_addf(&names, ", %s", engines[i]->name);

    if (!engine) {
        error_set(err, ERROR_USAGE, "unknown engine '%s'; use auto%s", name, buf_text(&names));
        return NULL;
    }

    const char *reason = plan_excludes(engine, plan);
    if (reason) {
        error_set(err, ERROR_ENGINE, "the engine %s can't do %s; use --engine auto, or one of%s",
                  name, reason, strchr(buf_text(&names) + 1, ',') + 1);
        return NULL;
    }
    return engine_refuse(engine, options, err) == 0 ? engine : NULL;
}

/* The first engine with containers that has what is asked for and works here. NULL: none, and *err
 * says why the last one doesn't. */
static const struct engine *
first_that_works(const struct plan *plan, const struct engine_options *options, struct error *err)
{
    for (size_t i = 1; engines[i]; i++)
        if (engine_refuse(engines[i], options, err) == 0 &&
            engines[i]->available(plan, options, err) == 0)
            return engines[i];
    return NULL;
}

const struct engine *engine_choose(const char *wanted, const struct plan *plan,
                                   const struct engine_options *options, char **why,
                                   struct error *err)
{
    struct error first = {0}, other = {0};
    if (wanted && strcmp(wanted, "auto") != 0) {
        *why = xstrdup("--engine");
        return by_name(wanted, plan, options, err);
    }

    const char *reason = plan_excludes(engines[0], plan);
    /* A C compiler is looked for only when it is needed: nearly every machine has one. */
    if (!reason && engine_refuse(engines[0], options, &first) == 0 &&
        (!plan->runs_command || engines[0]->available(plan, options, &first) == 0)) {
        *why = xstrdup(plan->runs_command ? "the compiler is on this machine"
                                          : "the plan needs no container");
        return engines[0];
    }

    reason = reason ? reason : first.text;
    const struct engine *engine = first_that_works(plan, options, &other);
    if (!engine) {
        error_set(err, ERROR_ENGINE,
                  "host can't: %.600s; and no engine with containers works here: %.600s ('lbuild "
                  "doctor' lists them)",
                  reason, other.text);
        return NULL;
    }

    const char *advice = strstr(reason, "; use --engine");
    *why = xasprintf("the first that works here; host can't: %.*s",
                     (int)(advice ? advice - reason : (long)strlen(reason)), reason);
    return engine;
}
