#include "layer/layer_note.h"

#include "support/fs.h"
#include "support/json.h"

#include <string.h>
#include <sys/stat.h>

enum { NOTE_MAX = 4096 };

bool layer_note_read(const struct store *store, const char *name, struct layer_note *note)
{
    struct error ignored = {0};
    AUTO(buf) text = {0};
    uint64_t size = 0;
    memset(note, 0, sizeof *note);

    autofree char *path = store_path(store, "objects", name, &ignored);
    if (!path || fs_read(path, NOTE_MAX, &text, &ignored) != 0)
        return false;

    AUTOPTR(js) object = js_parse(buf_text(&text), text.len, path, &ignored);
    if (!object || !digest_parse(&note->layer.digest, js_get_text(object, "digest")) ||
        !digest_parse(&note->layer.diff_id, js_get_text(object, "diff-id")) ||
        !js_get_size(object, "size", &note->layer.size) ||
        !js_get_size(object, "content-size", &note->layer.content_size))
        return false;

    (void)digest_parse(&note->sources, js_get_text(object, "sources"));
    autoclose int fd = store_open_blob(store, &note->layer.digest, &size, &ignored);
    return fd >= 0 && size == note->layer.size;
}

int layer_note_write(const struct store *store, const char *name, const struct layer_note *note,
                     struct error *err)
{
    AUTOPTR(js) object = js_object();
    AUTO(buf) text = {0};
    autofree char *path = store_path(store, "objects", name, err);
    if (!path)
        return -1;

    js_set_string(object, "digest", note->layer.digest.text);
    js_set_integer(object, "size", (int64_t)note->layer.size);
    js_set_string(object, "diff-id", note->layer.diff_id.text);
    js_set_integer(object, "content-size", (int64_t)note->layer.content_size);
    if (note->sources.text[0])
        js_set_string(object, "sources", note->sources.text);

    js_dump(object, &text);
    return fs_keep(path, text.data, text.len, err);
}
