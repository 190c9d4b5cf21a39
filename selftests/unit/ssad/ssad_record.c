// SPDX-License-Identifier: GPL-2.0
/* Names, policies and records as others may send them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "progress.h"
#include "record.h"
#include "tap.h"

static struct err err;

static int name_of(json_t *name)
{
	int ret = name_check(name, &err);

	json_decref(name);
	return ret;
}

static void test_names(void)
{
	char text[1026];

	memset(text, 'x', sizeof(text));
	text[1025] = 0;
	is_int(name_of(json_string("a")), 0, "a name");
	is_int(name_of(json_string("\x1b[31m\n")), 0,
	       "control characters are allowed; they are escaped when printed");
	is_int(name_of(json_string("")), -ENAMETOOLONG, "no name");
	is_int(name_of(json_string(text)), -ENAMETOOLONG, "1025 bytes");
	text[1024] = 0;
	is_int(name_of(json_string(text)), 0, "1024 bytes");
	is_int(name_of(json_stringn("a\0b", 3)), -EILSEQ, "a NUL byte");
	is_int(name_of(json_integer(1)), -EINVAL, "a number");
	ok(!json_string("\xff\xfe"), "what is not UTF-8 is no JSON string");
}

static const char good[] =
	"{\"object\":\"11111111-1111-4111-8111-111111111111\",\"version\":1,"
	"\"owner\":1,\"ssa\":2,\"group\":1,\"generation\":1,\"nodes\":[11,12],"
	"\"readers\":[5],\"min_k\":2,\"retain_until\":0}";

/* @good with @from replaced by @to */
static int policy_with(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	struct policy p;
	char text[600];

	if (!at)
		bail("no %s in the policy", from);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, to,
		 at + strlen(from));
	return policy_parse(text, &p, &err);
}

static void test_policy(void)
{
	struct policy p;

	is_int(policy_parse(good, &p, &err), 0, "a policy");
	ok(policy_holds(&p, 11) && policy_holds(&p, 12) && !policy_holds(&p, 13),
	   "who may hold");
	ok(policy_reads(&p, 1) && policy_reads(&p, 5) && !policy_reads(&p, 11),
	   "who may read");
	is_int(policy_parse("[]", &p, &err), -EINVAL, "an array");
	is_int(policy_parse("{", &p, &err), -EINVAL, "half a text");
	is_int(policy_with("\"version\":1,", ""), -ENOENT, "no version");
	ok(strstr(err.text, "version"), "is named");
	is_int(policy_with("\"version\":1", "\"version\":0"), -EINVAL, "version 0");
	is_int(policy_with("\"owner\":1", "\"owner\":4294967296"), -EINVAL,
	       "a node id of 33 bits");
	is_int(policy_with("1111-1111", "1111-111X"), -EINVAL, "no UUID");
	is_int(policy_with("[11,12]", "[11,\"12\"]"), -EINVAL, "a node in text");
	is_int(policy_with("[11,12]", "7"), -EINVAL, "no list of nodes");
	is_int(policy_with("\"min_k\"", "\"min_j\""), -EINVAL, "an unknown key");
	is_int(policy_with("\"min_k\":2", "\"min_k\":2,\"min_k\":1"), -EINVAL,
	       "the same key twice");
}

static void test_record(void)
{
	struct record rec;
	json_t *json;

	json = json_pack("{s:s s:s s:s s:s s:s s:s s:s s:i s:i s:i s:i s:i s:i s:i s:i s:i s:i}",
		"object", "11111111-1111-4111-8111-111111111111", "name", "a",
		"job", "j", "policy", "p", "policy_sig", "s", "owner_cert", "c",
		"coefficients", "crng", "version", 1, "owner", 1, "group", 1,
		"generation", 1, "k", 3, "n", 5, "segment_bytes", 65536,
		"size", 5, "epoch", 0, "stored_at", 9);
	is_int(record_read(json, &rec, &err), 0, "a record");
	is_int(rec.id.size, 5, "its size");
	json_object_set_new(json, "segment_bytes", json_integer(0));
	is_int(record_read(json, &rec, &err), -EINVAL, "segments of 0 bytes");
	json_object_set_new(json, "segment_bytes", json_integer(1LL << 40));
	is_int(record_read(json, &rec, &err), -EINVAL, "segments of 1 TiB");
	json_object_set_new(json, "segment_bytes", json_integer(65536));
	json_object_set_new(json, "size", json_integer(-1));
	is_int(record_read(json, &rec, &err), -EINVAL, "a negative size");
	json_object_del(json, "size");
	ok(record_read(json, &rec, &err) < 0 && strstr(err.text, "size"),
	   "no size is named");
	json_decref(json);
}

static void test_progress(void)
{
	char bar[11];

	is_int(progress_percent(0, 0), 100, "nothing of nothing is all");
	is_int(progress_percent(0, 10), 0, "nothing");
	is_int(progress_percent(999, 1000), 99, "100 only at the end");
	is_int(progress_percent(UINT64_MAX / 2, UINT64_MAX), 50, "no overflow");
	progress_bar(bar, 10, 45);
	is_str(bar, "####......", "a bar");
}

int main(void)
{
	test_names();
	test_policy();
	test_record();
	test_progress();
	return tap_done();
}
