#include "execute.h"

#include "support/log.h"
#include "support/own.h"

#include <stdlib.h>

int execution_choose(const char *wanted, const struct engine_options *options, struct plan *plan, struct execution *execution,
                     struct error *err)
{
    execution->engine = engine_choose(wanted, NULL, plan, options, &execution->why, err);
    if (!execution->engine)
        return -1;
    plan_decide(plan, "engine", execution->engine->name, execution->why);
    return 0;
}

int execution_run(struct execution *execution, struct engine_job *job, const struct template *template,
                  const struct base_request *like, struct tree *tree, struct error *err)
{
    const struct engine *engine = execution->engine;
    (void)template;
    (void)like;
    if (engine->containers && work_open(job->store, &execution->work, err) != 0)
        return -1;
    if (engine->containers)
        log_step("engine", "%s: %s", engine->name, execution->why);
    job->bases = execution->bases;
    job->base_count = execution->base_count;
    job->work = &execution->work;
    return engine->build(job, tree, err);
}

void execution_release(struct execution *execution)
{
    for (size_t i = 0; i < execution->base_count; i++) {
        free(execution->bases[i].reference);
        base_release(&execution->bases[i].base);
    }
    free(execution->bases);
    free(execution->why);
    work_release(&execution->work);
}
