#include "template/lockfiles.h"

#include "support/buf.h"
#include "support/fs.h"
#include "support/own.h"
#include "template/openversion.h"

#include <string.h>

#define LOCK_FILE_MAX (32 * 1024 * 1024)
#define XML_FILE_MAX (1024 * 1024)

static void keep_first(const char *path, const struct openversion *found, char **open)
{
    if (!*open)
        *open =
            xasprintf("%s:%d: the version '%.80s' isn't fixed", path, found->line, found->version);
}

/* 1: it is a lock, 0: it isn't. */
static int is_lock(const struct template_lock *lock, const char *path, char **open,
                   struct error *err)
{
    AUTO(buf) text = {0};
    AUTO(openversion) found = {0};
    if (!lock->strict && lock->open.len == 0)
        return 1;

    if (fs_read(path, lock->open.len > 0 ? XML_FILE_MAX : LOCK_FILE_MAX, &text, err) != 0)
        return -1;
    if (lock->open.len > 0 &&
        openversion_find(buf_text(&text), text.len, &lock->versions, &lock->open, &found, err) != 0)
        return -1;

    if (found.version)
        keep_first(path, &found, open);
    return !found.version && (!lock->strict || strstr(buf_text(&text), lock->strict));
}

int lockfiles_find(const struct template *t, const char *dir, const struct strv *files,
                   struct strv *out, char **open, struct error *err)
{
    *open = NULL;
    for (size_t i = 0; i < t->lock_count; i++) {
        const struct template_lock *lock = &t->locks[i];
        autofree char *path = path_join(dir, lock->file);
        int is = strv_contains(files, lock->file) ? is_lock(lock, path, open, err) : 0;

        if (is < 0)
            return -1;
        if (is)
            strv_add(out, lock->file);
    }
    return 0;
}
