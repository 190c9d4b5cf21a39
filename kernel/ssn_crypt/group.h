/* SPDX-License-Identifier: GPL-2.0 */
/* Groups of shareholders: immutable snapshots, a generation each. */
#ifndef _SSN_GROUP_H
#define _SSN_GROUP_H

#include <linux/refcount.h>
#include <linux/types.h>

struct net;
struct netlink_ext_ack;
struct ssn_net;

struct ssn_group_member {
	u32	node;
	u8	x;
};

/**
 * struct ssn_group - a group
 * @refs:	references
 * @rcu:	frees it
 * @id:		group id
 * @generation:	goes up with every change
 * @service:	where the members are reached
 * @scheme:	enum ssn_scheme
 * @k:		threshold
 * @n:		members
 * @member:	who, and with which evaluation point
 *
 * Never changed once it is in the table.
 */
struct ssn_group {
	refcount_t		refs;
	struct rcu_head		rcu;
	u32			id;
	u32			generation;
	u16			service;
	u8			scheme;
	u8			k;
	u8			n;
	struct ssn_group_member	member[];
};

struct ssn_group *ssn_group_get(struct net *net, u32 id);
void ssn_group_put(struct ssn_group *group);
struct ssn_group *ssn_group_alloc(unsigned int n);
int ssn_group_set(struct ssn_net *sn, struct ssn_group *group,
		  struct netlink_ext_ack *extack);
int ssn_group_del(struct ssn_net *sn, u32 id);
void ssn_groups_drop(struct ssn_net *sn);

#endif /* _SSN_GROUP_H */
