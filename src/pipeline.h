#ifndef LBUILD_PIPELINE_H
#define LBUILD_PIPELINE_H

#include "dockerfile/dockerfile.h"
#include "engine/execute.h"
#include "image/image.h"
#include "layer/layer.h"
#include "output/delivery.h"
#include "pipeline_facts.h"
#include "pipeline_options.h"
#include "plan/plan.h"
#include "support/error.h"
#include "support/strv.h"

/* The results of the steps, in their order. Each is made by one step and read by later ones. */
struct pipeline {
    struct facts facts;
    struct plan plan;
    struct execution execution;
    struct strv inputs; /* absolute paths of the files that the engine read, except [files] */
    bool unlisted;      /* it read others, too, and nobody knows which: no build is fresh then */
    struct tree tree;   /* may be large: released once the layers are made, but kept for a depfile,
                           which names its files; so is the context */
    struct layer layers[2]; /* the dependencies, where there are some, and the rest above them */
    size_t layer_count;
    struct image image;
    struct delivery delivery; /* begun while the engine works */
};

/* Makes the plan: what every verb on a project begins with. Logs the plan's warnings. */
int pipeline_plan(const struct pipeline_options *options, enum facts_base how, struct pipeline *p,
                  struct error *err) must_check;
/* The plan, without the network, and its Dockerfile for people and other builders; logs what some
 * of those builders can't do with it. */
int pipeline_dockerfile(const struct pipeline_options *options, struct pipeline *p,
                        struct dockerfile *dockerfile, struct error *err) must_check;
/* The engine that would execute the plan, for plan_print. "" when none can; *why then gives
 * the reason. *why is NULL when the plan itself says which kind of engine it needs. Both
 * live as long as *p. */
const char *pipeline_engine(const struct pipeline_options *options, struct pipeline *p,
                            const char **why);
/* Builds the image and writes the output. With --target the engine stops after that stage, and
 * p->image stays empty. */
int pipeline_build(const struct pipeline_options *options, struct pipeline *p,
                   struct error *err) must_check;
void pipeline_release(struct pipeline *p);

#endif
