#include "plan/plan.h"

#include "support/inifile.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>

void plan_command_release(struct plan_command *command)
{
    strv_release(&command->argv);
    strv_release(&command->env);
    free(command->result);
    *command = (struct plan_command){0};
}

/* The effective value of an input: the plan's, or the default where the plan has none. */
static const char *value_of(const struct plan *plan, const struct template_input *input)
{
    for (size_t i = 0; i < plan->inputs.len; i++)
        if (strcmp(plan->inputs.items[i].name, input->name) == 0)
            return plan->inputs.items[i].value;
    return input->fallback;
}

/* The input that makes up the whole word, if it stands for several words; else NULL. */
static const struct template_input *whole_word(const struct template *t, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(word, "{{input:", 8) != 0 || length < 10 || strcmp(word + length - 2, "}}") != 0)
        return NULL;
    const struct template_input *input = template_input_find(t, word + 8, length - 10);
    return input && input->type == INPUT_WORDS ? input : NULL;
}

static void expand(const struct plan *plan, const struct template *t,
                   const struct template_values *values, const struct strv *words, struct strv *out)
{
    for (size_t i = 0; i < words->len; i++) {
        const struct template_input *input = whole_word(t, words->items[i]);
        if (input)
            (void)!ini_words(value_of(plan, input), out); /* checked before */
        else
            strv_take(out, template_expand(t, words->items[i], values));
    }
}

void plan_command_make(const struct plan *plan, const struct template *t,
                       const struct template_values *place, bool cross, struct plan_command *out)
{
    AUTO(strv) inputs = {0};
    const struct template_compile *compile = &t->compile;
    for (size_t i = 0; i < t->input_count; i++)
        strv_add(&inputs, value_of(plan, &t->inputs[i]));
    const struct template_values values = {
        .inputs = &inputs, .program = place->program, .cache = place->cache};

    expand(plan, t, &values, &compile->command, &out->argv);
    expand(plan, t, &values, &compile->env, &out->env);
    expand(plan, t, &values, &compile->env_arch[plan->arch], &out->env);
    if (cross && plan->arch != arch_native())
        expand(plan, t, &values, &compile->cross[plan->arch], &out->env);
    out->result = compile->result ? template_expand(t, compile->result, &values) : NULL;
}
