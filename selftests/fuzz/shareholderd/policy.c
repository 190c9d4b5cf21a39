// SPDX-License-Identifier: GPL-2.0
/*
 * The policy on a share, as a shareholder reads it: user/shareholderd/policy.c.
 *
 * Input: the policy.
 *
 * runs: 20000
 */
#include "json_mutate.h"
#include "policy.h"

static bool listed(const json_t *obj, const char *key, uint32_t node)
{
	const json_t *list = json_object_get(obj, key), *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (json_integer_value(one) == node)
			return true;
	return false;
}

static json_int_t number(const json_t *obj, const char *key)
{
	return json_integer_value(json_object_get(obj, key));
}

static void must_be_policy(const struct policy *p, const json_t *obj)
{
	struct network_group group = { .id = 1, .generation = p->generation };
	struct err err;
	unsigned int k;
	uint32_t node;

	must(json_object_size(obj) == 10, "%zu keys", json_object_size(obj));
	must(p->version == number(obj, "version") && p->owner == number(obj, "owner") &&
	     p->ssa == number(obj, "ssa") && p->group == number(obj, "group") &&
	     p->generation == number(obj, "generation") &&
	     p->min_k == number(obj, "min_k") &&
	     p->retain_until == number(obj, "retain_until"), "a number is another");
	must(p->version && p->owner && p->ssa && p->group && p->min_k &&
	     p->retain_until >= 0, "a number cannot be");
	for (node = 0; node < 20; node++) {
		must(!policy_may_read(p, node, &err) ==
		     (node == p->ssa || listed(obj, "readers", node)),
		     "node %u may read, or not", node);
		for (k = 1; k < 5; k++) {
			group.k = k;
			must(!policy_admits(p, node, &group, &err) ==
			     (k >= p->min_k && listed(obj, "nodes", node)),
			     "node %u may hold a share at k %u, or not", node, k);
		}
	}
	group.generation++;
	must(policy_admits(p, 11, &group, &err) == -EACCES, "another generation");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct policy empty;
	char *text = input_text(data, size);
	struct err err = { "" };
	struct policy p;
	json_t *obj;
	int ret;

	ret = policy_parse(text, &p, &err);
	if (ret) {
		must(ret == -EINVAL, "%d", ret);
		obj = json_string(err.text);
		must(obj && *err.text, "what is said is no UTF-8, or nothing");
		must(!memcmp(&p, &empty, sizeof(p)), "something is left behind");
	} else {
		obj = json_loads(text, 0, NULL);
		must_be_policy(&p, obj);
		policy_free(&p);
	}
	json_decref(obj);
	free(text);
	return 0;
}
