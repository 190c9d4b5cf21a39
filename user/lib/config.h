/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configuration files: JSON objects. Every getter says where and what is wrong
 * ("/etc/ssn/keyd.json: kme.url: expected a string") in @err and returns -EINVAL
 * (wrong type or range) or -ENOENT (missing, no default).
 */
#ifndef SSN_CONFIG_H
#define SSN_CONFIG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct err { char text[512]; };		/* one line of UTF-8, for a person */

/* Print into @err and return @code (a negative errno). */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Load @path; @root is the caller's to json_decref(). Parse errors name the line. */
int config_load(const char *path, json_t **root, struct err *err);

/*
 * @where names @obj in errors ("keyd.json: kme"). Strings stay owned by @obj.
 * @def NULL (str) means the key is required.
 */
int config_str(const json_t *obj, const char *where, const char *key,
	       const char *def, const char **out, struct err *err);
/* Integer in [@min, @max]; @def outside the range means required. */
int config_int(const json_t *obj, const char *where, const char *key, int64_t min,
	       int64_t max, int64_t def, int64_t *out, struct err *err);
/* @def negative means required. */
int config_bool(const json_t *obj, const char *where, const char *key, int def,
		int *out, struct err *err);
/* Refuse keys of @obj that are not in the NULL-ended list (typos). */
int config_only(const json_t *obj, const char *where, const char *const *keys,
		struct err *err);

#endif
