// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "qkd": what there is, confirmation, watermarks.
 * No message carries key material.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/key.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "block.h"
#include "confirm.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "pool.h"

struct genl_family qkd_nl_family = {
	.name		= QKD_FAMILY_NAME,
	.version	= QKD_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= qkd_nl_ops,
	.n_ops		= ARRAY_SIZE(qkd_nl_ops),
	.mcgrps		= qkd_nl_mcgrps,
	.n_mcgrps	= 1,
};

/* 0 if the attribute is there; otherwise says which one is missing. */
#define need(info, attr, name)						\
({									\
	int __err = 0;							\
									\
	if (GENL_REQ_ATTR_CHECK(info, attr)) {				\
		NL_SET_ERR_MSG((info)->extack,				\
			       "attribute " name " is missing");	\
		__err = -EINVAL;					\
	}								\
	__err;								\
})

static struct sk_buff *reply_new(struct genl_info *info, void **hdr)
{
	struct sk_buff *skb;

	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return NULL;
	*hdr = genlmsg_put_reply(skb, info, &qkd_nl_family, 0,
				 info->genlhdr->cmd);
	if (!*hdr) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/* Pools */

/**
 * qkd_nl_fill_pool - put a pool's attributes into a message
 * @skb:	the message
 * @pool:	the pool
 *
 * Return: 0 or -EMSGSIZE.
 */
int qkd_nl_fill_pool(struct sk_buff *skb, struct qkd_pool *pool)
{
	u64 voided, low, refused;
	struct qkd_pool_level level;
	u32 blocks;

	qkd_pool_level(pool, &level);
	spin_lock_bh(&pool->lock);
	voided = pool->voided;
	low = pool->low;
	refused = pool->refused;
	blocks = pool->nblocks;
	spin_unlock_bh(&pool->lock);

	if (nla_put_u32(skb, QKD_A_POOL_PEER, pool->peer) ||
	    nla_put_u32(skb, QKD_A_POOL_DIR, pool->dir) ||
	    nla_put_u32(skb, QKD_A_POOL_KIND, pool->kind) ||
	    nla_put_u64_64bit(skb, QKD_A_POOL_USABLE, level.usable,
			      QKD_A_POOL_PAD) ||
	    nla_put_u64_64bit(skb, QKD_A_POOL_PENDING, level.pending,
			      QKD_A_POOL_PAD) ||
	    nla_put_u64_64bit(skb, QKD_A_POOL_LEASED,
			      atomic64_read(&pool->leased), QKD_A_POOL_PAD) ||
	    nla_put_u64_64bit(skb, QKD_A_POOL_SPENT,
			      atomic64_read(&pool->spent), QKD_A_POOL_PAD) ||
	    nla_put_u64_64bit(skb, QKD_A_POOL_VOIDED, voided,
			      QKD_A_POOL_PAD) ||
	    nla_put_u32(skb, QKD_A_POOL_BLOCKS, blocks) ||
	    nla_put_u64_64bit(skb, QKD_A_POOL_LOW, low, QKD_A_POOL_PAD) ||
	    nla_put_u64_64bit(skb, QKD_A_POOL_LARGEST, level.largest,
			      QKD_A_POOL_PAD) ||
	    nla_put_u64_64bit(skb, QKD_A_POOL_REFUSED, refused,
			      QKD_A_POOL_PAD))
		return -EMSGSIZE;
	return 0;
}

/* Reads a pool's {peer, dir, kind} from a request, and says what is wrong. */
static int pool_key(struct genl_info *info, u32 *peer, u32 *dir, u32 *kind)
{
	int err;

	err = need(info, QKD_A_POOL_PEER, "peer") ?:
	      need(info, QKD_A_POOL_DIR, "dir") ?:
	      need(info, QKD_A_POOL_KIND, "kind");
	if (err)
		return err;
	*peer = nla_get_u32(info->attrs[QKD_A_POOL_PEER]);
	*dir = nla_get_u32(info->attrs[QKD_A_POOL_DIR]);
	*kind = nla_get_u32(info->attrs[QKD_A_POOL_KIND]);
	if ((*dir == QKD_DIR_LOCAL) != !*peer) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[QKD_A_POOL_PEER],
				    "peer 0 goes with dir local and with no other");
		return -EINVAL;
	}
	if (*dir == QKD_DIR_LOCAL && *kind != QKD_KIND_PAYLOAD) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[QKD_A_POOL_KIND],
				    "the local pool is of kind payload");
		return -EINVAL;
	}
	return 0;
}

