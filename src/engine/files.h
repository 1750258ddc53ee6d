#ifndef LBUILD_ENGINE_FILES_H
#define LBUILD_ENGINE_FILES_H

#include "engine/engine.h"

/* Adds what [files] names to the tree, as COPY would: the files of the context (so none that
 * .dockerignore leaves out), a folder's content below its destination, links in it as links. A
 * source that is itself a link is followed inside the project. ERROR_PROJECT, with the line of the
 * project file, for a missing source or a link that leaves the project. */
int files_add(const struct engine_job *job, struct tree *tree, struct error *err) must_check;

/* For engines with containers, before they start: checks that the project has the files
 * that [files] and the stages' `copy` name. The targets of links are not checked.
 * ERROR_PROJECT as above. */
int files_check(const struct engine_job *job, struct error *err) must_check;

#endif
