#ifndef LBUILD_PLAN_PACKAGE_MANAGER_H
#define LBUILD_PLAN_PACKAGE_MANAGER_H

/* The package manager of an image, guessed from its reference alone: "dnf", "yum", "apt" or "apk";
 * NULL if it isn't known. Goes by the names of the distributions' own images and of AWS's images
 * for Lambda's languages, and by a distribution's name in the tag ("python:3.12-alpine"). Pure. */
const char *package_manager_of(const char *reference);

#endif
