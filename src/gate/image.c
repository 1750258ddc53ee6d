#include "gate/rule.h"

#include "registry/manifest.h"

#include <string.h>

/* The image's documents and blobs (Lambda guide, "Create a Lambda function using a container
 * image"; OCI image-spec). */

void gate_index(struct gate *gate)
{
    const struct imagefile *image = gate->image;
    if (image->index)
        gate_add(gate, RULE_INDEX, 0, NULL, "its name leads to an index%s",
                 image->platform ? ", and only the index to the image" : "");

    if (image->images > 1)
        gate_add(gate, RULE_SEVERAL_IMAGES, 0, NULL, "%zu images have its name", image->images);

    if (image->attestations > 0)
        gate_add(gate, RULE_ATTESTATION, 0, NULL, "%zu attestation%s beside it",
                 image->attestations, image->attestations == 1 ? " lies" : "s lie");
}

enum family { FAMILY_NONE, FAMILY_OCI, FAMILY_DOCKER, FAMILY_OTHER };

static enum family family_of(const char *type, const char *const *accepted, size_t count)
{
    if (!type[0])
        return FAMILY_NONE;
    for (size_t i = 0; i < count; i++)
        if (strcmp(type, accepted[i]) == 0)
            return strncmp(type, "application/vnd.oci.", 20) == 0 ? FAMILY_OCI : FAMILY_DOCKER;
    return FAMILY_OTHER;
}

#define FAMILY(type, ...)                                                                          \
    family_of(type, (const char *const[]){__VA_ARGS__},                                            \
              countof(((const char *const[]){__VA_ARGS__})))

static void note_type(struct gate *gate, enum family family, size_t layer, const char *what,
                      const char *type, bool *seen)
{
    seen[family] = true;
    if (family == FAMILY_OTHER)
        gate_add(gate, RULE_MEDIA_TYPE, layer, NULL, "the %s has the media type '%.100s'", what,
                 type);
}

void gate_media(struct gate *gate)
{
    const struct imagefile *image = gate->image;
    const char *artifact = js_get_text(image->document, "artifactType");
    bool seen[FAMILY_OTHER + 1] = {false};

    note_type(gate, FAMILY(image->manifest_type, MEDIA_OCI_MANIFEST, MEDIA_DOCKER_MANIFEST), 0,
              "manifest", image->manifest_type, seen);
    note_type(gate, FAMILY(image->config_type, MEDIA_OCI_CONFIG, MEDIA_DOCKER_CONFIG), 0, "config",
              image->config_type, seen);

    for (size_t i = 0; i < image->layer_count; i++) {
        const char *type = image->layers[i].media_type;
        note_type(gate,
                  FAMILY(type, MEDIA_OCI_LAYER_GZIP, MEDIA_OCI_LAYER, MEDIA_DOCKER_LAYER_GZIP,
                         MEDIA_DOCKER_LAYER),
                  i + 1, "layer", type, seen);
    }

    if (seen[FAMILY_OCI] && seen[FAMILY_DOCKER])
        gate_add(gate, RULE_MIXED_MEDIA, 0, NULL,
                 "some of its media types are OCI's, some are Docker's");
    if (artifact || js_get(image->document, "subject"))
        gate_add(gate, RULE_ARTIFACT, 0, NULL, "the manifest has %s",
                 artifact ? "an artifactType" : "a subject");
}

void gate_compression(struct gate *gate)
{
    for (size_t i = 0; i < gate->image->layer_count; i++) {
        const struct imagefile_layer *layer = &gate->image->layers[i];
        const struct listing_scan *scan = &layer->scan;
        bool oci_plain = strcmp(layer->media_type, MEDIA_OCI_LAYER) == 0;
        if (layer->missing || strstr(layer->media_type, "zstd"))
            continue;

        if (scan->zstd)
            gate_add(gate, RULE_NOT_GZIP, i + 1, NULL, "the layer is zstd data");
        else if (scan->listed && !scan->gzip && oci_plain)
            gate_add(gate, RULE_PLAIN_TAR, i + 1, NULL, "the layer is a plain tar");
        else if (scan->listed && !scan->gzip && layer->media_type[0])
            gate_add(gate, RULE_NOT_GZIP, i + 1, NULL,
                     "the layer is a plain tar with the media type '%.100s'", layer->media_type);

        if (scan->members > 1)
            gate_add(gate, RULE_GZIP_MEMBERS, i + 1, NULL, "the layer has %llu gzip members",
                     (unsigned long long)scan->members);
    }
}

