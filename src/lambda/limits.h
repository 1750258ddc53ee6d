#ifndef LBUILD_LAMBDA_LIMITS_H
#define LBUILD_LAMBDA_LIMITS_H

/* Limits that Lambda states (Lambda guide, "Lambda quotas" and "Create a function using
 * a container image"). */
#define LAMBDA_PAYLOAD_MAX (6u * 1024 * 1024 + 100)   /* bytes of an event or a buffered response */
#define LAMBDA_IMAGE_MAX (10ull * 1024 * 1024 * 1024) /* bytes of all layers, uncompressed */
#define LAMBDA_ENV_MAX 4096                           /* bytes of all function-level variables */
#define LAMBDA_WORKDIR_MAX 1000                       /* characters of WORKDIR */
#define LAMBDA_TIMEOUT_MAX 900                        /* seconds */
#define LAMBDA_LAYERS_MAX 127 /* as many as docker's overlay driver can stack */
#define LAMBDA_WORDS_MAX 1500 /* items of ENTRYPOINT, and of CMD */

/* Where a base of AWS expects the program, and where its entry script is. */
#define LAMBDA_BOOTSTRAP "var/runtime/bootstrap"
#define LAMBDA_ENTRYPOINT "/lambda-entrypoint.sh"
#define LAMBDA_TASK_ROOT "/var/task"

#endif
