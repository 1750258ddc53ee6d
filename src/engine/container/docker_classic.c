#include "dockerfile/read.h"
#include "dockerfile/text.h"
#include "engine/container/buildkit.h"
#include "engine/container/docker.h"
#include "engine/container/docker_load.h"
#include "support/digest.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/own.h"
#include "support/tar.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANIFEST_MOST = 1024 * 1024, IID_MOST = 256, PIECE = 128 * 1024 };

struct classic {
    struct container c;     /* first: its callback casts it to this struct */
    struct engine_job job;  /* the caller's job, with the Dockerfile below */
    struct dockerfile file; /* the lines are the caller's, the text is ours */
    int stages;             /* stages begun so far */
    char *stage;            /* name of the last one */
    struct digest image;    /* the image to remove; empty: none */
};

static void classic_release(struct classic *k)
{
    const char *const argv[] = {"docker", "image", "rm", k->image.text, NULL};
    if (k->image.text[0])
        container_clean(&k->c, argv, NULL);
    container_release(&k->c);
    buf_release(&k->file.text);
    free(k->stage);
}

/* Steps. */

/* "FROM [--platform=P] IMAGE [AS NAME]" begins a stage. */
static void begin_stage(struct classic *k, const char *command)
{
    const char *as = strstr(command, " AS ");
    free(k->stage);
    k->stage = as ? xstrndup(as + 4, strcspn(as + 4, " ")) : xasprintf("stage-%d", k->stages);
    k->stages++;
}

/* The line of an instruction by its number: docker counts them through all stages. */
static int line_of(const char *dockerfile, int number)
{
    struct dockerfile_instruction instruction;
    int line = 1;
    for (const char *at = dockerfile; dockerfile_next(&at, &line, &instruction);)
        if (--number == 0)
            return instruction.line;
    return 0;
}

/* "Step 2/7 : RUN make" */
static bool is_step(const char *line, int *number, char **step, const char **command)
{
    int total = 0, length = 0;
    if (sscanf(line, "Step %d/%d : %n", number, &total, &length) != 2 || length == 0)
        return false;
    *step = xasprintf("%d/%d", *number, total);
    *command = line + length;
    return true;
}

static bool starts(const char *line, const char *const *words)
{
    for (; *words; words++)
        if (strncmp(line, *words, strlen(*words)) == 0)
            return true;
    return false;
}

static void on_line(struct container *c, const char *line)
{
    static const char *const own[] = {" ---> ", "Removing intermediate container ",
                                      "Sending build context to Docker daemon",
                                      "Successfully built ", NULL};
    static const char *const bad[] = {"The command '",
                                      "Error response from daemon: ",
                                      "error during connect: ",
                                      "Cannot connect to the Docker daemon",
                                      "COPY failed: ",
                                      "unexpected EOF",
                                      NULL};
    struct classic *k = (struct classic *)c;
    autofree char *step = NULL;
    const char *command = NULL;
    int number = 0;

    if (starts(line, own))
        return;
    if (starts(line, bad))
        container_verdict(c, line);
    if (!is_step(line, &number, &step, &command)) {
        if (!c->verdict || strcmp(c->verdict, line) != 0)
            container_output(c, line);
        return;
    }

    if (strncmp(command, "FROM ", 5) == 0)
        begin_stage(k, command);
    container_step(c, k->stage ? k->stage : "", step, command,
                   line_of(buf_text(&c->job->dockerfile->text), number));
}

/* The image. */

/* Adds a stage that turns the final one into a single layer, whatever its steps. The label in
 * make_argv gives the image an ID that no other image has, so that it can be removed. */
static void own_dockerfile(const struct engine_job *job, struct classic *k)
{
    struct dockerfile_instruction instruction;
    const char *text = buf_text(&job->dockerfile->text);
    int line = 1, stages = 0;
    for (const char *at = text; dockerfile_next(&at, &line, &instruction);)
        stages += dockerfile_is(&instruction, "FROM");

    k->file = *job->dockerfile;
    k->file.text = (struct buf){0};
    buf_adds(&k->file.text, text);
    if (!job->options->target)
        buf_addf(&k->file.text, "\nFROM scratch\nCOPY --from=%d / /\n", stages - 1);

    k->job = *job;
    k->job.dockerfile = &k->file;
}

static void make_argv(const struct classic *k, const char *iidfile, struct strv *argv)
{
    static const char *const words[] = {"docker", "build", "--force-rm", "--label"};
    for (size_t i = 0; i < countof(words); i++)
        strv_add(argv, words[i]);
    strv_addf(argv, "lbuild.build=%s", k->c.id);
    strv_add(argv, "--iidfile");
    strv_add(argv, iidfile);
    container_options(&k->job, argv);

    strv_add(argv, "--file");
    strv_add(argv, DOCKERFILE_NAME);
    strv_add(argv, "-");
}

