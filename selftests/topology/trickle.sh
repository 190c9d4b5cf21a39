#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 240
#
# A shareholder that takes what it is sent drop by drop: it is not waited for longer
# than its window allows (20 s), and nobody else waits at all.
#
#	+-------+     +-------+     +-----+  +-----+  +-----+
#	| owner |     |  ssa  |     | sh1 |  | sh2 |  | sh3 |	k = 2, n = 3
#	+---+---+     +---+---+     +--+--+  +--+--+  +--+--+
#	    |             |            |      drops      |
#	====+=============+============+========+========+====	10.58.0.0/24
. "$(dirname "$0")/../lib/topology.sh"

SITE_LEVEL=25165824
SITE_SSAD='"segment_bytes": 4194304'
. "$(dirname "$0")/../lib/site.sh"

# What the switch sends on to a node
trickle() { ip netns exec "$topo_switch" tc qdisc replace dev "p-$1" root netem rate "$2" limit 10000; }
flow() { ip netns exec "$topo_switch" tc qdisc del dev "p-$1" root; }

site_network 2 3
site_keys || tap_bail "the sites do not come up"
site_pads $SITE_LEVEL 120 || tap_bail "no pads"
site_storage || tap_bail "the storage does not come up"

file=$TOPO_TMP/file small=$TOPO_TMP/small
cat /usr/bin/perl /usr/bin/perl /usr/bin/perl /usr/bin/perl | head -c 12000001 >"$file"
head -c 30001 /usr/bin/perl >"$small"
sent() { ssnctl -j -n "$(node_netns ssa)" stats "$(site_id sh2)" | json_get tx_bytes; }
sent_more() { [ "$(sent)" -gt $((before + 1000000)) ]; }
got() { node_bytes sh2 rx; }

tap_run "put, while all take what they are sent" site_owner put "$small" --name a
trickle sh2 80kbit || tap_bail "no netem"
before=$(sent)
drops=$(got)
site_owner put "$file" --name slow --min-confirmed 2 >"$TOPO_TMP/put.out" 2>&1 &
putting=$!
begun=$SECONDS
tap_run "put, while sh2 takes 10 KB a second" wait_until 30 sent_more
ask=$SECONDS
tap_run "meanwhile others are read from" site_owner get a -o "$TOPO_TMP/back"
tap_run "right" cmp "$small" "$TOPO_TMP/back"
tap_run "and at once ($((SECONDS - ask)) s)" [ $((SECONDS - ask)) -lt 10 ]
tap_run "the put does not wait for it to end" wait_gone 60 $putting
wait $putting
tap_is "but goes on without it" $? 3 || cat "$TOPO_TMP/put.out" "$TOPO_TMP/ssa.log"
tap_run "in the time that its window allows ($((SECONDS - begun)) s)" \
	[ $((SECONDS - begun)) -lt 40 ]
tap_run "it did take some ($(($(got) - drops)) bytes)" [ $(($(got) - drops)) -gt 50000 ]
tap_run "and is named" grep -q "sh2 (node 12)" "$TOPO_TMP/ssa.log"
tap_run "what was stored is read" site_owner get slow -o "$TOPO_TMP/back"
tap_run "right" cmp "$file" "$TOPO_TMP/back"
flow sh2
tap_run "when it takes what it is sent again, it takes part" \
	wait_until 60 site_owner put "$small" --name b
tap_done
