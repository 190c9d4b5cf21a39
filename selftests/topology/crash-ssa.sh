#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 300
# memory: 1536
#
# crash.sh, with the power going at the SSA.
CRASH_SITE=ssa
. "$(dirname "$0")/crash.sh"
