// SPDX-License-Identifier: GPL-2.0
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const char *const record_coeffs[] = {
	[SSN_COEFF_PAD] = "pad",
	[SSN_COEFF_LOCAL] = "local",
	[SSN_COEFF_CRNG] = "crng",
};
static const char *const record_suites[] = {
	[SSN_SUITE_OTP] = "otp",
	[SSN_SUITE_AES256GCM] = "aes256gcm",
	[SSN_SUITE_NONE] = "none",
};
static const char *const record_schemes[] = {
	[SSN_SCHEME_SHAMIR] = "shamir",
	[SSN_SCHEME_XOR] = "xor",
};

#define NAMES(table)	table, sizeof(table) / sizeof(table[0])

static const char *record_name(const char *const *names, size_t count,
			       unsigned int value)
{
	return value < count && names[value] ? names[value] : "unknown";
}

static int record_value(const json_t *obj, const char *where, const char *key,
			const char *const *names, size_t count,
			struct err *err)
{
	const char *name;
	size_t i;
	int ret;

	ret = config_str(obj, where, key, NULL, &name, err);
	if (ret)
		return ret;
	for (i = 0; i < count; i++)
		if (names[i] && !strcmp(names[i], name))
			return i;
	return err_set(err, -EINVAL, "%s: %s: \"%.40s\" is not known", where,
		       key, name);
}

int record_uuid(const json_t *obj, const char *where, const char *key,
		uint8_t uuid[16], struct err *err)
{
	const char *text;
	int ret;

	ret = config_str(obj, where, key, NULL, &text, err);
	if (!ret && uuid_parse(text, uuid))
		ret = err_set(err, -EINVAL, "%s: %s: not a lower-case UUID",
			      where, key);
	return ret;
}

void record_deal_text(uint64_t deal, char text[RECORD_DEAL_TEXT])
{
	snprintf(text, RECORD_DEAL_TEXT, "%" PRIu64, deal);
}

int record_deal(const json_t *obj, const char *where, uint64_t *deal,
		struct err *err)
{
	char again[RECORD_DEAL_TEXT];
	const char *text;
	int ret;

	ret = config_str(obj, where, "deal", NULL, &text, err);
	if (ret)
		return ret;
	*deal = strtoull(text, NULL, 10);
	record_deal_text(*deal, again);		/* no blanks, signs, zeros in front */
	if (strcmp(again, text))
		return err_set(err, -EINVAL,
			       "%s: deal: not a decimal number below 2^64",
			       where);
	return 0;
}

