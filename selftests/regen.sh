#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 600
#
# The netlink code in the tree is what its specs give.
. "$(dirname "$0")/lib/topology.sh"
tap_plan 1
linux=$("$SSN_TREE/tools/vm/uml-build" uml --source) || tap_bail "no kernel source"
tap_run "the netlink code is what the specs give" \
	"$SSN_TREE/tools/netlink/regen" --check "$linux"
tap_done
