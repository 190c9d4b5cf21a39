#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 300
# memory: 2048
#
# Objects stream: what the programs have in memory at most (VmHWM) is the same for a
# small object and for a large one; and pools that are smaller than the object are
# enough for it, with --wait.
#
#	+-------+     +-------+     +-----+  +-----+  +-----+
#	| owner |     |  ssa  |     | sh1 |  | sh2 |  | sh3 |	k = 2, n = 3
#	+---+---+     +---+---+     +--+--+  +--+--+  +--+--+
#	====+=============+============+========+========+====	10.58.0.0/24
#
# By hand: MEMORY_SIZES="64 256" MEMORY_SEGMENT=16777216 (MiB, bytes) measure others.
. "$(dirname "$0")/../lib/topology.sh"

read -ra sizes <<<"${MEMORY_SIZES:-4 24}"
segment=${MEMORY_SEGMENT:-524288}
last=${sizes[-1]}
SITE_LOW=$((segment + (2 << 20)))
SITE_LEVEL=$((segment + (8 << 20)))
SITE_SSAD='"segment_bytes": '$segment
. "$(dirname "$0")/../lib/site.sh"

site_network 2 3
site_keys || tap_bail "the sites do not come up"
site_pads $SITE_LOW 120 || tap_bail "no pads"
site_storage || tap_bail "the storage does not come up"

peak() { awk '/^VmHWM:/ { print $2 }' "/proc/$1/status"; }	# KiB
# What this process has had at most, from now on
peak_reset() { echo 5 >"/proc/$1/clear_refs"; }

# The owner's tool is measured by who waits for it.
owner_peak() # ARGS...
{
	node_exec owner perl -e '
		$pid = fork // die;
		unless ($pid) { open STDOUT, ">/dev/null"; exec @ARGV }
		waitpid $pid, 0;
		$status = $? >> 8;
		$ru = "\0" x 144;
		syscall(98, -1, $ru) == 0 or die;	# getrusage of children, on amd64
		print +(unpack "q*", $ru)[4], "\n";
		exit $status' \
		ssnctl -c "$SITE/owner/ssnctl.json" "$@"
}

declare -A most		# [WHAT SIZE]
measure() # put|get SIZE
{
	local op=$1 size=$2 name args=()

	for name in ssa sh1 sh2 sh3; do
		peak_reset "$(site_pid $name "$(site_daemon $name)")"
	done
	case $op in
	put)	args=(put "$TOPO_TMP/file" --name "f$size" --wait) ;;
	get)	args=(get "f$size" -o "$TOPO_TMP/back" --wait) ;;
	esac
	most[$op-ssnctl-$size]=$(owner_peak "${args[@]}") || return
	most[$op-ssad-$size]=$(peak "$(site_pid ssa ssad)")
	most[$op-shareholderd-$size]=$(peak "$(site_pid sh1 shareholderd)")
	[ "$op" = put ] || cmp "$TOPO_TMP/file" "$TOPO_TMP/back"
}

for size in "${sizes[@]}"; do
	head -c $((size << 20)) /dev/urandom >"$TOPO_TMP/file"
	tap_run "put of $size MiB" measure put "$size"
	tap_run "get of $size MiB" measure get "$size"
	rm -f "$TOPO_TMP/back"
	tap_run "it is deleted" site_owner rm "f$size"
done

# 2 MiB are for what the allocator keeps; what grew with the object would be more.
first=${sizes[0]}
for op in put get; do
	for who in ssad shareholderd ssnctl; do
		a=${most[$op-$who-$first]:-0} b=${most[$op-$who-$last]:-0}
		tap_diag "$op: $who: $a KiB for $first MiB, $b KiB for $last MiB"
		tap_run "$op: $who has no more in memory for $last MiB than for $first MiB" \
			[ "$a" -gt 0 -a "$b" -gt 0 -a $((b - a)) -lt 2048 ]
	done
done
tap_done
