// Answers with those keys of a YAML document that match a pattern: YamlDotNet is pure .NET, SQLite's GLOB is native code.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Tasks;
using Amazon.Lambda.Core;
using Amazon.Lambda.RuntimeSupport;
using Amazon.Lambda.Serialization.SystemTextJson;
using YamlDotNet.Serialization;

class Function
{
    [DllImport("e_sqlite3")]
    static extern int sqlite3_strglob(byte[] pattern, byte[] text);

    static byte[] Text(string text) => Encoding.UTF8.GetBytes(text + "\0");

    static Dictionary<string, string> Answer(Dictionary<string, string> request, ILambdaContext context)
    {
        var parts = new DeserializerBuilder().Build().Deserialize<Dictionary<string, string>>(request["document"]);
        var pattern = Text(request["pattern"]);
        return parts.Where(part => sqlite3_strglob(pattern, Text(part.Key)) == 0).ToDictionary(part => part.Key, part => part.Value);
    }

    static Task Main()
    {
        Func<Dictionary<string, string>, ILambdaContext, Dictionary<string, string>> handler = Answer;
        return LambdaBootstrapBuilder.Create(handler, new DefaultLambdaJsonSerializer()).Build().RunAsync();
    }
}
