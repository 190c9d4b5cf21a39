// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration files: user/lib/config.c. Every getter on every key; each gives
 * the value, or says what is wrong with it in words that a person can be shown
 * and a JSON text can hold.
 *
 * Input: the file.
 *
 * runs: 20000
 */
#include "config.h"
#include "json_mutate.h"

static void must_say(const struct err *err, const char *what)
{
	json_t *text = json_string(err->text);

	must(*err->text, "%s: nothing is said", what);
	must(text, "%s: what is said is no UTF-8", what);
	json_decref(text);
}

static void get_all(const json_t *obj, const char *key, json_t *value)
{
	struct err err = { "" };
	const char *text;
	int64_t n;
	int on;

	if (config_str(obj, "where", key, NULL, &text, &err)) {
		must(!json_is_string(value), "a string is none");
		must_say(&err, "string");
	} else {
		must(text == json_string_value(value), "another string");
	}
	if (config_int(obj, "where", key, -5, 70000, 7, &n, &err)) {
		must(!json_is_integer(value) || json_integer_value(value) < -5 ||
		     json_integer_value(value) > 70000, "an integer is none");
		must_say(&err, "integer");
	} else {
		must(n == json_integer_value(value) && n >= -5 && n <= 70000,
		     "another integer");
	}
	if (config_bool(obj, "where", key, -1, &on, &err)) {
		must(!json_is_boolean(value), "a boolean is none");
		must_say(&err, "boolean");
	} else {
		must(json_is_boolean(value) && on == json_is_true(value),
		     "another boolean");
	}
}

static void get_missing(const json_t *obj)
{
	struct err err = { "" };
	const char *text;
	int64_t n;
	int on;

	if (json_object_get(obj, "missing"))
		return;
	must(config_str(obj, "where", "missing", NULL, &text, &err) == -ENOENT &&
	     config_int(obj, "where", "missing", 1, 9, 0, &n, &err) == -ENOENT &&
	     config_bool(obj, "where", "missing", -1, &on, &err) == -ENOENT,
	     "what is missing is there");
	must_say(&err, "missing");
	must(!config_str(obj, "where", "missing", "d", &text, &err) &&
	     !strcmp(text, "d") &&
	     !config_int(obj, "where", "missing", 1, 9, 4, &n, &err) && n == 4 &&
	     !config_bool(obj, "where", "missing", 1, &on, &err) && on == 1,
	     "it has a default");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "kme", "url", "self", "network", NULL };
	const char *const *known, *path, *key;
	struct err err = { "" };
	bool all_known = true;
	json_t *obj, *value;
	int ret;

	path = fuzz_file("file", data, size);
	ret = config_load(path, &obj, &err);
	must(!ret == !!obj, "%d", ret);
	if (ret) {
		must(ret == -EINVAL, "%d", ret);
		must_say(&err, "file");
		return 0;
	}
	must(json_is_object(obj), "it is no object");
	json_object_foreach(obj, key, value) {
		for (known = keys; *known && strcmp(*known, key); known++)
			;
		all_known &= !!*known;
		get_all(obj, key, value);
	}
	ret = config_only(obj, "where", keys, &err);
	must(!ret == all_known, "unknown keys: %d", ret);
	if (ret)
		must_say(&err, "keys");
	get_missing(obj);
	json_decref(obj);
	return 0;
}
