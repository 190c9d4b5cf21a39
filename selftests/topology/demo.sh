#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: debian uml
# timeout: 300
# memory: 2048
#
# demo.sh [FILE]: a file goes through the kernel to five shareholders and comes
# back from three. With FILE it tells what happens, for people; without, it is a
# test: the same with a smaller file, in TAP.
#
#	+--------+            +--------+
#	| owner  |            |  ssa   |	each box is a site: a network
#	| ssnctl |            |  ssad  |	namespace with a kernel of pads,
#	| keyd   |            |  keyd  |	a key agent (keyd), and its KME
#	| KME    |            |  KME   |	(qkdsim), which QKD links would
#	+---+----+            +---+----+	feed in real life
#	    | .1                  | .2
#	====+==========+==========+==========+=====================+====
#	10.58.0.0/24   |                     |                     |
#	               | .11       .12 .13 .14                 .15 |
#	     +---------+----+            ...            +----------+---+
#	     |     sh1      |     sh2    sh3    sh4     |     sh5      |
#	     | shareholderd |                           | shareholderd |
#	     | keyd, KME    |                           | keyd, KME    |
#	     +--------------+                           +--------------+
#
#	owner <= one-time pads => ssa <= one-time pads => sh1 .. sh5
#	any k = 3 of n = 5 shareholders give the data back; 2 know nothing of it
#
# With SSN_SHELL (./quickstart shell demo) it ends in a shell once all is up.
# Status: 0 if all went as it should.
. "$(dirname "$0")/../lib/topology.sh"

file=${1:-}
[ -z "${SSN_SHELL:-}" ] || file=/usr/bin/perl
k=3 n=5
begun=$EPOCHREALTIME
scan=

# --- how results are told

elapsed() { awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }
human() { awk -v b="$1" 'BEGIN {
	split("B KiB MiB GiB", u, " ")
	for (i = 1; b >= 1024 && i < 4; i++) b /= 1024
	printf i == 1 ? "%d %s" : "%.1f %s", b, u[i] }'; }

if [ -n "$file" ]; then
	say() { printf '[%5ss] %s\n' "$(elapsed)" "$*"; }
	tell() { printf '         %s\n' "$*"; }
	passed() { :; }
	failed()
	{
		printf '\nThe demo FAILED: %s\n' "$1"
		printf '%s\n' "${2:-}" | tail -n 20
		exit 1
	}
else
	say() { tap_diag "[$(elapsed)s] $*"; }
	tell() { tap_diag "  $*"; }
	passed() { tap_ok "$1"; }
	failed()
	{
		tap_not_ok "$1"
		printf '%s\n' "${2:-}" | tail -n 20 | sed 's/^/# | /'
		tap_bail "no use to go on"
	}
fi

# must NAME CMD...: goes on only if CMD succeeds
must()
{
	local name=$1

	shift
	if "$@" >"$TOPO_TMP/must.out" 2>&1; then
		passed "$name"
	else
		failed "$name" "$(cat "$TOPO_TMP/must.out")"
	fi
}

# --- figures

shares()
{
	local name

	for name in $(site_ids | grep ^sh); do
		find "$(site_data "$name")" -path '*/objects/*' -name '*.share' \
			-printf '%s\n' |
			awk -v name="$name" '{ n++; s += $1 }
				END { printf "%s %d %d\n", name, n, s }'
	done
}

# usable or spent bytes of all pools, each pad counted where it is sent from
pads()
{
	local name

	for name in $(site_ids); do
		ssnctl -j -n "$(node_netns "$name")" key pools |
			grep -F '"dir": "tx"' | json_get "$1"
	done | topo_sum
}

modules_gone() { ! grep -qE '^(ssn_crypt|qkd_keyring) ' /proc/modules; }

memory_gone()
{
	! grep -E '\[(ssn_crypt|qkd_keyring)\]' /proc/vmallocinfo &&
	! grep -Ei '^(ssn|qkd|af_ssn)' /proc/slabinfo &&
	! grep -qi '^SSN ' /proc/net/protocols
}

# --- the network

SITE_SSAD='"group_timeout_ms": 8000'	# three sites will not answer
. "$(dirname "$0")/../lib/site.sh"
if [ -z "$file" ]; then
	file=$TOPO_TMP/file
	head -c 700001 /usr/bin/perl >"$file"
fi
[ -r "$file" ] || { echo "demo: $file cannot be read" >&2; exit 2; }
name=$(basename "$file")
size=$(stat -Lc %s "$file")
# what a put and a get take from one pool: the file, segment 0, the rest of leases
SITE_LEVEL=$((size + size / 50 + 786432))

say "a secure storage network: owner, SSA, $n shareholders, any $k of which" \
	"give a file back"
site_network $k $n
must "$((n + 2)) sites come up, each with its KME and key agent" site_keys
say "$((n + 2)) sites are up: a network namespace each, with node, KME and key agent"
must "the pools fill with one-time pads" site_pads $SITE_LEVEL 300
loaded=$(pads usable)
say "the key agents have loaded $(human "$loaded") of one-time pads at either end"
must "shareholders and SSA start" site_storage

