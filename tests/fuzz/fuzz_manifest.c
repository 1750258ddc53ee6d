#include "registry/manifest.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads one text as each kind of document. An accepted document must be within the limits. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tags[] = {NULL, "v1"};
    struct error err = {0};
    struct descriptor chosen;
    struct digest diff_ids[MANIFEST_LAYERS];
    AUTO(manifest) manifest = {0};
    AUTOPTR(js) document = js_parse((const char *)data, size, "input", &err);
    if (!document)
        return 0;

    for (int arch = ARCH_X86_64; arch <= ARCH_ARM64; arch++) {
        for (size_t i = 0; i < countof(tags); i++)
            if (layout_choose(document, (enum arch)arch, tags[i], "input", &chosen, &err) == 0 &&
                !digest_valid(chosen.digest.text))
                abort();
        if (index_choose(document, (enum arch)arch, "input", &chosen, &err) == 0 &&
            !digest_valid(chosen.digest.text))
            abort();
        for (size_t count = 0; count < 3; count++)
            if (config_read(document, (enum arch)arch, count, "input", diff_ids, &err) == 0)
                for (size_t i = 0; i < count; i++)
                    if (!digest_valid(diff_ids[i].text))
                        abort();
    }

    if (manifest_read(document, "input", &manifest, &err) != 0)
        return err.kind == ERROR_REGISTRY && manifest.layers == NULL ? 0 : (abort(), 0);
    if (manifest.layer_count > MANIFEST_LAYERS || manifest.config.size > MANIFEST_BYTES)
        abort();
    for (size_t i = 0; i < manifest.layer_count; i++)
        if (!digest_valid(manifest.layers[i].digest.text))
            abort();
    return 0;
}
