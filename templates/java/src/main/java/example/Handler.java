package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;
import org.apache.commons.text.WordUtils;

/** Answers each event with a greeting, in capitals by a dependency. */
public class Handler implements RequestHandler<Map<String, String>, String> {
    @Override
    public String handleRequest(Map<String, String> event, Context context) {
        return WordUtils.capitalize("hello " + event.get("name"));
    }
}