if [ -n "${SSN_SHELL:-}" ]; then
	site_shell
	exit
fi

ip netns exec "$topo_switch" wirescan sw "$file" \
	>"$TOPO_TMP/scan" 2>"$TOPO_TMP/scan.err" &
scan=$!
must "the wire is watched" wait_until 60 grep -q ready "$TOPO_TMP/scan.err"

# --- put

say "ssnctl put $name ($(human "$size"))"
put_from=$EPOCHREALTIME
must "ssnctl put" site_owner -j put "$file" --name "$name"
put_s=$(awk -v a="$put_from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
put_wire=$(site_sum tx_wire_bytes)
put_pad=$(site_sum tx_pad_bytes)
shares >"$TOPO_TMP/shares"
say "stored, and durable at all $n shareholders; what they have:"
while read -r who files bytes; do
	tell "$(printf '%-4s %2d share files %10s' "$who" "$files" \
		"$(human "$bytes")")"
done <"$TOPO_TMP/shares"
few=$(awk -v size="$size" '$3 < size { print $1 }' "$TOPO_TMP/shares" | xargs)
must "every shareholder has a share as long as the file" [ -z "$few" ]

# --- two are lost, the file is not

for who in sh4 sh5; do
	must "$who is stopped hard" site_crash $who
done
say "sh4 and sh5 are stopped hard: processes killed, links down"
get_from=$EPOCHREALTIME
must "ssnctl get, from three of five" site_owner get "$name" -o "$TOPO_TMP/back"
get_s=$(awk -v a="$get_from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
must "what came back is bit-identical" cmp "$file" "$TOPO_TMP/back"
sum=$(sha256sum <"$TOPO_TMP/back")
say "ssnctl get: bit-identical (SHA-256 ${sum:0:16}...)"
rm -f "$TOPO_TMP/back"

# --- three are too many

must "sh3 is stopped hard" site_crash sh3
say "sh3 is stopped too: two of five are left, and three are needed"
if site_owner get "$name" -o "$TOPO_TMP/back" >"$TOPO_TMP/refused.out" 2>&1; then
	failed "a get from two of five is refused" "it succeeded"
fi
passed "a get from two of five is refused"
say "ssnctl get: $(tail -n 1 "$TOPO_TMP/refused.out" | sed 's/^ssnctl: //')"
must "it says how many there are, and how many it takes" \
	grep -qE '\b2 of the 3\b' "$TOPO_TMP/refused.out"
must "nothing was left of it" [ ! -s "$TOPO_TMP/back" ]

# --- what crossed the wire

kill -TERM $scan
wait $scan
status=$?
frames=$(json_get frames <"$TOPO_TMP/scan")
wire_all=$(json_get bytes <"$TOPO_TMP/scan")
blocks=$(sed -n 's/.*ready, \([0-9]*\) blocks/\1/p' "$TOPO_TMP/scan.err")
say "of $blocks blocks of the file, $(json_get found <"$TOPO_TMP/scan") were seen" \
	"in clear in the $frames frames ($(human "$wire_all")) on the wire"
must "not one block of the file crossed the wire in clear, no frame was missed" \
	[ $status = 0 ]

wire=$(site_sum tx_wire_bytes)
pad=$(site_sum tx_pad_bytes)
left=$(pads usable)
echo
while IFS='|' read -r what figure why; do
	line=$(printf '%-28s %12s  %s' "$what" "$figure" "$why")
	if [ -n "${1:-}" ]; then
		echo "    $line"
	else
		tap_diag "$line"
	fi
done <<END
stored|$(human "$size")|$name, any $k of $n shares give it back
put: on the wire|$(human "$put_wire")|$(awk -v a="$put_wire" -v b="$size" 'BEGIN { printf "%.2f", a / b }') times the file: once to the SSA, and n - k + 1 = $((n - k + 1)) shares of it
put: pad used|$(human "$put_pad")|$(awk -v a="$put_pad" -v b="$put_wire" 'BEGIN { printf "%.3f", a / b }') per byte on the wire
get: on the wire|$(human $((wire - put_wire)))|$(awk -v a=$((wire - put_wire)) -v b="$size" 'BEGIN { printf "%.2f", a / b }') times the file
get: pad used|$(human $((pad - put_pad)))|
pad left|$(human "$left")|at the $((n + 2 - 3)) sites that are left, and at owner and SSA
time: put, get|$put_s s, $get_s s|$(elapsed) s in all, most of it for keys
END

# --- nothing is left behind

# shellcheck disable=SC2046
node_del $(site_ids)
must "both modules unload" wait_until 30 modules_unload
must "and are gone" modules_gone
must "no memory of theirs is left" memory_gone
say "both modules are unloaded; nothing of theirs is left in memory"
if [ -n "${1:-}" ]; then
	echo
	echo "The demo went as it should, in $(elapsed) s of the guest's time."
	exit 0
fi
tap_done