int qkd_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	u32 peer, dir, kind;
	struct qkd_pool *pool;
	struct sk_buff *reply;
	void *hdr;
	int err;

	err = pool_key(info, &peer, &dir, &kind);
	if (err)
		return err;
	pool = qkd_pool_find(qkd_net(genl_info_net(info)), peer, dir, kind);
	if (!pool) {
		NL_SET_ERR_MSG(info->extack, "no such pool: no key was loaded for it and nobody asked for one");
		return -ENOENT;
	}
	err = -ENOMEM;
	reply = reply_new(info, &hdr);
	if (!reply)
		goto out_put;
	err = qkd_nl_fill_pool(reply, pool);
	if (err) {
		nlmsg_free(reply);
		goto out_put;
	}
	genlmsg_end(reply, hdr);
	err = genlmsg_reply(reply, info);
out_put:
	qkd_pool_put(pool);
	return err;
}

/* args: peer, dir, kind to go on with; whether that is all. */
int qkd_nl_pool_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct qkd_net *qn = qkd_net(sock_net(skb->sk));
	struct qkd_pool *pool;
	void *hdr;

	while (!cb->args[3]) {
		pool = qkd_pool_first_from(qn, cb->args[0], cb->args[1],
					   cb->args[2]);
		if (!pool) {
			cb->args[3] = 1;
			break;
		}
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				  cb->nlh->nlmsg_seq, &qkd_nl_family,
				  NLM_F_MULTI, QKD_CMD_POOL_GET);
		if (!hdr || qkd_nl_fill_pool(skb, pool)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			/* Go on with this one in the next message. */
			cb->args[0] = pool->peer;
			cb->args[1] = pool->dir;
			cb->args[2] = pool->kind;
			qkd_pool_put(pool);
			return skb->len ?: -EMSGSIZE;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = pool->peer;
		cb->args[1] = pool->dir;
		cb->args[2] = pool->kind + 1;
		qkd_pool_put(pool);
	}
	return skb->len;
}

int qkd_nl_pool_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct qkd_pool *pool;
	u32 peer, dir, kind;
	int err;

	err = pool_key(info, &peer, &dir, &kind) ?:
	      need(info, QKD_A_POOL_LOW, "low");
	if (err)
		return err;
	pool = qkd_pool_make(qkd_net(genl_info_net(info)), peer, dir, kind,
			     GFP_KERNEL_ACCOUNT);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	qkd_pool_set_low(pool, nla_get_u64(info->attrs[QKD_A_POOL_LOW]));
	qkd_pool_put(pool);
	return 0;
}

/* Blocks */

/**
 * qkd_nl_fill_block - put a block's attributes into a message
 * @skb:	the message
 * @block:	the block
 *
 * Return: 0 or -EMSGSIZE.
 */
