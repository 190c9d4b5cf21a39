#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml-debug debian
# timeout: 600
#
# keyd.sh: two key agents and two KMEs: pools fill, refill, and survive everything.
#
#	   +--------------+                      +--------------+
#	   |     ssa      |        Ax :5809      |     sh1      |
#	   | keyd --------+----------------------+-------- keyd |
#	   |  | Ak :5810  |                      |  | Ak :5810  |
#	   | qkdsim ------+----------------------+------ qkdsim |
#	   +------+-------+  "quantum" link      +------+-------+
#	          | .2                                  | .11
#	      ====+=============== 10.58.0.0/24 ========+====
#
# The rule that every crash is checked against: a block that one end may send with
# is a block that the other end can receive with.
. "$(dirname "$0")/../lib/topology.sh"
. "$(dirname "$0")/../lib/keys.sh"

# --- filling

keys_begin
tap_run "pools fill to the high watermark, confirmed at both ends" becomes_full
tap_is "a block is as good as its worse end" "$(
	ssnctl -j -n "$(node_netns sh1)" key blocks | grep -F '"kind": "payload"' |
	grep -oE '"provenance": [^,]*(\[[^]]*\])?[^,]*' | sort -u | wc -l)" 1
tap_run "and both ends say the same of it" test "$(
	ssnctl -j -n "$(node_netns ssa)" key blocks | grep -F '"kind": "payload"' |
	grep -oE '"provenance":.*"serial"' | sort -u)" = "$(
	ssnctl -j -n "$(node_netns sh1)" key blocks | grep -F '"kind": "payload"' |
	grep -oE '"provenance":.*"serial"' | sort -u)"
tap_run "no pad is left in a sqlite file, log or status" test -z "$(
	grep -lE '"key"' "$P"/*.log "$P"/*.state/status.json)"

usable ssa tx >"$P/before"
tap_run "all blocks voided at one end" void_some ssa
tap_run "are replaced" becomes_full
usable ssa tx >"$P/after"
tap_is "there were some" "$([ "$(wc -l <"$P/before")" -ge 3 ] && echo yes)" yes
tap_is "none of them is used again" "$(comm -12 "$P/before" "$P/after")" ""

# --- crashes

# crash NODE STEP: it dies there the 2nd time, comes back, and all is well again
crash()
{
	keyd_stop "$1"
	void_some ssa && void_some sh1 || return
	keyd_start "$1" "$2" 2
	wait_gone 60 "${pid_keyd[$1]}" || { echo "$2 was never reached"; return 1; }
	sound || return
	keyd_start "$1"
	becomes_full && sound
}
for step in lead-fetched lead-accepted lead-loaded lead-confirming lead-peer-usable \
	    lead-confirmed lead-usable; do
	tap_run "killed at $step: nothing is usable at the sender only" crash ssa $step
done
for step in follow-asked follow-fetched follow-loaded follow-tagged \
	    follow-confirmed follow-usable; do
	tap_run "killed at $step: nothing is usable at the sender only" crash sh1 $step
done

both_restart()
{
	local was

	was=$(usable ssa tx)
	keyd_stop ssa && keyd_stop sh1 && keyd_start ssa && keyd_start sh1 &&
	becomes_full && [ "$(usable ssa tx)" = "$was" ]
}
tap_run "a restart of both changes nothing about what is confirmed" both_restart

keyd_start_twice()
{
	node_exec sh1 timeout 20 keyd -c "$P/sh1-keyd.json"
}
tap_says "a second keyd on the same ledger is refused" "locked" keyd_start_twice

keys_end
tap_done
