#include "command/command.h"

#include "store/store.h"
#include "support/json.h"
#include "support/options.h"
#include "support/own.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define DAYS_DEFAULT 30

struct cache_options {
    bool json, all, dry_run;
    int days;
};

static const struct option_row rows[] = {
    {0, "json", OPTION_FLAG, offsetof(struct cache_options, json), NULL, "Print one JSON object."},
    {0, "days", OPTION_COUNT, offsetof(struct cache_options, days), "N",
     "With prune: remove what was not used for N days. Default: 30."},
    {0, "all", OPTION_FLAG, offsetof(struct cache_options, all), NULL,
     "With prune: remove everything that no running build uses."},
    {0, "dry-run", OPTION_FLAG, offsetof(struct cache_options, dry_run), NULL,
     "With prune: only print how much would be freed."},
    {0},
};
static const struct option_table tables[] = {{rows, 0}, {0}};

/* "42.1 MB", as docker and registries count. */
static void add_size(struct buf *out, uint64_t size)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double number = (double)size / 1000;
    size_t unit = 0;

    for (; number >= 999.95 && unit + 1 < countof(units); unit++)
        number /= 1000;

    if (size < 1000)
        buf_addf(out, "%" PRIu64 " B", size);
    else
        buf_addf(out, "%.1f %s", number, units[unit]);
}

static void add_day(struct buf *out, uint64_t seconds)
{
    struct tm tm = {0};
    char text[32];
    time_t when = (time_t)seconds;

    gmtime_r(&when, &tm);
    strftime(text, sizeof text, "%Y-%m-%d", &tm);
    buf_adds(out, text);
}

static void list_text(const struct js *report, struct buf *out)
{
    const struct js *refs = js_get(report, "refs"), *blobs = js_get(report, "blobs");
    uint64_t total = 0;

    buf_addf(out, "%s\n", js_get_text(report, "root"));

    for (size_t i = 0; i < js_count(refs); i++) {
        const struct js *ref = js_at(refs, i);
        const char *arch = js_get_text(ref, "architecture"), *digest = js_get_text(ref, "digest");
        buf_addf(out, "image  %s %s %s\n", js_get_text(ref, "reference"), arch ? arch : "",
                 digest ? digest : "");
    }

    for (size_t i = 0; i < js_count(blobs); i++) {
        const struct js *blob = js_at(blobs, i);
        uint64_t size = 0, used = 0;
        AUTO(buf) text = {0};
        js_get_size(blob, "size", &size);
        js_get_size(blob, "used", &used);
        add_size(&text, size);
        buf_addf(out, "blob   %s %10s  used ", js_get_text(blob, "digest"), buf_text(&text));
        add_day(out, used);
        buf_addc(out, '\n');
    }

    js_get_size(report, "total", &total);
    buf_addf(out, "total  %zu blobs, ", js_count(blobs));
    add_size(out, total);
    buf_addc(out, '\n');
}

static int list(const struct cache_options *options, struct buf *out, struct error *err)
{
    AUTO(store) store = {0};
    if (options->all || options->days || options->dry_run)
        return error_set(err, ERROR_USAGE, "cache ls takes no option except --json");
    if (store_open(&store, NULL, err) != 0)
        return -1;

    AUTOPTR(js) report = store_report(&store, err);
    if (!report)
        return -1;

    if (options->json)
        js_dump_pretty(report, out);
    else
        list_text(report, out);
    return 0;
}

static int prune(const struct cache_options *options, struct buf *out, struct error *err)
{
    AUTO(store) store = {0};
    uint64_t freed = 0;
    if (options->all && options->days)
        return error_set(err, ERROR_USAGE, "give --days or --all, not both");

    unsigned days = options->all ? 0 : options->days ? (unsigned)options->days : DAYS_DEFAULT;

    if (store_open(&store, NULL, err) != 0 ||
        store_prune(&store, days, options->dry_run, &freed, err) != 0)
        return -1;

    if (options->json) {
        AUTOPTR(js) report = js_object();
        js_set_string(report, "root", store.root);
        js_set_integer(report, "freed", (int64_t)freed);
        js_set(report, "dryRun", js_boolean(options->dry_run));
        js_dump_pretty(report, out);
        return 0;
    }

    buf_adds(out, options->dry_run ? "would free " : "freed ");
    add_size(out, freed);
    buf_addc(out, '\n');
    return 0;
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    struct cache_options options = {0};
    AUTO(strv) operands = {0};
    if (options_parse(tables, argv, &options, &operands, err) != 0)
        return -1;

    if (operands.len == 1 && strcmp(operands.items[0], "ls") == 0)
        return list(&options, out, err);
    if (operands.len == 1 && strcmp(operands.items[0], "prune") == 0)
        return prune(&options, out, err);
    return error_set(err, ERROR_USAGE, "cache takes 'ls' or 'prune'%s%s%s",
                     operands.len ? ", not '" : "",
                     operands.len ? operands.items[operands.len - 1] : "", operands.len ? "'" : "");
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_cache = {
    .name = "cache",
    .operands = "ls | prune",
    .summary = "Show what the cache holds, or remove what is no longer used.",
    .run = run,
    .help = help,
};