int qkd_nl_fill_block(struct sk_buff *skb, struct qkd_block *block)
{
	enum qkd_block_state state;
	enum qkd_void_reason reason;
	u32 usable = 0;

	spin_lock_bh(&block->pool->lock);
	state = block->state;
	reason = block->reason;
	if (state == QKD_BLOCK_STATE_USABLE)
		usable = qkd_block_unclaimed(block);
	spin_unlock_bh(&block->pool->lock);

	if (nla_put_u32(skb, QKD_A_BLOCK_PEER, block->desc.peer) ||
	    nla_put_u32(skb, QKD_A_BLOCK_DIR, block->desc.dir) ||
	    nla_put_u32(skb, QKD_A_BLOCK_KIND, block->desc.kind) ||
	    nla_put(skb, QKD_A_BLOCK_ID, sizeof(uuid_t), &block->desc.id) ||
	    nla_put_u32(skb, QKD_A_BLOCK_STATE, state) ||
	    nla_put_u32(skb, QKD_A_BLOCK_SIZE, block->size) ||
	    nla_put_u32(skb, QKD_A_BLOCK_USABLE, usable) ||
	    nla_put_u32(skb, QKD_A_BLOCK_PROVENANCE, block->desc.provenance) ||
	    nla_put_s32(skb, QKD_A_BLOCK_SERIAL, block->serial))
		return -EMSGSIZE;
	if (state == QKD_BLOCK_STATE_VOID &&
	    nla_put_u32(skb, QKD_A_BLOCK_REASON, reason))
		return -EMSGSIZE;
	return 0;
}

static bool differs(const struct nlattr *attr, u32 value)
{
	return attr && nla_get_u32(attr) != value;
}

/*
 * The block that a request names, a reference taken. The id is enough; peer,
 * dir and kind are checked where they are given.
 */
static struct qkd_block *block_of(struct genl_info *info)
{
	struct qkd_net *qn = qkd_net(genl_info_net(info));
	struct nlattr **attrs = info->attrs;
	struct qkd_block *block;
	uuid_t id;
	int err;

	err = need(info, QKD_A_BLOCK_ID, "id");
	if (err)
		return ERR_PTR(err);
	import_uuid(&id, nla_data(attrs[QKD_A_BLOCK_ID]));
	block = qkd_block_find(qn, &id);
	if (!block) {
		if (qkd_block_seen(qn, &id))
			NL_SET_ERR_MSG_ATTR(info->extack,
					    attrs[QKD_A_BLOCK_ID],
					    "the block is gone: spent or void");
		else
			NL_SET_ERR_MSG_ATTR(info->extack,
					    attrs[QKD_A_BLOCK_ID],
					    "no such block was loaded");
		return ERR_PTR(-ENOENT);
	}
	if (differs(attrs[QKD_A_BLOCK_PEER], block->desc.peer) ||
	    differs(attrs[QKD_A_BLOCK_DIR], block->desc.dir) ||
	    differs(attrs[QKD_A_BLOCK_KIND], block->desc.kind)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[QKD_A_BLOCK_ID],
				    "the block is of another pool");
		qkd_block_put(block);
		return ERR_PTR(-ENOENT);
	}
	return block;
}

int qkd_nl_block_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct qkd_block *block;
	struct sk_buff *reply;
	void *hdr;
	int err;

	block = block_of(info);
	if (IS_ERR(block))
		return PTR_ERR(block);
	err = -ENOMEM;
	reply = reply_new(info, &hdr);
	if (!reply)
		goto out_put;
	err = qkd_nl_fill_block(reply, block);
	if (err) {
		nlmsg_free(reply);
		goto out_put;
	}
	genlmsg_end(reply, hdr);
	err = genlmsg_reply(reply, info);
out_put:
	qkd_block_put(block);
	return err;
}

/* The pool's first block from a sequence number on, a reference taken. */
static struct qkd_block *block_from(struct qkd_pool *pool, u64 seq)
{
	struct qkd_block *block, *found = NULL;

	spin_lock_bh(&pool->lock);
	list_for_each_entry(block, &pool->blocks, node) {
		if (block->seq >= seq) {
			kref_get(&block->ref);
			found = block;
			break;
		}
	}
	spin_unlock_bh(&pool->lock);
	return found;
}

/* Blocks of a pool from args[3] on; -EMSGSIZE when the message is full. */
static int dump_blocks(struct sk_buff *skb, struct netlink_callback *cb,
		       struct qkd_pool *pool)
{
	struct qkd_block *block;
	void *hdr;

