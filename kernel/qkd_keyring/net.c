// SPDX-License-Identifier: GPL-2.0
/*
 * Pads per network namespace: made with it, void before it goes.
 */
#include <linux/err.h>
#include <linux/key.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "block.h"
#include "key.h"
#include "net.h"
#include "pool.h"

/* All namespaces, for what concerns the whole machine. */
static DEFINE_MUTEX(nets_mutex);
static LIST_HEAD(nets);

static unsigned int net_id;

struct qkd_net_slot {
	struct qkd_net	*qn;
};

static struct qkd_net_slot *net_slot(const struct net *net)
{
	return net_generic(net, net_id);
}

/**
 * qkd_net - pads of a network namespace
 * @net: the namespace, which the caller keeps alive
 *
 * Return: them; no reference is taken.
 */
struct qkd_net *qkd_net(const struct net *net)
{
	return net_slot(net)->qn;
}

struct qkd_net *qkd_net_get(struct qkd_net *qn)
{
	kref_get(&qn->ref);
	return qn;
}

static void net_release(struct kref *ref)
{
	kfree(container_of(ref, struct qkd_net, ref));
}

void qkd_net_put(struct qkd_net *qn)
{
	kref_put(&qn->ref, net_release);
}

/**
 * qkd_net_charge - count bytes against the ceiling
 * @qn:		namespace's pads
 * @bytes:	how many
 *
 * Return: 0; -EPERM if there is no ceiling; -EDQUOT if it would be exceeded.
 */
int qkd_net_charge(struct qkd_net *qn, u32 bytes)
{
	int err = 0;

	spin_lock_bh(&qn->lock);
	if (!qn->ceiling)
		err = -EPERM;
	else if (qn->charged + bytes > qn->ceiling)
		err = -EDQUOT;
	else
		qn->charged += bytes;
	spin_unlock_bh(&qn->lock);
	return err;
}

void qkd_net_uncharge(struct qkd_net *qn, u32 bytes)
{
	spin_lock_bh(&qn->lock);
	qn->charged -= bytes;
	spin_unlock_bh(&qn->lock);
}

void qkd_net_set_ceiling(struct qkd_net *qn, u64 bytes)
{
	spin_lock_bh(&qn->lock);
	qn->ceiling = bytes;
	spin_unlock_bh(&qn->lock);
}

u64 qkd_net_ceiling(struct qkd_net *qn)
{
	u64 bytes;

	spin_lock_bh(&qn->lock);
	bytes = qn->ceiling;
	spin_unlock_bh(&qn->lock);
	return bytes;
}

static void net_void(struct qkd_net *qn, enum qkd_void_reason reason)
{
	struct qkd_pool *pool, *prev = NULL;

	while ((pool = qkd_pool_next(qn, prev))) {
		if (prev)
			qkd_pool_put(prev);
		qkd_pool_void_all(pool, reason);
		prev = pool;
	}
	if (prev)
		qkd_pool_put(prev);
}

/**
 * qkd_net_void_all - make every block of every namespace void
 * @reason: why
 *
 * Context: process, may sleep.
 */
void qkd_net_void_all(enum qkd_void_reason reason)
{
	struct qkd_net *qn;

	mutex_lock(&nets_mutex);
	list_for_each_entry(qn, &nets, node)
		net_void(qn, reason);
	mutex_unlock(&nets_mutex);
}

static int __net_init net_init(struct net *net)
{
	struct qkd_net *qn;
	int err;

	qn = kzalloc(sizeof(*qn), GFP_KERNEL_ACCOUNT);
	if (!qn)
		return -ENOMEM;
	kref_init(&qn->ref);
	qn->net = net;
	spin_lock_init(&qn->lock);
	qn->pools = RB_ROOT;
	mutex_init(&qn->confirm);
	mutex_init(&qn->local);
	err = rhashtable_init(&qn->idents, &qkd_ident_params);
	if (err)
		goto err_free;
	qn->ring = qkd_ring_alloc();
	if (IS_ERR(qn->ring)) {
		err = PTR_ERR(qn->ring);
		goto err_idents;
	}
	net_slot(net)->qn = qn;
	mutex_lock(&nets_mutex);
	list_add_tail(&qn->node, &nets);
	mutex_unlock(&nets_mutex);
	return 0;

err_idents:
	rhashtable_destroy(&qn->idents);
err_free:
	kfree(qn);
	return err;
}

/*
 * No process is in the namespace any more. After the grace period between this
 * and net_exit() nobody looks up blocks in it.
 */
static void __net_exit net_pre_exit(struct net *net)
{
	struct qkd_net *qn = qkd_net(net);

	spin_lock_bh(&qn->lock);
	WRITE_ONCE(qn->dead, true);
	spin_unlock_bh(&qn->lock);
}

static void __net_exit net_exit(struct net *net)
{
	struct qkd_net *qn = qkd_net(net);

	mutex_lock(&nets_mutex);
	list_del(&qn->node);
	mutex_unlock(&nets_mutex);

	net_void(qn, QKD_VOID_REASON_REVOKED);
	/* Whatever saw the namespace alive is done with it after this. */
	flush_workqueue(qkd_wq);
	qkd_ring_free(qn->ring);
	qkd_pools_drop(qn);
	rhashtable_free_and_destroy(&qn->idents, qkd_ident_free, NULL);
	qkd_net_put(qn);
}

static struct pernet_operations net_ops = {
	.init		= net_init,
	.pre_exit	= net_pre_exit,
	.exit		= net_exit,
	.id		= &net_id,
	.size		= sizeof(struct qkd_net_slot),
};

int qkd_nets_init(void)
{
	return register_pernet_subsys(&net_ops);
}

void qkd_nets_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
