#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 60
#
# The library of the topology tests itself, on two nodes:
#
#	+------------+          +------------+
#	|    left    |---(sw)---|   right    |
#	| 10.77.0.10 |          | 10.77.0.11 |
#	+------------+          +------------+
. "$(dirname "$0")/../lib/topology.sh"
tap_plan 19

node_add left 10.77.0.10
node_add right 10.77.0.11
topo_ready

# a server that sends one line to whoever connects, again and again
node_start right sh -c 'while :; do echo hello | busybox nc -l -p 9000; done'
server=$node_pid
tap_run "a server starts" wait_until 10 node_listens right 9000

hears()
{
	node_exec left timeout 2 busybox nc 10.77.0.11 9000 </dev/null |
		grep -q hello
}
tap_run "left reaches right" wait_until 10 hears
tap_run "and bytes are counted" test "$(node_bytes right tx)" -gt 60

node_cut right
tap_refused "not with the cable pulled" hears
node_join right
tap_run "again with the cable plugged" wait_until 10 hears

node_blackhole right
tap_refused "not through a black hole" hears
node_unblackhole right
tap_run "again when it is gone" wait_until 10 hears

tap_run "netem is taken" node_netem right delay 1ms

tap_run "STOP and CONT do not wait for an end" node_kill right STOP
node_kill right CONT
tap_run "a stopped node stops" node_stop right
tap_run "its process is gone" topo_gone "$server"
tap_refused "nobody listens there now" node_listens right 9000

node_start right sh -c 'trap "" TERM; echo ready; exec tail -f /dev/null'
said_ready() { node_log right | grep -q ready; }
wait_until 5 said_ready
server=$node_pid
tap_run "a node that does not stop is killed" node_kill right
tap_run "and gone" topo_gone "$server"

before=$SECONDS
tap_refused "a wait ends at its deadline" wait_until 1 false
tap_run "not before, and not much later" \
	test $((SECONDS - before)) -ge 1 -a $((SECONDS - before)) -le 5

count=5
reader() { echo "{\"a\": {\"rx\": $count}, \"b\": [{\"rx\": 2, \"text\": \"q\\\"\"}]}"; }
grow() { count=$((count + 37)); }
counter_change rx reader -- grow
tap_is "a counter's change is exact" "$counter_delta" 37
tap_is "text is read from JSON" "$(reader | json_get text)" 'q\"'

node_del right
tap_is "a node can be removed" "$(ip netns list | grep -c "$(node_netns right)")" 0
tap_done
