#include "unit.h"

#include "registry/manifest.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* A document, written with ' for ". */
static struct js *parse(const char *text)
{
    struct error err = {0};
    autofree char *json = xstrdup(text);

    for (char *c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    struct js *value = js_parse(json, strlen(json), "test", &err);
    if (!value)
        fail_msg("%s", err.text);
    return value;
}

static void assert_said(const struct error *err, const char *why)
{
    assert_int_equal(err->kind, ERROR_REGISTRY);
    if (strncmp(err->text, "WHERE: ", 7) != 0 || !strstr(err->text, why))
        fail_msg("'%s' does not say '%s'", err->text, why);
}

#define PLATFORM(digest, platform) "{'digest':'" digest "','size':3,'platform':{" platform "}}"
#define LINUX_ARM(digest, variant)                                                                 \
    PLATFORM(digest, "'os':'linux','architecture':'arm64','variant':'" variant "'")
#define LINUX_AMD(digest, variant)                                                                 \
    PLATFORM(digest, "'os':'linux','architecture':'amd64','variant':'" variant "'")

static void platforms(void **state)
{
    static const struct {
        const char *entries, *amd64, *arm64;
    } cases[] = {
        {LINUX_AMD(A, "") "," LINUX_ARM(B, ""), A, B},
        {LINUX_AMD(A, "v1") "," LINUX_ARM(B, "v8"), A, B},
        {LINUX_AMD(A, "v3") "," LINUX_AMD(B, "") "," LINUX_ARM(C, "v8.0"), B, C},
        {LINUX_ARM(A, "v8") "," LINUX_ARM(B, ""), NULL, A}, /* the first one wins */
        {LINUX_ARM(A, "v9") "," LINUX_ARM(B, "8"), NULL, B},
        {PLATFORM(A, "'os':'windows','architecture':'amd64'"), NULL, NULL},
        {PLATFORM(A, "'os':'linux','architecture':'amd64','variant':null"), A, NULL},
        {"{'digest':'" A "','size':3}", A, A}, /* it may be the right one; its config will tell */
        {"{'digest':'" A "','size':3}," LINUX_AMD(B, ""), B, A},
        {"{'digest':'" A "','size':3,'artifactType':'application/x'}", NULL, NULL},
        {"{'digest':'" A "','size':3,'mediaType':'application/x'}", NULL, NULL},
        {"{'digest':'" A "','size':3,'mediaType':'" MEDIA_OCI_INDEX "'}", NULL, NULL},
        {"1,null,'x',{}," LINUX_AMD(B, ""), B, NULL},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        autofree char *text = xasprintf("{'manifests':[%s]}", cases[i].entries);
        AUTOPTR(js) index = parse(text);
        for (int arch = ARCH_X86_64; arch <= ARCH_ARM64; arch++) {
            struct error err = {0};
            struct descriptor chosen;
            const char *expected = arch == ARCH_ARM64 ? cases[i].arm64 : cases[i].amd64;
            int result = index_choose(index, (enum arch)arch, "WHERE", &chosen, &err);
            if (i == countof(cases) - 1 && !expected)
                assert_said(
                    &err,
                    "a descriptor has no digest"); /* {} names no platform, so it might be meant */
            else if (!expected)
                assert_said(&err, "no image for linux/");
            else if (result != 0 || strcmp(chosen.digest.text, expected) != 0)
                fail_msg("case %zu, %s: %s", i, arch_oci((enum arch)arch),
                         result ? err.text : chosen.digest.text);
        }
    }
}

static void what_there_is_is_listed(void **state)
{
    struct error err = {0};
    struct descriptor chosen;
    AUTOPTR(js)
    index = parse("{'manifests':[" LINUX_ARM(A, "v8") "," PLATFORM(
        B, "'os':'unknown','architecture':'unknown'") "]}");
    (void)state;
    assert_int_equal(index_choose(index, ARCH_X86_64, "WHERE", &chosen, &err), -1);
    assert_string_equal(err.text, "WHERE: no image for linux/amd64 in it; it has: linux/arm64/v8");
}

#define CONFIG "'config':{'digest':'" A "','size':5}"
#define LAYER(more) "{'digest':'" B "','size':5" more "}"

static void manifests(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"[]", "not a JSON object"},
        {"{'schemaVersion':1,'fsLayers':[]}", "schema 1"},
        {"{'manifests':[]}", "this is an index"},
        {"{'mediaType':'" MEDIA_DOCKER_LIST "'}", "this is an index"},
        {"{'layers':[]}", "no config"},
        {"{" CONFIG "}", "no list of layers"},
        {"{'config':{'digest':'sha256:AA','size':1},'layers':[]}", "not a sha256 digest"},
        {"{'config':{'digest':'" A "'},'layers':[]}", "no valid size"},
        {"{'config':{'digest':'" A "','size':-1},'layers':[]}", "no valid size"},
        {"{'config':{'digest':'" A "','size':4194305},'layers':[]}", "larger than 4194304"},
        {"{'config':{'mediaType':'application/vnd.cncf.helm.config.v1+json','digest':'" A
         "','size':1},'layers':[]}",
         "not a container image"},
        {"{" CONFIG ",'layers':[{'digest':'" B "','size':17179869185}]}", "larger than 16 GiB"},
        {"{" CONFIG ",'layers':[" LAYER(
             ",'mediaType':'application/vnd.oci.image.layer.v1.tar+gzip+encrypted'") "]}",
         "encrypted"},
        {"{" CONFIG ",'layers':[" LAYER(
             ",'mediaType':'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'") "]}",
         "foreign layer"},
        {"{" CONFIG ",'layers':[" LAYER(",'urls':['https://example.com/x']") "]}", "foreign layer"},
        {"{" CONFIG
         ",'layers':[" LAYER(",'mediaType':'application/vnd.oci.image.layer.v1.tar+zstd'") "]}",
         "zstd"},
    };
    struct error err = {0};
    struct manifest manifest;
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTOPTR(js) document = parse(cases[i].text);
        assert_int_equal(manifest_read(document, "WHERE", &manifest, &err), -1);
        assert_said(&err, cases[i].why);
        assert_null(manifest.layers);
    }

    for (int count = MANIFEST_LAYERS; count <= MANIFEST_LAYERS + 1; count++) {
        AUTO(buf) text = {0};
        buf_adds(&text, "{" CONFIG ",'layers':[");
        for (int i = 0; i < count; i++)
            buf_addf(&text, "%s" LAYER(""), i ? "," : "");
        buf_adds(&text, "]}");
        AUTOPTR(js) document = parse(buf_text(&text));
        int result = manifest_read(document, "WHERE", &manifest, &err);
        assert_int_equal(result, count > MANIFEST_LAYERS ? -1 : 0);
        if (result == 0) {
            assert_int_equal(manifest.layer_count, MANIFEST_LAYERS);
            assert_string_equal(manifest.layers[126].digest.text, B);
            assert_string_equal(manifest.layers[126].media_type, "");
            assert_int_equal(manifest.config.size, 5);
            manifest_release(&manifest);
        }
    }

    assert_said(&err, "128 layers");
}

