// SPDX-License-Identifier: GPL-2.0
/*
 * Events: pool-low, pool-empty and block-void, multicast to the namespace of
 * the pool. They are sent from the module's workqueue, which the namespace's
 * exit flushes after it set dead.
 */
#include "block.h"
#include "event.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "pool.h"

static struct sk_buff *event_new(u8 cmd, void **hdr)
{
	struct sk_buff *skb;

	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return NULL;
	*hdr = genlmsg_put(skb, 0, 0, &qkd_nl_family, 0, cmd);
	if (!*hdr) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

static void event_send(struct qkd_net *qn, struct sk_buff *skb, void *hdr)
{
	genlmsg_end(skb, hdr);
	/* Nobody listening is no error. */
	genlmsg_multicast_netns(&qkd_nl_family, qn->net, skb, 0,
				QKD_NLGRP_EVENTS, GFP_KERNEL);
}

/* Multicasts QKD_CMD_POOL_LOW or QKD_CMD_POOL_EMPTY. */
void qkd_event_pool(struct qkd_pool *pool, u8 cmd)
{
	struct sk_buff *skb;
	void *hdr;

	if (READ_ONCE(pool->qn->dead))
		return;
	skb = event_new(cmd, &hdr);
	if (!skb)
		return;
	if (qkd_nl_fill_pool(skb, pool)) {
		nlmsg_free(skb);
		return;
	}
	event_send(pool->qn, skb, hdr);
}

/* Multicasts QKD_CMD_BLOCK_VOID. */
void qkd_event_void(struct qkd_block *block)
{
	struct sk_buff *skb;
	void *hdr;

	if (READ_ONCE(block->qn->dead))
		return;
	skb = event_new(QKD_CMD_BLOCK_VOID, &hdr);
	if (!skb)
		return;
	if (qkd_nl_fill_block(skb, block)) {
		nlmsg_free(skb);
		return;
	}
	event_send(block->qn, skb, hdr);
}
