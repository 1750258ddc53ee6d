#include "registry/censor.h"

#include "support/control.h"
#include "support/json.h"
#include "support/own.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST = 4, MAX_QUOTE = 200 };

#define HIDDEN "[hidden]"

void censor_release(struct censor *censor)
{
    for (size_t i = 0; i < censor->forms.len; i++)
        explicit_bzero(censor->forms.items[i], strlen(censor->forms.items[i]));
    strv_release(&censor->forms);
}

static void add_form(struct censor *censor, const char *form)
{
    for (size_t i = 0; i < censor->forms.len; i++)
        if (strcmp(censor->forms.items[i], form) == 0)
            return;
    strv_add(&censor->forms, form);
}

/* --- base64 --- */

/* Adds the digits of base64 that depend on the secret alone when `before` bytes stand before it. */
static void add_base64(struct censor *censor, const char *secret, size_t before)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    AUTO(buf) digits = {0};
    size_t bits = before * 8, skip = (bits + 5) / 6;
    unsigned value = 0, held = (unsigned)(bits % 6);

    for (size_t i = 0; i < bits / 6; i++)
        buf_addc(&digits, '?');
    for (const char *at = secret; *at; at++) {
        value = (value << 8 | (unsigned char)*at) & 0xffff;
        for (held += 8; held >= 6; held -= 6)
            buf_addc(&digits, alphabet[value >> (held - 6) & 0x3f]);
    }

    if (digits.len >= skip + SHORTEST)
        add_form(censor, digits.data + skip);
    if (digits.data)
        explicit_bzero(digits.data, digits.cap);
}

void censor_add(struct censor *censor, const char *secret)
{
    if (!secret || strlen(secret) < SHORTEST)
        return;
    add_form(censor, secret);
    for (size_t before = 0; before < 3; before++)
        add_base64(censor, secret, before);
}

void censor_add_login(struct censor *censor, const char *username, const char *password)
{
    censor_add(censor, password);
    if (!username || !password || !password[0])
        return;

    autofree char *both = xasprintf("%s:%s", username, password);
    if (strlen(password) < SHORTEST)
        add_form(censor, both);
    add_base64(censor, both, 0);
    explicit_bzero(both, strlen(both));
}

/* --- finding --- */

/* Makes equal what URLs and base64's two alphabets write differently. */
static int fold(int c)
{
    switch (c) {
    case ' ':
    case '-':
        return '+';
    case '_':
        return '/';
    default:
        return tolower(c);
    }
}

static int hex_value(const char *text)
{
    char digits[3] = {text[0], text[0] ? text[1] : '\0', '\0'};
    if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
        return -1;
    return (int)strtoul(digits, NULL, 16);
}

/* The length of what stands for the character at the start of the text: as it is, percent-encoded,
 * or that twice. 0: another character. */
static size_t match_one(const char *text, unsigned char wanted)
{
    if (fold((unsigned char)text[0]) == fold(wanted))
        return 1;
    if (text[0] != '%')
        return 0;
    if (fold(hex_value(text + 1)) == fold(wanted))
        return 3;
    return strncmp(text, "%25", 3) == 0 && fold(hex_value(text + 3)) == fold(wanted) ? 5 : 0;
}

/* The length of the secret at the start of the text, 0 when there is none. */
static size_t match_form(const char *text, const char *form)
{
    size_t length = 0, matched = 0;

    while (text[length] && form[matched]) {
        size_t step = match_one(text + length, (unsigned char)form[matched]);
        if (step == 0)
            break;
        length += step;
        matched++;
    }

    bool cut = text[length] == '\0' || text[length] == '\'';
    return !form[matched] || (cut && matched >= SHORTEST) ? length : 0;
}

static size_t match(const struct censor *censor, const char *text)
{
    size_t longest = 0;
    for (size_t i = 0; i < censor->forms.len; i++) {
        size_t length = match_form(text, censor->forms.items[i]);
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* Stops when *out has `max` bytes or more: hostile texts and tokens take long to compare. */
static void hide(const struct censor *censor, const char *text, size_t max, struct buf *out)
{
    while (*text && out->len < max) {
        size_t length = match(censor, text);
        if (length > 0)
            buf_adds(out, HIDDEN);
        else
            buf_addc(out, *text);
        text += length > 0 ? length : 1;
    }
}

void censor_quote(const struct censor *censor, const char *text, size_t max, struct buf *out)
{
    AUTO(buf) hidden = {0};
    hide(censor, text, max, &hidden);
    size_t length = hidden.len < max ? hidden.len : max;
    size_t whole = js_utf8_prefix(buf_text(&hidden), length);
    bool utf8 = whole == length || (length == max && length - whole < 4); /* cut in a character */
    if (utf8)
        length = whole;

    for (size_t i = 0; i < length; i++) {
        char c = hidden.data[i];
        buf_addc(out, is_control(c) || (!utf8 && (unsigned char)c > 0x7f) ? '?' : c);
    }
}

char *censor_text(const struct censor *censor, const char *text)
{
    AUTO(buf) out = {0};
    censor_quote(censor, text, MAX_QUOTE, &out);
    return buf_detach(&out);
}

int censor_error(const struct censor *censor, const char *where, struct error *err)
{
    size_t own = strlen(where);
    AUTO(buf) text = {0};

    if (strncmp(err->text, where, own) != 0)
        own = 0;
    buf_add(&text, err->text, own);
    hide(censor, err->text + own, sizeof err->text, &text);
    return error_set(err, err->kind, "%s", buf_text(&text));
}
