# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# keys.sh: two sites with a key agent and a KME each, on topology.sh.
#
#	keys_begin			certificates, configurations, KMEs, key agents
#	kme_start NODE			its qkdsim
#	kme_faults FAULTS		members of "faults" (qkdsim.rst), both, at once
#	keyd_configs [MORE]		their configurations, with more members (and a
#					comma behind each); the next start reads them
#	keyd_start NODE [STEP N]	its keyd; with a step, it dies there the Nth time;
#					with the step "deaf" it loses the kernel's events
#	keyd_stop NODE [SIGNAL]
#	pool NODE DIR KIND FIGURE	one figure of a pool
#	usable NODE DIR			ids of usable blocks
#	sound				what one end may send with, the other can receive
#	full, becomes_full [SECONDS]	pools are at the high watermark, both ends agree
#	void_some NODE			all blocks that it sends with become void
#	alarm_on NODE ALARM, alarmed NODE ALARM
#	keys_end			stops the key agents: the last three checks

low=65536 high=262144 block=131072
kme_more=	# members of a KME's configuration, with a comma behind each
ak_more=	# members of "kme" in keyd's, with a comma before each
dies=$SSN_BIN/../selftests/unit/keyd/dies
[ -x "$dies" ] || tap_bail "$dies is not built"

# --- two sites

node_add ssa 10.58.0.2
node_add sh1 10.58.0.11
P=$TOPO_TMP
declare -A id=([ssa]=2 [sh1]=11) other=([ssa]=sh1 [sh1]=ssa) pid_keyd pid_kme

cat >"$P/net.json" <<END
{ "domain": "example", "nodes": [
  { "id": 2, "name": "ssa", "role": "ssa", "addr": "10.58.0.2:5808",
    "ax": "10.58.0.2:5809", "sae": "sae-ssa" },
  { "id": 11, "name": "sh1", "role": "shareholder", "addr": "10.58.0.11:5808",
    "ax": "10.58.0.11:5809", "sae": "sae-sh1" } ], "groups": [] }
END

# kme_config NODE [FAULTS]
kme_config()
{
	cat >"$P/$1-kme.json" <<-END
	{ "network": "$P/net.json", "self": "$1", "faults": { ${2:-} }, $kme_more
	  "pki": { "ca": "$P/pki/ca.crt", "cert": "$P/pki/$1-kme.crt",
		   "key": "$P/pki/$1-kme.key" } }
	END
}

# keyd_config NODE PROVENANCE [MORE]
keyd_config()
{
	cat >"$P/$1-keyd.json" <<-END
	{ "network": "$P/net.json", "self": "$1", "state": "$P/$1.state",
	  "backoff_min_ms": 50, "backoff_max_ms": 800, "retire_ms": 0,
	  "kme": { "timeout_ms": 1500 $ak_more }, "provenance": { $2 }, ${3:-}
	  "pools": { "payload": { "low": $low, "high": $high, "block": $block },
		     "tag": { "low": 16384, "high": 65536, "block": 32768 } },
	  "pki": { "ca": "$P/pki/ca.crt", "cert": "$P/pki/$1-keyd.crt",
		   "key": "$P/pki/$1-keyd.key" } }
	END
}

kme_start()
{
	node_start "$1" qkdsim -c "$P/$1-kme.json"
	pid_kme[$1]=$node_pid
	wait_until 20 node_listens "$1" 5810
}

kme_reloads() { node_log "$1" | grep -c 'qkdsim: configuration read again'; }
kme_reloaded() { [ "$(kme_reloads "$1")" -gt "$2" ]; }

# kme_faults FAULTS: on both sides; they have them when this returns
kme_faults()
{
	local n before

	for n in ssa sh1; do
		before=$(kme_reloads "$n")
		kme_config "$n" "$1"
		kill -HUP "${pid_kme[$n]}"
		wait_until 60 kme_reloaded "$n" "$before" || return
	done
}

