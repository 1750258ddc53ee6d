#include "command/command.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/strv.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The verb is the first word. Without a word, or when an option comes first, it is "build". */
static const char *const *find_verb(const char *const *argv, const struct command **command,
                                    struct error *err)
{
    const char *word = argv[1];

    if (word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0))
        word = "help";
    else if (word && strcmp(word, "--version") == 0)
        word = "version";
    else if (word && strcmp(word, "--makefile") == 0)
        word = "makefile";
    else if (!word || word[0] == '-') {
        *command = command_find("build");
        return argv;
    }

    *command = command_find(word);
    if (*command)
        return argv + 1;

    AUTO(strv) names = {0};
    for (size_t i = 0; commands[i]; i++)
        strv_add(&names, commands[i]->name);
    const char *near = strv_nearest(word, strv_argv(&names), names.len);
    error_set(err, ERROR_USAGE, "unknown command '%s'; %s%s%s", word,
              near ? "did you mean '" : "see 'lbuild help", near ? near : "", "'");
    return NULL;
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    const struct command *command = NULL;
    const char *const *rest = find_verb(argv, &command, err);
    if (!rest)
        return -1;

    for (size_t i = 1; rest[i] && strcmp(rest[i], "--") != 0; i++) {
        if (strcmp(rest[i], "--help") == 0 || strcmp(rest[i], "-h") == 0) {
            command_help(command, out);
            return 0;
        }
    }
    return command->run(rest, out, err);
}

/* Takes the places of standard descriptors that are closed. Otherwise the first files opened get
 * their numbers, and then everything that is printed. */
static bool fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    if (!fill_standard_descriptors())
        return ERROR_INTERNAL;

    struct error err = {0};
    AUTO(buf) out = {0};
    (void)argc;

    int result = run((const char *const *)argv, &out, &err);
    /* A report is printed even when the verdict is bad: e.g. `check` fills both. */
    if (fs_write_fd(STDOUT_FILENO, "standard output", out.data, out.len,
                    result == 0 ? &err : &(struct error){0}) != 0)
        result = -1;
    if (result != 0 && !err.kind)
        err.kind = ERROR_INTERNAL;
    if (result != 0 && err.text[0])
        log_error(&err);

    /* A retry that went well leaves its error behind, so only the result counts. */
    int status = result == 0 ? 0 : (int)err.kind;
    struct error late = {0};
    if (log_end(status, &late) == 0 || result != 0)
        return status;
    log_error(&late);
    return late.kind;
}
