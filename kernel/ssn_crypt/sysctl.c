// SPDX-License-Identifier: GPL-2.0
/* net.ssn: create_group_range, and the family number in use. */
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>
#include "family.h"
#include "net.h"

static int group_range(CTL_CONST struct ctl_table *table, int write,
		       void *buffer, size_t *lenp, loff_t *ppos)
{
	struct ssn_net *sn = table->extra1;
	struct user_namespace *ns = sn->net->user_ns;
	unsigned long gids[2];
	struct ctl_table tmp = {
		.data	= gids,
		.maxlen	= sizeof(gids),
		.mode	= table->mode,
	};
	kgid_t low, high;
	int err;

	gids[0] = from_kgid_munged(ns, sn->range[0]);
	gids[1] = from_kgid_munged(ns, sn->range[1]);
	err = proc_doulongvec_minmax(&tmp, write, buffer, lenp, ppos);
	if (err || !write)
		return err;

	if (gids[0] > U32_MAX || gids[1] > U32_MAX)
		return -EINVAL;
	low = make_kgid(ns, gids[0]);
	high = make_kgid(ns, gids[1]);
	if (!gid_valid(low) || !gid_valid(high))
		return -EINVAL;
	if (gids[1] < gids[0]) {	/* empty, as it was in the beginning */
		low = make_kgid(&init_user_ns, 1);
		high = make_kgid(&init_user_ns, 0);
	}
	write_seqlock(&sn->range_lock);
	sn->range[0] = low;
	sn->range[1] = high;
	write_sequnlock(&sn->range_lock);
	return 0;
}

static const struct ctl_table template[] = {
	{
		.procname	= "create_group_range",
		.maxlen		= 2 * sizeof(unsigned long),
		.mode		= 0644,
		.proc_handler	= group_range,
	},
	{
		.procname	= "family",
		.data		= &ssn_family,
		.maxlen		= sizeof(int),
		.mode		= 0444,
		.proc_handler	= proc_dointvec,
	},
	{ }
};

int ssn_sysctl_add(struct ssn_net *sn)
{
	struct ctl_table *table;

	seqlock_init(&sn->range_lock);
	sn->range[0] = make_kgid(&init_user_ns, 1);
	sn->range[1] = make_kgid(&init_user_ns, 0);
	table = kmemdup(template, sizeof(template), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	table[0].extra1 = sn;
	sn->sysctl = ssn_register_sysctl(sn->net, "net/ssn", table,
					 ARRAY_SIZE(template) - 1);
	if (!sn->sysctl) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

void ssn_sysctl_del(struct ssn_net *sn)
{
	const struct ctl_table *table = sn->sysctl->ctl_table_arg;

	unregister_net_sysctl_table(sn->sysctl);
	kfree(table);
}
