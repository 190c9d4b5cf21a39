/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ssn.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_SSN_GEN_H
#define _LINUX_SSN_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/ssn_genl.h>

/* Common nested types */
extern const struct nla_policy ssn_member_nl_policy[SSN_A_MEMBER_X + 1];

extern const struct nla_policy ssn_node_get_nl_policy[SSN_A_NODE_ID + 1];

extern const struct nla_policy ssn_node_set_nl_policy[SSN_A_NODE_ADDR + 1];

extern const struct nla_policy ssn_peer_get_nl_policy[SSN_A_PEER_ID + 1];

extern const struct nla_policy ssn_peer_set_nl_policy[SSN_A_PEER_FLAGS + 1];

extern const struct nla_policy ssn_peer_del_nl_policy[SSN_A_PEER_ID + 1];

extern const struct nla_policy ssn_group_get_nl_policy[SSN_A_GROUP_ID + 1];

extern const struct nla_policy ssn_group_set_nl_policy[SSN_A_GROUP_MEMBER + 1];

extern const struct nla_policy ssn_group_del_nl_policy[SSN_A_GROUP_ID + 1];

extern const struct nla_policy ssn_conn_get_nl_policy[SSN_A_CONN_ID + 1];

extern const struct nla_policy ssn_stats_get_nl_policy[SSN_A_STATS_PEER + 1];

/* Ops table for ssn */
extern const struct genl_ops ssn_nl_ops[10];

int ssn_nl_node_get_doit(struct sk_buff *skb, struct genl_info *info);
int ssn_nl_node_set_doit(struct sk_buff *skb, struct genl_info *info);
int ssn_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info);
int ssn_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ssn_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info);
int ssn_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info);
int ssn_nl_group_get_doit(struct sk_buff *skb, struct genl_info *info);
int ssn_nl_group_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ssn_nl_group_set_doit(struct sk_buff *skb, struct genl_info *info);
int ssn_nl_group_del_doit(struct sk_buff *skb, struct genl_info *info);
int ssn_nl_conn_get_doit(struct sk_buff *skb, struct genl_info *info);
int ssn_nl_conn_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ssn_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	SSN_NLGRP_EVENTS,
};

extern const struct genl_multicast_group ssn_nl_mcgrps[];

#endif /* _LINUX_SSN_GEN_H */
