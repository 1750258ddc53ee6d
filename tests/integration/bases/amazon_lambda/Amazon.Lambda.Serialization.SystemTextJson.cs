// What functions use of the package Amazon.Lambda.Serialization.SystemTextJson.
using System.IO;
using System.Text.Json;
using Amazon.Lambda.Core;

namespace Amazon.Lambda.Serialization.SystemTextJson
{
    public class DefaultLambdaJsonSerializer : ILambdaSerializer
    {
        public T Deserialize<T>(Stream requestStream) => JsonSerializer.DeserializeAsync<T>(requestStream).AsTask().GetAwaiter().GetResult();

        public void Serialize<T>(T response, Stream responseStream)
        {
            using (var writer = new Utf8JsonWriter(responseStream))
                JsonSerializer.Serialize(writer, response);
        }
    }
}
