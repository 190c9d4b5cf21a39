// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/qkd.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/qkd_genl.h>

/* QKD_CMD_POOL_GET - do */
const struct nla_policy qkd_pool_get_nl_policy[QKD_A_POOL_KIND + 1] = {
	[QKD_A_POOL_PEER] = { .type = NLA_U32, },
	[QKD_A_POOL_DIR] = NLA_POLICY_MAX(NLA_U32, 2),
	[QKD_A_POOL_KIND] = NLA_POLICY_MAX(NLA_U32, 1),
};

/* QKD_CMD_POOL_SET - do */
const struct nla_policy qkd_pool_set_nl_policy[QKD_A_POOL_LOW + 1] = {
	[QKD_A_POOL_PEER] = { .type = NLA_U32, },
	[QKD_A_POOL_DIR] = NLA_POLICY_MAX(NLA_U32, 2),
	[QKD_A_POOL_KIND] = NLA_POLICY_MAX(NLA_U32, 1),
	[QKD_A_POOL_LOW] = { .type = NLA_U64, },
};

/* QKD_CMD_BLOCK_GET - do */
const struct nla_policy qkd_block_get_nl_policy[QKD_A_BLOCK_ID + 1] = {
	[QKD_A_BLOCK_PEER] = { .type = NLA_U32, },
	[QKD_A_BLOCK_DIR] = NLA_POLICY_MAX(NLA_U32, 2),
	[QKD_A_BLOCK_KIND] = NLA_POLICY_MAX(NLA_U32, 1),
	[QKD_A_BLOCK_ID] = NLA_POLICY_EXACT_LEN(16),
};

/* QKD_CMD_BLOCK_TAG - do */
const struct nla_policy qkd_block_tag_nl_policy[QKD_A_BLOCK_ID + 1] = {
	[QKD_A_BLOCK_PEER] = { .type = NLA_U32, },
	[QKD_A_BLOCK_DIR] = NLA_POLICY_MAX(NLA_U32, 2),
	[QKD_A_BLOCK_KIND] = NLA_POLICY_MAX(NLA_U32, 1),
	[QKD_A_BLOCK_ID] = NLA_POLICY_EXACT_LEN(16),
};

/* QKD_CMD_BLOCK_CONFIRM - do */
const struct nla_policy qkd_block_confirm_nl_policy[QKD_A_BLOCK_TAG + 1] = {
	[QKD_A_BLOCK_PEER] = { .type = NLA_U32, },
	[QKD_A_BLOCK_DIR] = NLA_POLICY_MAX(NLA_U32, 2),
	[QKD_A_BLOCK_KIND] = NLA_POLICY_MAX(NLA_U32, 1),
	[QKD_A_BLOCK_ID] = NLA_POLICY_EXACT_LEN(16),
	[QKD_A_BLOCK_TAG_BLOCK] = NLA_POLICY_EXACT_LEN(16),
	[QKD_A_BLOCK_SLOT] = { .type = NLA_U32, },
	[QKD_A_BLOCK_TAG] = NLA_POLICY_EXACT_LEN(16),
};

/* QKD_CMD_BLOCK_VOID_NOW - do */
const struct nla_policy qkd_block_void_now_nl_policy[QKD_A_BLOCK_ID + 1] = {
	[QKD_A_BLOCK_PEER] = { .type = NLA_U32, },
	[QKD_A_BLOCK_DIR] = NLA_POLICY_MAX(NLA_U32, 2),
	[QKD_A_BLOCK_KIND] = NLA_POLICY_MAX(NLA_U32, 1),
	[QKD_A_BLOCK_ID] = NLA_POLICY_EXACT_LEN(16),
};

/* QKD_CMD_KEYRING_GET - do */
const struct nla_policy qkd_keyring_get_nl_policy[QKD_A_KEYRING_NETNS_FD + 1] = {
	[QKD_A_KEYRING_NETNS_FD] = { .type = NLA_U32, },
};

/* QKD_CMD_CEILING_SET - do */
const struct nla_policy qkd_ceiling_set_nl_policy[QKD_A_KEYRING_NETNS_FD + 1] = {
	[QKD_A_KEYRING_NETNS_FD] = { .type = NLA_U32, },
	[QKD_A_KEYRING_CEILING] = { .type = NLA_U64, },
};

/* QKD_CMD_BLOCK_RETIRE - do */
const struct nla_policy qkd_block_retire_nl_policy[QKD_A_BLOCK_ID + 1] = {
	[QKD_A_BLOCK_PEER] = { .type = NLA_U32, },
	[QKD_A_BLOCK_DIR] = NLA_POLICY_MAX(NLA_U32, 2),
	[QKD_A_BLOCK_KIND] = NLA_POLICY_MAX(NLA_U32, 1),
	[QKD_A_BLOCK_ID] = NLA_POLICY_EXACT_LEN(16),
};

/* Ops table for qkd */
const struct genl_ops qkd_nl_ops[9] = {
	{
		.cmd		= QKD_CMD_POOL_GET,
		.doit		= qkd_nl_pool_get_doit,
		.dumpit		= qkd_nl_pool_get_dumpit,
		.policy		= qkd_pool_get_nl_policy,
		.maxattr	= QKD_A_POOL_KIND,
	},
	{
		.cmd		= QKD_CMD_POOL_SET,
		.doit		= qkd_nl_pool_set_doit,
		.policy		= qkd_pool_set_nl_policy,
		.maxattr	= QKD_A_POOL_LOW,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= QKD_CMD_BLOCK_GET,
		.doit		= qkd_nl_block_get_doit,
		.dumpit		= qkd_nl_block_get_dumpit,
		.policy		= qkd_block_get_nl_policy,
		.maxattr	= QKD_A_BLOCK_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= QKD_CMD_BLOCK_TAG,
		.doit		= qkd_nl_block_tag_doit,
		.policy		= qkd_block_tag_nl_policy,
		.maxattr	= QKD_A_BLOCK_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= QKD_CMD_BLOCK_CONFIRM,
		.doit		= qkd_nl_block_confirm_doit,
		.policy		= qkd_block_confirm_nl_policy,
		.maxattr	= QKD_A_BLOCK_TAG,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= QKD_CMD_BLOCK_VOID_NOW,
		.doit		= qkd_nl_block_void_now_doit,
		.policy		= qkd_block_void_now_nl_policy,
		.maxattr	= QKD_A_BLOCK_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= QKD_CMD_KEYRING_GET,
		.doit		= qkd_nl_keyring_get_doit,
		.policy		= qkd_keyring_get_nl_policy,
		.maxattr	= QKD_A_KEYRING_NETNS_FD,
	},
	{
		.cmd		= QKD_CMD_CEILING_SET,
		.doit		= qkd_nl_ceiling_set_doit,
		.policy		= qkd_ceiling_set_nl_policy,
		.maxattr	= QKD_A_KEYRING_NETNS_FD,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= QKD_CMD_BLOCK_RETIRE,
		.doit		= qkd_nl_block_retire_doit,
		.policy		= qkd_block_retire_nl_policy,
		.maxattr	= QKD_A_BLOCK_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};

const struct genl_multicast_group qkd_nl_mcgrps[] = {
	[QKD_NLGRP_EVENTS] = { "events", },
};