static int read_image_id(const char *path, struct digest *id, struct error *err)
{
    AUTO(buf) text = {0};
    if (fs_read(path, IID_MOST, &text, err) != 0)
        return -1;
    autofree char *word = xstrndup(buf_text(&text), strcspn(buf_text(&text), " \r\n"));
    if (digest_parse(id, word))
        return 0;
    return error_set(err, ERROR_ENGINE, "docker gave an invalid image ID: '%.100s'", word);
}

/* Goes to a file in a tar. 1: found. 0: it isn't there. */
static int find(struct tar_reader *tar, const char *path, struct tar_entry *entry,
                struct error *err)
{
    int more;
    while ((more = tar_reader_next(tar, entry, err)) > 0)
        if (entry->type == TAR_FILE && strcmp(entry->path, path) == 0)
            return 1;
    return more;
}

/* The path of the only layer in an archive that `docker save` wrote. Caller frees. */
static char *layer_path(const char *saved, struct error *err)
{
    AUTO(buf) text = {0};
    struct tar_entry entry;
    AUTOPTR(tar_reader) tar = tar_reader_open_file(saved, err);
    int found = tar ? find(tar, "manifest.json", &entry, err) : -1;
    if (found <= 0 || entry.size > MANIFEST_MOST) {
        if (found >= 0)
            error_set(err, ERROR_ENGINE, "docker saved an image without a manifest.json");
        return NULL;
    }

    char *into = buf_reserve(&text, (size_t)entry.size + 1);
    int64_t got;
    while ((got = tar_reader_read(tar, into + text.len, (size_t)entry.size - text.len, err)) > 0)
        text.len += (size_t)got;
    AUTOPTR(js) all = got < 0 ? NULL : js_parse(into, text.len, "docker's manifest.json", err);
    const struct js *layers = js_get(js_at(all, 0), "Layers");

    if (all && js_count(layers) == 1 && js_text(js_at(layers, 0)))
        return xstrdup(js_text(js_at(layers, 0)));
    if (all)
        error_set(err, ERROR_ENGINE, "docker saved an image of %zu layers instead of one",
                  js_count(layers));
    return NULL;
}

static int extract(const char *saved, const char *layer, const char *to, struct error *err)
{
    struct tar_entry entry;
    char piece[PIECE];
    int64_t got;
    AUTOPTR(tar_reader) tar = tar_reader_open_file(saved, err);
    int found = tar ? find(tar, layer, &entry, err) : -1;
    autoclose int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (found < 0)
        return -1;
    if (found == 0)
        return error_set(err, ERROR_ENGINE, "docker saved an image without its layer '%.100s'",
                         layer);
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", to);

    while ((got = tar_reader_read(tar, piece, sizeof piece, err)) > 0)
        if (fs_write_fd(fd, to, piece, (size_t)got, err) != 0)
            return -1;
    return got < 0 ? -1 : 0;
}

static int take_files(struct classic *k, struct tree *tree, struct error *err)
{
    AUTO(strv) argv = {0};
    AUTO(buf) said = {0};
    autofree char *saved = path_join(k->c.dir, "image.tar"),
                  *files = path_join(k->c.dir, "files.tar");
    const char *const words[] = {"docker", "image", "save", "--output", saved, k->image.text};
    for (size_t i = 0; i < countof(words); i++)
        strv_add(&argv, words[i]);
    if (container_run(&k->c, &argv, -1, &said, err) != 0)
        return -1;

    autofree char *layer = layer_path(saved, err);
    if (!layer || extract(saved, layer, files, err) != 0 || fs_remove(saved, err) != 0)
        return -1;
    return container_read(&k->c, files, tree, err);
}

int docker_classic_build(const struct engine_job *job, struct tree *tree, struct error *err)
{
    AUTO(classic) k = {0};
    static const char *const env[] = {"DOCKER_BUILDKIT=0", NULL};
    AUTO(strv) names = {0}, argv = {0};
    autofree char *context = NULL;
    own_dockerfile(job, &k);
    container_open(&k.job, "docker", on_line, &k.c);
    k.c.env = env;
    autofree char *iidfile = path_join(k.c.dir, "iid");
    if (docker_base_names(&k.c, &names, err) != 0 ||
        container_context(&k.c, &names, &context, err) != 0)
        return -1;

    make_argv(&k, iidfile, &argv);
    autoclose int input = open(context, O_RDONLY | O_CLOEXEC);
    if (input < 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", context);
    if (container_run(&k.c, &argv, input, NULL, err) != 0)
        return k.c.verdict ? buildkit_away(&k.c, k.c.verdict, err) : -1;

    k.c.env = NULL;
    if (job->options->target)
        return 0;
    return read_image_id(iidfile, &k.image, err) != 0 ? -1 : take_files(&k, tree, err);
}
