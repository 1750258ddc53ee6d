#include "plan/package_manager.h"

#include "support/fs.h"
#include "support/own.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The first row that fits decides. A name is the last part of the repository; a word is a part of
 * the tag between dots and dashes; a number must be the first part. NULL: any. */
static const struct {
    const char *name, *word, *manager;
} known[] = {
    {"amazonlinux", "2", "yum"}, {"amazonlinux", NULL, "dnf"}, {NULL, "al2023", "dnf"},
    {NULL, "al2", "yum"},        {NULL, "alpine", "apk"},      {"alpine", NULL, "apk"},
    {"debian", NULL, "apt"},     {"ubuntu", NULL, "apt"},      {"buildpack-deps", NULL, "apt"},
    {"gcc", NULL, "apt"},        {NULL, "bookworm", "apt"},    {NULL, "bullseye", "apt"},
    {NULL, "trixie", "apt"},     {NULL, "jammy", "apt"},       {NULL, "noble", "apt"},
    {"centos", "7", "yum"},      {"centos", "centos7", "yum"}, {"centos", NULL, "dnf"},
    {"fedora", NULL, "dnf"},     {"rockylinux", NULL, "dnf"},  {"almalinux", NULL, "dnf"},
    {"oraclelinux", "7", "yum"}, {"oraclelinux", NULL, "dnf"}, {"ubi", NULL, "dnf"},
};

/* AWS's images for languages, with the first version on Amazon Linux 2023; older ones are
 * on Amazon Linux 2 ("Lambda runtimes" in AWS's documentation). The repository is
 * lambda/NAME or aws-lambda-NAME. */
static const struct {
    const char *name;
    long major, minor;
} of_lambda[] = {
    {"dotnet", 8, 0}, {"java", 21, 0}, {"nodejs", 20, 0}, {"python", 3, 12}, {"ruby", 3, 3},
};

static const char *manager_of_lambda(const char *name, const char *tag)
{
    for (size_t i = 0; i < countof(of_lambda); i++) {
        char *rest = NULL;
        if (strcmp(name, of_lambda[i].name) != 0)
            continue;

        long major = strtol(tag, &rest, 10), minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
        if (rest == tag)
            return *tag == '\0' || strcmp(tag, "latest") == 0 ? "dnf" : NULL;
        if (major == of_lambda[i].major)
            return minor >= of_lambda[i].minor ? "dnf" : "yum";
        return major > of_lambda[i].major ? "dnf" : "yum";
    }
    return NULL;
}

/* A word may have a number after it: "alpine" is in "3.12-alpine3.20". */
static bool has_word(const char *tag, const char *word)
{
    size_t wanted = strlen(word);
    for (const char *at = tag;; at++) {
        size_t length = strcspn(at, ".-");
        if (length >= wanted && strncmp(at, word, wanted) == 0 &&
            (length == wanted ||
             (isalpha((unsigned char)word[wanted - 1]) && isdigit((unsigned char)at[wanted]))))
            return true;

        at += length;
        if (!*at || (word[0] >= '0' && word[0] <= '9'))
            return false;
    }
}

const char *package_manager_of(const char *reference)
{
    const char *slash = strrchr(reference, '/'), *name = slash ? slash + 1 : reference;
    autofree char *repository = xstrndup(name, strcspn(name, ":@"));
    const char *end = name + strlen(repository);
    autofree char *tag = *end == ':' ? xstrndup(end + 1, strcspn(end + 1, "@")) : xstrdup("");

    for (size_t i = 0; i < countof(known); i++)
        if ((!known[i].name || strcmp(known[i].name, repository) == 0) &&
            (!known[i].word || has_word(tag, known[i].word)))
            return known[i].manager;

    autofree char *folder = xstrndup(reference, (size_t)(name - reference) - (slash != NULL));
    if (strcmp(path_base(folder), "lambda") == 0)
        return manager_of_lambda(repository, tag);
    if (strncmp(repository, "aws-lambda-", 11) == 0)
        return manager_of_lambda(repository + 11, tag);
    return NULL;
}
