#ifndef LBUILD_PIPELINE_H
#define LBUILD_PIPELINE_H

#include "base/base.h"
#include "dockerfile/context.h"
#include "engine/execute.h"
#include "image/image.h"
#include "layer/layer.h"
#include "output/output.h"
#include "pipeline_options.h"
#include "plan/plan.h"
#include "project/project.h"
#include "provenance/provenance.h"
#include "store/store.h"
#include "store/verify.h"
#include "support/error.h"
#include "support/strv.h"
#include "template/template.h"

#include <stdbool.h>

/* The steps' results, each made once and const to the steps after it. */
struct pipeline {
    struct project project;
    struct provenance provenance;
    struct template template;
    struct store store;
    struct context context; /* may be large, so gone once the engine has worked; stays for a
                               depfile, which names its files */
    size_t context_files;
    struct base base;
    bool base_known;
    struct plan plan;
    struct execution execution;
    struct tree tree;       /* likewise, once the layers are made */
    struct layer layers[2]; /* dependencies, where there are some, and above them the rest */
    size_t layer_count;
    struct verify *verified; /* the base's blobs, hashed while the compiler ran */
    const struct output *output;
    struct output_begun *begun; /* what they were written to meanwhile */
    struct image image;
    struct strv left_out; /* cleaned paths in the project's folder that are our own: output,
                             depfile, stamp */
    struct strv
        inputs; /* absolute paths of what was read, but for [files], for fresh.c and for depfiles */
};

enum pipeline_base {
    PIPELINE_BASE_PEEK, /* use what the store knows of the base; never the network */
    PIPELINE_BASE_LOAD, /* fetch what is missing */
};

/* The project file alone; `complaints` gets all of its mistakes. */
int pipeline_project(const struct pipeline_options *options, struct strv *complaints,
                     struct pipeline *p, struct error *err) must_check;
/* The base of a project that was read, fetched when it is missing: so that builds to come find it.
 */
int pipeline_base(const struct pipeline_options *options, struct pipeline *p,
                  struct error *err) must_check;
/* Project file to plan: what plan, render, context and build share. All complaints of the project
 * file go to standard error as they are when there is more than one. */
int pipeline_plan(const struct pipeline_options *options, enum pipeline_base how,
                  struct pipeline *p, struct error *err) must_check;
/* Adds to the plan which engine would execute it, for those who only look; an engine that can't is
 * no error here. */
void pipeline_decide_engine(const struct pipeline_options *options, struct pipeline *p);
/* With --target, everything up to that stage; p->image is then empty. Else the whole way, the
 * output's appearing included. */
int pipeline_build(const struct pipeline_options *options, struct pipeline *p,
                   struct error *err) must_check;
void pipeline_release(struct pipeline *p);

#endif