# keyd_start NODE [STEP N]: with a step, it dies there
keyd_start()
{
	local n=$1

	shift
	if [ $# -gt 0 ]; then
		node_start "$n" "$dies" "$@" -d -c "$P/$n-keyd.json"
	else
		node_start "$n" keyd -d -c "$P/$n-keyd.json"
	fi
	pid_keyd[$n]=$node_pid
	wait_until 20 node_listens "$n" 5809 || topo_gone "$node_pid"
}

keyd_stop()
{
	kill -s "${2:-KILL}" "${pid_keyd[$1]}" 2>/dev/null
	wait_gone 20 "${pid_keyd[$1]}"
}

# --- what is there

# pool NODE DIR KIND FIGURE
pool()
{
	ssnctl -j -n "$(node_netns "$1")" key pools |
		grep -F "\"dir\": \"$2\", \"kind\": \"$3\"" | json_get "$4"
}

# usable NODE DIR: ids of usable blocks
usable()
{
	ssnctl -j -n "$(node_netns "$1")" key blocks |
		grep -F "\"dir\": \"$2\"" | grep -F '"state": "usable"' |
		json_get block | sort
}

loaded()
{
	ssnctl -j -n "$(node_netns "$1")" key blocks | grep -cF '"state": "loaded"'
}

# A sender may be short of a block, never its receiver.
one_way()
{
	usable "$1" tx >"$P/send" && usable "${other[$1]}" rx >"$P/receive" &&
	comm -23 "$P/send" "$P/receive" >"$P/lost" || return
	[ ! -s "$P/lost" ] || { echo "$1 may send with $(cat "$P/lost")"; return 1; }
}

sound()
{
	one_way ssa && one_way sh1
}

full()
{
	local n

	for n in ssa sh1; do
		[ "$(pool $n tx payload usable)" -ge $((high - 4096)) ] &&
		[ "$(pool $n tx payload pending)" = 0 ] &&
		[ "$(pool $n tx tag usable)" -ge 49152 ] &&
		[ "$(loaded $n)" = 0 ] || return
	done
	[ "$(usable ssa tx)" = "$(usable sh1 rx)" ] &&
	[ "$(usable sh1 tx)" = "$(usable ssa rx)" ]
}

becomes_full()
{
	wait_until "${1:-120}" full || {
		ssnctl -n "$(node_netns ssa)" key pools
		ssnctl -n "$(node_netns sh1)" key pools
		node_log ssa | tail -n 8
		node_log sh1 | tail -n 8
		return 1
	}
}

# void_all NODE: nobody has any block any more, so that something must be made
void_some()
{
	local b

	for b in $(usable "$1" tx); do
		ssnctl -n "$(node_netns "$1")" key void "$b" || return
	done
}

alarm_on()
{
	grep -A1 "\"alarm\": \"$2\"" "$P/$1.state/status.json" | grep -q '"on": true'
}

alarms_logged()
{
	node_log "$1" | grep -c "alarm $2:"
}

more_alarms()
{
	alarm_on "$1" "$2" && [ "$(alarms_logged "$1" "$2")" -gt "$3" ]
}

# alarmed NODE ALARM [BEFORE]: it is on, and stands in the log more than BEFORE times
alarmed()
{
	wait_until 90 more_alarms "$1" "$2" "${3:-0}"
}

# keyd_configs [MORE]: sh1 states less than ssa
keyd_configs()
{
	keyd_config ssa '"path_otp": true, "ak_inside": true, "id_independent": true' "${1:-}"
	keyd_config sh1 '"path_otp": true, "ak_inside": true' "${1:-}"
}

keys_begin()
{
	local n r

	devca init "$P/pki" example || tap_bail "devca"
	for n in ssa sh1; do
		for r in kme keyd; do
			echo "$r ${id[$n]} $n-$r"
		done
		kme_config $n
	done | devca issue "$P/pki" - || tap_bail "devca"
	keyd_configs
	kme_start ssa && kme_start sh1 || tap_bail "no KME"
	keyd_start ssa
	keyd_start sh1
}

keys_end()
{
	tap_run "keyd ends when it is told to" keyd_stop ssa TERM
	tap_run "the other one too" keyd_stop sh1 TERM
	tap_run "no key agent was ended by anything else" test -z "$(
		grep -lE 'AddressSanitizer|Segmentation|runtime error' "$P"/*.log)"
}
