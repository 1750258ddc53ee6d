/* Replays a fuzz target's corpus without libFuzzer: every seed whole, cut at many lengths, and with
 * changed bytes. The changes are the same in every run. Prints TAP.
 *
 *     fuzz_NAME [FOLDER]     FOLDER: $srcdir/tests/fuzz/corpus/NAME by default */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX (1024 * 1024)
#define CUTS 64
#define CHANGES 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The target gets an exact copy on the heap, so that a sanitizer or valgrind notices even one byte
 * read beyond its end. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();

    memcpy(copy, data, size);
    if (LLVMFuzzerTestOneInput(copy, size) != 0)
        abort();
    free(copy);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void replay(const uint8_t *data, size_t size)
{
    uint32_t state = (uint32_t)size + 1;

    feed(data, size);
    for (size_t i = 0; i < CUTS && size > 0; i++)
        feed(data, size <= CUTS ? i % size : i * size / CUTS);

    uint8_t *changed = malloc(size ? size : 1);
    if (!changed)
        abort();
    for (int i = 0; i < CHANGES && size > 0; i++) {
        memcpy(changed, data, size);
        for (uint32_t n = next_random(&state) % 3 + 1; n > 0; n--) {
            static const uint8_t telling[] = {0x00, 0xff, 0x7f, 0x80, '\n',
                                              '"',  '\\', '/',  '%',  '*'};
            uint32_t at = next_random(&state) % (uint32_t)size;
            uint32_t how = next_random(&state);
            changed[at] = how % 2 ? (uint8_t)(how >> 3) : telling[how / 2 % sizeof telling];
        }
        feed(changed, size);
    }
    free(changed);
}

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(SEED_MAX);
    if (!file || !data) {
        fprintf(stderr, "# can't read %s\n", path);
        exit(99);
    }

    size_t size = fread(data, 1, SEED_MAX, file);
    int complete = feof(file) && !ferror(file);
    fclose(file);
    if (complete)
        replay(data, size);
    free(data);
    return complete;
}

static char *corpus_folder(const char *program)
{
    const char *slash = strrchr(program, '/'), *root = getenv("srcdir");
    const char *name = slash ? slash + 1 : program;
    char *folder = NULL;

    if (strncmp(name, "lt-", 3) == 0)
        name += 3;
    if (strncmp(name, "fuzz_", 5) == 0)
        name += 5;
    if (asprintf(&folder, "%s/tests/fuzz/corpus/%s", root ? root : ".", name) < 0)
        abort();
    return folder;
}

int main(int argc, char **argv)
{
    char *folder = argc > 1 ? strdup(argv[1]) : corpus_folder(argv[0]);
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort), number = 0, failed = 0;

    feed((const uint8_t *)"", 0);
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        if (entries[i]->d_name[0] != '.') {
            if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
                abort();
            int fine = replay_file(path);
            failed += !fine;
            printf("%sok %d - %s\n", fine ? "" : "not ", ++number, entries[i]->d_name);
            fflush(stdout);
        }
        free(path);
        free(entries[i]);
    }
    free(entries);

    if (number == 0)
        printf("Bail out! no seeds in %s\n", folder);
    else
        printf("1..%d\n", number);
    free(folder);
    return failed || number == 0;
}
