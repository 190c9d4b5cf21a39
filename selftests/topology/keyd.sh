#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
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

# --- blocks that come to their end

# What the data path does, by hand: all of the pool to send with is leased, and none
# of it is announced to the receiver.
use_up()
{
	local status

	insmod "$SSN_MODULES/qkd_lease_test.ko" || return
	node_exec ssa bash -c 'exec 3<>/proc/qkd_lease_test
		for ((n = 0; ; n++)); do
			printf "take 0 11 0 255" >&3 2>/dev/null || break
			printf "release 0" >&3
		done
		[ $n -ge 2 ]'
	status=$?
	rmmod qkd_lease_test && return $status
}
payload_of()
{
	ssnctl -j -n "$(node_netns "$1")" key blocks | grep -F '"kind": "payload"' |
		grep -F "\"dir\": \"$2\"" | json_get block | sort
}
retired()
{
	payload_of sh1 rx >"$P/after" && [ -z "$(comm -12 "$P/before" "$P/after")" ]
}
used_up()
{
	payload_of sh1 rx >"$P/before" && [ -s "$P/before" ] && use_up &&
	wait_until 60 retired
}
tap_run "blocks used up by the sender are retired at the receiver" used_up
tap_run "and replaced" becomes_full

deaf()
{
	local b

	keyd_stop ssa && keyd_start ssa deaf 1 && void_some ssa && becomes_full || return
	kill -STOP "${pid_keyd[ssa]}" || return
	for b in $(usable ssa tx) $(usable ssa rx); do
		ssnctl -n "$(node_netns ssa)" key void "$b" || return
	done
	kill -CONT "${pid_keyd[ssa]}" && wait_until 60 sound && becomes_full &&
	node_log ssa | grep "events of the kernel were lost"
}
tap_run "void blocks of which nothing was heard are void at the peer too" deaf
keyd_stop ssa
keyd_start ssa

# --- another user

as_user()
{
	keyd_stop sh1
	chmod 711 "$P"
	keyd_configs '"user": "nobody",'
	keyd_start sh1 && void_some sh1 && void_some ssa && becomes_full || return
	grep -P '^(Uid|CapEff|CapPrm):' "/proc/${pid_keyd[sh1]}/status"
	grep -qP '^Uid:\t65534\t' "/proc/${pid_keyd[sh1]}/status" &&
	grep -qP '^CapEff:\t0*1000$' "/proc/${pid_keyd[sh1]}/status" &&
	wait_until 20 test "$P/sh1.state/status.json" -nt "$P/sh1-keyd.json"
}
tap_run "as another user it goes on, with one capability" as_user
keyd_stop sh1
chown -R 0:0 "$P/sh1.state"
keyd_configs
keyd_start sh1

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
