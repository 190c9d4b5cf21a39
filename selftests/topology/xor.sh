#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 300
# memory: 2048
#
# xor.sh: a file is put to a group of the XOR scheme, and comes back from any k, from
# k of those that are left, and around one that lies.
#
#	+-------+        +-------+        +-----+-----+-----+-----+-----+
#	| owner |--------|  ssa  |--------| sh1 | sh2 | sh3 | sh4 | sh5 |
#	|  .1   |        |  .2   |        | .11 | .12 | .13 | .14 | .15 |
#	+-------+        +-------+        +-----+-----+-----+-----+-----+
#	each with its KME (qkdsim) and keyd; k = 3, n = 5
. "$(dirname "$0")/../lib/topology.sh"
. "$(dirname "$0")/../lib/site.sh"
. "$(dirname "$0")/../lib/lie.sh"

SITE_SCHEME=xor
SITE_SSAD='"segment_bytes": 131072, "group_timeout_ms": 8000'
file=$TOPO_TMP/file
head -c 300001 /usr/bin/perl >"$file"

pads() { site_pads 2000000 120; }
put() { pads && site_owner put "$file" "$@"; }
get_back() # NAME
{
	rm -f "$TOPO_TMP/got"
	pads && site_owner get "$1" -o "$TOPO_TMP/got" && cmp "$file" "$TOPO_TMP/got"
}
share_at() # NAME SEGMENT
{
	find "$(site_data "$1")/objects" -name "$2.*.share"
}
saying() # WORDS NAME: what shareholder NAME's file of segment 1 says
{
	head -c 65536 "$(share_at "$2" 1)" | grep -aqF "$1"
}

site_network 3 5
site_keys || tap_bail "the sites do not come up"
pads || tap_bail "no pads"
site_storage || tap_bail "the daemons do not start"

tap_is "the kernel has the group" \
	"$(ssnctl -j -n "$(node_netns ssa)" group show 1 | json_get scheme)" xor
tap_run "put" put --name a
tap_run "get gives the same bytes" get_back a
tap_is "coefficients by default: the kernel's generator" \
	"$(site_owner -j stat a | json_get coefficients)" crng
tap_is "which is not information theoretically secure" \
	"$(site_owner -j stat a | json_get its)" false
tap_run "a shareholder keeps the scheme with its share" \
	saying '"scheme":"xor"' sh1
tap_run "and where the coefficients came from" \
	saying '"coefficients":"crng"' sh1
tap_is "a share is as long as the segment and its code" \
	"$(($(stat -c %s "$(share_at sh2 1)") - $(od -An -j 12 -N 4 \
		--endian=big -t u4 "$(share_at sh2 1)")))" $((131072 + 32))

lie "$(share_at sh2 1)"
tap_run "one lies: get goes around it" get_back a
site_kill sh4 shareholderd
tap_run "and one more is dead" get_back a
site_kill sh5 shareholderd
site_start sh4 shareholderd
site_kill sh2 shareholderd
tap_run "any k that are left" get_back a
site_kill sh1 shareholderd
tap_refused "k - 1 do not give it" site_owner get a -o "$TOPO_TMP/none"
tap_done
