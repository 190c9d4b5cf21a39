// SPDX-License-Identifier: GPL-2.0
#include "policy.h"

#include <errno.h>

static int policy_u32(const json_t *o, const char *key, uint32_t *out,
		      struct err *err)
{
	int64_t value;
	int ret;

	ret = config_int(o, "policy", key, 1, UINT32_MAX, 0, &value, err);
	*out = value;
	return ret;
}

static int policy_list(const json_t *o, const char *key, uint32_t *node,
		       size_t *count, struct err *err)
{
	const json_t *list = json_object_get(o, key), *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > POLICY_NODES_MAX)
		return err_set(err, -EINVAL,
			       "policy: %s: expected an array of at most %d node ids",
			       key, POLICY_NODES_MAX);
	json_array_foreach(list, i, item) {
		if (!json_is_integer(item) || json_integer_value(item) < 1 ||
		    json_integer_value(item) > UINT32_MAX)
			return err_set(err, -EINVAL,
				       "policy: %s: entry %zu is not a node id",
				       key, i);
		node[i] = json_integer_value(item);
	}
	*count = json_array_size(list);
	return 0;
}

int policy_parse(const char *text, struct policy *p, struct err *err)
{
	static const char *const keys[] = {
		"object", "version", "owner", "ssa", "group", "generation",
		"nodes", "readers", "min_k", "retain_until", NULL
	};
	const char *object;
	int64_t until;
	json_error_t at;
	json_t *o;
	int ret;

	o = json_loads(text, JSON_REJECT_DUPLICATES, &at);
	if (!json_is_object(o)) {
		json_decref(o);
		return err_set(err, -EINVAL, "policy: not a JSON object");
	}
	ret = config_only(o, "policy", keys, err) ?:
	      config_str(o, "policy", "object", NULL, &object, err);
	if (!ret && uuid_parse(object, p->object))
		ret = err_set(err, -EINVAL, "policy: object: not a UUID");
	ret = ret ?: policy_u32(o, "version", &p->version, err);
	ret = ret ?: policy_u32(o, "owner", &p->owner, err);
	ret = ret ?: policy_u32(o, "ssa", &p->ssa, err);
	ret = ret ?: policy_u32(o, "group", &p->group, err);
	ret = ret ?: policy_u32(o, "generation", &p->generation, err);
	ret = ret ?: policy_u32(o, "min_k", &p->min_k, err);
	ret = ret ?: policy_list(o, "nodes", p->node, &p->nodes, err);
	ret = ret ?: policy_list(o, "readers", p->reader, &p->readers, err);
	if (!ret) {
		ret = config_int(o, "policy", "retain_until", 0, INT64_MAX, 0,
				 &until, err);
		p->retain_until = until;
	}
	json_decref(o);
	return ret;
}

static bool listed(const uint32_t *list, size_t count, uint32_t node)
{
	while (count--)
		if (list[count] == node)
			return true;
	return false;
}

bool policy_holds(const struct policy *p, uint32_t node)
{
	return listed(p->node, p->nodes, node);
}

bool policy_reads(const struct policy *p, uint32_t node)
{
	return node == p->owner || listed(p->reader, p->readers, node);
}
