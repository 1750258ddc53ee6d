#include "project/projects.h"

#include "support/fs.h"
#include "support/ignore.h"
#include "support/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct search {
    const char *dir;
    const struct ignore *ignore;
    struct strv found; /* relative to dir; "" is dir itself */
    size_t folders;
    int depth;
};

static void search_release(struct search *search)
{
    strv_release(&search->found);
}

static bool is_foreign(const char *name)
{
    static const char *const names[] = {"node_modules", "bower_components", "__pycache__"};
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return name[0] == '.';
}

static int add(struct search *search, const char *path, struct error *err)
{
    if (search->found.len == PROJECTS_MAX)
        return error_set(
            err, ERROR_PROJECT,
            "there are more than %d projects below '%s'; name some of the folders in it",
            PROJECTS_MAX, search->dir);
    strv_add(&search->found, path);
    return 0;
}

static int visit(struct search *search, int parent, const char *name, const char *path,
                 struct error *err);

static int visit_entry(struct search *search, int folder, const char *name, const char *path,
                       struct error *err)
{
    struct stat st;
    autofree char *below = path_join(path, name);
    if (is_foreign(name))
        return 0;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return 0;
        return error_errno(err, ERROR_BUILD, "can't look at '%s/%s'", search->dir, below);
    }

    bool out = ignore_matches(search->ignore, below);
    if (S_ISREG(st.st_mode) && strcmp(name, "lbuild.ini") == 0 && !out)
        return add(search, path, err);
    if (!S_ISDIR(st.st_mode) || (out && !ignore_may_reinclude(search->ignore, below)))
        return 0;
    return visit(search, folder, name, below, err);
}

static int check_caps(struct search *search, const char *path, struct error *err)
{
    if (++search->folders > PROJECTS_FOLDERS_MAX)
        return error_set(
            err, ERROR_PROJECT,
            "there are more than %d folders below '%s'; leave some out with a .dockerignore file",
            PROJECTS_FOLDERS_MAX, search->dir);
    if (search->depth > PROJECTS_DEPTH_MAX)
        return error_set(err, ERROR_PROJECT,
                         "'%s/%.200s...' is nested deeper than %d folders; leave it out with a "
                         ".dockerignore file",
                         search->dir, path, PROJECTS_DEPTH_MAX);
    return 0;
}

static int visit(struct search *search, int parent, const char *name, const char *path,
                 struct error *err)
{
    int follow = parent == AT_FDCWD ? 0 : O_NOFOLLOW;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        error_errno(err, ERROR_BUILD, "can't read the folder '%s%s%s'", search->dir,
                    path[0] ? "/" : "", path);
        autoclose_release(&fd);
        return -1;
    }

    search->depth++;
    int result = check_caps(search, path, err);
    for (struct dirent *entry; result == 0 && (errno = 0, entry = readdir(dir));)
        result = visit_entry(search, fd, entry->d_name, path, err);
    if (result == 0 && errno != 0)
        result = error_errno(err, ERROR_BUILD, "can't read the folder '%s/%s'", search->dir, path);

    search->depth--;
    closedir(dir);
    return result;
}

int projects_find(const char *dir, struct strv *out, struct error *err)
{
    AUTO(search) search = {.dir = dir};
    AUTO(buf) text = {0};
    autofree char *path = path_join(dir, ".dockerignore");
    if (fs_exists(path) && fs_read(path, IGNORE_FILE_MAX, &text, err) != 0)
        return -1;

    AUTOPTR(ignore) ignore = ignore_parse(buf_text(&text), text.len, path, err);
    search.ignore = ignore;
    if (!ignore || visit(&search, AT_FDCWD, dir, "", err) != 0)
        return -1;

    if (search.found.len == 0)
        return error_set(err, ERROR_PROJECT,
                         "there is no lbuild.ini in '%s' or below; 'lbuild init' makes one", dir);

    strv_sort(&search.found);
    for (size_t i = 0; i < search.found.len; i++)
        strv_take(out,
                  search.found.items[i][0] ? path_join(dir, search.found.items[i]) : xstrdup(dir));
    return 0;
}
