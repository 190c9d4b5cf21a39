#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 600
#
# keyd_kme.sh: KMEs that are down, or answer as real ones were seen to: each is
# noticed, none does harm, and all is well when it is over.
#
#	   +--------------+                      +--------------+
#	   |     ssa      |        Ax :5809      |     sh1      |
#	   | keyd --------+----------------------+-------- keyd |
#	   |  | Ak :5810  |                      |  | Ak :5810  |
#	   | qkdsim ------+----------------------+------ qkdsim |
#	   +------+-------+  "quantum" link      +------+-------+
#	          | .2         with faults              | .11
#	      ====+=============== 10.58.0.0/24 ========+====
. "$(dirname "$0")/../lib/topology.sh"
. "$(dirname "$0")/../lib/keys.sh"

keys_begin
tap_run "pools fill" becomes_full

kme_down()
{
	kill -KILL "${pid_kme[ssa]}" && wait_gone 10 "${pid_kme[ssa]}" && void_some ssa &&
	alarmed ssa kme-down && sound
}
tap_run "a KME that is down raises an alarm" kme_down
kme_back()
{
	kme_start ssa && becomes_full && ! alarm_on ssa kme-down
}
tap_run "and when it is back the alarm is over and the pools fill" kme_back

# fault NAME FAULTS NODE ALARM: raises the alarm (or none), does no harm, and passes
fault()
{
	local kinds=$1 node=${2:-} alarm=${3:-} before=0

	[ -z "$alarm" ] || before=$(alarms_logged "$node" "$alarm")
	kme_faults "$kinds"
	void_some ssa || return
	if [ "$alarm" ]; then
		alarmed "$node" "$alarm" "$before" || { echo "no alarm $alarm"; return 1; }
	else
		wait_until 20 grep -q '"failures": [1-9]' "$P/ssa.state/status.json" || {
			echo "it did not back off"
			return 1
		}
	fi
	sound || return
	kme_faults ""
	becomes_full && sound
}
harmless()
{
	kme_faults "$1"
	void_some ssa && becomes_full && sound || return
	kme_faults ""
}
tap_run "keys that differ: pad-mismatch, and no harm" \
	fault '"wrong_key": true' sh1 pad-mismatch
tap_run "the sender learns it too" alarmed ssa pad-mismatch
for hash in md5 sha1 sha256 uuid5; do
	tap_run "a key ID made by $hash: key-id-leak, and no harm" \
		fault "\"id_hash\": \"$hash\"" ssa key-id-leak
done
tap_run "key IDs issued again: key-reuse, and no harm" \
	fault '"repeat_id": true' ssa key-reuse
for status in 400 404 503; do
	tap_run "an empty store that says $status" fault "\"empty\": $status"
done
tap_run "with a body of HTML" fault '"empty": 503, "html": true'
tap_run "a KME that never answers enc_keys" fault '"hang_enc": true'
tap_run "a KME that never answers dec_keys" fault '"hang_dec": true'
tap_run "keys that leave the store while the answer is lost" fault '"lost_dec": true'
tap_run "smaller keys than asked for" harmless '"size": 131072'
tap_run "larger keys than asked for" harmless '"size": 2097152'
tap_run "keys of 1024 bits, whatever was asked for" harmless '"size": 1024'
tap_run "keys too small to make a block, in any number of requests" \
	fault '"size": 16' ssa kme-odd

# A sender that has lost its ledger, and whose KME gives key IDs again.
nothing_usable()
{
	[ -z "$(usable ssa tx; usable ssa rx; usable sh1 tx; usable sh1 rx)" ]
}
refused_by_sh1()
{
	node_log ssa | grep "sh1 has seen the block or a key of it before"
}
reuse_seen()
{
	kme_faults '"empty": 503'
	void_some ssa && void_some sh1 && wait_until 30 nothing_usable &&
	keyd_stop ssa TERM || return
	rm -f "$P"/ssa.state/ledger*
	kme_faults '"repeat_id": true'
	keyd_start ssa && wait_until 30 refused_by_sh1 && alarmed ssa key-reuse &&
	sound || return
	kme_faults ""
	becomes_full && sound
}
tap_run "key IDs that only the receiver has seen: key-reuse, and no harm" reuse_seen

# What field servers have in stock: 256 bits, 128 at a time.
small_keys()
{
	local n

	keyd_stop ssa TERM && keyd_stop sh1 TERM || return
	kme_more='"key_size": 256, "max_key_size": 256, "max_key_per_request": 128,'
	ak_more=', "max_key_bits": 256, "max_keys": 128'
	low=16384 high=65536 block=32768
	keyd_configs
	for n in ssa sh1; do
		kme_config $n
		kill -TERM "${pid_kme[$n]}" && wait_gone 20 "${pid_kme[$n]}" &&
		kme_start $n || return
	done
	void_some ssa && void_some sh1 && keyd_start ssa && keyd_start sh1 &&
	becomes_full 120 && sound
}
tap_run "keys of 256 bits, 128 at a time, make pads" small_keys

keys_end
tap_done
