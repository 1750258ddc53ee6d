#include "lockfiles.h"

#include "support/buf.h"
#include "support/fs.h"
#include "support/own.h"

#include <string.h>

#define LOCK_FILE_MAX (32 * 1024 * 1024)

int lockfiles_find(const struct template *t, const char *dir, const struct strv *files, struct strv *out, struct error *err)
{
    for (size_t i = 0; i < t->lock_count; i++) {
        const struct template_lock *lock = &t->locks[i];
        AUTO(buf) text = {0};
        autofree char *path = path_join(dir, lock->file);
        if (!strv_contains(files, lock->file))
            continue;
        if (lock->strict && fs_read(path, LOCK_FILE_MAX, &text, err) != 0)
            return -1;
        if (!lock->strict || strstr(buf_text(&text), lock->strict))
            strv_add(out, lock->file);
    }
    return 0;
}