static void check_blob(struct gate *gate, size_t index)
{
    const struct imagefile_layer *layer = &gate->image->layers[index];
    const struct listing_scan *scan = &layer->scan;

    if (layer->missing)
        gate_add(gate, RULE_DIGEST, index + 1, NULL, "%s", layer->missing);
    else if (scan->size != layer->size || !digest_equal(&scan->digest, &layer->digest))
        gate_add(gate, RULE_DIGEST, index + 1, NULL,
                 "the blob '%s' has %llu bytes and the digest '%s', but should have %llu",
                 layer->digest.text, (unsigned long long)scan->size, scan->digest.text,
                 (unsigned long long)layer->size);
    else if (scan->listed && index < gate->image->diff_id_count &&
             !digest_equal(&scan->diff_id, &layer->diff_id))
        gate_add(gate, RULE_DIFF_ID, index + 1, NULL,
                 "the layer unpacks to '%s', but the config says '%s'", scan->diff_id.text,
                 layer->diff_id.text[0] ? layer->diff_id.text : "not a digest");
}

void gate_digests(struct gate *gate)
{
    const struct imagefile *image = gate->image;
    for (size_t i = 0; i < image->damage.len; i++)
        gate_add(gate, RULE_DIGEST, 0, NULL, "the %s", image->damage.items[i]);
    for (size_t i = 0; i < image->layer_count; i++)
        check_blob(gate, i);

    if (image->diff_id_count != image->layer_count && !image->config_trouble)
        gate_add(gate, RULE_DIFF_ID, 0, NULL, "the config names %zu layers, the manifest %zu",
                 image->diff_id_count, image->layer_count);
    if (image->two_faces)
        gate_add(gate, RULE_TWO_FACES, 0, NULL,
                 "index.json and manifest.json describe different images");
}

void gate_history(struct gate *gate)
{
    const struct js *config = gate->image->config;
    size_t layers = config_history_layers(config);
    if (js_count(js_get(config, "history")) > 0 && layers != gate->image->layer_count)
        gate_add(gate, RULE_HISTORY, 0, NULL, "the history has %zu layers, the image %zu", layers,
                 gate->image->layer_count);
}

void gate_platform(struct gate *gate)
{
    const struct js *config = gate->image->config;
    const char *os = js_get_text(config, "os"), *arch = js_get_text(config, "architecture");
    autofree char *platform = xasprintf("%.40s/%.40s", os ? os : "?", arch ? arch : "?");
    if (gate->image->config_trouble)
        return;
    if (!os || strcmp(os, "linux") != 0 || !gate->image->arch_known)
        gate_add(gate, RULE_PLATFORM, 0, NULL, "the image is for %s", platform);
    else if (gate->image->platform && strcmp(gate->image->platform, platform) != 0)
        gate_add(gate, RULE_INDEX_PLATFORM, 0, NULL, "the index says %s, the config %s",
                 gate->image->platform, platform);
}

void gate_unreadable(struct gate *gate)
{
    for (size_t i = 0; i < gate->image->layer_count; i++) {
        const struct imagefile_layer *layer = &gate->image->layers[i];
        bool other = layer->missing || layer->scan.zstd || layer->scan.size != layer->size ||
                     !digest_equal(&layer->scan.digest, &layer->digest);
        if (!other && !layer->scan.listed)
            gate_add(gate, RULE_UNREADABLE_LAYER, i + 1, NULL, "%s", layer->scan.trouble);
    }
}

/* The host of a function's image: ACCOUNT.dkr.ecr.REGION.amazonaws.com. */
static bool is_ecr(const char *host)
{
    size_t digits = strspn(host, "0123456789"), length = strlen(host);
    static const char end[] = ".amazonaws.com", china[] = ".amazonaws.com.cn";
    bool ends = (length > sizeof end && strcmp(host + length - (sizeof end - 1), end) == 0) ||
                (length > sizeof china && strcmp(host + length - (sizeof china - 1), china) == 0);
    return digits == 12 && strncmp(host + digits, ".dkr.ecr.", 9) == 0 && ends;
}

void gate_reference(struct gate *gate)
{
    bool asked = strcmp(gate->image->format, "registry") == 0;
    for (size_t i = 0; i < gate->image->names.len; i++) {
        const char *name = gate->image->names.items[i];
        autofree char *host = xstrndup(name, strcspn(name, "/"));

        if (strstr(host, ".dkr.ecr-fips."))
            gate_add(gate, RULE_ECR_FIPS, 0, NULL, "its name is '%.200s'", name);
        else if (asked && !is_ecr(host))
            gate_add(gate, RULE_NOT_ECR, 0, NULL,
                     "'%.200s' is not in a private registry of Amazon ECR", name);
    }
}
