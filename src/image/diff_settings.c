#include "image/diff.h"

#include "support/own.h"
#include "support/strv.h"

#include <string.h>

/* Config and annotations, member by member. */

struct members {
    const struct js *a, *b;
    const char *prefix;
    struct js *out;
    bool second; /* going through b, for the members that a lacks */
};

static void add(const char *prefix, const char *name, const struct js *a, const struct js *b,
                struct js *out)
{
    struct js *object = js_object();
    autofree char *full = xasprintf("%s%s%s", prefix, prefix[0] && name[0] ? "." : "", name);

    js_set_string(object, "kind", "setting");
    js_set_string(object, "name", full);
    if (a)
        js_set(object, "a", js_copy(a));
    if (b)
        js_set(object, "b", js_copy(b));
    js_append(out, object);
}

static bool same(const struct js *a, const struct js *b)
{
    AUTO(buf) left = {0}, right = {0};
    if (!a || !b)
        return a == b;

    js_dump(a, &left);
    js_dump(b, &right);
    return left.len == right.len && memcmp(left.data, right.data, left.len) == 0;
}

static void compare(void *data, const char *key, const struct js *value)
{
    struct members *members = data;
    const struct js *a = js_get(members->a, key), *b = js_get(members->b, key);
    (void)value; /* null counts as missing */

    if (members->second == (a != NULL) || same(a, b))
        return;
    add(members->prefix, key, a, b, members->out);
}

static void compare_objects(const struct js *a, const struct js *b, const char *prefix,
                            struct js *out)
{
    struct members members = {a, b, prefix, out, false};

    if (js_is_object(a))
        js_each(a, compare, &members);
    members.second = true;
    if (js_is_object(b))
        js_each(b, compare, &members);
}

/* "NAME=VALUE" texts as an object, so that each variable is compared by itself. */
static struct js *variables(const struct js *list)
{
    struct js *object = js_object();

    for (size_t i = 0; i < js_count(list); i++) {
        const char *text = js_text(js_at(list, i)), *equals = text ? strchr(text, '=') : NULL;
        autofree char *name =
            text ? xstrndup(text, equals ? (size_t)(equals - text) : strlen(text)) : NULL;
        if (name)
            js_set_string(object, name, equals ? equals + 1 : "");
    }
    return object;
}

/* A copy without the members in `names`, which are compared elsewhere. */
static struct js *without(const struct js *object, const char *const *names, size_t count)
{
    struct js *copy = js_is_object(object) ? js_copy(object) : js_object();

    for (size_t i = 0; i < count; i++)
        js_remove(copy, names[i]);
    return copy;
}

void diff_settings(const struct imagefile *a, const struct imagefile *b, struct js *out)
{
    static const char *const outer[] = {"config", "rootfs", "history"}, *const inner[] = {"Env",
                                                                                          "Labels"};
    const struct js *left = js_get(a->config, "config"), *right = js_get(b->config, "config");

    AUTOPTR(js) outer_a = without(a->config, outer, countof(outer));
    AUTOPTR(js) outer_b = without(b->config, outer, countof(outer));
    AUTOPTR(js) inner_a = without(left, inner, countof(inner));
    AUTOPTR(js) inner_b = without(right, inner, countof(inner));
    AUTOPTR(js) env_a = variables(js_get(left, "Env"));
    AUTOPTR(js) env_b = variables(js_get(right, "Env"));

    compare_objects(outer_a, outer_b, "", out);
    compare_objects(inner_a, inner_b, "config", out);
    compare_objects(env_a, env_b, "config.Env", out);
    compare_objects(js_get(left, "Labels"), js_get(right, "Labels"), "config.Labels", out);
    if (!same(js_get(a->config, "history"), js_get(b->config, "history")))
        add("", "history", js_get(a->config, "history"), js_get(b->config, "history"), out);
    compare_objects(js_get(a->document, "annotations"), js_get(b->document, "annotations"),
                    "annotations", out);
}
