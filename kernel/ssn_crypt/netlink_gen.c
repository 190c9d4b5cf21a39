// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ssn.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/ssn_genl.h>

/* Common nested types */
const struct nla_policy ssn_member_nl_policy[SSN_A_MEMBER_X + 1] = {
	[SSN_A_MEMBER_NODE] = NLA_POLICY_MIN(NLA_U32, 1),
	[SSN_A_MEMBER_X] = NLA_POLICY_MAX(NLA_U32, 255),
};

/* SSN_CMD_NODE_GET - do */
const struct nla_policy ssn_node_get_nl_policy[SSN_A_NODE_ID + 1] = {
	[SSN_A_NODE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* SSN_CMD_NODE_SET - do */
const struct nla_policy ssn_node_set_nl_policy[SSN_A_NODE_ADDR + 1] = {
	[SSN_A_NODE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[SSN_A_NODE_ROLE] = NLA_POLICY_RANGE(NLA_U32, 1, 5),
	[SSN_A_NODE_ADDR] = { .type = NLA_BINARY, },
};

/* SSN_CMD_PEER_GET - do */
const struct nla_policy ssn_peer_get_nl_policy[SSN_A_PEER_ID + 1] = {
	[SSN_A_PEER_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* SSN_CMD_PEER_SET - do */
const struct nla_policy ssn_peer_set_nl_policy[SSN_A_PEER_FLAGS + 1] = {
	[SSN_A_PEER_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[SSN_A_PEER_ROLE] = NLA_POLICY_RANGE(NLA_U32, 1, 5),
	[SSN_A_PEER_ADDR] = { .type = NLA_BINARY, },
	[SSN_A_PEER_SUITE] = NLA_POLICY_RANGE(NLA_U32, 1, 1),
	[SSN_A_PEER_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x1),
};

/* SSN_CMD_PEER_DEL - do */
const struct nla_policy ssn_peer_del_nl_policy[SSN_A_PEER_ID + 1] = {
	[SSN_A_PEER_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* SSN_CMD_GROUP_GET - do */
const struct nla_policy ssn_group_get_nl_policy[SSN_A_GROUP_ID + 1] = {
	[SSN_A_GROUP_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* SSN_CMD_GROUP_SET - do */
const struct nla_policy ssn_group_set_nl_policy[SSN_A_GROUP_MEMBER + 1] = {
	[SSN_A_GROUP_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[SSN_A_GROUP_GENERATION] = { .type = NLA_U32, },
	[SSN_A_GROUP_SCHEME] = NLA_POLICY_RANGE(NLA_U32, 1, 2),
	[SSN_A_GROUP_K] = NLA_POLICY_MAX(NLA_U32, 255),
	[SSN_A_GROUP_N] = NLA_POLICY_MAX(NLA_U32, 255),
	[SSN_A_GROUP_SERVICE] = NLA_POLICY_MIN(NLA_U32, 1),
	[SSN_A_GROUP_MEMBER] = NLA_POLICY_NESTED(ssn_member_nl_policy),
};

/* SSN_CMD_GROUP_DEL - do */
const struct nla_policy ssn_group_del_nl_policy[SSN_A_GROUP_ID + 1] = {
	[SSN_A_GROUP_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* SSN_CMD_CONN_GET - do */
const struct nla_policy ssn_conn_get_nl_policy[SSN_A_CONN_ID + 1] = {
	[SSN_A_CONN_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* SSN_CMD_STATS_GET - do */
const struct nla_policy ssn_stats_get_nl_policy[SSN_A_STATS_PEER + 1] = {
	[SSN_A_STATS_PEER] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* Ops table for ssn */
const struct genl_ops ssn_nl_ops[10] = {
	{
		.cmd		= SSN_CMD_NODE_GET,
		.doit		= ssn_nl_node_get_doit,
		.policy		= ssn_node_get_nl_policy,
		.maxattr	= SSN_A_NODE_ID,
	},
	{
		.cmd		= SSN_CMD_NODE_SET,
		.doit		= ssn_nl_node_set_doit,
		.policy		= ssn_node_set_nl_policy,
		.maxattr	= SSN_A_NODE_ADDR,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= SSN_CMD_PEER_GET,
		.doit		= ssn_nl_peer_get_doit,
		.dumpit		= ssn_nl_peer_get_dumpit,
		.policy		= ssn_peer_get_nl_policy,
		.maxattr	= SSN_A_PEER_ID,
	},
	{
		.cmd		= SSN_CMD_PEER_SET,
		.doit		= ssn_nl_peer_set_doit,
		.policy		= ssn_peer_set_nl_policy,
		.maxattr	= SSN_A_PEER_FLAGS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= SSN_CMD_PEER_DEL,
		.doit		= ssn_nl_peer_del_doit,
		.policy		= ssn_peer_del_nl_policy,
		.maxattr	= SSN_A_PEER_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= SSN_CMD_GROUP_GET,
		.doit		= ssn_nl_group_get_doit,
		.dumpit		= ssn_nl_group_get_dumpit,
		.policy		= ssn_group_get_nl_policy,
		.maxattr	= SSN_A_GROUP_ID,
	},
	{
		.cmd		= SSN_CMD_GROUP_SET,
		.doit		= ssn_nl_group_set_doit,
		.policy		= ssn_group_set_nl_policy,
		.maxattr	= SSN_A_GROUP_MEMBER,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= SSN_CMD_GROUP_DEL,
		.doit		= ssn_nl_group_del_doit,
		.policy		= ssn_group_del_nl_policy,
		.maxattr	= SSN_A_GROUP_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= SSN_CMD_CONN_GET,
		.doit		= ssn_nl_conn_get_doit,
		.dumpit		= ssn_nl_conn_get_dumpit,
		.policy		= ssn_conn_get_nl_policy,
		.maxattr	= SSN_A_CONN_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= SSN_CMD_STATS_GET,
		.doit		= ssn_nl_stats_get_doit,
		.policy		= ssn_stats_get_nl_policy,
		.maxattr	= SSN_A_STATS_PEER,
	},
};

const struct genl_multicast_group ssn_nl_mcgrps[] = {
	[SSN_NLGRP_EVENTS] = { "events", },
};
