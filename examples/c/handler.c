/* Answers with the CRC-32 of the event, made by zlib: a library of the distribution, linked
 * statically. */
#include <lambda_runtime.h>

#include <zlib.h>

static int checksum(const struct lambda_event *event, struct lambda_response *response,
                    const struct lambda_context *context)
{
    (void)context;
    return lambda_printf(response, "{\"crc32\": \"%08lx\"}",
                         crc32_z(0, (const Bytef *)event->data, event->size));
}

LAMBDA_HANDLERS({"checksum", checksum})
