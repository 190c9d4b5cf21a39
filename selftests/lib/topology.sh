# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# topology.sh: networks of nodes in one guest, and TAP, for test scripts (bash).
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0
#	# kernels: uml-debug uml debian
#	# timeout: 60
#	#
#	#	+-------+            +-------+
#	#	|  ssa  |----(sw)----|  sh1  |
#	#	| .0.10 |            | .0.11 |
#	#	+-------+            +-------+
#	. "$(dirname "$0")/../lib/topology.sh"
#	tap_plan 2
#	node_add ssa 10.77.0.10
#	node_add sh1 10.77.0.11
#	tap_run "ssa reaches sh1" node_exec ssa ping -c1 -W2 10.77.0.11
#	node_start sh1 shareholderd --config /tmp/sh1.conf
#	tap_run "shareholderd listens" wait_until 10 node_listens sh1 9000
#	tap_done
#
# Sourcing it makes a work folder and sets a trap: whatever the script leaves
# (processes in the nodes, network namespaces, mounts under $TOPO_TMP, the
# folder) is gone when it ends, however it ends. Names are unique per script, so
# two of them may run side by side.
#
# What the runner (tools/vm/run) puts into the environment of a guest:
#	SSN_TREE	the checkout
#	SSN_BIN		folder of the built programs, also first in PATH
#	SSN_MODULES	folder of the modules built for the running kernel
#	SSN_KERNEL	debian, debian13, uml, uml-accel or uml-debug
#	SSN_OUT		folder shared with the host: what is put here is kept
#
# Variables made here:
#	TOPO		prefix of this script's network namespaces
#	TOPO_TMP	work folder (tmpfs in a guest), removed at the end
#
# Nodes: each is a network namespace with eth0 on a common switch (a bridge in a
# namespace of its own). NAME is [a-z0-9-], at most 10 characters.
#	node_add NAME ADDR[/LEN]	make a node; LEN is 24 unless given
#	node_del NAME...		kill their processes, remove them
#	node_netns NAME			print its namespace's name (ssnctl -n ...)
#	node_exec NAME CMD...		run CMD in it, in the foreground
#	node_start NAME CMD...		run CMD in it, in the background; stdout and
#					stderr go to $TOPO_TMP/NAME.log; node_pid is
#					its process id
#	node_kill NAME [SIGNAL]		signal (default KILL) to all its processes,
#					and wait until they are gone (not for STOP
#					and CONT)
#	node_stop NAME			TERM to all its processes; KILL to those that
#					are left after 10 s, which is a failure
#	node_log NAME			print its log
#	node_listens NAME PORT		true if a TCP port is listened on
#	node_cut NAME, node_join NAME	pull and plug the cable at the switch
#	node_blackhole NAME		drop silently all it sends and gets (nft)
#	node_unblackhole NAME		and end that
#	node_netem NAME ARGS...		delay, loss, rate ... on what it sends
#	node_bytes NAME rx|tx		bytes that crossed its eth0
#
# Waiting: never sleep; wait for the condition, with a deadline.
#	wait_until SECONDS CMD...	poll CMD until it is true; false after SECONDS
#	wait_gone SECONDS PID		until the process has ended
#
# Results: every check prints one TAP line; names are free text without '#'.
#	tap_plan N		as the first line (or leave it to tap_done)
#	tap_run NAME CMD...	passes if CMD does; its output is shown if not
#	tap_refused NAME CMD... passes if CMD fails with a status from 1 to 123: a
#				crash (signal), or a missing program, is no refusal
#	tap_says NAME WORDS CMD...	as tap_refused, and its output has WORDS
#	tap_is NAME GOT WANT	passes if both strings are equal
#	tap_ok NAME, tap_not_ok NAME [WHY]
#	tap_skip NAME WHY	one check skipped
#	tap_skip_all WHY	ends a script that cannot run here
#	tap_bail WHY		ends a script whose preparations failed: a failure
#	tap_diag TEXT...	"# " lines
#	tap_done		ends the script with the right status
#
# ./quickstart shell TOPOLOGY runs a script up to
#	topo_ready	call it when the topology stands: there, instead of the
#			checks, the user gets a shell; otherwise it does nothing
# or up to tap_done, if it has no such line.
#
# Counters:
#	json_get KEY		reads JSON from stdin, prints each value of "KEY"
#				that is a number, a string or a boolean, one a line
#	counter_change KEY CMD_READ -- CMD...
#				runs CMD; counter_delta is by how much the sum of
#				all KEY in the JSON that CMD_READ prints has grown
#
# Modules (the runner has loaded them before the script already):
#	modules_load [PARAM=VALUE...]	both; the parameters are for ssn_crypt
#	modules_unload			both

