#include "provenance/provenance.h"

#include "config.h"
#include "provenance/describe.h"
#include "provenance/gitdir.h"
#include "provenance/trust.h"
#include "support/dl.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIRTY_PATHS_MAX 100
#define ABBREVIATION_MIN 7

/* clang-format off */
#define GIT_FUNCTIONS(X) \
    X(git_, libgit2_init) X(git_, libgit2_shutdown) X(git_, libgit2_opts) X(git_, error_last) \
    X(git_, buf_dispose) X(git_, repository_open_ext) X(git_, repository_free) \
    X(git_, repository_path) X(git_, repository_commondir) X(git_, repository_workdir) \
    X(git_, repository_set_workdir) X(git_, repository_is_bare) X(git_, repository_head) \
    X(git_, repository_config_snapshot) X(git_, repository_index) X(git_, config_get_string) \
    X(git_, config_get_int32) X(git_, config_free) X(git_, config_open_ondisk) \
    X(git_, config_get_multivar_foreach) X(git_, reference_free) X(git_, reference_name) \
    X(git_, reference_peel) X(git_, reference_iterator_glob_new) X(git_, reference_iterator_free) \
    X(git_, reference_next) X(git_, reference_target) X(git_, object_lookup) X(git_, object_free) \
    X(git_, object_id) X(git_, object_type) X(git_, object_short_id) X(git_, tag_tagger) \
    X(git_, commit_lookup) X(git_, commit_time) X(git_, commit_parentcount) \
    X(git_, commit_parent_id) X(git_, commit_free) X(git_, oid_tostr) X(git_, oid_fromstr) \
    X(git_, oid_cmp) X(git_, status_list_new) X(git_, status_list_entrycount) \
    X(git_, status_byindex) X(git_, status_list_free) X(git_, index_get_bypath) \
    X(git_, index_find_prefix) X(git_, index_free) X(git_, index_get_byindex)
/* clang-format on */
DL_TABLE(git, GIT_FUNCTIONS)

#define GIT_OWNED(name, type, release)                                                             \
    static void name##_dispose(type **pointer)                                                     \
    {                                                                                              \
        if (*pointer)                                                                              \
            release(*pointer);                                                                     \
    }
GIT_OWNED(reference, git_reference, git.reference_free)
GIT_OWNED(references, git_reference_iterator, git.reference_iterator_free)
GIT_OWNED(object, git_object, git.object_free)
GIT_OWNED(commit, git_commit, git.commit_free)
GIT_OWNED(config, git_config, git.config_free)
GIT_OWNED(index, git_index, git.index_free)
GIT_OWNED(status, git_status_list, git.status_list_free)
#define GIT_AUTO(name) __attribute__((cleanup(name##_dispose)))

/* An open repository, and the place of the project in it. */
struct checkout {
    git_repository *repository;
    char *dir;           /* the project folder, real path */
    char *prefix;        /* path of the project below the work tree, "" for its root */
    char *root;          /* of the work tree, no slash at the end */
    char *marker;        /* the ".git" that was found, or GIT_DIR */
    struct strv shallow; /* as gitdir_read_shallow gives it */
    bool initialized;
    bool fifo;      /* one is among its files */
    bool untrusted; /* git wouldn't look at it either: that isn't passed over */
};

static void checkout_release(struct checkout *checkout)
{
    if (checkout->repository)
        git.repository_free(checkout->repository);
    if (checkout->initialized)
        git.libgit2_shutdown();
    free(checkout->dir);
    free(checkout->prefix);
    free(checkout->root);
    free(checkout->marker);
    strv_release(&checkout->shallow);
}

void provenance_release(struct provenance *provenance)
{
    free(provenance->commit);
    free(provenance->version);
    free(provenance->source);
    strv_release(&provenance->dirty_paths);
    strv_release(&provenance->watched);
    *provenance = (struct provenance){0};
}

static int fail(struct error *err, const struct checkout *checkout, const char *what)
{
    const git_error *last = git.error_last();
    return error_set(err, ERROR_PROJECT, "can't %s of the repository '%s': %s", what,
                     checkout->root, last ? last->message : "libgit2 gives no reason");
}

