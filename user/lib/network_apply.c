// SPDX-License-Identifier: GPL-2.0
/* The network description, given to the kernel over generic netlink. */
#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>
#include "network.h"
#include "nl.h"

/* --- nodes; who may not change them has nothing to do where they are right */

static int same_addr(const struct nlattr *attr, const struct network_node *node)
{
	size_t len = network_addr_len(&node->addr);

	return attr && mnl_attr_get_payload_len(attr) >= len &&
	       !memcmp(mnl_attr_get_payload(attr), &node->addr, len);
}

struct same {
	const struct network_node *node;
	int same;
};

static int self_reply(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	struct same *s = arg;

	s->same = nl_u32(tb[SSN_A_NODE_ID]) == s->node->id &&
		  nl_u32(tb[SSN_A_NODE_ROLE]) == s->node->role &&
		  same_addr(tb[SSN_A_NODE_ADDR], s->node);
	return MNL_CB_OK;
}

static int peer_reply(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	struct same *s = arg;

	s->same = nl_u32(tb[SSN_A_PEER_ID]) == s->node->id &&
		  nl_u32(tb[SSN_A_PEER_ROLE]) == s->node->role &&
		  nl_u32(tb[SSN_A_PEER_SUITE]) == SSN_SUITE_OTP &&
		  nl_u32(tb[SSN_A_PEER_FLAGS]) == s->node->flags &&
		  same_addr(tb[SSN_A_PEER_ADDR], s->node);
	return MNL_CB_OK;
}

static int same_self(struct nl *nl, const struct network_node *node)
{
	struct same s = { .node = node };

	return !nl_do(nl, nl_request(nl, SSN_CMD_NODE_GET, 0), self_reply, &s, NULL) &&
	       s.same;
}

static int same_peer(struct nl *nl, const struct network_node *node)
{
	struct nlmsghdr *req = nl_request(nl, SSN_CMD_PEER_GET, 0);
	struct same s = { .node = node };

	mnl_attr_put_u32(req, SSN_A_PEER_ID, node->id);
	return !nl_do(nl, req, peer_reply, &s, NULL) && s.same;
}

static int apply_self(struct nl *nl, const struct network_node *node,
		      struct err *err)
{
	struct nlmsghdr *req = nl_request(nl, SSN_CMD_NODE_SET, 0);
	int ret;

	mnl_attr_put_u32(req, SSN_A_NODE_ID, node->id);
	mnl_attr_put_u32(req, SSN_A_NODE_ROLE, node->role);
	mnl_attr_put(req, SSN_A_NODE_ADDR, network_addr_len(&node->addr),
		     &node->addr);
	ret = nl_do(nl, req, NULL, NULL, err);
	if (ret == -EPERM && same_self(nl, node))
		return 0;
	if (ret)
		err_set(err, ret, "own node %u (%s): %s", node->id, node->name,
			err->text);
	return ret;
}

static int apply_peer(struct nl *nl, const struct network_node *node,
		      struct err *err)
{
	struct nlmsghdr *req = nl_request(nl, SSN_CMD_PEER_SET, 0);
	int ret;

	mnl_attr_put_u32(req, SSN_A_PEER_ID, node->id);
	mnl_attr_put_u32(req, SSN_A_PEER_ROLE, node->role);
	mnl_attr_put(req, SSN_A_PEER_ADDR, network_addr_len(&node->addr),
		     &node->addr);
	mnl_attr_put_u32(req, SSN_A_PEER_SUITE, SSN_SUITE_OTP);
	mnl_attr_put_u32(req, SSN_A_PEER_FLAGS, node->flags);
	ret = nl_do(nl, req, NULL, NULL, err);
	if (ret == -EPERM && same_peer(nl, node))
		return 0;
	if (ret)
		err_set(err, ret, "peer %u (%s): %s", node->id, node->name,
			err->text);
	return ret;
}

/* --- groups */

int network_group_put(struct nlmsghdr *req, const struct network_group *grp)
{
	unsigned int i;

	mnl_attr_put_u32(req, SSN_A_GROUP_ID, grp->id);
	mnl_attr_put_u32(req, SSN_A_GROUP_GENERATION, grp->generation);
	mnl_attr_put_u32(req, SSN_A_GROUP_SCHEME, grp->scheme);
	mnl_attr_put_u32(req, SSN_A_GROUP_K, grp->k);
	mnl_attr_put_u32(req, SSN_A_GROUP_N, grp->n);
	for (i = 0; i < grp->n; i++) {
		struct nlattr *nest =
			mnl_attr_nest_start_check(req, NL_REQUEST_MAX,
						  SSN_A_GROUP_MEMBER);

		if (!nest ||
		    !mnl_attr_put_u32_check(req, NL_REQUEST_MAX,
					    SSN_A_MEMBER_NODE,
					    grp->member[i].node) ||
		    !mnl_attr_put_u32_check(req, NL_REQUEST_MAX, SSN_A_MEMBER_X,
					    grp->member[i].x))
			return -EMSGSIZE;
		mnl_attr_nest_end(req, nest);
	}
	return 0;
}

