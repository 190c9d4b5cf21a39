// SPDX-License-Identifier: GPL-2.0
/*
 * The address family. It has no number of its own and takes a slot that has no
 * registrant (include/uapi/linux/ssn.h); there is no alias that would load the
 * module for whoever calls socket(2). Creating a socket is a permission: the
 * groups in net.ssn.create_group_range have it, none by default, and
 * CAP_NET_ADMIN has it.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/seqlock.h>
#include <linux/ssn.h>
#include <net/sock.h>
#include "family.h"
#include "net.h"
#include "share.h"

int ssn_family = SSN_FAMILY_DEFAULT;
module_param_named(family, ssn_family, int, 0444);
MODULE_PARM_DESC(family, "Slot of the address family (default 25)");

static bool may_create(struct net *net)
{
	struct ssn_net *sn = ssn_net(net);
	struct group_info *groups;
	kgid_t low, high;
	unsigned int seq;
	bool may = false;
	int i;

	do {
		seq = read_seqbegin(&sn->range_lock);
		low = sn->range[0];
		high = sn->range[1];
	} while (read_seqretry(&sn->range_lock, seq));

	if (gid_lte(low, current_egid()) && gid_lte(current_egid(), high))
		return true;
	groups = get_current_groups();
	for (i = 0; i < groups->ngroups && !may; i++)
		may = gid_lte(low, groups->gid[i]) &&
		      gid_lte(groups->gid[i], high);
	put_group_info(groups);
	return may || ns_capable(net->user_ns, CAP_NET_ADMIN);
}

static int create(struct net *net, struct socket *sock, int protocol, int kern)
{
	if (sock->type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	if (protocol != SSNPROTO_LINK && protocol != SSNPROTO_SHARE)
		return -EPROTONOSUPPORT;
	if (!kern && !may_create(net))
		return -EPERM;
	sock->state = SS_UNCONNECTED;
	return protocol == SSNPROTO_LINK ? ssn_link_create(net, sock, kern) :
					   ssn_share_create(net, sock, kern);
}

static struct net_proto_family family_ops = {
	.create	= create,
	.owner	= THIS_MODULE,
};

int ssn_family_init(void)
{
	int err;

	if (ssn_family <= 0 || ssn_family >= NPROTO)
		return -EINVAL;
	family_ops.family = ssn_family;
	err = ssn_link_init();
	if (err)
		return err;
	err = ssn_share_init();
	if (err)
		goto err_link;
	err = sock_register(&family_ops);
	if (err)
		goto err_share;
	return 0;

err_share:
	ssn_share_exit();
err_link:
	ssn_link_exit();
	return err;
}

void ssn_family_exit(void)
{
	sock_unregister(ssn_family);
	ssn_share_exit();
	ssn_link_exit();
}
