/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a network namespace has of pads: its keyring, its pools, the ids of all
 * blocks it ever saw. Outlives the namespace while somebody holds a pool.
 */
#ifndef _QKD_NET_H
#define _QKD_NET_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <uapi/linux/qkd_genl.h>

struct key;
struct net;

/* Why add_key() was refused, one counter each; the order of the attributes. */
enum qkd_refusal {
	QKD_REFUSED_DESCRIPTION,	/* EINVAL */
	QKD_REFUSED_SIZE,		/* EMSGSIZE */
	QKD_REFUSED_DUPLICATE,		/* EEXIST */
	QKD_REFUSED_PERMISSION,		/* EPERM, EXDEV */
	QKD_REFUSED_CEILING,		/* EDQUOT */
	QKD_REFUSALS
};

/**
 * struct qkd_net - pads of one network namespace
 * @ref:	the namespace holds one, every pool holds one
 * @net:	the namespace; must not be followed once @dead is set, except by
 *		whoever keeps the namespace alive or is flushed by its exit
 * @node:	in the list of all namespaces, under its mutex
 * @dead:	set, never cleared, before the namespace goes
 * @ring:	the keyring .qkd
 * @idents:	every block id ever seen; entries live as long as the namespace
 * @lock:	protects @pools, @ceiling and @charged; taken with softirqs off
 * @pools:	by peer, direction, kind
 * @ceiling:	bytes that may be loaded without CAP_NET_ADMIN
 * @charged:	bytes that are loaded so
 * @loaded:	bytes of key material in memory
 * @confirm:	one confirmation at a time
 * @local:	one reader of the local pool at a time
 * @refused:	add_key() calls refused, by enum qkd_refusal
 */
struct qkd_net {
	struct kref		ref;
	struct net		*net;
	struct list_head	node;
	bool			dead;
	struct key		*ring;
	struct rhashtable	idents;
	spinlock_t		lock;
	struct rb_root		pools;
	u64			ceiling;
	u64			charged;
	atomic64_t		loaded;
	struct mutex		confirm;
	struct mutex		local;
	atomic64_t		refused[QKD_REFUSALS];
};

struct qkd_net *qkd_net(const struct net *net);
struct qkd_net *qkd_net_get(struct qkd_net *qn);
void qkd_net_put(struct qkd_net *qn);

int qkd_net_charge(struct qkd_net *qn, u32 bytes);
void qkd_net_uncharge(struct qkd_net *qn, u32 bytes);
void qkd_net_set_ceiling(struct qkd_net *qn, u64 bytes);
u64 qkd_net_ceiling(struct qkd_net *qn);

static inline int qkd_net_refuse(struct qkd_net *qn, enum qkd_refusal why,
				 int err)
{
	atomic64_inc(&qn->refused[why]);
	return err;
}

void qkd_net_void_all(enum qkd_void_reason reason);

int qkd_nets_init(void);
void qkd_nets_exit(void);

#endif /* _QKD_NET_H */
