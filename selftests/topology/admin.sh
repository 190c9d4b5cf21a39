#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml-debug debian
# timeout: 120
#
# What an administrator does by hand: names nodes, peers, groups; loads pads from
# a file and confirms them; reads counters; watches events. And what the tool
# says when it cannot.
#
#	+-----------+              +-----------+
#	|   a (1)   |              |   b (11)  |
#	|    ssa    |-----(sw)-----|shareholder|
#	| 10.77.1.1 |              | 10.77.1.2 |
#	+-----------+              +-----------+
. "$(dirname "$0")/../lib/topology.sh"

A=$(node_netns a)
B=$(node_netns b)
net=$TOPO_TMP/network.json
other=00000000-0000-4000-8000-000000000000

on_a() { ssnctl -n "$A" "$@"; }
on_b() { ssnctl -n "$B" "$@"; }
# pool NODE PEER DIR KIND FIGURE
pool()
{
	ssnctl -j -n "$(node_netns "$1")" key pools |
		grep -F "\"peer\": $2, \"dir\": \"$3\", \"kind\": \"$4\"" | json_get "$5"
}
lines() { grep -c "$1" "$TOPO_TMP/events" || true; }
saw() { [ "$(lines "$1")" -ge 1 ]; }

# --- without the modules

modules_unload || tap_bail "the modules do not unload"
tap_says "no module: says which one to load" "modprobe ssn_crypt" \
	ssnctl node show
tap_says "no qkd module: says which one to load" "modprobe qkd_keyring" \
	ssnctl key pools
modules_load || tap_bail "the modules do not load"

node_add a 10.77.1.1
node_add b 10.77.1.2
cat >"$net" <<-END
{ "domain": "example",
  "nodes": [
    { "id": 1, "name": "a", "role": "ssa", "addr": "10.77.1.1:5808" },
    { "id": 11, "name": "b", "role": "shareholder", "addr": "10.77.1.2:5808" },
    { "id": 12, "name": "c", "role": "shareholder", "addr": "10.77.1.3:5808" },
    { "id": 13, "name": "d", "role": "shareholder", "addr": "10.77.1.4:5808" } ],
  "groups": [
    { "id": 1, "generation": 1, "scheme": "shamir", "k": 2, "n": 3, "members": [
      { "node": 11, "x": 1 }, { "node": 12, "x": 2 }, { "node": 13, "x": 3 } ] } ] }
END

# --- wrong use

tap_says "unknown network namespace" "ip netns list" ssnctl -n nobody node show
tap_says "a path is no namespace" "no name of" ssnctl -n ../pid/1 node show
tap_says "unknown command" 'no command "pear"' ssnctl pear list
tap_says "unknown verb" 'no verb "lits"' ssnctl peer lits
tap_run "an object may be abbreviated" ssnctl -n "$A" pee list
tap_says "not if it is ambiguous" "ambiguous" ssnctl co list
tap_says "no node yet" "" ssnctl -n "$A" node show
tap_says "unknown own name" 'no node "e"' on_a node apply "$net" --self e
tap_says "file that is not there" "No such file" \
	on_a node apply /nonexistent --self a
tap_says "without privilege: says which is needed" "CAP_NET_ADMIN" \
	ip netns exec "$A" setpriv --reuid 65534 --regid 65534 --clear-groups \
	ssnctl node set 1 role ssa addr 10.77.1.1:5808

# --- the network description

tap_run "the description is applied at a" on_a node apply "$net" --self a
tap_run "and again, which changes nothing" on_a node apply "$net" --self a
tap_run "applied at b" on_b node apply "$net" --self b
tap_is "own node" "$(on_a node show)" "node 1 role ssa addr 10.77.1.1:5808"
tap_is "peers of a" "$(on_a -j peer list 2>&1 | json_get peer | sort -n | xargs)" \
	"11 12 13"
tap_is "one peer" "$(on_b peer show 1)" \
	"peer 1 role ssa addr 10.77.1.1:5808 suite otp allow_k1 no conns 0"
tap_is "group" "$(on_a group show 1)" \
	"group 1 generation 1 scheme shamir k 2 n 3 node 11 x 1 node 12 x 2 node 13 x 3"
