#!/bin/sh
# Stand-in for the entry script of the Lambda bases: one word, the handler's name; then the program, through the
# emulator when no Runtime API is given.
if [ $# -ne 1 ]; then
    echo "entrypoint requires the handler name to be the first argument" >&2
    exit 142
fi
export _HANDLER="$1"
program=/var/runtime/bootstrap
if [ -z "${AWS_LAMBDA_RUNTIME_API}" ]; then
    exec /usr/local/bin/aws-lambda-rie $program
else
    exec $program
fi
