/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/qkd.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_QKD_GEN_H
#define _LINUX_QKD_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/qkd_genl.h>

extern const struct nla_policy qkd_pool_get_nl_policy[QKD_A_POOL_KIND + 1];

extern const struct nla_policy qkd_pool_set_nl_policy[QKD_A_POOL_LOW + 1];

extern const struct nla_policy qkd_block_get_nl_policy[QKD_A_BLOCK_ID + 1];

extern const struct nla_policy qkd_block_tag_nl_policy[QKD_A_BLOCK_ID + 1];

extern const struct nla_policy qkd_block_confirm_nl_policy[QKD_A_BLOCK_TAG + 1];

extern const struct nla_policy qkd_block_void_now_nl_policy[QKD_A_BLOCK_ID + 1];

extern const struct nla_policy qkd_keyring_get_nl_policy[QKD_A_KEYRING_NETNS_FD + 1];

extern const struct nla_policy qkd_ceiling_set_nl_policy[QKD_A_KEYRING_NETNS_FD + 1];

extern const struct nla_policy qkd_block_retire_nl_policy[QKD_A_BLOCK_ID + 1];

/* Ops table for qkd */
extern const struct genl_ops qkd_nl_ops[9];

int qkd_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info);
int qkd_nl_pool_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int qkd_nl_pool_set_doit(struct sk_buff *skb, struct genl_info *info);
int qkd_nl_block_get_doit(struct sk_buff *skb, struct genl_info *info);
int qkd_nl_block_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int qkd_nl_block_tag_doit(struct sk_buff *skb, struct genl_info *info);
int qkd_nl_block_confirm_doit(struct sk_buff *skb, struct genl_info *info);
int qkd_nl_block_void_now_doit(struct sk_buff *skb, struct genl_info *info);
int qkd_nl_keyring_get_doit(struct sk_buff *skb, struct genl_info *info);
int qkd_nl_ceiling_set_doit(struct sk_buff *skb, struct genl_info *info);
int qkd_nl_block_retire_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	QKD_NLGRP_EVENTS,
};

extern const struct genl_multicast_group qkd_nl_mcgrps[];

#endif /* _LINUX_QKD_GEN_H */
