// A runtime interface client with the builder of the package Amazon.Lambda.RuntimeSupport.
using System;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Amazon.Lambda.Core;

namespace Amazon.Lambda.RuntimeSupport
{
    public class LambdaBootstrapBuilder
    {
        private readonly Func<Stream, ILambdaContext, Task<Stream>> handler;

        private LambdaBootstrapBuilder(Func<Stream, ILambdaContext, Task<Stream>> handler) => this.handler = handler;

        public static LambdaBootstrapBuilder Create<TInput, TOutput>(Func<TInput, ILambdaContext, TOutput> handler, ILambdaSerializer serializer) =>
            Create<TInput, TOutput>((input, context) => Task.FromResult(handler(input, context)), serializer);

        public static LambdaBootstrapBuilder Create<TInput, TOutput>(Func<TInput, ILambdaContext, Task<TOutput>> handler,
            ILambdaSerializer serializer) => new LambdaBootstrapBuilder(async (input, context) =>
        {
            var output = new MemoryStream();
            serializer.Serialize(await handler(serializer.Deserialize<TInput>(input), context), output);
            output.Position = 0;
            return output;
        });

        public LambdaBootstrap Build() => new LambdaBootstrap(handler);
    }

    public class LambdaBootstrap
    {
        private readonly Func<Stream, ILambdaContext, Task<Stream>> handler;
        private readonly HttpClient client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        private readonly string invocation;

        internal LambdaBootstrap(Func<Stream, ILambdaContext, Task<Stream>> handler)
        {
            this.handler = handler;
            invocation = $"http://{Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API")}/2018-06-01/runtime/invocation/";
        }

        public async Task RunAsync(CancellationToken cancellation = default)
        {
            while (!cancellation.IsCancellationRequested)
            {
                using (var next = await client.GetAsync(invocation + "next", cancellation))
                    await AnswerAsync(new Context(next), await next.EnsureSuccessStatusCode().Content.ReadAsStreamAsync());
            }
        }

        private async Task AnswerAsync(Context context, Stream input)
        {
            HttpContent answer;
            var kind = "response";
            try
            {
                answer = new StreamContent(await handler(input, context));
            }
            catch (Exception e)
            {
                kind = "error";
                answer = new StringContent(JsonSerializer.Serialize(new { errorType = e.GetType().Name, errorMessage = e.Message }), Encoding.UTF8);
            }
            using (var reply = await client.PostAsync($"{invocation}{context.AwsRequestId}/{kind}", answer))
                reply.EnsureSuccessStatusCode();
        }
    }

    internal class Context : ILambdaContext
    {
        private readonly HttpResponseMessage next;

        public Context(HttpResponseMessage next) => this.next = next;

        public string AwsRequestId => Header("Aws-Request-Id");
        public string FunctionName => Environment.GetEnvironmentVariable("AWS_LAMBDA_FUNCTION_NAME");
        public string InvokedFunctionArn => Header("Invoked-Function-Arn");
        public TimeSpan RemainingTime => DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(Header("Deadline-Ms"))) - DateTimeOffset.UtcNow;

        private string Header(string name) => next.Headers.GetValues("Lambda-Runtime-" + name).First();
    }
}