tap_says "a peer that is not there" "" on_a peer show 99
sed 's/"k": 2/"k": 3/' "$net" >"$net.k3"
tap_says "a changed group wants a later generation" "later generation" \
	on_a node apply "$net.k3" --self a
sed -i 's/"generation": 1/"generation": 2/' "$net.k3"
tap_run "a later generation is taken" on_a node apply "$net.k3" --self a
tap_is "and is there" "$(on_a -j group show 1 | json_get k)" 3
tap_says "a former generation is refused" "later generation" \
	on_a node apply "$net" --self a

# --- groups by hand: the kernel checks for itself

M="member 11:1 member 12:2 member 13:3"
# shellcheck disable=SC2086
{
tap_says "group with k > n" "" on_a group add 2 k 4 $M
tap_says "group with k 0" "" on_a group add 2 k 0 $M
tap_says "group with k 1 where no policy says so" "" on_a group add 2 k 1 $M
tap_says "group with x 0" "x = 0" \
	on_a group add 2 k 2 member 11:0 member 12:2 member 13:3
tap_says "group with a duplicate x" "" \
	on_a group add 2 k 2 member 11:1 member 12:1 member 13:3
tap_says "group with a member twice" "" \
	on_a group add 2 k 2 member 11:1 member 11:2 member 13:3
tap_says "group with an unknown member" "" \
	on_a group add 2 k 2 member 11:1 member 12:2 member 99:3
tap_says "group 0" "id" on_a group add 0 k 2 $M
tap_says "none of them was taken" "" on_a group show 2
tap_run "a good group" on_a group add 2 k 2 $M
tap_run "and it can be removed" on_a group del 2
tap_says "scheme that is none" "none of shamir, xor" \
	on_a group add 2 scheme pear k 2 $M
tap_says "scheme xor has no x above 17" "from 1 to 17" \
	on_a group add 2 scheme xor k 2 member 11:1 member 12:18 member 13:3
tap_says "and no k = 1" "2 <= k" on_a group add 2 scheme xor k 1 $M
tap_run "a good group of it" on_a group add 2 scheme xor k 2 $M
tap_is "its scheme is shown" "$(on_a -j group show 2 | json_get scheme)" xor
tap_run "it can be removed too" on_a group del 2
}
tap_says "peer 0" "id" on_a peer add 0 role ssa addr 10.77.1.9:5808
tap_run "a peer is added" on_a peer add 21 role owner addr '[fd00::21]:5808'
tap_is "IPv6 address" "$(on_a -j peer show 21 | json_get addr)" "[fd00::21]:5808"
tap_run "and removed" on_a peer del 21
tap_says "gone" "" on_a peer show 21

# --- pads by hand

node_start a ssnctl -j monitor
cp /dev/null "$TOPO_TMP/events"
events() { node_log a >"$TOPO_TMP/events"; saw "$1"; }

head -c 4096 /dev/urandom >"$TOPO_TMP/tag1"
head -c 4096 /dev/urandom >"$TOPO_TMP/tag2"
head -c 65536 /dev/urandom >"$TOPO_TMP/pay"
T1=11111111-1111-4111-8111-111111111111
T2=22222222-2222-4222-8222-222222222222
P1=33333333-3333-4333-8333-333333333333
P2=44444444-4444-4444-8444-444444444444

load() { ssnctl -n "$(node_netns "$1")" key load "$2" "$3" "$4" --id "$5" <"$6"; }
# confirm FROM TO BLOCK: FROM's tag is checked at TO
confirm()
{
	local words

	words=$(ssnctl -n "$(node_netns "$1")" key tag "$3") || return
	# shellcheck disable=SC2086
	set -- "$2" $words
	# block B tag_block T slot S tag X
	ssnctl -n "$(node_netns "$1")" key confirm "$3" "$5" "$7" "$9"
}

tap_is "no blocks at first" "$(on_a -j key blocks)" "[]"
tap_is "and nothing usable" "$(on_a -j key pools | json_get usable | topo_sum)" 0
tap_run "tag block a to b, at a" load a 11 tx tag $T1 "$TOPO_TMP/tag1"
tap_run "and at b" load b 1 rx tag $T1 "$TOPO_TMP/tag1"
tap_run "tag block b to a, at b" load b 1 tx tag $T2 "$TOPO_TMP/tag2"
tap_run "and at a" load a 11 rx tag $T2 "$TOPO_TMP/tag2"
tap_is "loaded, not usable; a run of slots is for its own confirmation" \
	"$(pool a 11 tx tag pending) $(pool a 11 tx tag usable)" \
	"2048 0"
