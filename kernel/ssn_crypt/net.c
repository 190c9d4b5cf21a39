// SPDX-License-Identifier: GPL-2.0
/*
 * ssn_crypt in a network namespace. Whatever a user holds keeps the namespace
 * alive; what is left when it goes are lingering connections, unverified ones
 * and the gate. They hold no reference to it and end in pre_exit, before its
 * devices do.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include "conn.h"
#include "family.h"
#include "group.h"
#include "net.h"
#include "node.h"
#include "peer.h"

struct workqueue_struct *ssn_wq;

static unsigned int ssn_net_id;

struct ssn_net *ssn_net(const struct net *net)
{
	return net_generic(net, ssn_net_id);
}

#define COUNTER(name) [SSN_A_COUNTERS_##name] = #name
static const char *const counter_names[SSN_A_COUNTERS_MAX + 1] = {
	COUNTER(TX_MESSAGES), COUNTER(TX_RECORDS), COUNTER(TX_BYTES),
	COUNTER(TX_WIRE_BYTES), COUNTER(TX_PAD_BYTES), COUNTER(RX_MESSAGES),
	COUNTER(RX_RECORDS), COUNTER(RX_BYTES), COUNTER(RX_WIRE_BYTES),
	COUNTER(RX_PAD_BYTES), COUNTER(CONNS_OPENED), COUNTER(CONNS_ACCEPTED),
	COUNTER(CONNS_REFUSED), COUNTER(CONNS_FAILED), COUNTER(BAD_TAG),
	COUNTER(BAD_SEQ), COUNTER(BAD_LENGTH), COUNTER(BAD_TYPE),
	COUNTER(BAD_LEASE), COUNTER(BAD_SHARE), COUNTER(BAD_HELLO),
	COUNTER(REPLAYED_HELLO), COUNTER(TRUNCATED), COUNTER(FLOOD),
	COUNTER(TIMEOUT), COUNTER(NO_PAD), COUNTER(BAD_ADDRESS),
	COUNTER(COEFF_BYTES),
};

static int stat_show(struct seq_file *m, void *unused)
{
	struct ssn_net *sn = ssn_net(m->private);
	unsigned int i;

	for (i = 0; i <= SSN_A_COUNTERS_MAX; i++)
		if (counter_names[i])
			seq_printf(m, "%-16s %llu\n", counter_names[i],
				   ssn_stats_read(&sn->stats, i));
	return 0;
}

static int __net_init net_init(struct net *net)
{
	struct ssn_net *sn = ssn_net(net);
	int err;

	sn->net = net;
	mutex_init(&sn->config);
	xa_init(&sn->peers);
	xa_init(&sn->groups);
	xa_init(&sn->services);
	xa_init_flags(&sn->conns, XA_FLAGS_ALLOC1);
	init_waitqueue_head(&sn->idle);
	err = ssn_sysctl_add(sn);
	if (err)
		return err;
	if (!proc_create_net_single("ssn_stat", 0444, net->proc_net, stat_show,
				    NULL)) {
		ssn_sysctl_del(sn);
		return -ENOMEM;
	}
	return 0;
}

static void __net_exit net_pre_exit(struct net *net)
{
	struct ssn_net *sn = ssn_net(net);

	WRITE_ONCE(sn->dying, true);
	mutex_lock(&sn->config);
	ssn_node_drop(sn);
	ssn_conns_abort(sn, NULL, -ENETDOWN);
	wait_event(sn->idle, !atomic_read(&sn->nconns));
	ssn_groups_drop(sn);
	ssn_peers_drop(sn);
	mutex_unlock(&sn->config);
}

static void __net_exit net_exit(struct net *net)
{
	struct ssn_net *sn = ssn_net(net);

	remove_proc_entry("ssn_stat", net->proc_net);
	ssn_sysctl_del(sn);
	xa_destroy(&sn->peers);
	xa_destroy(&sn->groups);
	xa_destroy(&sn->services);
	xa_destroy(&sn->conns);
}

static struct pernet_operations net_ops = {
	.init		= net_init,
	.pre_exit	= net_pre_exit,
	.exit		= net_exit,
	.id		= &ssn_net_id,
	.size		= sizeof(struct ssn_net),
};

int ssn_net_init(void)
{
	int err;

	ssn_wq = alloc_workqueue("ssn_crypt", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!ssn_wq)
		return -ENOMEM;
	err = register_pernet_device(&net_ops);
	if (err)
		destroy_workqueue(ssn_wq);
	return err;
}

void ssn_net_exit(void)
{
	unregister_pernet_device(&net_ops);
	destroy_workqueue(ssn_wq);
	rcu_barrier();	/* peers and groups */
}
