// SPDX-License-Identifier: GPL-2.0
/*
 * The policy of an object, as the SSA reads it: user/ssad/policy.c.
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
	uint32_t node;

	must(p->version == number(obj, "version") && p->owner == number(obj, "owner") &&
	     p->ssa == number(obj, "ssa") && p->group == number(obj, "group") &&
	     p->generation == number(obj, "generation") &&
	     p->min_k == number(obj, "min_k") &&
	     (int64_t)p->retain_until == number(obj, "retain_until"),
	     "a number is another");
	must(p->version && p->owner && p->ssa && p->group && p->min_k,
	     "a number cannot be");
	must(p->nodes <= POLICY_NODES_MAX && p->readers <= POLICY_NODES_MAX, "lists");
	for (node = 0; node < 20; node++) {
		must(policy_holds(p, node) == listed(obj, "nodes", node),
		     "node %u may hold a share, or not", node);
		must(policy_reads(p, node) ==
		     (node == p->owner || listed(obj, "readers", node)),
		     "node %u may read, or not", node);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = input_text(data, size);
	struct err err = { "" };
	struct policy *p = calloc(1, sizeof(*p));	/* so that its end is seen */
	json_t *obj;
	int ret;

	ret = policy_parse(text, p, &err);
	if (ret) {
		must(ret == -EINVAL || ret == -ENOENT, "%d", ret);
		obj = json_string(err.text);
		must(obj && *err.text, "what is said is no UTF-8, or nothing");
	} else {
		obj = json_loads(text, 0, NULL);
		must_be_policy(p, obj);
	}
	json_decref(obj);
	free(text);
	free(p);
	return 0;
}