static json_t *record_members(const struct record *rec)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; list && i < rec->members; i++)
		if (json_array_append_new(list, json_pack("{sIsi}",
				"node", (json_int_t)rec->member[i].node,
				"x", rec->member[i].x))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *record_encode(const struct record *rec, enum record_kind kind)
{
	char object[UUID_TEXT], job[UUID_TEXT], nonce[2 * RECORD_NONCE + 1];
	char deal[RECORD_DEAL_TEXT];
	const struct ssn_share *id = &rec->id;
	json_t *obj, *more;

	uuid_format(id->object, object);
	uuid_format(rec->job, job);
	hex_encode(rec->nonce, RECORD_NONCE, nonce);
	record_deal_text(id->deal, deal);

	obj = json_pack("{sssIsIsssssisisisIsIsosIsIsssO}",
			"object", object,
			"version", (json_int_t)id->version,
			"epoch", (json_int_t)id->epoch,
			"job", job,
			"scheme", record_name(NAMES(record_schemes), id->scheme),
			"k", id->k, "n", id->n, "x", id->x,
			"group", (json_int_t)id->group,
			"generation", (json_int_t)id->generation,
			"members", record_members(rec),
			"size", (json_int_t)rec->size,
			"segments", (json_int_t)rec->segments,
			"policy", rec->policy,
			"policy_sigs", rec->sigs);
	if (kind == RECORD_JOB)
		more = json_pack("{ss}", "nonce", nonce);
	else
		more = json_pack("{sIsss{ssss}}",
				 "segment", (json_int_t)id->segment,
				 "deal", deal, "provenance", "coefficients",
				 record_name(NAMES(record_coeffs), id->provenance),
				 "suite",
				 record_name(NAMES(record_suites), rec->suite));
	if (!obj || !more || json_object_update(obj, more)) {
		json_decref(obj);
		obj = NULL;
	}
	json_decref(more);
	return obj;
}

static int record_decode_members(const json_t *obj, const char *where,
				 struct record *rec, struct err *err)
{
	static const char *const keys[] = { "node", "x", NULL };
	const json_t *list = json_object_get(obj, "members");
	int64_t node, x;
	int own = 0, ret;
	unsigned int i, j;

	if (!json_is_array(list) || json_array_size(list) != rec->id.n)
		return err_set(err, -EINVAL, "%s: members: expected an array of n",
			       where);
	for (i = 0; i < rec->id.n; i++) {
		const json_t *row = json_array_get(list, i);

		if (!json_is_object(row))
			return err_set(err, -EINVAL,
				       "%s: members: expected objects", where);
		ret = config_only(row, where, keys, err) ?:
		      config_int(row, where, "node", 1, UINT32_MAX, 0, &node,
				 err) ?:
		      config_int(row, where, "x", 1, 255, 0, &x, err);
		if (ret)
			return ret;
		for (j = 0; j < i; j++)
			if (rec->member[j].node == node ||
			    rec->member[j].x == x)
				return err_set(err, -EINVAL,
					       "%s: members: a node or x is there twice",
					       where);
		rec->member[i].node = node;
		rec->member[i].x = x;
		own |= x == rec->id.x;
	}
	rec->members = rec->id.n;
	return own ? 0 : err_set(err, -EINVAL, "%s: x is no member's", where);
}

static int record_decode_sigs(const json_t *obj, const char *where,
			      struct record *rec, struct err *err)
{
	static const char *const who[] = { "owner", "ssa", NULL };
	static const char *const keys[] = { "cert", "sig", NULL };
	const json_t *sigs = json_object_get(obj, "policy_sigs");
	const char *cert, *sig;
	int ret, i;

	if (!json_is_object(sigs))
		return err_set(err, -EINVAL, "%s: policy_sigs: expected an object",
			       where);
	ret = config_only(sigs, where, who, err);
	for (i = 0; !ret && who[i]; i++) {
		const json_t *one = json_object_get(sigs, who[i]);

		if (!json_is_object(one))
			return err_set(err, -EINVAL,
				       "%s: policy_sigs: %s: expected an object",
				       where, who[i]);
		ret = config_only(one, where, keys, err) ?:
		      config_str(one, where, "cert", NULL, &cert, err) ?:
		      config_str(one, where, "sig", NULL, &sig, err);
		if (!ret && strlen(cert) + strlen(sig) > RECORD_TEXT_MAX)
			ret = err_set(err, -EINVAL,
				      "%s: policy_sigs: %s: longer than %u bytes",
				      where, who[i], RECORD_TEXT_MAX);
	}
	return ret;
}

static int record_decode_share(const json_t *obj, const char *where,
			       struct record *rec, struct err *err)
{
	static const char *const keys[] = { "coefficients", "suite", NULL };
	const json_t *prov = json_object_get(obj, "provenance");
	int64_t segment;
	uint64_t deal;
	int ret, value;

	if (!json_is_object(prov))
		return err_set(err, -EINVAL, "%s: provenance: expected an object",
			       where);
	ret = config_int(obj, where, "segment", 0, rec->segments - 1, -1,
			 &segment, err) ?:
	      record_deal(obj, where, &deal, err) ?:
	      config_only(prov, where, keys, err);
	if (ret)
		return ret;
	rec->id.segment = segment;
	rec->id.deal = deal;
	value = record_value(prov, where, "coefficients", NAMES(record_coeffs),
			     err);
	if (value < 0)
		return value;
	rec->id.provenance = value;
	value = record_value(prov, where, "suite", NAMES(record_suites), err);
	if (value < 0)
		return value;
	rec->suite = value;
	return 0;
}

static int record_decode_common(const json_t *obj, const char *where,
				struct record *rec, const char **policy,
				struct err *err)
{
	int64_t version, epoch, k, n, x, group, generation, size, segments;
	int ret;

	ret = record_uuid(obj, where, "object", rec->id.object, err) ?:
	      record_uuid(obj, where, "job", rec->job, err) ?:
	      config_int(obj, where, "version", 1, UINT32_MAX, 0, &version,
			 err) ?:
	      config_int(obj, where, "epoch", 0, INT64_MAX, -1, &epoch, err) ?:
	      config_int(obj, where, "n", 1, SSN_MEMBERS_MAX, 0, &n, err) ?:
	      config_int(obj, where, "k", 1, n, 0, &k, err) ?:
	      config_int(obj, where, "x", 1, 255, 0, &x, err) ?:
	      config_int(obj, where, "group", 1, UINT32_MAX, 0, &group, err) ?:
	      config_int(obj, where, "generation", 0, UINT32_MAX, -1,
			 &generation, err) ?:
	      config_int(obj, where, "size", 0, INT64_MAX, -1, &size, err) ?:
	      config_int(obj, where, "segments", 1, RECORD_SEGMENTS_MAX, 0,
			 &segments, err) ?:
	      config_str(obj, where, "policy", NULL, policy, err);
	if (ret)
		return ret;
	if (strlen(*policy) > RECORD_TEXT_MAX)
		return err_set(err, -EINVAL, "%s: policy: longer than %u bytes",
			       where, RECORD_TEXT_MAX);
	ret = record_value(obj, where, "scheme", NAMES(record_schemes), err);
	if (ret < 0)
		return ret;
	rec->id.scheme = ret;
	rec->id.version = version;
	rec->id.epoch = epoch;
	rec->id.k = k;
	rec->id.n = n;
	rec->id.x = x;
	rec->id.group = group;
	rec->id.generation = generation;
	rec->size = size;
	rec->segments = segments;
	return 0;
}

int record_decode(const json_t *obj, const char *where, enum record_kind kind,
		  struct record *rec, struct err *err)
{
	static const char *const keys[][20] = {
		[RECORD_JOB] = { "object", "version", "epoch", "job", "scheme",
			"k", "n", "x", "group", "generation", "members",
			"size", "segments", "policy", "policy_sigs", "nonce" },
		[RECORD_SHARE] = { "object", "version", "epoch", "job",
			"scheme", "k", "n", "x", "group", "generation",
			"members", "size", "segments", "policy", "policy_sigs",
			"segment", "deal", "provenance" },
	};
	const char *policy, *nonce;
	int ret;

	memset(rec, 0, sizeof(*rec));
	ret = config_only(obj, where, keys[kind], err) ?:
	      record_decode_common(obj, where, rec, &policy, err) ?:
	      record_decode_members(obj, where, rec, err) ?:
	      record_decode_sigs(obj, where, rec, err);
	if (!ret && kind == RECORD_SHARE)
		ret = record_decode_share(obj, where, rec, err);
	if (!ret && kind == RECORD_JOB) {
		ret = config_str(obj, where, "nonce", NULL, &nonce, err);
		if (!ret && hex_decode(nonce, rec->nonce, RECORD_NONCE))
			ret = err_set(err, -EINVAL,
				      "%s: nonce: expected 32 hex digits", where);
	}
	if (ret)
		return ret == -ENOENT ? -EINVAL : ret;
	rec->policy = strdup(policy);
	if (!rec->policy)
		return err_set(err, -ENOMEM, "out of memory");
	rec->sigs = json_incref(json_object_get(obj, "policy_sigs"));
	return 0;
}

void record_free(struct record *rec)
{
	free(rec->policy);
	json_decref(rec->sigs);
	memset(rec, 0, sizeof(*rec));
}

int record_same_job(const struct record *a, const struct record *b)
{
	return !memcmp(a->job, b->job, sizeof(a->job)) &&
	       !memcmp(a->nonce, b->nonce, sizeof(a->nonce)) &&
	       !memcmp(a->id.object, b->id.object, sizeof(a->id.object)) &&
	       a->id.version == b->id.version && a->id.epoch == b->id.epoch &&
	       a->size == b->size && a->segments == b->segments &&
	       !strcmp(a->policy, b->policy);
}
