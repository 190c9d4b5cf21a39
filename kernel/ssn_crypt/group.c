// SPDX-License-Identifier: GPL-2.0
/*
 * Groups. A group is checked when it is set, so that no socket needs to: every
 * evaluation point and node once, no point 0, k and n in their ranges, and a
 * threshold of 1 only where the policy of every member says so.
 */
#include <linux/bitmap.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/ssn.h>
#include "group.h"
#include "net.h"
#include "peer.h"
#include "scheme.h"

struct ssn_group *ssn_group_get(struct net *net, u32 id)
{
	struct ssn_net *sn = ssn_net(net);
	struct ssn_group *group;

	rcu_read_lock();
	group = xa_load(&sn->groups, id);
	if (group && !refcount_inc_not_zero(&group->refs))
		group = NULL;
	rcu_read_unlock();
	return group;
}

void ssn_group_put(struct ssn_group *group)
{
	if (group && refcount_dec_and_test(&group->refs))
		kfree_rcu(group, rcu);
}

/* A group of @n members to be filled in; NULL without memory. */
struct ssn_group *ssn_group_alloc(unsigned int n)
{
	struct ssn_group *group;

	group = kzalloc(struct_size(group, member, n), GFP_KERNEL_ACCOUNT);
	if (group) {
		refcount_set(&group->refs, 1);
		group->n = n;
	}
	return group;
}

/* The node's flags, or -1 if it is no peer. */
static int peer_flags(struct ssn_net *sn, u32 node, u8 *role)
{
	struct ssn_peer *peer = ssn_peer_get(sn, node);
	int flags;

	if (!peer)
		return -1;
	flags = peer->flags;
	*role = peer->role;
	ssn_peer_put(peer);
	return flags;
}

static int member_check(struct ssn_net *sn, const struct ssn_group *group,
			unsigned int i, struct netlink_ext_ack *extack)
{
	const struct ssn_group_member *m = &group->member[i];
	unsigned int j;
	int flags;
	u8 role;

	if (!m->x) {
		NL_SET_ERR_MSG(extack, "a member has x = 0: that point is the secret itself");
		return -EINVAL;
	}
	for (j = 0; j < i; j++) {
		if (group->member[j].node == m->node) {
			NL_SET_ERR_MSG(extack, "a node is a member twice");
			return -EINVAL;
		}
	}
	if (m->node == sn->node) {
		NL_SET_ERR_MSG(extack, "the own node cannot be a member of a group it uses");
		return -EOPNOTSUPP;
	}
	flags = peer_flags(sn, m->node, &role);
	if (flags < 0) {
		NL_SET_ERR_MSG(extack, "a member is no peer of this node: add the peer first");
		return -EINVAL;
	}
	if (group->k == 1 && !(flags & SSN_PEER_FLAGS_ALLOW_K1)) {
		NL_SET_ERR_MSG(extack, "k = 1 gives every member the whole secret: each peer needs allow-k1");
		return -EPERM;
	}
	return 0;
}

/* A text of the table's: NL_SET_ERR_MSG() takes literals only */
static int scheme_refuses(const struct ssn_scheme_ops *ops,
			  struct netlink_ext_ack *extack)
{
	if (extack)
		extack->_msg = ops->limits;
	return -EINVAL;
}

static int points_check(const struct ssn_scheme_ops *ops,
			const struct ssn_group *group,
			struct netlink_ext_ack *extack)
{
	u8 x[SSN_MEMBERS_MAX];
	unsigned int i;
	int err;

	for (i = 0; i < group->n; i++)
		x[i] = group->member[i].x;
	err = ops->check_points(x, group->n);
	if (err == -EEXIST) {
		NL_SET_ERR_MSG(extack, "two members have the same x");
		return -EINVAL;
	}
	return err ? scheme_refuses(ops, extack) : 0;
}

/**
 * ssn_group_set - add a group, or replace it by a later generation
 * @sn:		namespace, its config mutex held
 * @group:	the group; the caller's reference is consumed on success
 * @extack:	says what was wrong
 *
 * Return: 0, also if the same is there already; -EINVAL, -EOPNOTSUPP, -EPERM
 * (k = 1), -ESTALE (the generation is not later), -ENOMEM.
 */
int ssn_group_set(struct ssn_net *sn, struct ssn_group *group,
		  struct netlink_ext_ack *extack)
{
	size_t size = struct_size(group, member, group->n);
	const struct ssn_scheme_ops *ops = ssn_scheme_find(group->scheme);
	struct ssn_group *old;
	unsigned int i;
	int err;

	if (!group->k || group->k > group->n) {
		NL_SET_ERR_MSG(extack, "k is above n: such shares could never be combined");
		return -EINVAL;
	}
	if (!ops) {
		NL_SET_ERR_MSG(extack, "there is no such scheme");
		return -EOPNOTSUPP;
	}
	if (ops->check(group->k, group->n))
		return scheme_refuses(ops, extack);
	for (i = 0; i < group->n; i++) {
		err = member_check(sn, group, i, extack);
		if (err)
			return err;
	}
	err = points_check(ops, group, extack);
	if (err)
		return err;

	old = xa_load(&sn->groups, group->id);
	if (old && group->generation <= old->generation) {
		if (old->n == group->n &&
		    !memcmp(&old->id, &group->id,
			    size - offsetof(struct ssn_group, id))) {
			ssn_group_put(group);
			return 0;
		}
		NL_SET_ERR_MSG(extack, "the group is there in this or a later generation: changes need a higher one");
		return -ESTALE;
	}
	err = xa_err(xa_store(&sn->groups, group->id, group, GFP_KERNEL));
	if (!err)
		ssn_group_put(old);
	return err;
}

int ssn_group_del(struct ssn_net *sn, u32 id)
{
	struct ssn_group *group = xa_erase(&sn->groups, id);

	ssn_group_put(group);
	return group ? 0 : -ENOENT;
}

void ssn_groups_drop(struct ssn_net *sn)
{
	struct ssn_group *group;
	unsigned long id;

	xa_for_each(&sn->groups, id, group) {
		xa_erase(&sn->groups, id);
		ssn_group_put(group);
	}
}
