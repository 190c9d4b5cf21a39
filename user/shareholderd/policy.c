// SPDX-License-Identifier: GPL-2.0
#include "policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static int policy_list(const json_t *obj, const char *key, uint32_t **list,
		       size_t *count, struct err *err)
{
	const json_t *array = json_object_get(obj, key);
	size_t i;

	if (!json_is_array(array) || json_array_size(array) > POLICY_NODES_MAX)
		return err_set(err, -EINVAL,
			       "policy: %s: expected an array of at most %d node ids",
			       key, POLICY_NODES_MAX);
	*list = calloc(json_array_size(array) + 1, sizeof(**list));
	if (!*list)
		return err_set(err, -ENOMEM, "out of memory");
	for (i = 0; i < json_array_size(array); i++) {
		const json_t *node = json_array_get(array, i);

		if (!json_is_integer(node) || json_integer_value(node) < 1 ||
		    json_integer_value(node) > UINT32_MAX)
			return err_set(err, -EINVAL,
				       "policy: %s: not a node id", key);
		(*list)[(*count)++] = json_integer_value(node);
	}
	return 0;
}

static int policy_fields(const json_t *obj, struct policy *p, struct err *err)
{
	static const char *const keys[] = {
		"object", "version", "owner", "ssa", "group", "generation",
		"nodes", "readers", "min_k", "retain_until", NULL
	};
	int64_t version, owner, ssa, group, generation, min_k;
	int ret;

	/* what is not understood might forbid what is asked */
	ret = config_only(obj, "policy", keys, err) ?:
	      record_uuid(obj, "policy", "object", p->object, err) ?:
	      config_int(obj, "policy", "version", 1, UINT32_MAX, 0, &version,
			 err) ?:
	      config_int(obj, "policy", "owner", 1, UINT32_MAX, 0, &owner,
			 err) ?:
	      config_int(obj, "policy", "ssa", 1, UINT32_MAX, 0, &ssa, err) ?:
	      config_int(obj, "policy", "group", 1, UINT32_MAX, 0, &group,
			 err) ?:
	      config_int(obj, "policy", "generation", 0, UINT32_MAX, -1,
			 &generation, err) ?:
	      config_int(obj, "policy", "min_k", 1, SSN_MEMBERS_MAX, 0, &min_k,
			 err) ?:
	      config_int(obj, "policy", "retain_until", 0, INT64_MAX, -1,
			 &p->retain_until, err) ?:
	      policy_list(obj, "nodes", &p->node, &p->nodes, err) ?:
	      policy_list(obj, "readers", &p->reader, &p->readers, err);
	if (ret)
		return ret == -ENOENT ? -EINVAL : ret;
	p->version = version;
	p->owner = owner;
	p->ssa = ssa;
	p->group = group;
	p->generation = generation;
	p->min_k = min_k;
	return 0;
}

int policy_parse(const char *text, struct policy *p, struct err *err)
{
	json_t *obj = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int ret;

	memset(p, 0, sizeof(*p));
	if (json_is_object(obj))
		ret = policy_fields(obj, p, err);
	else
		ret = err_set(err, -EINVAL, "policy: not a JSON object");
	json_decref(obj);
	if (ret)
		policy_free(p);
	return ret;
}

void policy_free(struct policy *p)
{
	free(p->node);
	free(p->reader);
	memset(p, 0, sizeof(*p));
}

/* pki_verify() or pki_verify_stored() */
typedef int policy_check(struct pki *pki, const char *cert_pem, const void *data,
			 size_t len, const char *b64, struct pki_id *who,
			 struct err *err);

/* Did the node @node, in the role @role, sign @text? */
static int policy_signed(struct pki *pki, policy_check *check, const char *domain,
			 const char *cert, const char *sig, const char *text,
			 const char *role, uint32_t node, struct err *err)
{
	struct pki_id who;

	if (check(pki, cert, text, strlen(text), sig, &who, err))
		return err_set(err, -EACCES, "%s's signature: %s", role,
			       err->text);
	if (strcmp(who.role, role) || who.node != node ||
	    strcmp(who.domain, domain))
		return err_set(err, -EACCES,
			       "%s's signature is by %s %u of %s, not by node %u",
			       role, who.role, who.node, who.domain, node);
	return 0;
}

static int policy_signed_as(const struct record *rec, struct pki *pki,
			    policy_check *check, const char *domain,
			    const char *role, uint32_t node, struct err *err)
{
	const json_t *one = json_object_get(rec->sigs, role);
	const char *cert = json_string_value(json_object_get(one, "cert"));
	const char *sig = json_string_value(json_object_get(one, "sig"));

	if (!cert || !sig)
		return err_set(err, -EACCES, "%s's signature is missing", role);
	return policy_signed(pki, check, domain, cert, sig, rec->policy, role,
			     node, err);
}

static int policy_of(const struct record *rec, struct pki *pki,
		     policy_check *check, const char *domain, struct policy *p,
		     struct err *err)
{
	int ret = policy_parse(rec->policy, p, err);

	if (ret)
		return ret;
	if (memcmp(p->object, rec->id.object, sizeof(p->object)) ||
	    p->version != rec->id.version)
		ret = err_set(err, -EACCES,
			      "the policy is that of another object or version");
	if (!ret)
		ret = policy_signed_as(rec, pki, check, domain, "owner",
				       p->owner, err) ?:
		      policy_signed_as(rec, pki, check, domain, "ssa", p->ssa,
				       err);
	if (ret)
		policy_free(p);
	return ret;
}

int policy_verify(const struct record *rec, struct pki *pki, const char *domain,
		  struct policy *p, struct err *err)
{
	return policy_of(rec, pki, pki_verify, domain, p, err);
}

int policy_verify_stored(const struct record *rec, struct pki *pki,
			 const char *domain, struct policy *p, struct err *err)
{
	return policy_of(rec, pki, pki_verify_stored, domain, p, err);
}

static int policy_in(const uint32_t *list, size_t count, uint32_t node)
{
	while (count--)
		if (list[count] == node)
			return 1;
	return 0;
}

int policy_admits(const struct policy *p, uint32_t self,
		  const struct network_group *group, struct err *err)
{
	if (!policy_in(p->node, p->nodes, self))
		return err_set(err, -EACCES,
			       "the policy does not let node %u hold a share",
			       self);
	if (group->k < p->min_k)
		return err_set(err, -EACCES,
			       "k = %u is below the policy's minimum of %u",
			       group->k, p->min_k);
	if (group->generation != p->generation)
		return err_set(err, -EACCES,
			       "the policy is for generation %u of group %u, which is at %u",
			       p->generation, group->id, group->generation);
	return 0;
}

int policy_may_read(const struct policy *p, uint32_t node, struct err *err)
{
	if (node == p->ssa || policy_in(p->reader, p->readers, node))
		return 0;
	return err_set(err, -EACCES, "the policy does not let node %u read",
		       node);
}

int policy_may_delete(const struct policy *p, struct pki *pki,
		      const char *domain, const char *cert, const char *sig,
		      int64_t now, struct err *err)
{
	char object[UUID_TEXT], text[80];

	uuid_format(p->object, object);
	snprintf(text, sizeof(text), "delete %s %" PRIu32, object, p->version);
	if (now < p->retain_until)
		return err_set(err, -EACCES,
			       "retained for another %" PRId64 " seconds",
			       p->retain_until - now);
	return policy_signed(pki, pki_verify, domain, cert, sig, text, "owner",
			     p->owner, err);
}
