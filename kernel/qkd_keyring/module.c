// SPDX-License-Identifier: GPL-2.0
/*
 * qkd_keyring: pads of a quantum key distribution network in the kernel's key
 * retention service, for those who encrypt with them.
 */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/random.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>

#include "key.h"
#include "net.h"
#include "netlink.h"
#include "pool.h"

/*
 * A machine that sleeps leaves its memory behind, and one that wakes up may be
 * the second to wake up from it: no pad survives either (PROTOCOL 1).
 */
static int pm_event(struct notifier_block *nb, unsigned long event, void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_POST_SUSPEND:		/* loaded before user space froze */
	case PM_HIBERNATION_PREPARE:
	case PM_POST_HIBERNATION:
	case PM_RESTORE_PREPARE:
	case PM_POST_RESTORE:
		qkd_net_void_all(QKD_VOID_REASON_STATE_LOSS);
		break;
	}
	return NOTIFY_DONE;
}

static int vmfork_event(struct notifier_block *nb, unsigned long event,
			void *data)
{
	qkd_net_void_all(QKD_VOID_REASON_STATE_LOSS);
	return NOTIFY_DONE;
}

static struct notifier_block pm_notifier = { .notifier_call = pm_event };
static struct notifier_block vmfork_notifier = { .notifier_call = vmfork_event };

static int __init qkd_init(void)
{
	int err;

	qkd_wq = alloc_workqueue("qkd_keyring", WQ_UNBOUND, 0);
	if (!qkd_wq)
		return -ENOMEM;
	err = qkd_nets_init();
	if (err)
		goto err_wq;
	err = qkd_nl_init();
	if (err)
		goto err_nets;
	err = register_pm_notifier(&pm_notifier);
	if (err)
		goto err_nl;
	err = register_random_vmfork_notifier(&vmfork_notifier);
	if (err)
		goto err_pm;
	/* Last: from here on there are keys. */
	err = qkd_key_init();
	if (err)
		goto err_vmfork;
	return 0;

err_vmfork:
	unregister_random_vmfork_notifier(&vmfork_notifier);
err_pm:
	unregister_pm_notifier(&pm_notifier);
err_nl:
	qkd_nl_exit();
err_nets:
	qkd_nets_exit();
err_wq:
	destroy_workqueue(qkd_wq);
	return err;
}

static void __exit qkd_exit(void)
{
	qkd_key_exit();
	unregister_random_vmfork_notifier(&vmfork_notifier);
	unregister_pm_notifier(&pm_notifier);
	/* The events of the keys that just went need the family. */
	flush_workqueue(qkd_wq);
	qkd_nl_exit();
	qkd_nets_exit();
	destroy_workqueue(qkd_wq);
}

module_init(qkd_init);
module_exit(qkd_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Pads of a quantum key distribution network");
MODULE_ALIAS_GENL_FAMILY(QKD_FAMILY_NAME);