void network_group_get(const struct nlmsghdr *nlh, struct network_group *grp)
{
	const struct nlattr *const *tb = nl_attrs(nlh);
	const struct nlattr *attr;

	*grp = (struct network_group) {
		.id = nl_u32(tb[SSN_A_GROUP_ID]),
		.generation = nl_u32(tb[SSN_A_GROUP_GENERATION]),
		.scheme = nl_u32(tb[SSN_A_GROUP_SCHEME]),
		.k = nl_u32(tb[SSN_A_GROUP_K]),
	};
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		const struct nlattr *const *m;

		if (mnl_attr_get_type(attr) != SSN_A_GROUP_MEMBER ||
		    grp->n == SSN_MEMBERS_MAX)
			continue;
		m = nl_nested(attr);
		grp->member[grp->n].node = nl_u32(m[SSN_A_MEMBER_NODE]);
		grp->member[grp->n].x = nl_u32(m[SSN_A_MEMBER_X]);
		grp->n++;
	}
}

static int group_reply(const struct nlmsghdr *nlh, void *arg)
{
	network_group_get(nlh, arg);
	return MNL_CB_OK;
}

static int has_member(const struct network_group *grp, uint32_t node, uint8_t x)
{
	unsigned int i;

	for (i = 0; i < grp->n; i++)
		if (grp->member[i].node == node && grp->member[i].x == x)
			return 1;
	return 0;
}

static int same_group(const struct network_group *a,
		      const struct network_group *b)
{
	unsigned int i;

	if (a->id != b->id || a->generation != b->generation ||
	    a->scheme != b->scheme || a->k != b->k || a->n != b->n)
		return 0;
	for (i = 0; i < a->n; i++)
		if (!has_member(b, a->member[i].node, a->member[i].x))
			return 0;
	return 1;
}

static int group_current(struct nl *nl, uint32_t id, struct network_group *grp)
{
	struct nlmsghdr *req = nl_request(nl, SSN_CMD_GROUP_GET, 0);

	mnl_attr_put_u32(req, SSN_A_GROUP_ID, id);
	return nl_do(nl, req, group_reply, grp, NULL);
}

static int is_member(const struct network_group *grp, uint32_t node)
{
	unsigned int i;

	for (i = 0; i < grp->n; i++)
		if (grp->member[i].node == node)
			return 1;
	return 0;
}

static int apply_group(struct nl *nl, const struct network_group *grp,
		       uint32_t self, struct err *err)
{
	struct network_group now;
	struct nlmsghdr *req;
	int ret;

	if (!group_current(nl, grp->id, &now)) {
		if (same_group(&now, grp))
			return 0;
		if (now.generation >= grp->generation)
			return err_set(err, -EEXIST,
				       "group %u: the kernel has generation %u with other members or another k: give the changed group a later generation than %u",
				       grp->id, now.generation, now.generation);
	}
	req = nl_request(nl, SSN_CMD_GROUP_SET, 0);
	ret = network_group_put(req, grp);
	if (ret)
		return err_set(err, ret, "group %u: too many members for one request",
			       grp->id);
	ret = nl_do(nl, req, NULL, NULL, err);
	/* somebody else may have applied the same in between */
	if (ret && !group_current(nl, grp->id, &now) && same_group(&now, grp))
		return 0;
	/*
	 * A group is for who deals to it. A kernel that cannot deal to itself
	 * does without those it is a member of; connecting says so.
	 */
	if (ret == -EOPNOTSUPP && is_member(grp, self))
		return 0;
	if (ret)
		err_set(err, ret, "group %u: %s", grp->id, err->text);
	return ret;
}

int network_apply(const struct network *net, struct err *err)
{
	const struct network_node *self = network_node(net, net->self);
	struct err ignored;
	struct nl *nl;
	size_t i;
	int ret;

	err = err ?: &ignored;
	if (!self)
		return err_set(err, -EINVAL,
			       "the network description does not say which node this is");
	ret = nl_open(&nl, SSN_FAMILY_NAME, err);
	if (ret)
		return ret;
	ret = apply_self(nl, self, err);
	for (i = 0; !ret && i < net->nodes; i++)
		if (&net->node[i] != self)
			ret = apply_peer(nl, &net->node[i], err);
	for (i = 0; !ret && i < net->groups; i++)
		ret = apply_group(nl, &net->group[i], net->self, err);
	nl_close(nl);
	return ret;
}