set -u
export LC_ALL=C
: "${SSN_TREE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${SSN_BIN:=$SSN_TREE/build/bin}"
case ":$PATH:" in *":$SSN_BIN:"*) ;; *) PATH=$SSN_BIN:$PATH ;; esac
export SSN_TREE SSN_BIN PATH

TOPO=t$$
TOPO_TMP=$(mktemp -d "/tmp/topo.$$.XXXXXX")
topo_nodes=
topo_switch=
tap_planned=
tap_count=0
tap_failed=0

# --- results

tap_diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

tap_plan()
{
	tap_planned=$1
	echo "1..$1"
}

tap_ok()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - ${1//#/ }"
}

tap_not_ok()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - ${1//#/ }"
	shift
	[ $# = 0 ] || tap_diag "$*"
}

tap_skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - ${1//#/ } # SKIP $2"
}

tap_skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

tap_bail()
{
	echo "Bail out! $*"
	exit 1
}

tap_is()
{
	if [ "$2" = "$3" ]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "got '$2', want '$3'"
		return 1
	fi
}

# The command runs in this shell, so that it may be a function that sets
# variables; its output goes to a file.
tap_run()
{
	local name=$1 status=0

	shift
	"$@" >"$TOPO_TMP/run.out" 2>&1 || status=$?
	if [ $status = 0 ]; then
		tap_ok "$name"
	else
		tap_not_ok "$name" "'$*' gave status $status"
		tail -n 20 "$TOPO_TMP/run.out" | sed 's/^/# | /'
		return 1
	fi
}

tap_says()
{
	local name=$1 words=$2 status=0

	shift 2
	"$@" >"$TOPO_TMP/run.out" 2>&1 || status=$?
	if [ $status -gt 0 ] && [ $status -lt 124 ] &&
	   { [ -z "$words" ] || grep -qF -e "$words" "$TOPO_TMP/run.out"; }; then
		tap_ok "$name"
	else
		tap_not_ok "$name" \
			"'$*' gave status $status, want a refusal${words:+ with '$words'}"
		tail -n 20 "$TOPO_TMP/run.out" | sed 's/^/# | /'
		return 1
	fi
}

tap_refused()
{
	local name=$1

	shift
	tap_says "$name" "" "$@"
}

topo_ready()
{
	[ -n "${SSN_SHELL:-}" ] || return 0
	echo "The topology is up. Its nodes are network namespaces:"
	ip netns list | sed 's/^/	/'
	echo "Try: ip netns exec $TOPO-${topo_nodes##* } bash. Leave with 'exit'."
	bash -i
	exit
}

tap_done()
{
	topo_ready
	[ -n "$tap_planned" ] || tap_plan $tap_count
	if [ "$tap_count" != "$tap_planned" ]; then
		tap_diag "planned $tap_planned checks, ran $tap_count"
		exit 1
	fi
	[ $tap_failed = 0 ] || tap_diag "$tap_failed of $tap_count failed"
	exit $((tap_failed > 0))
}

# --- waiting

# What is polled starts no program where this shell can look itself: in an emulated
# CPU a program's start takes as long as what is waited for. So is the time between
# two polls: nothing ever comes from this pipe.
exec {topo_silence}<> <(:)
topo_nap()
{
	read -rt "${1:-0.05}" -u "$topo_silence" _ || true
}

# Deadlines are in the guest's seconds. SECONDS counts whole ones: one is added,
# so that the wait is never shorter than asked for.
wait_until()
{
	local end=$((SECONDS + $1 + 1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		topo_nap
	done
}

topo_gone()
{
	local stat=

	kill -0 "$1" 2>/dev/null || return 0
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null
	stat=${stat##*) }
	case $stat in Z*|'') ;; *) return 1 ;; esac
}

wait_gone()
{
	wait_until "$1" topo_gone "$2"
}

# --- nodes

node_netns()
{
	echo "$TOPO-$1"
}

topo_switch_up()
{
	[ -z "$topo_switch" ] || return 0
	topo_switch=$TOPO-switch
	ip netns add "$topo_switch" &&
	ip -n "$topo_switch" link set lo up &&
	ip -n "$topo_switch" link add sw type bridge stp_state 0 forward_delay 0 &&
	ip -n "$topo_switch" link set sw up
}

node_add()
{
	local name=$1 addr=$2 ns=$TOPO-$1

	case $addr in */*) ;; *) addr=$addr/24 ;; esac
	topo_switch_up &&
	ip netns add "$ns" &&
	topo_nodes="$topo_nodes $name" &&
	ip link add eth0 netns "$ns" type veth \
		peer name "p-$name" netns "$topo_switch" &&
	ip -n "$topo_switch" link set "p-$name" master sw up &&
	ip -n "$ns" -batch - <<-EOF ||
		link set lo up
		addr add $addr dev eth0
		link set eth0 up
	EOF
		tap_bail "cannot make the node $name ($addr)"
}

node_exec()
{
	local name=$1

	shift
	ip netns exec "$TOPO-$name" "$@"
}

node_start()
{
	local name=$1

	shift
	setsid ip netns exec "$TOPO-$name" "$@" \
		>>"$TOPO_TMP/$name.log" 2>&1 </dev/null &
	node_pid=$!
	disown	# its end is asked for, not told by this shell
	wait_until 10 topo_entered "$name" "$node_pid"
}

# What comes next may be node_kill: the process must be in the node by then.
topo_entered()
{
	[ "/proc/$2/ns/net" -ef "/run/netns/$TOPO-$1" ] || topo_gone "$2"
}

# As "ip netns pids" does, which starts a program
topo_pids()
{
	local p

	for p in /proc/[0-9]*; do
		[ ! "$p/ns/net" -ef "/run/netns/$TOPO-$1" ] || echo "${p#/proc/}"
	done
}

topo_no_pids()
{
	local pid

	for pid in $(topo_pids "$1"); do
		topo_gone "$pid" || return 1
	done
}

node_kill()
{
	local name=$1 signal=${2:-KILL}

	# shellcheck disable=SC2046
	kill -s "$signal" $(topo_pids "$name") 2>/dev/null
	case $signal in
	STOP|CONT|USR1|USR2|HUP) return 0 ;;
	esac
	wait_until 20 topo_no_pids "$name"
}

node_stop()
{
	# shellcheck disable=SC2046
	kill -s TERM $(topo_pids "$1") 2>/dev/null
	wait_until 10 topo_no_pids "$1" && return
	node_kill "$1"
	return 1
}

node_del()
{
	local name n left=

	for name; do
		node_kill "$name"
	done
	printf "netns del $TOPO-%s\n" "$@" | ip -force -batch - || return
	for n in $topo_nodes; do
		case " $* " in *" $n "*) ;; *) left="$left $n" ;; esac
	done
	topo_nodes=$left
}

node_log()
{
	cat "$TOPO_TMP/$1.log"
}

node_listens()
{
	[ -n "$(ip netns exec "$TOPO-$1" ss -Hltn "sport = :$2")" ]
}

node_cut()
{
	ip -n "$topo_switch" link set "p-$1" down
}

node_join()
{
	ip -n "$topo_switch" link set "p-$1" up
}

node_blackhole()
{
	ip netns exec "$TOPO-$1" nft -f - <<-EOF
	table inet blackhole {
		chain in { type filter hook input priority -300; policy drop; iif lo accept; }
		chain out { type filter hook output priority -300; policy drop; oif lo accept; }
	}
	EOF
}

node_unblackhole()
{
	ip netns exec "$TOPO-$1" nft delete table inet blackhole
}

node_netem()
{
	local name=$1

	shift
	ip netns exec "$TOPO-$name" tc qdisc replace dev eth0 root netem "$@"
}

node_bytes()
{
	ip netns exec "$TOPO-$1" cat "/sys/class/net/eth0/statistics/$2_bytes"
}

# --- counters

json_get()
{
	grep -oE "\"$1\"[[:space:]]*:[[:space:]]*(\"([^\"\\\\]|\\\\.)*\"|[-+0-9.eE]+|true|false)" |
		sed -E 's/^"[^"]*"[[:space:]]*:[[:space:]]*//; s/^"(.*)"$/\1/'
}

topo_sum()
{
	awk '{ s += $1 } END { printf "%.0f\n", s }'
}

counter_change()
{
	local key=$1 reader=() before status=0

	shift
	while [ "$1" != -- ]; do
		reader+=("$1")
		shift
	done
	shift
	before=$("${reader[@]}" | json_get "$key" | topo_sum)
	"$@" || status=$?
	counter_delta=$(($("${reader[@]}" | json_get "$key" | topo_sum) - before))
	return $status
}

# --- modules

modules_load()
{
	"$SSN_TREE/tools/vm/modules" load "$@"
}

modules_unload()
{
	"$SSN_TREE/tools/vm/modules" unload
}

# --- the end

topo_cleanup()
{
	trap - EXIT
	# shellcheck disable=SC2086
	[ -z "$topo_nodes" ] || node_del $topo_nodes
	[ -z "$topo_switch" ] || ip netns del "$topo_switch"
	awk -v d="$TOPO_TMP/" 'index($2, d) == 1 { print $2 }' /proc/mounts |
		sort -r | xargs -r -n1 umount -l
	rm -rf "$TOPO_TMP"
}
trap topo_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
