// aws-lambda-cpp's side of bench/runtime.sh.
#include <aws/lambda-runtime/runtime.h>

static aws::lambda_runtime::invocation_response
echo(aws::lambda_runtime::invocation_request const &request)
{
    return aws::lambda_runtime::invocation_response::success(request.payload, "application/json");
}

int main()
{
    aws::lambda_runtime::run_handler(echo);
    return 0;
}
