#include "dockerfile/read.h"

#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int dockerfile_step(const char *text, int stage, int step)
{
    struct dockerfile_instruction instruction;
    int line = 1, stages = 0, steps = 0;
    while (dockerfile_next(&text, &line, &instruction)) {
        if (dockerfile_is(&instruction, "FROM")) {
            stages++;
            steps = 0;
        }
        if (stages == stage && ++steps == step)
            return instruction.line;
    }
    return 0;
}

/* Where an instruction names an image: "FROM IMAGE" or "COPY --from=IMAGE". */
struct place {
    const char *text;
    size_t length;
    const char *platform, *stage; /* of FROM; stage: the name after AS */
    size_t platform_length, stage_length;
};

/* Skips the options from `at` on; *value: the value of `option` ("--from="), else
 * unchanged. Returns the first word after them; *length 0: there is none. */
static const char *skip_options(const struct dockerfile_instruction *instruction, const char *at,
                                size_t *length, const char *option, const char **value,
                                size_t *value_length)
{
    size_t prefix = strlen(option);
    at = dockerfile_word(instruction, at, length);
    while (*length > 2 && strncmp(at, "--", 2) == 0) {
        if (*length > prefix && strncmp(at, option, prefix) == 0) {
            *value = at + prefix;
            *value_length = *length - prefix;
        }
        at = dockerfile_word(instruction, at + *length, length);
    }
    return at;
}

/* False: the instruction names no image. */
static bool find_place(const struct dockerfile_instruction *instruction, struct place *place)
{
    size_t length;
    const char *at = dockerfile_word(instruction, instruction->text, &length) + length;
    *place = (struct place){0};
    if (dockerfile_is(instruction, "COPY")) {
        skip_options(instruction, at, &length, "--from=", &place->text, &place->length);
        return place->length > 0;
    }
    if (!dockerfile_is(instruction, "FROM"))
        return false;

    place->text = skip_options(instruction, at, &place->length, "--platform=", &place->platform,
                               &place->platform_length);
    at = dockerfile_word(instruction, place->text + place->length, &length);
    if (dockerfile_word_is(at, length, "AS"))
        place->stage = dockerfile_word(instruction, at + length, &place->stage_length);
    return place->length > 0;
}

static bool is_stage(const struct strv *stages, const char *name)
{
    /* COPY --from takes a stage's number, too. */
    if (name[strspn(name, "0123456789")] == '\0')
        return true;
    for (size_t i = 0; i < stages->len; i++)
        if (strcasecmp(stages->items[i], name) == 0)
            return true;
    return false;
}

static bool is_known(const struct dockerfile_images *images, const char *reference)
{
    for (size_t i = 0; i < images->len; i++)
        if (strcmp(images->items[i].reference, reference) == 0)
            return true;
    return false;
}

void dockerfile_images_find(const char *text, struct dockerfile_images *images)
{
    struct dockerfile_instruction instruction;
    AUTO(strv) stages = {0};
    int line = 1;
    while (dockerfile_next(&text, &line, &instruction)) {
        struct place place;
        if (!find_place(&instruction, &place))
            continue;

        autofree char *name = xstrndup(place.text, place.length);
        if (!is_stage(&stages, name) && !is_known(images, name) && !strchr(name, '$') &&
            strcmp(name, "scratch") != 0) {
            grow(images->items, images->len, images->cap);
            images->items[images->len++] = (struct dockerfile_image){
                take(name),
                place.platform ? xstrndup(place.platform, place.platform_length) : NULL};
        }
        if (place.stage)
            strv_take(&stages, xstrndup(place.stage, place.stage_length));
    }
}

void dockerfile_images_release(struct dockerfile_images *images)
{
    for (size_t i = 0; i < images->len; i++) {
        free(images->items[i].reference);
        free(images->items[i].platform);
    }
    free(images->items);
    *images = (struct dockerfile_images){0};
}

void dockerfile_rename(const char *text, const struct strv *references, const struct strv *names,
                       struct buf *out)
{
    struct dockerfile_instruction instruction;
    const char *at = text, *done = text;
    int line = 1;
    while (dockerfile_next(&at, &line, &instruction)) {
        struct place place;
        if (!find_place(&instruction, &place))
            continue;

        for (size_t i = 0; i < references->len; i++) {
            if (strlen(references->items[i]) != place.length ||
                strncmp(references->items[i], place.text, place.length) != 0)
                continue;
            buf_add(out, done, (size_t)(place.text - done));
            buf_adds(out, names->items[i]);
            done = place.text + place.length;
            break;
        }
    }
    buf_adds(out, done);
}
