/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family "qkd". */
#ifndef _QKD_NETLINK_H
#define _QKD_NETLINK_H

#include <net/genetlink.h>

struct qkd_block;
struct qkd_pool;

extern struct genl_family qkd_nl_family;

int qkd_nl_fill_pool(struct sk_buff *skb, struct qkd_pool *pool);
int qkd_nl_fill_block(struct sk_buff *skb, struct qkd_block *block);

int qkd_nl_init(void);
void qkd_nl_exit(void);

#endif /* _QKD_NETLINK_H */