	while ((block = block_from(pool, cb->args[3]))) {
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				  cb->nlh->nlmsg_seq, &qkd_nl_family,
				  NLM_F_MULTI, QKD_CMD_BLOCK_GET);
		if (!hdr || qkd_nl_fill_block(skb, block)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			cb->args[3] = block->seq;
			qkd_block_put(block);
			return -EMSGSIZE;
		}
		genlmsg_end(skb, hdr);
		cb->args[3] = block->seq + 1;
		qkd_block_put(block);
	}
	return 0;
}

/* args: peer, dir, kind of the pool to go on with, and the block in it. */
int qkd_nl_block_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct qkd_net *qn = qkd_net(sock_net(skb->sk));
	struct qkd_pool *pool;
	int err;

	for (;;) {
		pool = qkd_pool_first_from(qn, cb->args[0], cb->args[1],
					   cb->args[2]);
		if (!pool)
			return skb->len;
		if (pool->peer != cb->args[0] || pool->dir != cb->args[1] ||
		    pool->kind != cb->args[2])
			cb->args[3] = 0;
		cb->args[0] = pool->peer;
		cb->args[1] = pool->dir;
		cb->args[2] = pool->kind;
		err = dump_blocks(skb, cb, pool);
		qkd_pool_put(pool);
		if (err)
			return skb->len ?: err;
		cb->args[2]++;
		cb->args[3] = 0;
	}
}

int qkd_nl_block_tag_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct qkd_confirmation own;
	struct qkd_block *block;
	struct sk_buff *reply;
	void *hdr;
	int err;

	block = block_of(info);
	if (IS_ERR(block))
		return PTR_ERR(block);
	err = qkd_confirm_own(block, &own, info->extack);
	if (err)
		goto out_put;

	err = -ENOMEM;
	reply = reply_new(info, &hdr);
	if (!reply)
		goto out_put;
	if (nla_put(reply, QKD_A_BLOCK_ID, sizeof(uuid_t), &block->desc.id) ||
	    nla_put(reply, QKD_A_BLOCK_TAG_BLOCK, sizeof(uuid_t),
		    &own.tag_block) ||
	    nla_put_u32(reply, QKD_A_BLOCK_SLOT, own.slot) ||
	    nla_put(reply, QKD_A_BLOCK_TAG, QKD_TAG_LEN, own.tag)) {
		nlmsg_free(reply);
		err = -EMSGSIZE;
		goto out_put;
	}
	genlmsg_end(reply, hdr);
	err = genlmsg_reply(reply, info);
out_put:
	qkd_block_put(block);
	return err;
}

int qkd_nl_block_confirm_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct qkd_confirmation peer;
	struct qkd_block *block;
	int err;

	err = need(info, QKD_A_BLOCK_TAG_BLOCK, "tag-block") ?:
	      need(info, QKD_A_BLOCK_SLOT, "slot") ?:
	      need(info, QKD_A_BLOCK_TAG, "tag");
	if (err)
		return err;
	import_uuid(&peer.tag_block,
		    nla_data(info->attrs[QKD_A_BLOCK_TAG_BLOCK]));
	peer.slot = nla_get_u32(info->attrs[QKD_A_BLOCK_SLOT]);
	memcpy(peer.tag, nla_data(info->attrs[QKD_A_BLOCK_TAG]), QKD_TAG_LEN);

	block = block_of(info);
	if (IS_ERR(block))
		return PTR_ERR(block);
	err = qkd_confirm_peer(block, &peer, info->extack);
	qkd_block_put(block);
	return err;
}

int qkd_nl_block_void_now_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct qkd_block *block;
	int err;

	block = block_of(info);
	if (IS_ERR(block))
		return PTR_ERR(block);
	err = qkd_block_void(block, QKD_VOID_REASON_ADMIN);
	if (err)
		NL_SET_ERR_MSG(info->extack, "the block is void already");
	qkd_block_put(block);
	return err;
}