static int load(struct checkout *checkout, struct error *err)
{
    if (checkout->initialized)
        return 0;

    if (DL_LOAD(git, SONAME_GIT, err) != 0)
        return -1;
    if (git.libgit2_init() < 0)
        return error_set(err, ERROR_ENGINE, "libgit2 can't start");
    checkout->initialized = true;
#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 5
    /* check_trust() below checks ownership: it knows every place where git
     * looks for safe.directory. */
    git.libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
#endif
#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 4
    /* Partial clones and sparse checkouts are common in CI, and harmless to a reader. */
    static const char *const extensions[] = {"partialclone", "worktreeconfig", "preciousobjects"};
    git.libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, countof(extensions));
#endif
    return 0;
}

/* libgit2 would open a FIFO and wait for ever. */
static int check_files(struct checkout *checkout, const char *marker, struct error *err)
{
    autofree char *fifo = gitdir_fifo(marker, checkout->dir);
    checkout->fifo = fifo != NULL;
    if (!fifo)
        return 0;
    return error_set(err, ERROR_PROJECT, "'%s' is a FIFO, where git expects a file; remove it",
                     fifo);
}

/* Opens the repository at `path` (a work tree or a git folder), whose marker is its ".git" or the
 * path itself: 1 open, 0 there is none, -1 an error. */
static int open_at(struct checkout *checkout, const char *path, const char *marker,
                   struct error *err)
{
    if (check_files(checkout, marker, err) != 0 || load(checkout, err) != 0)
        return -1;

