#include <lambda_runtime.h>

#warning 100%: a, b

int broken(void) { return nothing; }
