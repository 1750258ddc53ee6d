#include "gate/rule.h"

/* The shape of manifest and config (OCI image-spec manifest.md, config.md). Registries and engines
 * read them into typed structures: one member of the wrong type, and they refuse the document. */

enum shape { TEXT, OBJECT, TEXTS, OBJECTS, MAP /* of texts */ };
struct member {
    const char *key;
    enum shape shape;
};

static void on_value(void *data, const char *key, const struct js *value)
{
    bool *fits = data;
    (void)key;
    *fits = *fits && (js_text(value) || js_is_null(value));
}

static bool fits_each(const struct js *list, enum shape shape)
{
    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *item = js_at(list, i);
        bool fine = shape == TEXTS ? js_text(item) != NULL : js_is_object(item);
        if (!fine && !js_is_null(item))
            return false;
    }
    return js_is_array(list);
}

static bool fits(const struct js *value, enum shape shape)
{
    bool texts = true;
    switch (shape) {
    case TEXT:
        return js_text(value);
    case OBJECT:
        return js_is_object(value);
    case MAP:
        js_each(value, on_value, &texts);
        return js_is_object(value) && texts;
    case TEXTS:
    case OBJECTS:
        break;
    }
    return fits_each(value, shape);
}

/* Other rules are about missing members; null counts as missing, here and among the items. */
static void check_members(struct gate *gate, const char *where, const struct js *object,
                          const struct member *members, size_t count)
{
    static const char *const names[] = {[TEXT] = "a text",
                                        [OBJECT] = "an object",
                                        [TEXTS] = "a list of texts",
                                        [OBJECTS] = "a list of objects",
                                        [MAP] = "an object with texts"};

    for (size_t i = 0; i < count; i++) {
        const struct js *value = js_get(object, members[i].key);
        if (value && !fits(value, members[i].shape))
            gate_add(gate, RULE_SHAPE, 0, NULL, "'%s' of the %s isn't %s", members[i].key, where,
                     names[members[i].shape]);
    }
}

static void check_manifest(struct gate *gate)
{
    static const struct member members[] = {
        {"mediaType", TEXT}, {"artifactType", TEXT}, {"subject", OBJECT}, {"annotations", MAP}};
    const struct imagefile *image = gate->image;
    uint64_t version = 0;
    enum { SCHEMA = 2 };

    for (size_t i = 0; i < image->misfits.len; i++)
        gate_add(gate, RULE_SHAPE, 0, NULL, "%s", image->misfits.items[i]);
    if (!image->document)
        return;

    if (!js_get_size(image->document, "schemaVersion", &version) || version != SCHEMA)
        gate_add(gate, RULE_SHAPE, 0, NULL, "the manifest's schemaVersion isn't 2");
    check_members(gate, "manifest", image->document, members, countof(members));
}

static void check_config(struct gate *gate)
{
    static const struct member top[] = {{"created", TEXT},      {"author", TEXT},
                                        {"architecture", TEXT}, {"os", TEXT},
                                        {"variant", TEXT},      {"config", OBJECT},
                                        {"rootfs", OBJECT},     {"history", OBJECTS}},
                               rootfs[] = {{"type", TEXT}, {"diff_ids", TEXTS}},
                               process[] = {{"Entrypoint", TEXTS}, {"Cmd", TEXTS},
                                            {"Env", TEXTS},        {"WorkingDir", TEXT},
                                            {"User", TEXT},        {"Labels", MAP},
                                            {"Volumes", OBJECT},   {"ExposedPorts", OBJECT},
                                            {"StopSignal", TEXT}};
    const struct js *config = gate->image->config;

    check_members(gate, "config", config, top, countof(top));
    check_members(gate, "config", js_get(config, "rootfs"), rootfs, countof(rootfs));
    check_members(gate, "config", gate->config, process, countof(process));
}

void gate_documents(struct gate *gate)
{
    check_manifest(gate);
    if (gate->image->config_trouble)
        gate_add(gate, RULE_UNREADABLE_CONFIG, 0, NULL, "%s", gate->image->config_trouble);
    else
        check_config(gate);
}
