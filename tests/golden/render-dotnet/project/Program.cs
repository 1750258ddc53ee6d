// Answers each event with a greeting, written as YAML by a dependency.
using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Amazon.Lambda.Core;
using Amazon.Lambda.RuntimeSupport;
using Amazon.Lambda.Serialization.SystemTextJson;
using YamlDotNet.Serialization;

class Function
{
    static string Answer(Dictionary<string, string> request, ILambdaContext context) =>
        new SerializerBuilder().Build().Serialize(new { hello = request["name"] });

    static Task Main()
    {
        Func<Dictionary<string, string>, ILambdaContext, string> handler = Answer;
        return LambdaBootstrapBuilder.Create(handler, new DefaultLambdaJsonSerializer()).Build().RunAsync();
    }
}