tap_run "a's tag of the first is right at b" confirm a b $T1
tap_run "b's at a" confirm b a $T1
tap_run "a's tag of the second is right at b" confirm a b $T2
tap_run "b's at a" confirm b a $T2
tap_is "the tag blocks are usable" "$(on_b -j key blocks | json_get state | xargs)" \
	"usable usable"

tap_run "payload a to b, at a" load a 11 tx payload $P1 "$TOPO_TMP/pay"
ring=$(on_b -j key ring | json_get serial)
tap_run "and at b by keyctl padd" node_exec b sh -c \
	"keyctl padd qkd 1:rx:payload:$P1 $ring <'$TOPO_TMP/pay'"
tap_run "b confirms it to a" confirm b a $P1
tap_run "a to b" confirm a b $P1
tap_is "64 KiB of pad are usable at both ends" \
	"$(pool a 11 tx payload usable) $(pool b 1 rx payload usable)" "65536 65536"
tap_is "loaded by hand: nothing is known of it" \
	"$(on_b -j key blocks | json_get provenance | sort -u)" none
tap_says "the same block again is refused" "File exists" \
	load a 11 tx payload $P1 "$TOPO_TMP/pay"
tap_says "half a unit is refused" "whole number of units" \
	load a 11 tx payload $P2 /proc/self/cmdline
head -c 1048576 /dev/zero >"$TOPO_TMP/big"
tap_says "a block of 1 MiB is refused" "longer than a block" \
	load a 11 tx payload $P2 "$TOPO_TMP/big"
tap_says "a terminal's worth of words is not taken from the command line" \
	"standard input" on_a key load 11 tx payload secret
tap_run "nothing of a pad is shown" sh -c \
	"! { ssnctl -j -n $A key blocks; ssnctl -j -n $A key pools; cat /proc/keys; } |
	 grep -F \"\$(od -An -tx1 -N8 '$TOPO_TMP/pay' | tr -d ' ')\""

# --- a wrong confirmation; events

head -c 65536 /dev/urandom >"$TOPO_TMP/pay2"
tap_run "a block that differs, at a" load a 11 tx payload $P2 "$TOPO_TMP/pay"
tap_run "and at b" load b 1 rx payload $P2 "$TOPO_TMP/pay2"
tap_says "the ends do not hold the same bytes" "tag is wrong" confirm b a $P2
tap_run "an event says so" wait_until 10 events \
	"\"event\": \"block-void\".*\"block\": \"$P2\", \"reason\": \"mismatch\""
tap_says "a block that never was" "no such block" on_a key void $other
tap_run "a block is made void by hand" on_a key void $P1
tap_is "and gives nothing any more" "$(pool a 11 tx payload usable)" 0
tap_run "an event says that too" wait_until 10 events \
	"\"block\": \"$P1\", \"reason\": \"admin\""
tap_run "a watermark" on_a key watermark 11 tx payload 64K
tap_is "is kept" "$(pool a 11 tx payload low)" 65536
tap_says "a watermark of words" "number of bytes" \
	on_a key watermark 11 tx payload lots
tap_is "each event is a JSON object in a line of its own" \
	"$(grep -vc '^{.*}$' "$TOPO_TMP/events")" 0

# --- a full disk, counters, completion

tap_says "a full disk is an error" "No space left" \
	sh -c "ssnctl -n $A key pools >/dev/full"
tap_is "counters" "$(on_a -j stats | json_get tx_bytes)" 0
tap_is "counters of a peer" "$(on_a -j stats 11 | json_get peer)" 11
tap_is "no connections" "$(on_a -j conn list)" "[]"
tap_is "completion: verbs" \
	"$(ssnctl completion words peer | xargs)" "add del list show --help"
tap_is "completion: options and files" \
	"$(ssnctl completion words node apply | xargs)" "@file --self"
tap_is "the namespaces do not see each other's pads" \
	"$(on_b -j key blocks | json_get peer | sort -u)" 1
tap_done
