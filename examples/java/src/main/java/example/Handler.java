package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.github.luben.zstd.Zstd;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Says how small zstd makes a text: a dependency with native code, which it unpacks to /tmp at run time. */
public class Handler implements RequestHandler<Map<String, String>, Map<String, Integer>> {
    @Override
    public Map<String, Integer> handleRequest(Map<String, String> event, Context context) {
        byte[] text = event.get("text").getBytes(StandardCharsets.UTF_8);
        return Map.of("bytes", text.length, "compressed", Zstd.compress(text).length);
    }
}
