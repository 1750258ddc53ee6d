#include "command/command.h"
#include "gate/options.h"
#include "image/imagetree.h"
#include "image/options.h"
#include "lambda/program.h"
#include "support/control.h"
#include "support/own.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What takes up the space: layers, folders and files of the merged tree, and sections
 * of its programs. */

struct size_options {
    struct image_options image;
    const char *budget;
    int top;
    bool json;
};

static void size_options_release(struct size_options *options)
{
    image_options_release(&options->image);
}

static const struct option_row rows[] = {
    {0, "json", OPTION_FLAG, offsetof(struct size_options, json), NULL, "Print one JSON object."},
    {0, "budget", OPTION_TEXT, offsetof(struct size_options, budget), "SIZE",
     "Fail when the unpacked image is larger than this, e.g. 200MB or 1.5GiB."},
    {0, "top", OPTION_COUNT, offsetof(struct size_options, top), "N",
     "Maximum number of lines in each table. Default: 10."},
    {0},
};
static const struct option_table tables[] = {
    {rows, 0}, {image_option_rows, offsetof(struct size_options, image)}, {0}};

struct row {
    char *name;
    uint64_t bytes;
    size_t count;
};

/* Rows by their names. Names come nearly sorted, or are few, so only the last rows are searched. An
 * image may have more names than anybody wants to read: from MOST_ROWS on they share one row. */
enum { MOST_ROWS = 20000, SEARCHED = 500 };
struct table {
    struct row *items;
    size_t len, cap;
};

static void table_release(struct table *table)
{
    for (size_t i = 0; i < table->len; i++)
        free(table->items[i].name);
    free(table->items);
}

static void table_add(struct table *table, const char *name, uint64_t bytes)
{
    size_t at = table->len, last = table->len > SEARCHED ? table->len - SEARCHED : 0;
    if (table->len >= MOST_ROWS)
        name = "(others)";

    while (at > last && strcmp(table->items[at - 1].name, name) != 0)
        at--;
    if (at == last) {
        grow(table->items, table->len, table->cap);
        table->items[table->len++] = (struct row){.name = xstrdup(name)};
        at = table->len;
    }
    table->items[at - 1].bytes += bytes;
    table->items[at - 1].count++;
}

static int by_name(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    return strcmp(left->name, right->name);
}

/* Joins rows of one name that came too far apart for table_add. */
static void table_unite(struct table *table)
{
    size_t kept = 0;

    if (table->len > 0)
        qsort(table->items, table->len, sizeof *table->items, by_name);
    for (size_t i = 0; i < table->len; i++) {
        if (kept > 0 && strcmp(table->items[kept - 1].name, table->items[i].name) == 0) {
            table->items[kept - 1].bytes += table->items[i].bytes;
            table->items[kept - 1].count += table->items[i].count;
            free(table->items[i].name);
        } else {
            table->items[kept++] = table->items[i];
        }
    }
    table->len = kept;
}

static int by_bytes(const void *a, const void *b)
{
    const struct row *left = a, *right = b;

    if (left->bytes != right->bytes)
        return left->bytes < right->bytes ? 1 : -1;
    return strcmp(left->name, right->name);
}

static void table_sort(struct table *table)
{
    if (table->len > 0)
        qsort(table->items, table->len, sizeof *table->items, by_bytes);
}

struct sizes {
    struct table layers, folders, files, sections;
    uint64_t unpacked, packed;
    uint64_t hidden; /* bytes of files that later layers replace or remove */
};

static void sizes_release(struct sizes *sizes)
{
    table_release(&sizes->layers);
    table_release(&sizes->folders);
    table_release(&sizes->files);
    table_release(&sizes->sections);
}

