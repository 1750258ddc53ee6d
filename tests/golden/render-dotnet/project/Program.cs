// Answers each event with a greeting, in words by a dependency.
using Amazon.Lambda.Core;
using Amazon.Lambda.RuntimeSupport;
using Amazon.Lambda.Serialization.SystemTextJson;
using Humanizer;

var handler = (Dictionary<string, string> event_, ILambdaContext context) => $"hello {event_["name"]}".Humanize(LetterCasing.Title);

await LambdaBootstrapBuilder.Create(handler, new DefaultLambdaJsonSerializer()).Build().RunAsync();
