// SPDX-License-Identifier: GPL-2.0
/*
 * For tests only: the suites of the pure files, with these files once more:
 * ssn_crypt keeps its own to itself, and has no AMD code. The suites run when
 * this is loaded; selftests/kernel/kunit.sh reads what came out.
 */
#include <linux/module.h>

#include "gf256.c"
#include "shamir.c"
#include "kurihara.c"
#include "scheme.c"
#include "amd.c"
#include "pad.c"

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of the Secure Storage Network's arithmetic");