/* The first two levels of a path, e.g. "usr/lib": they tell most. Caller frees. */
static char *folder_of(const char *path)
{
    const char *slash = strchr(path, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
    return slash ? xstrndup(path, (size_t)((second ? second : slash) - path)) : xstrdup("");
}

static void add_sections(const struct rootfs_entry *entry, struct table *table)
{
    AUTO(program) program = {0};

    program_read(entry->facts, &program);
    for (size_t i = 0; i < program.elf.sections.len; i++) {
        char *name = NULL;
        uint64_t bytes = strtoull(program.elf.sections.items[i], &name, 10);
        if (*name == ' ')
            table_add(table, name + 1, bytes);
    }
}

/* Adds a file to the table of the largest ones, which is cut when it has grown too long. */
static void add_file(struct sizes *sizes, const struct rootfs_entry *entry, size_t top)
{
    struct table *files = &sizes->files;

    if (files->len >= 4 * top + 64) {
        table_sort(files);
        while (files->len > top)
            free(files->items[--files->len].name);
    }

    grow(files->items, files->len, files->cap);
    files->items[files->len++] = (struct row){xstrdup(entry->path), (uint64_t)entry->size, 1};
}

static void measure_layers(const struct imagefile *image, struct sizes *sizes)
{
    struct table *layers = &sizes->layers;

    for (size_t i = 0; i < image->layer_count; i++) {
        const struct imagefile_layer *layer = &image->layers[i];
        grow(layers->items, layers->len, layers->cap);
        layers->items[layers->len++] =
            (struct row){xstrdup(layer->digest.text), layer->scan.content_size, 1};
        sizes->unpacked += layer->scan.content_size;
        sizes->packed += layer->size;
    }
}

static void measure(const struct imagetree *of, size_t top, struct sizes *sizes)
{
    uint64_t shown = 0;

    measure_layers(&of->image, sizes);
    for (size_t i = 0; i < rootfs_count(of->root); i++) {
        const struct rootfs_entry *entry = rootfs_at(of->root, i);
        if (entry->type != TAR_FILE)
            continue;
        autofree char *folder = folder_of(entry->path);
        shown += (uint64_t)entry->size;
        table_add(&sizes->folders, folder, (uint64_t)entry->size);
        add_file(sizes, entry, top);
        add_sections(entry, &sizes->sections);
    }
    sizes->hidden = of->file_bytes > shown ? of->file_bytes - shown : 0;

    table_unite(&sizes->folders);
    table_unite(&sizes->sections);
    table_sort(&sizes->folders);
    table_sort(&sizes->files);
    table_sort(&sizes->sections);
}

static void print_table(const struct table *table, size_t top, const char *title,
                        const char *before, struct buf *out)
{
    if (table->len > 0)
        buf_addf(out, "\n%s\n", title);
    for (size_t i = 0; i < table->len && i < top; i++) {
        buf_addf(out, "%14" PRIu64 "  %s", table->items[i].bytes, before);
        control_add(out, table->items[i].name, SIZE_MAX);
        buf_addc(out, '\n');
    }
}

static void print_text(const struct sizes *sizes, size_t top, struct buf *out)
{
    buf_addf(out, "%14" PRIu64 "  unpacked, which is what Lambda counts\n%14" PRIu64 "  packed\n",
             sizes->unpacked, sizes->packed);
    buf_addf(out, "%14" PRIu64 "  of files that later layers hide\n", sizes->hidden);

    print_table(&sizes->layers, sizes->layers.len, "layers", "", out);
    print_table(&sizes->folders, top, "folders", "/", out);
    print_table(&sizes->files, top, "files", "/", out);
    print_table(&sizes->sections, top, "sections of programs and libraries", "", out);
}

static struct js *table_json(const struct table *table, const char *name)
{
    struct js *list = js_array();

    for (size_t i = 0; i < table->len; i++) {
        struct js *object = js_object();
        js_set_string(object, name, table->items[i].name);
        js_set_integer(object, "bytes", (int64_t)table->items[i].bytes);
        js_append(list, object);
    }
    return list;
}

static void print_json(const struct sizes *sizes, size_t top, struct buf *out)
{
    AUTOPTR(js) object = js_object();
    struct table files = {sizes->files.items, sizes->files.len < top ? sizes->files.len : top, 0};

    js_set_integer(object, "unpacked", (int64_t)sizes->unpacked);
    js_set_integer(object, "packed", (int64_t)sizes->packed);
    js_set_integer(object, "hidden", (int64_t)sizes->hidden);

    js_set(object, "layers", table_json(&sizes->layers, "digest"));
    js_set(object, "folders", table_json(&sizes->folders, "path"));
    js_set(object, "files", table_json(&files, "path"));
    js_set(object, "sections", table_json(&sizes->sections, "name"));
    js_dump_pretty(object, out);
}

static int show(const struct size_options *options, const struct imagetree *tree, struct buf *out,
                struct error *err)
{
    enum { TOP = 10 };
    AUTO(sizes) sizes = {0};
    size_t top = options->top ? (size_t)options->top : TOP;
    uint64_t budget = 0;

    if (options->budget && gate_parse_size(options->budget, "--budget", &budget, err) != 0)
        return -1;

    measure(tree, top, &sizes);
    if (options->json)
        print_json(&sizes, top, out);
    else
        print_text(&sizes, top, out);

    if (budget > 0 && sizes.unpacked > budget)
        return error_set(err, ERROR_LAMBDA,
                         "%s: %" PRIu64 " bytes unpacked are more than the budget of %" PRIu64,
                         tree->image.path, sizes.unpacked, budget);
    return 0;
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(size_options) options = {0};
    AUTO(strv) operands = {0};
    AUTO(store) store = {.lock = -1};
    AUTO(imagetree) tree = {0};

    if (options_parse(tables, argv, &options, &operands, err) != 0)
        return -1;
    if (operands.len != 1)
        return error_set(err, ERROR_USAGE, "size takes one image");

    const struct imagefile_choice choice = image_options_choice(&options.image);
    if (store_open(&store, NULL, err) != 0 ||
        imagetree_load(operands.items[0], &choice, &store, &tree, err) != 0)
        return -1;
    return show(&options, &tree, out, err);
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_size = {
    .name = "size",
    .operands = "IMAGE",
    .summary =
        "Show what takes up space in an image: layers, folders, files, sections of programs.",
    .run = run,
    .help = help,
};
