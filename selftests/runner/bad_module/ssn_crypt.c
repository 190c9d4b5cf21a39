// SPDX-License-Identifier: GPL-2.0
/*
 * Goes wrong on demand, for the tests of tools/vm/run: write the name of a
 * fault to /sys/module/ssn_crypt/parameters/fault.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static DEFINE_SPINLOCK(a);
static DEFINE_SPINLOCK(b);

static void lock_both(spinlock_t *first, spinlock_t *second)
{
	spin_lock(first);
	spin_lock(second);
	spin_unlock(second);
	spin_unlock(first);
}

static int fault_set(const char *val, const struct kernel_param *kp)
{
	volatile char *p;

	if (sysfs_streq(val, "warn")) {
		WARN(1, "asked for by the test\n");
	} else if (sysfs_streq(val, "oops")) {
		BUG();
	} else if (sysfs_streq(val, "leak")) {
		p = kmalloc(100, GFP_KERNEL);
		pr_info("100 bytes left behind, %d\n", !!p);
	} else if (sysfs_streq(val, "overrun")) {
		p = kmalloc(100, GFP_KERNEL);
		if (p)
			p[100] = 1;
		kfree((void *)p);
	} else if (sysfs_streq(val, "deadlock")) {
		lock_both(&a, &b);
		lock_both(&b, &a);
	} else if (sysfs_streq(val, "pin")) {
		__module_get(THIS_MODULE);
	} else if (sysfs_streq(val, "hang")) {
		local_irq_disable();
		for (;;)
			cpu_relax();
	} else {
		return -EINVAL;
	}
	return 0;
}

static const struct kernel_param_ops fault_ops = { .set = fault_set };
module_param_cb(fault, &fault_ops, NULL, 0200);
MODULE_PARM_DESC(fault, "warn, oops, leak, overrun, deadlock, pin, hang");
MODULE_DESCRIPTION("For the tests of tools/vm/run");
MODULE_LICENSE("GPL");
