#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml-debug debian
# timeout: 60
#
# Do the disks of lib/disk.sh lose what was not synced, and keep what was? The
# crash tests stand on that.
. "$(dirname "$0")/../lib/topology.sh"
. "$(dirname "$0")/../lib/disk.sh"

D=$TOPO_TMP/disk
disk_make one "$D" 32 || tap_bail "no disk: is dmsetup there?"

echo synced >"$D/synced"
sync -f "$D/synced"
echo other >"$D/other"
disk_cut one
echo late >"$D/late"
sync "$D/late" "$D/other"
tap_is "while the power is off, memory still shows what was written" \
	"$(cat "$D/late")" late
tap_run "power comes back" disk_back one
tap_is "what was synced is there" "$(cat "$D/synced")" synced
tap_run "what was not synced before is gone" [ ! -e "$D/other" ]
tap_run "what came after is gone" [ ! -e "$D/late" ]

if sync_build; then
	echo before >"$D/a"
	sync -f "$D"
	read -ra env <<<"$(sync_env t)"
	sync_stop t 2
	# mv's first step renames; the second is the sync
	(cd "$D" && env "${env[@]}" sh -c 'mv a b; exec sync b') &
	pid=$!
	stopped() { grep -qs '^State:.*T' /proc/[0-9]*/task/*/status; }
	tap_run "a program stops before its second step" wait_until 10 stopped
	tap_is "the first is done" "$(sync_count t) $(cat "$D/b")" "2 before"
	kill -KILL $pid
	wait $pid 2>/dev/null
else
	tap_skip "a program stops before its second step" "no compiler"
	tap_skip "the first is done" "no compiler"
fi

disk_full one
tap_run "a full disk takes nothing" sh -c "! cp /etc/passwd '$D/more'"
disk_free one
tap_run "until there is room again" cp /etc/passwd "$D/more"
tap_done
