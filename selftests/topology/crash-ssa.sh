#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: by-hand (long: tools/vm/run --kernel=uml --modules --mem=1536 -- bash FILE)
# timeout: 900
# memory: 1536
#
# crash.sh, with the power going at the SSA.
CRASH_SITE=ssa
. "$(dirname "$0")/crash.sh"
