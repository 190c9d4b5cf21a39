// SPDX-License-Identifier: GPL-2.0
/* Does nothing: stands in for the module that the runner loads first. */
#include <linux/module.h>

static int __init good_init(void)
{
	return 0;
}

static void __exit good_exit(void)
{
}

module_init(good_init);
module_exit(good_exit);
MODULE_DESCRIPTION("For the tests of tools/vm/run");
MODULE_LICENSE("GPL");
