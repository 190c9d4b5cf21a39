// SPDX-License-Identifier: GPL-2.0
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

#define NAME_MAX_BYTES	1024

static int record_int(const json_t *json, const char *key, int64_t max,
		      uint64_t *out, struct err *err)
{
	int64_t value;
	int ret;

	ret = config_int(json, "record", key, 0, max, -1, &value, err);
	*out = value;
	return ret;
}

static int record_u32(const json_t *json, const char *key, uint32_t *out,
		      struct err *err)
{
	uint64_t value = 0;
	int ret = record_int(json, key, UINT32_MAX, &value, err);

	*out = value;
	return ret;
}

int record_read(const json_t *json, struct record *r, struct err *err)
{
	const struct { const char *key; const char **out; } texts[] = {
		{ "object", &r->object }, { "name", &r->name }, { "job", &r->job },
		{ "policy", &r->policy }, { "policy_sig", &r->policy_sig },
		{ "owner_cert", &r->owner_cert },
		{ "coefficients", &r->coefficients },
	};
	const struct { const char *key; uint32_t *out; } numbers[] = {
		{ "version", &r->id.version }, { "owner", &r->owner },
		{ "group", &r->group }, { "generation", &r->generation },
		{ "k", &r->k }, { "n", &r->n },
		{ "segment_bytes", &r->segment_bytes },
	};
	size_t i;
	int ret = 0;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]) && !ret; i++)
		ret = config_str(json, "record", texts[i].key, NULL,
				 texts[i].out, err);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && !ret; i++)
		ret = record_u32(json, numbers[i].key, numbers[i].out, err);
	ret = ret ?: record_int(json, "size", INT64_MAX, &r->id.size, err);
	ret = ret ?: record_int(json, "epoch", INT64_MAX, &r->epoch, err);
	ret = ret ?: record_int(json, "stored_at", INT64_MAX, &r->stored_at, err);
	if (ret)
		return ret;
	if (uuid_parse(r->object, r->id.object))
		return err_set(err, -EINVAL, "record: object: not a UUID");
	if (r->segment_bytes < SEGMENT_MIN || r->segment_bytes > SEGMENT_MAX)
		return err_set(err, -EINVAL, "record: segment_bytes: %u is not %u to %u",
			       r->segment_bytes, SEGMENT_MIN, SEGMENT_MAX);
	if (segment_many(r->id.size, r->segment_bytes))
		return err_set(err, -EINVAL,
			       "record: size: %llu bytes are too many segments",
			       (unsigned long long)r->id.size);
	return name_check(json_object_get(json, "name"), err);
}

json_t *record_members(const struct dealer *d)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < d->n; i++)
		json_array_append_new(list, json_pack("{s:I, s:i, s:s}",
			"node", (json_int_t)d->member[i].node,
			"x", d->member[i].x, "state",
			d->member[i].in ? "confirmed" : "missing"));
	return list;
}

unsigned int record_confirmed(const json_t *json)
{
	unsigned int confirmed = 0;
	const json_t *member;
	const char *state;
	size_t i;

	json_array_foreach(json_object_get(json, "members"), i, member) {
		state = json_string_value(json_object_get(member, "state"));
		confirmed += state && !strcmp(state, "confirmed");
	}
	return confirmed;
}

json_t *record_answer(const json_t *json)
{
	unsigned int confirmed = record_confirmed(json);
	unsigned int k = json_integer_value(json_object_get(json, "k"));
	char answer[64] = "ok";

	if (confirmed < json_integer_value(json_object_get(json, "n")))
		snprintf(answer, sizeof(answer), "degraded: survives %u losses",
			 confirmed > k ? confirmed - k : 0);
	return json_pack("{s:s, s:s, s:O, s:O, s:i, s:s}", "re", "put", "status",
			 "done", "object", json_object_get(json, "object"),
			 "version", json_object_get(json, "version"),
			 "confirmed", confirmed, "answer", answer);
}

json_t *record_row(const json_t *json)
{
	static const char *const keys[] = {
		"name", "object", "version", "size", "stored_at", "k", "n", "state",
	};
	json_t *row = json_object();
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_object_set(row, keys[i], json_object_get(json, keys[i]));
	json_object_set_new(row, "confirmed", json_integer(record_confirmed(json)));
	return row;
}

/* jansson has refused what is not UTF-8, and NUL, before we see it. */
int name_check(const json_t *name, struct err *err)
{
	size_t len = json_string_length(name);

	if (!json_is_string(name))
		return err_set(err, -EINVAL, "name: expected a string");
	if (!len || len > NAME_MAX_BYTES)
		return err_set(err, -ENAMETOOLONG,
			       "name: %zu bytes, where 1 to %d are allowed", len,
			       NAME_MAX_BYTES);
	if (strlen(json_string_value(name)) != len)
		return err_set(err, -EILSEQ, "name: has a NUL byte in it");
	return 0;
}
