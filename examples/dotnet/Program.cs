// Writes Markdown as HTML with Markdig: a dependency that is all .NET.
using Amazon.Lambda.Core;
using Amazon.Lambda.RuntimeSupport;
using Amazon.Lambda.Serialization.SystemTextJson;
using Markdig;

var handler = (Dictionary<string, string> page, ILambdaContext context) =>
    new Dictionary<string, string> { ["html"] = Markdown.ToHtml(page["text"]), ["for"] = context.FunctionName };

await LambdaBootstrapBuilder.Create(handler, new DefaultLambdaJsonSerializer()).Build().RunAsync();
