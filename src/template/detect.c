#include "template/detect.h"

#include "support/fs.h"
#include "support/glob.h"
#include "support/own.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 3, NAMES_MAX = 10000, FILES_COUNT_MORE = 100 };

void detected_release(struct detected *detected)
{
    free(detected->language);
    free(detected->why);
}

static void walk(const char *dir, const char *below, int depth, struct strv *out)
{
    autofree char *path = below[0] ? path_join(dir, below) : xstrdup(dir);
    DIR *opened = opendir(path);
    for (struct dirent *entry; opened && out->len < NAMES_MAX && (entry = readdir(opened));) {
        autofree char *name = below[0] ? path_join(below, entry->d_name) : xstrdup(entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        if (entry->d_type == DT_DIR && depth < DEPTH_MAX)
            walk(dir, name, depth + 1, out);
        else if (entry->d_type == DT_REG)
            strv_add(out, name);
    }

    if (opened)
        closedir(opened);
}

static const char *first_match(const struct strv *patterns, const struct strv *files)
{
    for (size_t i = 0; i < patterns->len; i++)
        for (size_t j = 0; j < files->len; j++)
            if (glob_match(patterns->items[i], files->items[j]))
                return files->items[j];
    return NULL;
}

/* How strongly the files suggest a language, 0: not at all; *why: the file that does. */
static int weigh(const struct template *t, const struct strv *files, const char **why)
{
    *why = first_match(&t->detect_files, files);
    if (*why)
        return FILES_COUNT_MORE + t->detect_priority;
    *why = first_match(&t->detect_sources, files);
    return *why ? 1 + t->detect_priority : 0;
}

bool detect_has(const struct template *t, const char *dir)
{
    AUTO(strv) files = {0};
    const char *why;
    walk(dir, "", 1, &files);
    return weigh(t, &files, &why) > 0;
}

int detect_language(const char *dir, struct detected *out, struct error *err)
{
    AUTO(strv) files = {0}, languages = {0};
    autofree char *rival = NULL;
    int best = 0;

    walk(dir, "", 1, &files);
    strv_sort(&files);
    template_languages(&languages);

    for (size_t i = 0; i < languages.len; i++) {
        AUTO(template) t = {0};
        const char *why;
        if (template_load(languages.items[i], &t, err) != 0)
            return -1;
        int weight = weigh(&t, &files, &why);
        if (weight == 0 || weight < best)
            continue;

        free(take(rival));
        rival = weight == best ? xasprintf("'%s' (%s)", t.language, why) : NULL;
        if (rival)
            continue;
        best = weight;
        detected_release(out);
        *out = (struct detected){xstrdup(t.language), xstrdup(why)};
    }

    if (!rival)
        return 0;
    return error_set(err, ERROR_USAGE,
                     "there are files of two languages: '%s' (%s) and %s; choose one with --lang",
                     out->language, out->why, rival);
}
