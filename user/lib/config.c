// SPDX-License-Identifier: GPL-2.0
/* Configuration files: JSON objects, and errors that say where and what. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the letter at @s in UTF-8 (RFC 3629); 0 if there is none. */
static size_t letter_len(const unsigned char *s)
{
	unsigned char low = *s == 0xe0 ? 0xa0 : *s == 0xf0 ? 0x90 : 0x80;
	unsigned char high = *s == 0xed ? 0x9f : *s == 0xf4 ? 0x8f : 0xbf;
	size_t len, i;

	if (*s < 0x80)
		return 1;
	if (*s < 0xc2 || *s > 0xf4)
		return 0;
	len = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/*
 * A text from elsewhere may be a part of the message, and a limit may have cut it
 * within a letter. The message goes into JSON, which holds whole letters only.
 */
static void err_clean(char *text)
{
	size_t len;

	for (; *text; text += len) {
		len = letter_len((unsigned char *)text);
		if (!len) {
			*text = '?';
			len = 1;
		}
	}
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->text)];	/* an argument may be err->text itself */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_clean(text);
	if (err)
		memcpy(err->text, text, sizeof(text));
	return code;
}

int config_load(const char *path, json_t **root, struct err *err)
{
	json_error_t why;
	json_t *obj;
	FILE *file;

	*root = NULL;
	file = fopen(path, "re");
	if (!file)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	obj = json_loadf(file, JSON_REJECT_DUPLICATES, &why);
	fclose(file);
	if (!obj)
		return err_set(err, -EINVAL, "%s:%d:%d: %s", path, why.line,
			       why.column, why.text);
	if (!json_is_object(obj)) {
		json_decref(obj);
		return err_set(err, -EINVAL, "%s: expected an object { ... }",
			       path);
	}
	*root = obj;
	return 0;
}

static const char *config_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a fraction";
	case JSON_NULL:
		return "null";
	default:
		return "a boolean";
	}
}

static int config_missing(const char *where, const char *key, const char *what,
			  struct err *err)
{
	return err_set(err, -ENOENT, "%s: %s is missing (%s)", where, key, what);
}

static int config_wrong(const char *where, const char *key, const char *what,
			const json_t *value, struct err *err)
{
	return err_set(err, -EINVAL, "%s: %s: expected %s, not %s", where, key,
		       what, config_type(value));
}

int config_str(const json_t *obj, const char *where, const char *key,
	       const char *def, const char **out, struct err *err)
{
	const json_t *value = json_object_get(obj, key);

	if (!value && !def)
		return config_missing(where, key, "a string", err);
	if (value && !json_is_string(value))
		return config_wrong(where, key, "a string", value, err);
	*out = value ? json_string_value(value) : def;
	return 0;
}

int config_int(const json_t *obj, const char *where, const char *key,
	       int64_t min, int64_t max, int64_t def, int64_t *out,
	       struct err *err)
{
	const json_t *value = json_object_get(obj, key);
	int64_t number;

	if (!value && (def < min || def > max))
		return config_missing(where, key, "an integer", err);
	if (value && !json_is_integer(value))
		return config_wrong(where, key, "an integer", value, err);
	number = value ? json_integer_value(value) : def;
	if (number < min || number > max)
		return err_set(err, -EINVAL, "%s: %s: %" PRId64
			       " is not between %" PRId64 " and %" PRId64,
			       where, key, number, min, max);
	*out = number;
	return 0;
}

int config_bool(const json_t *obj, const char *where, const char *key, int def,
		int *out, struct err *err)
{
	const json_t *value = json_object_get(obj, key);

	if (!value && def < 0)
		return config_missing(where, key, "true or false", err);
	if (value && !json_is_boolean(value))
		return config_wrong(where, key, "true or false", value, err);
	*out = value ? json_is_true(value) : !!def;
	return 0;
}

static int config_known(const char *key, const char *const *keys)
{
	for (; *keys; keys++)
		if (!strcmp(key, *keys))
			return 1;
	return 0;
}

int config_only(const json_t *obj, const char *where, const char *const *keys,
		struct err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)obj, key, value)
		if (!config_known(key, keys))
			return err_set(err, -EINVAL, "%s: %s: no such setting",
				       where, key);
	return 0;
}
