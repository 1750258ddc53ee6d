#include "unit.h"

#include "lambda/secret.h"
#include "support/own.h"

#include <string.h>

#define KEY "k7Rp/2Qzk7Rp/2Qzk7Rp/2Qzk7Rp/2Qzk7Rp/2Qz"
#define TWENTY "9aB8cD7eF6gH5iJ4kL3m"

/* C27: settings that are secrets, and others that look like these. */
static void settings(void **state)
{
    static const struct {
        const char *text;
        enum secret_kind kind;
    } cases[] = {
        {"AWS_SECRET_ACCESS_KEY=" KEY, SECRET_AWS},
        {"A=b\n\nexport  aws_secret_access_key = \"" KEY "\"\r\n", SECRET_AWS},
        {"PROD_AWS_SECRET_ACCESS_KEY='" KEY "' # ours\n", SECRET_AWS},
        {"AWS_SESSION_TOKEN=" TWENTY TWENTY TWENTY TWENTY TWENTY, SECRET_AWS},
        {"AWS_ACCESS_KEY_ID=AKIAQWERTYUIOPASDFGH", SECRET_AWS_KEY},
        {"TOKEN=ghp_" TWENTY TWENTY, SECRET_GITHUB},
        {"//host.test/:_authToken=npm_" TWENTY TWENTY, SECRET_REGISTRY},
        {"_auth = " TWENTY "==", SECRET_REGISTRY},
        {"//host.example/:_password=" TWENTY "==", SECRET_REGISTRY},
        {"# AWS_SECRET_ACCESS_KEY=" KEY, SECRET_NONE},
        {"AWS_SECRET_ACCESS_KEY=", SECRET_NONE},
        {"AWS_SECRET_ACCESS_KEY=${SECRET}", SECRET_NONE},
        {"AWS_SECRET_ACCESS_KEY=<your secret access key>", SECRET_NONE},
        {"AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SECRET_NONE},
        {"AWS_SECRET_ACCESS_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", SECRET_NONE},
        {"AWS_SECRET_ACCESS_KEY=test", SECRET_NONE},
        {"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", SECRET_NONE},
        {"//host.test/:_authToken=${NPM_TOKEN}", SECRET_NONE},
        {"//host.test/:_authToken=YOUR-AUTH-TOKEN-0000", SECRET_NONE},
        {"registry=https://host.test/" TWENTY, SECRET_NONE},
        {"always-auth=true\nsave-exact=true", SECRET_NONE},
        {"my_auth=" TWENTY, SECRET_NONE},
        {"", SECRET_NONE},
        {"=\n==\n='\nA=\"", SECRET_NONE},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++)
        if (secret_in_settings(cases[i].text, strlen(cases[i].text)) != cases[i].kind)
            fail_msg("'%s'", cases[i].text);
}

static void names(void **state)
{
    static const char *const yes[] = {".env",         "var/task/.env", "app/.env.production",
                                      "app/prod.env", "root/.npmrc",   "usr/src/app/.npmrc"};
    static const char *const no[] = {"app/env",
                                     "app/.env.example",
                                     "app/.env.sample",
                                     "app/.environment",
                                     "app/node_modules/x/.npmrc",
                                     "usr/lib/x/.env",
                                     "npmrc",
                                     "opt/python/site-packages/x/.env"};
    (void)state;

    for (size_t i = 0; i < countof(yes); i++)
        assert_true(secret_settings(yes[i]));
    for (size_t i = 0; i < countof(no); i++)
        assert_false(secret_settings(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(settings), cmocka_unit_test(names)};

    return cmocka_run_group_tests_name("secret_value", tests, NULL, NULL);
}
