#include "engine/host/named.h"

#include "support/fs.h"
#include "support/inifile.h"
#include "support/own.h"

#include <string.h>
#include <sys/stat.h>

/* gcc gives up at about 2000 option files, which is mostly one that names itself. */
enum { DEPTH_MAX = 16, WORDS_MAX = 100000, OPTIONS_MAX = 1024 * 1024 };

static void expand(const struct strv *argv, const char *dir, int depth, struct strv *out)
{
    for (size_t i = 0; i < argv->len && out->len < WORDS_MAX; i++) {
        const char *word = argv->items[i], *at = strrchr(word, ',');
        AUTO(strv) words = {0};
        AUTO(buf) text = {0};
        struct error ignored;
        strv_add(out, word);

        at = at ? at + 1 : word; /* "-Wl,@FILE" */
        if (at[0] != '@' || !at[1] || depth >= DEPTH_MAX)
            continue;
        autofree char *path = path_join(dir, at + 1);
        if (fs_read(path, OPTIONS_MAX, &text, &ignored) == 0 &&
            ini_words(buf_text(&text), &words) == 0)
            expand(&words, dir, depth + 1, out);
    }
}

void named_expand(const struct strv *argv, const char *dir, struct strv *out)
{
    expand(argv, dir, 0, out);
}

static void add_file(const char *name, const char *dir, struct strv *out)
{
    struct stat st;
    name += strncmp(name, "-T", 2) == 0 ? 2 : 0;
    name += name[0] == '@';
    if (!name[0] || name[0] == '-')
        return;
    autofree char *path = path_join(dir, name);
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        strv_take(out, take(path));
}

/* Whether an option's value is a file that the command writes: the linker's map, the assembler's
 * listing, gcc's remarks. */
static bool is_written(const char *option)
{
    static const char *const maps[] = {"-Map", "--Map"};
    size_t length = strcspn(option, "=");
    for (size_t i = 0; i < countof(maps); i++)
        if (length == strlen(maps[i]) && strncmp(option, maps[i], length) == 0)
            return true;
    return option[length] &&
           (strncmp(option, "-a", 2) == 0 || strncmp(option, "-fopt-info", 10) == 0);
}

void named_files(const struct strv *words, const char *dir, struct strv *out)
{
    bool written = false; /* the next part */
    for (size_t i = 1; i < words->len; i++) {
        if (strchr(words->items[i], ','))
            add_file(words->items[i], dir, out);

        for (const char *part = words->items[i]; *part; part += *part == ',') {
            size_t length = strcspn(part, ",");
            autofree char *copy = xstrndup(part, length);
            const char *value = strchr(copy, '=');
            part += length;
            if (strcmp(copy, "-Xlinker") == 0 || strcmp(copy, "-Wl") == 0)
                continue;
            if (!written)
                add_file(copy, dir, out);
            written = is_written(copy) && !value;
            if (value && !is_written(copy))
                add_file(value + 1, dir, out);
        }
    }

    strv_sort(out);
    strv_unique(out);
}