    int result =
        git.repository_open_ext(&checkout->repository, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    if (result == GIT_ENOTFOUND)
        return 0;
    if (result != 0) {
        checkout->root = xstrdup(path);
        return fail(err, checkout, "read the settings");
    }
    return 1;
}

/* Records the work tree. Returns false when the project isn't in it. */
static bool settle(struct checkout *checkout, const char *marker)
{
    const char *workdir = git.repository_workdir(checkout->repository), *rest = NULL;
    autofree char *root = workdir ? realpath(workdir, NULL) : NULL;
    if (!root || !path_below(checkout->dir, root, &rest))
        return false;

    checkout->prefix = xstrdup(rest);
    checkout->root = take(root);
    checkout->marker = xstrdup(marker);
    return true;
}

/* Opens the repository that GIT_DIR names. As in git, the work tree is GIT_WORK_TREE, core.worktree
 * or the current folder. The project must be in it: the GIT_DIR of a hook says nothing about a
 * project elsewhere. Returns as open_at does. */
static int open_environment(struct checkout *checkout, struct error *err)
{
    const char *path = getenv("GIT_DIR"), *tree = getenv("GIT_WORK_TREE");
    if (!path || !path[0])
        return 0;

    int result = open_at(checkout, path, path, err);
    if (result <= 0)
        return result;

    autofree char *here = realpath(tree && tree[0] ? tree : ".", NULL);
    bool bare = git.repository_is_bare(checkout->repository);
    if (here && (tree || !bare))
        result = git.repository_set_workdir(checkout->repository, here, 0) == 0 ? 1 : 0;
    if (result == 1 && settle(checkout, path))
        return 1;

    git.repository_free(take(checkout->repository));
    return 0;
}

/* Searches from the project folder upwards. Returns as open_at does. */
static int open_upwards(struct checkout *checkout, struct strv *watched, struct error *err)
{
    autofree char *at = xstrdup(checkout->dir);
    while (at) {
        autofree char *marker = path_join(at, ".git");
        struct stat st;
        strv_add(watched, marker);
        if (lstat(marker, &st) == 0) {
            int result = open_at(checkout, at, marker, err);
            if (result < 0 || (result == 1 && settle(checkout, marker)))
                return result;
            if (result == 1)
                git.repository_free(take(checkout->repository));
            if (!S_ISDIR(st.st_mode))
                log_warn("'%s' points to a repository that isn't there; "
                         "the image won't say which commit it is from",
                         marker);
        }

        char *parent = trust_parent(at);
        free(at);
        at = parent;
    }
    return 0;
}

/* Opens the repository of a project folder. Returns as open_at does. */
static int open_checkout(struct checkout *checkout, const char *dir, struct strv *watched,
                         struct error *err)
{
    checkout->dir = realpath(dir, NULL);
    if (!checkout->dir)
        return error_errno(err, ERROR_PROJECT, "can't find the folder '%s'", dir);
    int found = open_environment(checkout, err);
    return found == 0 ? open_upwards(checkout, watched, err) : found;
}

static int consider_entry(const git_config_entry *entry, void *data)
{
    trust_consider(data, entry->value);
    return 0;
}

/* Whether the user listed the work tree in safe.directory. An unreadable file lists nothing. */
static bool is_listed(const char *root)
{
    struct trust trust = {.root = root};
    AUTO(strv) files = {0};
    trust_config_files(&files);

    for (size_t i = 0; i < files.len; i++) {
        GIT_AUTO(config) git_config *config = NULL;
        if (access(files.items[i], R_OK) == 0 &&
            git.config_open_ondisk(&config, files.items[i]) == 0)
            git.config_get_multivar_foreach(config, "safe.directory", NULL, consider_entry, &trust);
    }

    trust_consider_environment(&trust);
    return trust.listed;
}

/* Git's rule (CVE-2022-24765): the work tree, ".git" and the git folder belong to the user, or the
 * user listed the work tree. */
static int check_trust(struct checkout *checkout, struct error *err)
{
    bool own = trust_owned(checkout->root) && trust_owned(checkout->marker) &&
               trust_owned(git.repository_path(checkout->repository));
    /* A switch that git has for its tests; with it ours need no second user. */
    if (own && !trust_flag("GIT_TEST_ASSUME_DIFFERENT_OWNER"))
        return 0;
    if (is_listed(checkout->root))
        return 0;

    checkout->untrusted = true;
    return error_set(
        err, ERROR_PROJECT,
        "the repository '%s' belongs to another user and git doesn't trust it; if you do, run: "
        "git config --global --add safe.directory '%s'",
        checkout->root, checkout->root);
}

static char *hex_of(const git_oid *id)
{
    char text[GIT_OID_HEXSZ + 1];
    return xstrdup(git.oid_tostr(text, sizeof text, id));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_commit(void *data, const char *id, int64_t *time, struct strv *parents,
                       struct error *err)
{
    struct checkout *checkout = data;
    GIT_AUTO(commit) git_commit *commit = NULL;
    git_oid oid;
    if (git.oid_fromstr(&oid, id) != 0 ||
        git.commit_lookup(&commit, checkout->repository, &oid) != 0)
        return fail(err, checkout, "follow the history");

    *time = git.commit_time(commit);
    if (checkout->shallow.len > 0 && bsearch(&id, checkout->shallow.items, checkout->shallow.len,
                                             sizeof *checkout->shallow.items, by_text))
        return 0;
    for (unsigned i = 0; i < git.commit_parentcount(commit); i++)
        strv_take(parents, hex_of(git.commit_parent_id(commit, i)));
    return 0;
}

/* Leaves out a tag that leads to no commit (to a tree, a blob, a missing object). */
static void add_tag(const struct checkout *checkout, git_reference *reference,
                    struct describe_tags *tags)
{
    GIT_AUTO(object) git_object *commit = NULL, *target = NULL;
    const git_oid *id = git.reference_target(reference);
    if (git.reference_peel(&commit, reference, GIT_OBJECT_COMMIT) != 0)
        return;

    grow(tags->items, tags->len, tags->cap);
    struct describe_tag *tag = &tags->items[tags->len++];
    *tag = (struct describe_tag){
        .name = xstrdup(git.reference_name(reference) + strlen("refs/tags/")),
        .commit = hex_of(git.object_id(commit)),
    };

    if (id && git.oid_cmp(id, git.object_id(commit)) != 0 &&
        git.object_lookup(&target, checkout->repository, id, GIT_OBJECT_TAG) == 0) {
        const git_signature *tagger = git.tag_tagger((git_tag *)target);
        tag->annotated = true;
        tag->time = tagger ? tagger->when.time : 0;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct describe_tag *)a)->name, ((const struct describe_tag *)b)->name);
}

static int read_tags(const struct checkout *checkout, struct describe_tags *tags, struct error *err)
{
    GIT_AUTO(references) git_reference_iterator *iterator = NULL;
    if (git.reference_iterator_glob_new(&iterator, checkout->repository, "refs/tags/*") != 0)
        return fail(err, checkout, "list the tags");

    for (;;) {
        GIT_AUTO(reference) git_reference *reference = NULL;
        int result = git.reference_next(&reference, iterator);
        if (result == GIT_ITEROVER)
            break;
        if (result != 0)
            return fail(err, checkout, "list the tags");
        add_tag(checkout, reference, tags);
    }

    if (tags->len > 0)
        qsort(tags->items, tags->len, sizeof *tags->items, by_name);
    return 0;
}

/* Abbreviates the commit as git does: to a length that depends on the number of
 * objects, and unambiguously. */