/* B5 */
static void null_is_no_layers(void **state)
{
    struct error err = {0};
    struct manifest manifest;
    AUTOPTR(js) document = parse("{" CONFIG ",'layers':null}");
    (void)state;

    assert_int_equal(manifest_read(document, "WHERE", &manifest, &err), 0);
    assert_int_equal(manifest.layer_count, 0);
    manifest_release(&manifest);
}

static void configs(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{'architecture':'amd64','os':'linux','rootfs':{'diff_ids':['" A "']}}", NULL},
        {"{'architecture':'amd64','variant':'v2','os':'linux','rootfs':{'diff_ids':['" A
         "']},'history':null}",
         NULL},
        {"{'architecture':'arm64','os':'linux','rootfs':{'diff_ids':['" A "']}}",
         "is for linux/arm64, not for linux/amd64"},
        {"{'architecture':'amd64','os':'windows','rootfs':{'diff_ids':['" A "']}}",
         "is for windows/amd64"},
        {"{'rootfs':{'diff_ids':['" A "']}}", "is for ?/?"},
        {"{'architecture':'amd64','os':'linux','rootfs':{'diff_ids':[]}}",
         "names 0 layers, the manifest 1"},
        {"{'architecture':'amd64','os':'linux'}", "names 0 layers, the manifest 1"},
        {"{'architecture':'amd64','os':'linux','rootfs':{'diff_ids':['md5:00']}}", "diff_id 1"},
        {"{'architecture':'amd64','os':'linux','rootfs':{'diff_ids':[1]}}", "diff_id 1"},
        {"[]", "not a JSON object"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        struct digest diff_id;
        AUTOPTR(js) config = parse(cases[i].text);
        int result = config_read(config, ARCH_X86_64, 1, "WHERE", &diff_id, &err);
        assert_int_equal(result, cases[i].why ? -1 : 0);
        if (cases[i].why)
            assert_said(&err, cases[i].why);
        else
            assert_string_equal(diff_id.text, A);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platforms), cmocka_unit_test(what_there_is_is_listed),
        cmocka_unit_test(manifests), cmocka_unit_test(null_is_no_layers),
        cmocka_unit_test(configs),
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
