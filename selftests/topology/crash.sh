#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 300
# memory: 1536
#
# The power goes at a shareholder (and in crash-ssa.sh at the SSA) before a step
# towards the disk that it makes during a put. What was acknowledged is durable and
# readable; what was not is invisible, is collected, and can be put again.
#
# One step in CRASH_EVERY (6) is tried, beginning with step CRASH_FROM (another one
# each day). All of them, in some minutes:
#	tools/vm/run --kernel=uml --modules --mem=1536 --timeout=1800 -- \
#		env CRASH_EVERY=1 bash selftests/topology/crash.sh
#
#	+-------+     +-------+     +-----+  +-----+  +-----+
#	| owner |     |  ssa  |     | sh1 |  | sh2 |  | sh3 |	k = 2, n = 3
#	+---+---+     +---+---+     +--+--+  +--+--+  +--+--+
#	    |             | disk       | disk   |        |
#	====+=============+============+========+========+====	10.58.0.0/24
#
# The two disks lose what was not synced (lib/disk.sh).
. "$(dirname "$0")/../lib/topology.sh"
. "$(dirname "$0")/../lib/disk.sh"

SITE_DATA=$TOPO_TMP/disks
SITE_LEVEL=4194304
SITE_SHAREHOLDERD='"resolve_after": 2'
SITE_SSAD='"group_timeout_ms": 5000'
. "$(dirname "$0")/../lib/site.sh"

where=${CRASH_SITE:-sh1}	# crash-ssa.sh says ssa
case $where in
ssa)	program=ssad ;;
*)	program=shareholderd ;;
esac
sync_build || tap_skip_all "no compiler here"
disk_make sh1 "$SITE_DATA/sh1" || tap_bail "no disk"
disk_make ssa "$SITE_DATA/ssa" || tap_bail "no disk"
site_network 2 3
site_env[sh1.shareholderd]=$(sync_env sh1)
site_env[ssa.ssad]=$(sync_env ssa)
site_keys || tap_bail "the sites do not come up"
site_pads 1048576 || tap_bail "no pads"
site_storage || tap_bail "the storage does not come up"

file=$TOPO_TMP/file
head -c 40001 /usr/bin/perl >"$file"
declare -A answered	# [NAME]: status of its put
uuid() { cat /proc/sys/kernel/random/uuid; }

putting=
put_begin() # NAME JOB
{
	site_owner put "$file" --name "$1" --job "$2" >"$TOPO_TMP/put.out" 2>&1 &
	putting=$!
}

put_end() # NAME
{
	wait $putting
	answered[$1]=$?
	putting=
}

reads() # NAME
{
	rm -f "$TOPO_TMP/back"
	site_owner get "$1" -o "$TOPO_TMP/back" && cmp "$file" "$TOPO_TMP/back"
}

listed() { site_owner -j ls | json_get name | grep -qxF "$1"; }
unlisted() { ! listed "$1"; }

stopped() { grep -q '^State:.*T' "/proc/$(site_pid "$1" "$2")/status"; }
stopped_or_put() { stopped "$1" "$2" || topo_gone "$putting"; }

pending() # folders of jobs that are pending anywhere
{
	find "$SITE_DATA" -path '*/data/pending/*' -mindepth 4 -maxdepth 4
}
none_pending() { [ -z "$(pending)" ]; }

# cut_at SITE PROGRAM N: one put, in which the power goes before step N. True as
# long as there was such a step.
cut_at()
{
	local site=$1 program=$2 n=$3 name=$1-$3 job steps

	job=$(uuid)
	sync_stop "$site" "$n"
	put_begin "$name" "$job"
	wait_until 90 stopped_or_put "$site" "$program" ||
		tap_not_ok "$name: the put ends, or the program stops"
	if ! stopped "$site" "$program"; then
		put_end "$name"
		steps=$(sync_count "$site")
		sync_stop "$site" 0
		tap_is "$site: a put without a power cut ($steps steps)" \
			"${answered[$name]}" 0 || cat "$TOPO_TMP/put.out"
		return 1
	fi
	disk_cut "$site"
	site_kill "$site" "$program"
	put_end "$name"
	disk_back "$site" || tap_bail "the disk of $site is broken"
	sync_stop "$site" 0
	site_start "$site" "$program" ||
		tap_bail "$program does not start after a power cut before step $n"
	judge "$site" "$n" "$name" "$job"
	return 0
}

judge()
{
	local site=$1 n=$2 name=$3 job=$4

	if [ "${answered[$name]}" = 0 ]; then
		tap_run "$site, step $n: acknowledged, and readable" \
			wait_until 30 reads "$name"
		return
	fi
	[ -s "$TOPO_TMP/put.out" ] ||
		tap_not_ok "$site, step $n: the put says why it failed"
	wait_until 40 none_pending
	if listed "$name"; then
		# its COMMIT was on disk, and the answer was lost
		tap_run "$site, step $n: not acknowledged, but whole" reads "$name"
	else
		tap_ok "$site, step $n: not acknowledged, and invisible"
	fi
	tap_is "$site, step $n: nothing is left pending" "$(pending)" ""
	# the same job gets the same answer: it was aborted, if that was settled
	put_begin "$name" "$job"
	put_end "$name"
	if [ "${answered[$name]}" != 0 ] && grep -q ECANCELED "$TOPO_TMP/put.out"; then
		put_begin "$name" "$(uuid)"
		put_end "$name"
	fi
	tap_is "$site, step $n: put again" "${answered[$name]}" 0 ||
		sed 's/^/# | /' "$TOPO_TMP/put.out"
	tap_run "$site, step $n: and what it stored is readable" reads "$name"
}

every=${CRASH_EVERY:-6}
from=${CRASH_FROM:-$(($(date +%s) / 86400 % every + 1))}
tap_diag "steps $from, $((from + every)), ..."
for ((step = from; ; step += every)); do
	cut_at "$where" "$program" "$step" || break
done
tap_run "$program has several steps ($step)" [ "$step" -gt $((from + every)) ]

# all that was acknowledged survives the loss of n - k shareholders too
site_crash sh3
lost=
for name in "${!answered[@]}"; do
	reads "$name" >/dev/null 2>&1 || lost="$lost $name"
done
tap_is "everything acknowledged is readable without sh3" "$lost" ""
tap_done