static int abbreviate(const struct checkout *checkout, git_config *config, const git_object *commit,
                      char **out, struct error *err)
{
    git_buf text = {0};
    int32_t wanted = 0;
    if (git.object_short_id(&text, commit) != 0)
        return fail(err, checkout, "abbreviate the commit");

    size_t length = strlen(text.ptr), bits = 0;
    git.buf_dispose(&text);
    if (git.config_get_int32(&wanted, config, "core.abbrev") != 0) {
        uint64_t count = gitdir_count_packed(git.repository_commondir(checkout->repository));
        for (; count; count >>= 1)
            bits++;
        if ((bits + 1) / 2 > ABBREVIATION_MIN && (bits + 1) / 2 > length)
            length = (bits + 1) / 2;
    }

    autofree char *hex = hex_of(git.object_id(commit));
    *out = xstrndup(hex, length);
    return 0;
}

static int read_version(struct checkout *checkout, git_config *config, const git_object *commit,
                        struct provenance *out, struct error *err)
{
    AUTO(describe_tags) tags = {0};
    struct describe_result result = {0};
    struct describe_graph graph = {checkout, read_commit};
    const char *common = git.repository_commondir(checkout->repository);
    if (gitdir_read_shallow(common, &checkout->shallow, err) != 0 ||
        read_tags(checkout, &tags, err) != 0)
        return -1;

    int found = describe(&graph, out->commit, &tags, &result, err);
    if (found <= 0)
        return found;
    if (result.depth == 0) {
        out->version = xstrdup(result.tag);
        return 0;
    }

    autofree char *abbreviation = NULL;
    if (abbreviate(checkout, config, commit, &abbreviation, err) != 0)
        return -1;
    out->version = xasprintf("%s-%zu-g%s", result.tag, result.depth, abbreviation);
    return 0;
}

static int read_head(struct checkout *checkout, git_config *config, struct provenance *out,
                     struct error *err)
{
    GIT_AUTO(reference) git_reference *head = NULL;
    GIT_AUTO(object) git_object *commit = NULL;
    int result = git.repository_head(&head, checkout->repository);
    if (result == GIT_EUNBORNBRANCH || result == GIT_ENOTFOUND)
        return 0;
    if (result != 0 || git.reference_peel(&commit, head, GIT_OBJECT_COMMIT) != 0)
        return fail(err, checkout, "read the current commit");

    out->commit = hex_of(git.object_id(commit));
    out->commit_time = git.commit_time((git_commit *)commit);
    return read_version(checkout, config, commit, out, err);
}

/* Whether a sparse checkout left the file out, which then looks deleted. */
static bool is_left_out(git_index *index, const char *path)
{
    const git_index_entry *entry = git.index_get_bypath(index, path, 0);
    return entry && (entry->flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE);
}

static bool is_among(const char *path, const struct strv *list)
{
    const char *rest = NULL;
    for (size_t i = 0; list && i < list->len; i++)
        if (list->items[i][0] && path_below(path, list->items[i], &rest))
            return true;
    return false;
}

static void add_dirty(const struct checkout *checkout, const char *path,
                      const struct strv *left_out, struct provenance *out)
{
    const char *rest = path;
    if (!path_below(path, checkout->prefix, &rest))
        rest = "";
    if (is_among(rest, left_out))
        return;

    out->dirty = true;
    if (out->dirty_paths.len < DIRTY_PATHS_MAX)
        strv_add(&out->dirty_paths, rest[0] ? rest : ".");
}

/* Whether a left-out path is in a folder: when all of the folder is untracked, git reports
 * only the folder. */
static bool has_folder(const struct strv *left_out)
{
    for (size_t i = 0; left_out && i < left_out->len; i++)
        if (strchr(left_out->items[i], '/'))
            return true;
    return false;
}

/* Like `git status --porcelain` for the project's folder, but leaves the index on disk alone. */
static int read_status(struct checkout *checkout, const struct strv *left_out,
                       struct provenance *out, struct error *err)
{
    GIT_AUTO(status) git_status_list *list = NULL;
    GIT_AUTO(index) git_index *index = NULL;
    git_status_options options = {
        .version = GIT_STATUS_OPTIONS_VERSION,
        .show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR,
        .flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_DISABLE_PATHSPEC_MATCH,
    };
    if (has_folder(left_out))
        options.flags |= GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS;

