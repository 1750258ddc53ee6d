#include "all/all.h"

#include "support/outfile.h"
#include "support/own.h"

#include <string.h>

static const char *const states[] = {[FUNCTION_STOPPED] = "stopped",
                                     [FUNCTION_BUILT] = "built",
                                     [FUNCTION_FRESH] = "fresh",
                                     [FUNCTION_FAILED] = "failed"};

static const char *text_of(const struct function *function, const char *key)
{
    const char *text = js_get_text(function->result, key);
    return text ? text : "";
}

static size_t count_of(const struct functions *functions, enum function_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < functions->len; i++)
        count += functions->items[i].state == state;
    return count;
}

static void add_row(const struct function *function, int width, struct buf *out)
{
    uint64_t bytes = 0;
    autofree char *size = js_get_size(function->result, "bytes", &bytes)
                              ? xasprintf("%.1f", (double)bytes / 1e6)
                              : xstrdup("");

    buf_addf(out, "%-8s%8.1f%9s  %-*s", states[function->state], (double)function->ms / 1e3, size,
             width, function->dir);
    if (function->result)
        buf_addf(out, "  %s@%s\n", text_of(function, "image.name"),
                 text_of(function, "containerimage.digest"));
    else
        buf_addf(out, "%s%s\n", function->error ? "  " : "",
                 function->error ? function->error : "");
}

static void add_table(const struct functions *functions, struct buf *out)
{
    static const enum function_state order[] = {FUNCTION_BUILT, FUNCTION_FRESH, FUNCTION_FAILED,
                                                FUNCTION_STOPPED};
    const char *between = ": ";
    int width = (int)strlen("FUNCTION");

    for (size_t i = 0; i < functions->len; i++) {
        int length = (int)strlen(functions->items[i].dir);
        width = length > width ? length : width;
    }
    buf_addf(out, "%-8s%8s%9s  %-*s  %s\n", "STATE", "SECONDS", "MB", width, "FUNCTION", "IMAGE");
    for (size_t i = 0; i < functions->len; i++)
        add_row(&functions->items[i], width, out);

    buf_addf(out, "%zu function%s in %.1f s", functions->len, functions->len == 1 ? "" : "s",
             (double)functions->ms / 1e3);
    for (size_t i = 0; i < countof(order); i++) {
        size_t count = count_of(functions, order[i]);
        if (count > 0)
            buf_addf(out, "%s%zu %s", between, count, states[order[i]]);
        between = count > 0 ? ", " : between;
    }
    buf_addc(out, '\n');
}

static struct js *row_of(const struct function *function)
{
    struct js *row = js_object();

    js_set_string(row, "function", function->dir);
    js_set_string(row, "state", states[function->state]);
    js_set_integer(row, "status", function->status);
    js_set_integer(row, "ms", function->ms);
    if (function->error)
        js_set_string(row, "error", function->error);
    if (function->result)
        js_set(row, "result", js_copy(function->result));
    return row;
}

void all_report(const struct functions *functions, bool json, struct buf *out)
{
    struct error ignored;
    if (!json) {
        add_table(functions, out);
        return;
    }

    AUTOPTR(js) report = js_object();
    struct js *rows = js_array();
    for (size_t i = 0; i < functions->len; i++)
        js_append(rows, row_of(&functions->items[i]));

    js_set_integer(report, "schema", 1);
    js_set_integer(report, "status", all_verdict(functions, &ignored) == 0 ? 0 : ignored.kind);
    js_set_integer(report, "ms", functions->ms);
    js_set(report, "functions", rows);
    js_dump_pretty(report, out);
}

static void add_references(const struct function *function, struct buf *out)
{
    const struct js *tags = js_get(function->result, "image.tags");
    for (size_t i = 0; i < js_count(tags); i++)
        buf_addf(out, "%s@%s\n", js_text(js_at(tags, i)),
                 text_of(function, "containerimage.digest"));
}

int all_write_files(const struct pipeline_options *options, const struct functions *functions,
                    struct error *err)
{
    AUTO(buf) text = {0}, references = {0};
    AUTOPTR(js) metadata = js_object();

    for (size_t i = 0; i < functions->len; i++) {
        const struct function *function = &functions->items[i];
        if (!function->result)
            continue;
        js_set(metadata, function->dir, js_copy(function->result));
        add_references(function, &references);
    }

    js_dump_pretty(metadata, &text);
    if (options->metadata_file &&
        outfile_write(options->metadata_file, text.data, text.len, err) != 0)
        return -1;
    if (!options->image_refs)
        return 0;
    return outfile_write(options->image_refs, buf_text(&references), references.len, err);
}

int all_verdict(const struct functions *functions, struct error *err)
{
    const struct function *worst = NULL;

    for (size_t i = 0; i < functions->len; i++) {
        const struct function *function = &functions->items[i];
        if (function->state == FUNCTION_FAILED &&
            (!worst || (worst->status == ERROR_RETRY && function->status != ERROR_RETRY)))
            worst = function;
    }

    if (!worst)
        return 0;
    return error_set(err, worst->status, "%zu of %zu functions failed; '%s': %s",
                     count_of(functions, FUNCTION_FAILED), functions->len, worst->dir,
                     worst->error ? worst->error : "see above");
}
