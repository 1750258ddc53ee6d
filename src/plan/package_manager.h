#ifndef LBUILD_PLAN_PACKAGE_MANAGER_H
#define LBUILD_PLAN_PACKAGE_MANAGER_H

/* The package manager of an image, by its reference alone: "dnf", "yum", "apt" or "apk"; NULL for
 * one that isn't known. Goes by the names of distributions' own images, by those of AWS's for
 * Lambda's languages, and by the distribution's name in a tag
 * ("python:3.12-alpine"). Pure. */
const char *package_manager_of(const char *reference);

#endif