    if (git.repository_index(&index, checkout->repository) != 0)
        return fail(err, checkout, "read the index");
    if (checkout->prefix[0]) {
        autofree char *below = xasprintf("%s/", checkout->prefix);
        options.pathspec = (git_strarray){&checkout->prefix, 1};
        /* Otherwise an untracked folder above the project hides the project. */
        if (git.index_find_prefix(NULL, index, below) == GIT_ENOTFOUND)
            options.flags |= GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS;
    }

    if (git.status_list_new(&list, checkout->repository, &options) != 0)
        return fail(err, checkout, "compare the files");

    for (size_t i = 0; i < git.status_list_entrycount(list); i++) {
        const git_status_entry *entry = git.status_byindex(list, i);
        const git_diff_delta *delta =
            entry->index_to_workdir ? entry->index_to_workdir : entry->head_to_index;
        const char *path = delta->new_file.path ? delta->new_file.path : delta->old_file.path;
        if (entry->status == GIT_STATUS_WT_DELETED && is_left_out(index, path))
            continue;
        if (entry->status == GIT_STATUS_WT_NEW && fs_in_temporary(path))
            continue;
        add_dirty(checkout, path, left_out, out);
    }

    strv_sort(&out->dirty_paths);
    return 0;
}

static void watch(const struct checkout *checkout, struct strv *watched)
{
    gitdir_watch(git.repository_path(checkout->repository),
                 git.repository_commondir(checkout->repository), watched);
    trust_config_files(watched);

    /* Rules in the folders above the project. */
    for (autofree char *at = xstrdup(checkout->dir); strcmp(at, checkout->root) != 0;) {
        char *parent = path_dir(at);
        free(at);
        at = parent;
        strv_take(watched, path_join(at, ".gitignore"));
        strv_take(watched, path_join(at, ".gitattributes"));
    }
}

static int read_all(struct checkout *checkout, const char *dir, const struct strv *left_out,
                    struct provenance *out, struct error *err)
{
    GIT_AUTO(config) git_config *config = NULL;
    const char *url = NULL;
    int found = open_checkout(checkout, dir, &out->watched, err);
    if (found <= 0)
        return found;

    out->found = true;

    if (check_trust(checkout, err) != 0)
        return -1;
    if (git.repository_config_snapshot(&config, checkout->repository) != 0)
        return fail(err, checkout, "read the settings");
    if (read_head(checkout, config, out, err) != 0 ||
        read_status(checkout, left_out, out, err) != 0)
        return -1;

    if (git.config_get_string(&url, config, "remote.origin.url") == 0)
        out->source = gitdir_public_url(url);
    watch(checkout, &out->watched);
    return 0;
}

/* Whether an error is only that libgit2 can't read this repository: it is damaged, or newer than
 * libgit2. */
static bool is_unreadable(const struct checkout *checkout, const struct error *err)
{
    return checkout->root && err->kind == ERROR_PROJECT && !checkout->untrusted && !checkout->fifo;
}

int provenance_read(const char *dir, const struct strv *left_out, struct provenance *out,
                    struct error *err)
{
    AUTO(checkout) checkout = {0};
    *out = (struct provenance){0};
    if (read_all(&checkout, dir, left_out, out, err) == 0)
        return 0;
    if (!is_unreadable(&checkout, err))
        return -1;

    log_warn("%s; the image won't say which commit it is from", err->text);
    *err = (struct error){0};
    struct strv watched = out->watched;
    out->watched = (struct strv){0};
    provenance_release(out);
    out->watched = watched;

    autofree char *marker = path_join(checkout.root, ".git");
    gitdir_watch(marker, marker, &out->watched);
    return 0;
}

int provenance_tracked(const char *dir, struct strv *out, struct error *err)
{
    AUTO(checkout) checkout = {0};
    AUTO(strv) watched = {0};
    GIT_AUTO(index) git_index *index = NULL;
    const git_index_entry *entry = NULL;
    const char *rest = NULL;
    size_t at = 0;
    int found = open_checkout(&checkout, dir, &watched, err);
    if (found <= 0)
        return found;

    if (git.repository_index(&index, checkout.repository) != 0)
        return fail(err, &checkout, "read the index");

    autofree char *below = xasprintf("%s/", checkout.prefix);
    if (checkout.prefix[0] && git.index_find_prefix(&at, index, below) != 0)
        return 0;
    for (; (entry = git.index_get_byindex(index, at)) != NULL; at++) {
        if (!path_below(entry->path, checkout.prefix, &rest))
            break;
        strv_take(out, path_join(dir, rest));
    }
    return 0;
}