int qkd_nl_block_retire_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct qkd_block *block;
	int err;

	block = block_of(info);
	if (IS_ERR(block))
		return PTR_ERR(block);
	err = qkd_block_close(block);
	if (err == -EALREADY)
		NL_SET_ERR_MSG(info->extack, "nothing of the block is left");
	else if (err)
		NL_SET_ERR_MSG(info->extack, "the block is local or not confirmed");
	qkd_block_put(block);
	return err;
}

/* Keyrings */

/*
 * The namespace to act on, a reference taken. Another one than the caller's
 * wants its administrator.
 */
static struct net *target_net(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[QKD_A_KEYRING_NETNS_FD];
	struct net *net;

	if (!attr)
		return get_net(genl_info_net(info));
	net = get_net_ns_by_fd(nla_get_u32(attr));
	if (IS_ERR(net)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "not a file descriptor of a network namespace");
		return net;
	}
	if (!net_eq(net, genl_info_net(info)) &&
	    !netlink_ns_capable(skb, net->user_ns, CAP_NET_ADMIN)) {
		put_net(net);
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "needs CAP_NET_ADMIN in that network namespace");
		return ERR_PTR(-EPERM);
	}
	return net;
}

static int fill_keyring(struct sk_buff *skb, struct qkd_net *qn)
{
	static const u16 attrs[QKD_REFUSALS] = {
		[QKD_REFUSED_DESCRIPTION] = QKD_A_KEYRING_REFUSED_DESCRIPTION,
		[QKD_REFUSED_SIZE]	  = QKD_A_KEYRING_REFUSED_SIZE,
		[QKD_REFUSED_DUPLICATE]	  = QKD_A_KEYRING_REFUSED_DUPLICATE,
		[QKD_REFUSED_PERMISSION]  = QKD_A_KEYRING_REFUSED_PERMISSION,
		[QKD_REFUSED_CEILING]	  = QKD_A_KEYRING_REFUSED_CEILING,
	};
	int i;

	if (nla_put_s32(skb, QKD_A_KEYRING_SERIAL, key_serial(qn->ring)) ||
	    nla_put_u64_64bit(skb, QKD_A_KEYRING_CEILING, qkd_net_ceiling(qn),
			      QKD_A_KEYRING_PAD) ||
	    nla_put_u64_64bit(skb, QKD_A_KEYRING_LOADED,
			      atomic64_read(&qn->loaded), QKD_A_KEYRING_PAD))
		return -EMSGSIZE;
	for (i = 0; i < QKD_REFUSALS; i++)
		if (nla_put_u64_64bit(skb, attrs[i],
				      atomic64_read(&qn->refused[i]),
				      QKD_A_KEYRING_PAD))
			return -EMSGSIZE;
	return 0;
}

int qkd_nl_keyring_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	struct net *net;
	void *hdr;
	int err;

	net = target_net(skb, info);
	if (IS_ERR(net))
		return PTR_ERR(net);
	err = -ENOMEM;
	reply = reply_new(info, &hdr);
	if (!reply)
		goto out_put;
	err = fill_keyring(reply, qkd_net(net));
	if (err) {
		nlmsg_free(reply);
		goto out_put;
	}
	genlmsg_end(reply, hdr);
	err = genlmsg_reply(reply, info);
out_put:
	put_net(net);
	return err;
}

int qkd_nl_ceiling_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct net *net;
	int err;

	err = need(info, QKD_A_KEYRING_CEILING, "ceiling");
	if (err)
		return err;
	net = target_net(skb, info);
	if (IS_ERR(net))
		return PTR_ERR(net);
	qkd_net_set_ceiling(qkd_net(net),
			    nla_get_u64(info->attrs[QKD_A_KEYRING_CEILING]));
	put_net(net);
	return 0;
}

int qkd_nl_init(void)
{
	return genl_register_family(&qkd_nl_family);
}

void qkd_nl_exit(void)
{
	genl_unregister_family(&qkd_nl_family);
}
