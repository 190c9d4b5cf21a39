#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 300
# memory: 1536
#
# A put while the network and the programs misbehave: a shareholder that nothing
# reaches any more, one that stops reading, an SSA that is killed, the same job
# twice, a full disk. Each put ends in bounded time with a clear answer, and leaves
# nothing behind.
#
#	+-------+     +-------+     +-----+  +-----+  +-----+
#	| owner |     |  ssa  |     | sh1 |  | sh2 |  | sh3 |	k = 2, n = 3
#	+---+---+     +---+---+     +--+--+  +--+--+  +--+--+
#	    |             |            | disk   |        |
#	====+=============+============+========+========+====	10.58.0.0/24
. "$(dirname "$0")/../lib/topology.sh"
. "$(dirname "$0")/../lib/disk.sh"

SITE_DATA=$TOPO_TMP/disks
SITE_LEVEL=12582912
SITE_SHAREHOLDERD='"resolve_after": 2'
SITE_SSAD='"group_timeout_ms": 5000'
. "$(dirname "$0")/../lib/site.sh"

disk_make sh1 "$SITE_DATA/sh1" 32 || tap_bail "no disk"
site_network 2 3
site_keys || tap_bail "the sites do not come up"
site_pads 8388608 200 || tap_bail "no pads"
site_storage || tap_bail "the storage does not come up"

small=$TOPO_TMP/small file=$TOPO_TMP/file
head -c 30001 /usr/bin/perl >"$small"
head -c 2000003 /usr/bin/perl >"$file"

uuid() { cat /proc/sys/kernel/random/uuid; }
putting=
put_begin() # FILE NAME [OPTION...]
{
	local what=$1 name=$2

	shift 2
	site_owner put "$what" --name "$name" "$@" >"$TOPO_TMP/put.out" 2>&1 &
	putting=$!
}
# the status of the put, 124 if it does not end
put_end()
{
	if ! wait_gone "${1:-60}" $putting; then
		kill $putting
		wait $putting
		return 124
	fi
	wait $putting
}
refused() { local status=0; put_end "$@" || status=$?; [ $status = 1 ]; }
says() { grep -qE "$1" "$TOPO_TMP/put.out" || { cat "$TOPO_TMP/put.out"; false; }; }
reads() # FILE NAME
{
	rm -f "$TOPO_TMP/back"
	site_owner get "$2" -o "$TOPO_TMP/back" && cmp "$1" "$TOPO_TMP/back"
}
unlisted() { ! site_owner -j ls | json_get name | grep -qxF "$1"; }
pending() { find "$SITE_DATA" -path '*/data/pending/*' -mindepth 4 -maxdepth 4; }
none_pending() { [ -z "$(pending)" ]; }
# bytes that the SSA has sent to a shareholder
sent() { ssnctl -j -n "$(node_netns ssa)" stats "$(site_id "$1")" | json_get tx_bytes; }
sent_more() { [ "$(sent "$1")" -gt "$2" ]; }

# What the SSA sends is slow, so that a put has a middle.
node_netem ssa rate 16mbit || tap_bail "no netem"

# --- a blackhole in the middle of a put

before=$(sent sh2)
put_begin "$file" hole
tap_run "the put is on its way to sh2" wait_until 30 sent_more sh2 "$before"
node_blackhole sh2
tap_run "a put whose shareholder nothing reaches any more fails in time" refused 60
tap_run "and names it" says 'sh2'
tap_run "it is not visible" unlisted hole
node_unblackhole sh2
tap_run "and nothing of it is left" wait_until 40 none_pending
put_begin "$small" after-hole
tap_run "afterwards a put works again" put_end 60

before=$(sent sh2)
put_begin "$file" hole2 --min-confirmed 2
tap_run "the put is on its way to sh2" wait_until 30 sent_more sh2 "$before"
node_blackhole sh2
status=0
put_end 60 || status=$?
tap_is "with --min-confirmed 2 it goes on without it, and says that it is less" \
	$status 3
tap_run "in words" says 'degraded'
tap_run "it is readable" reads "$file" hole2
node_unblackhole sh2

# --- a shareholder that stops reading

site_kill sh2 shareholderd STOP
put_begin "$file" stopped
tap_run "a put whose shareholder stopped fails in time" refused 90
tap_run "and names it" says 'sh2'
site_kill sh2 shareholderd CONT
tap_run "it is not visible" unlisted stopped
tap_run "and nothing of it is left" wait_until 40 none_pending

# --- the SSA is killed in the middle; the same job again, and twice at once

job=$(uuid)
before=$(sent sh3)
put_begin "$file" killed --job "$job"
tap_run "the put is on its way" wait_until 30 sent_more sh3 "$before"
site_kill ssa ssad
tap_run "the put fails when the SSA is gone" refused 60
site_start ssa ssad || tap_bail "the SSA does not start again"
tap_run "nothing of it is left" wait_until 40 none_pending
put_begin "$file" killed --job "$job"
tap_run "the same job again is told that it was aborted" refused 60
tap_run "and to come as a new one" says 'ECANCELED.*new job'
job=$(uuid)
put_begin "$file" killed --job "$job"
tap_run "as a new job it is stored" put_end 60
tap_run "is readable" reads "$file" killed
put_begin "$file" killed --job "$job"
tap_run "and again: the same answer" put_end 60
tap_is "it is there once" "$(site_owner -j ls | json_get name | grep -cx killed)" 1

node_exec ssa tc qdisc del dev eth0 root
job=$(uuid)
site_owner put "$file" --name twice --job "$job" >"$TOPO_TMP/put1" 2>&1 &
one=$!
site_owner put "$file" --name twice --job "$job" >"$TOPO_TMP/put2" 2>&1 &
two=$!
wait $one; one=$?
wait $two; two=$?
tap_run "of the same job twice at once, one is done ($one $two)" \
	[ $one = 0 -o $two = 0 ]
tap_run "it is readable" reads "$file" twice
tap_is "and there once" "$(site_owner -j ls | json_get name | grep -cx twice)" 1

# --- a full disk

disk_full sh1
put_begin "$file" full
tap_run "a put to a full disk fails" refused 60
tap_run "and says so" says 'sh1|[Ss]pace|ENOSPC'
tap_run "it is not visible" unlisted full
disk_free sh1
tap_run "nothing of it is left" wait_until 40 none_pending
put_begin "$file" full
tap_run "with room again, the put works" put_end 60
tap_run "is readable" reads "$file" full
tap_is "nobody forged, nothing was torn" \
	"$(site_sum bad_tag) $(site_sum bad_seq) $(site_sum bad_share)" "0 0 0"
tap_done
