#ifndef LBUILD_SUPPORT_JSON_H
#define LBUILD_SUPPORT_JSON_H

#include "support/buf.h"
#include "support/error.h"
#include "support/own.h"

#include <stdbool.h>
#include <stdint.h>

/* JSON values, by jansson; `struct js` is jansson's own value under our name. Members keep the
 * order in which they were set or read, so the same calls give the same bytes. Refused are
 * duplicate keys, texts that aren't UTF-8 (I-JSON, as the OCI image-spec asks) and nesting deeper
 * than 100 levels. */
struct js;

/* Parses one value; `name` says where the text comes from. Errors: ERROR_REGISTRY ("NAME: line L:
 * ...", without a word of the text, which may hold secrets); callers set another err->kind where
 * that is wrong. Caller frees. */
struct js *js_parse(const char *text, size_t length, const char *name,
                    struct error *err) must_check;
void js_free(struct js *value);
DEFINE_AUTOPTR(js)
/* A deep copy, to be changed without touching the original. */
struct js *js_copy(const struct js *value);

/* Reading. A wrong type or a missing member is treated like NULL, and null counts as missing.
 * Results are borrowed from the value. */
const struct js *js_get(const struct js *object, const char *key);
bool js_has_null(const struct js *object, const char *key); /* the member is there, and is null */
const char *js_text(const struct js *value);                /* NULL when it isn't a string */
const char *js_get_text(const struct js *object, const char *key);
bool js_is_object(const struct js *value);
bool js_has_members(const struct js *object); /* false for anything but an object */
bool js_is_array(const struct js *value);
bool js_is_true(const struct js *value);
bool js_is_null(const struct js *value); /* true for NULL too */
/* False when it isn't an integer of at least 0. */
bool js_get_size(const struct js *object, const char *key, uint64_t *out);
size_t js_count(const struct js *array); /* 0 when it isn't an array */
const struct js *js_at(const struct js *array, size_t index);
/* Calls back for each member of an object, in order. */
void js_each(const struct js *object,
             void (*callback)(void *data, const char *key, const struct js *value), void *data);

/* Making. The setters take ownership of `value`, and replace an existing member in place. */
struct js *js_object(void);
struct js *js_array(void);
struct js *js_string(const char *text); /* bytes that aren't UTF-8 become U+FFFD */
struct js *js_boolean(bool truth);
/* `key` must be UTF-8. */
void js_set(struct js *object, const char *key, struct js *value);
void js_set_string(struct js *object, const char *key, const char *text);
void js_set_integer(struct js *object, const char *key, int64_t number);
void js_append(struct js *array, struct js *value);
void js_remove(struct js *object, const char *key);

/* Appends the text: compact on one line, or for people, indented by two spaces and with
 * a final newline. */
void js_dump(const struct js *value, struct buf *out);
void js_dump_pretty(const struct js *value, struct buf *out);

/* Whether `length` bytes are well-formed UTF-8 (RFC 3629). */
bool js_valid_utf8(const char *text, size_t length);
/* The length of the longest well-formed start of these bytes. */
size_t js_utf8_prefix(const char *text, size_t length);

#endif
