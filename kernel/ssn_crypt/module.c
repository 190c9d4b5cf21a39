// SPDX-License-Identifier: GPL-2.0
/*
 * ssn_crypt: AF_SSN, sockets whose traffic is encrypted with one-time pads and
 * split into shares on its way.
 */
#include <linux/module.h>
#include <net/genetlink.h>
#include <uapi/linux/ssn_genl.h>
#include "family.h"
#include "net.h"
#include "netlink.h"

static int __init ssn_init(void)
{
	int err;

	err = ssn_net_init();
	if (err)
		return err;
	err = ssn_nl_init();
	if (err)
		goto err_net;
	/* Last: from here on there are sockets. */
	err = ssn_family_init();
	if (err)
		goto err_nl;
	return 0;

err_nl:
	ssn_nl_exit();
err_net:
	ssn_net_exit();
	return err;
}

static void __exit ssn_exit(void)
{
	ssn_family_exit();
	ssn_nl_exit();
	ssn_net_exit();
}

module_init(ssn_init);
module_exit(ssn_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Secure Storage Network sockets (AF_SSN)");
MODULE_ALIAS_GENL_FAMILY(SSN_FAMILY_NAME);
