# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# site.sh: a whole network on topology.sh: one data owner, one SSA, n shareholders,
# each a site of its own: a network namespace with the node, its key agent (keyd)
# and its KME (qkdsim).
#
#	. "$(dirname "$0")/../lib/topology.sh"
#	. "$(dirname "$0")/../lib/site.sh"
#	site_network 3 5		# k, n: owner ssa sh1 .. sh5
#	site_keys			# namespaces, certificates, KMEs, keyds
#	site_pads 8000000		# wait until so many bytes can be stored and read
#	site_storage			# shareholders, SSA
#	site_owner put FILE NAME	# ssnctl as the owner
#	site_crash sh4			# all its processes at once, and its cable
#	site_back sh4			# cable and daemons again
#
# Addresses: owner 10.58.0.1, ssa .2, sh1 .11, sh2 .12, ... ; node ids are 1, 2, 11,
# 12, ... Ports as in Documentation/network.rst.
#
#	$SITE/network.json		network description
#	$SITE/pki/			certificates
#	$SITE/NAME/			a site: configurations and state of its daemons
#	$SITE/NAME/data			a shareholder's or the SSA's state
#	$TOPO_TMP/NAME.log		what its daemons said
#
#	site_network K N [GENERATION]	write the description; starts nothing
#	site_ids			names of all sites, in order
#	site_id NAME			node id
#	site_addr NAME			address
#	site_keys [NAME...]		make the namespaces, start KMEs and keyds
#	site_storage [NAME...]		start shareholderd and ssad
#	site_start NAME PROGRAM		start one (qkdsim keyd shareholderd ssad),
#					and wait until it is ready
#	site_kill NAME PROGRAM [SIGNAL]	end one (KILL unless given)
#	site_pid NAME PROGRAM		its process id
#	site_crash NAME			SIGKILL to all of a site, and its link is down
#	site_back NAME			a crashed site comes back
#	site_pads BYTES [SECONDS]	wait until pools hold the pads for a put and
#					a get of BYTES
#	site_owner CMD...		ssnctl of the data owner
#	site_sum FIGURE			sum of a counter of stats over all sites
#	site_shell			an interactive shell in all this
#
# Before sourcing this: SITE_LEVEL (bytes to which a keyd fills each payload pool
# that it sends with, default 4 MiB), SITE_LOW (bytes at which it begins to fill it
# again, default half of that), SITE_KME, SITE_KEYD, SITE_SSAD, SITE_SHAREHOLDERD (more
# settings of these programs, JSON members), SITE_SCHEME (the group's, default shamir), and
# SITE_DATA (folder for the data of shareholders and SSA, default $SITE).

SITE=$TOPO_TMP/site
: "${SITE_LEVEL:=4194304}" "${SITE_LOW:=}" "${SITE_DATA:=}" "${SITE_SCHEME:=shamir}"
: "${SITE_KME:=}" "${SITE_KEYD:=}" "${SITE_SSAD:=}" "${SITE_SHAREHOLDERD:=}"
declare -A site_pids
declare -A site_env	# [NAME.PROGRAM]: VAR=VALUE words for its environment

site_ids()
{
	local i

	echo owner
	echo ssa
	for ((i = 1; i <= site_n; i++)); do
		echo "sh$i"
	done
}

site_id()
{
	case $1 in
	owner)	echo 1 ;;
	ssa)	echo 2 ;;
	sh*)	echo $((10 + ${1#sh})) ;;
	esac
}

site_role()
{
	case $1 in
	owner|ssa)	echo "$1" ;;
	sh*)		echo shareholder ;;
	esac
}

site_addr()
{
	echo "10.58.0.$(site_id "$1")"
}

site_network()
{
	local name comma=

	site_k=$1 site_n=$2
	mkdir -p "$SITE"
	{
		printf '{ "domain": "example",\n  "nodes": ['
		for name in $(site_ids); do
			printf '%s\n    { "id": %s, "name": "%s", "role": "%s",' \
				"$comma" "$(site_id "$name")" "$name" \
				"$(site_role "$name")"
			printf ' "addr": "%s:5808", "ax": "%s:5809", "sae": "sae-%s" }' \
				"$(site_addr "$name")" "$(site_addr "$name")" "$name"
			comma=,
		done
		printf ' ],\n  "groups": [\n    { "id": 1, "generation": %s,' "${3:-1}"
		printf ' "scheme": "%s", "k": %s, "n": %s,\n      "members": [' \
			"$SITE_SCHEME" "$site_k" "$site_n"
		comma=
		for name in $(site_ids | grep ^sh); do
			printf '%s { "node": %s, "x": %s }' "$comma" \
				"$(site_id "$name")" "${name#sh}"
			comma=,
		done
		printf ' ] } ] }\n'
	} >"$SITE/network.json"
}

# --- certificates and configurations

# The certificates that the sites do not have yet, as "devca issue DIR -" reads them
site_certs()
{
	local name role

	for name; do
		for role in "$(site_role "$name")" keyd kme; do
			[ -e "$SITE/pki/$name-$role.crt" ] ||
			echo "$role $(site_id "$name") $name-$role $(site_addr "$name")"
		done
	done
}

# site_pki NAME ROLE: the settings of every program
site_common()
{
	printf '"network": "%s", "self": "%s",\n  "pki": { "ca": "%s", "cert": "%s", "key": "%s" }' \
		"$SITE/network.json" "$1" "$SITE/pki/ca.crt" \
		"$SITE/pki/$1-$2.crt" "$SITE/pki/$1-$2.key"
}

site_data()
{
	echo "${SITE_DATA:-$SITE}/$1/data"
}

# Settings of the daemon that SITE_SSAD and SITE_SHAREHOLDERD add
site_more()
{
	local more

	case $1 in
	ssa)	more=$SITE_SSAD ;;
	*)	more=$SITE_SHAREHOLDERD ;;
	esac
	echo "${more:+, $more}"
}

site_configure()
{
	local name=$1 dir=$SITE/$1

	mkdir -p "$dir/keyd" "$(site_data "$name")"
	printf '{ %s%s }\n' "$(site_common "$name" kme)" \
		"${SITE_KME:+, $SITE_KME}" >"$dir/qkdsim.json"
	# a little more than what is waited for: a pool is full that lacks less
	# than a unit
	printf '{ %s,\n  "kme": { "url": "https://%s:5810" }, "state": "%s",\n  "pools": { "payload": { "low": %s, "high": %s } }%s }\n' \
		"$(site_common "$name" keyd)" "$(site_addr "$name")" "$dir/keyd" \
		"${SITE_LOW:-$((SITE_LEVEL / 2))}" $((SITE_LEVEL + 8192)) "${SITE_KEYD:+, $SITE_KEYD}" \
		>"$dir/keyd.json"
	case $name in
	owner)	printf '{ %s,\n  "ssa": "ssa", "group": 1 }\n' \
			"$(site_common owner owner)" >"$dir/ssnctl.json" ;;
	*)	printf '{ %s,\n  "data": "%s"%s }\n' \
			"$(site_common "$name" "$(site_role "$name")")" \
			"$(site_data "$name")" "$(site_more "$name")" \
			>"$dir/$(site_daemon "$name").json" ;;
	esac
}

# --- programs

# The program of a site's role; the owner has a tool, no daemon.
site_daemon()
{
	case $1 in
	owner)	echo ssnctl ;;
	ssa)	echo ssad ;;
	sh*)	echo shareholderd ;;
	esac
}

# Sets site_ready to how often the log says so.
site_readies()
{
	local line

	site_ready=0
	while read -r line; do
		case $line in *"$2: ready"*) site_ready=$((site_ready + 1)) ;; esac
	done 2>/dev/null <"$TOPO_TMP/$1.log"
}

site_is_ready()
{
	site_readies "$1" "$2"
	[ "$site_ready" -gt "$3" ]
}

site_ready_or_gone()
{
	site_is_ready "$@" || topo_gone "${site_pids[$1.$2]}"
}

declare -A site_before	# [NAME.PROGRAM]: how often it was ready before

site_launch()
{
	local name=$1 program=$2

	site_readies "$name" "$program"
	site_before[$name.$program]=$site_ready
	# shellcheck disable=SC2086
	node_start "$name" env ${site_env[$name.$program]:-} "$program" \
		-c "$SITE/$name/$program.json" || return
	site_pids[$name.$program]=$node_pid
}

site_await()
{
	local name=$1 program=$2 before=${site_before[$1.$2]:-0}

	wait_until 60 site_ready_or_gone "$name" "$program" "${before:-0}"
	site_is_ready "$name" "$program" "${before:-0}" && return
	tap_diag "$program at $name is not ready; it said:" \
		"$(node_log "$name" | tail -n 5)"
	return 1
}

site_start()
{
	site_launch "$@" && site_await "$@"
}

# The same program at many sites at once
site_start_all()
{
	local program=$1 name

	shift
	for name; do
		site_launch "$name" "$program" || return
	done
	for name; do
		site_await "$name" "$program" || return
	done
}

site_pid()
{
	echo "${site_pids[$1.$2]}"
}

site_kill()
{
	kill -s "${3:-KILL}" "${site_pids[$1.$2]}" || return
	case ${3:-KILL} in
	STOP|CONT|HUP)	;;
	*)		wait_gone 20 "${site_pids[$1.$2]}" ;;
	esac
}

site_keys()
{
	local names=${*:-$(site_ids)} name

	[ -e "$SITE/pki/ca.crt" ] || devca init "$SITE/pki" example || return
	# shellcheck disable=SC2086
	site_certs $names | devca issue "$SITE/pki" - || return
	for name in $names; do
		site_configure "$name"
		node_add "$name" "$(site_addr "$name")"
		ssnctl -n "$(node_netns "$name")" node apply \
			"$SITE/network.json" --self "$name" || return
	done
	# shellcheck disable=SC2086
	site_start_all qkdsim $names && site_start_all keyd $names
}

site_storage()
{
	local names=${*:-$(site_ids | grep -v owner)}
	local holders agents

	holders=$(printf '%s\n' $names | grep ^sh)
	agents=$(printf '%s\n' $names | grep ^ssa)
	# shellcheck disable=SC2086
	site_start_all shareholderd $holders && site_start_all ssad $agents
}

site_crash()
{
	node_cut "$1" && node_kill "$1"
}

site_back()
{
	node_join "$1" && site_start "$1" qkdsim && site_start "$1" keyd || return
	[ "$1" = owner ] || site_start "$1" "$(site_daemon "$1")"
}

# --- pads

# site_full BYTES POOLS: so many of the pools on standard input hold so much
site_full()
{
	awk -v want="$1" -v pools="$2" '
		/"dir": "[tr]x", "kind": "payload"/ {
			match($0, /"usable": [0-9]+/)
			if (substr($0, RSTART + 10, RLENGTH - 10) + 0 >= want)
				full++
		}
		END { exit full < pools }'
}

# The SSA's own pools hold that much: everybody's pads are with it. Few processes,
# for this is asked again and again while CPUs are busy with keys.
site_pads_near()
{
	ssnctl -j -n "$(node_netns ssa)" key pools | site_full "$1" $((2 * site_n + 2))
}

# All that lead to the SSA, at both ends
site_pads_there()
{
	local name

	for name in $(site_ids); do
		ssnctl -j -n "$(node_netns "$name")" key pools
	done | site_full "$1" $((4 * site_n + 4))
}

# Asking takes a small part of the time, however slow the machine: what is waited for
# needs the same CPUs.
site_pads()
{
	local end=$((SECONDS + ${2:-120})) asked

	for (( ; ; )); do
		asked=${EPOCHREALTIME/./}
		! site_pads_near "$1" || break
		[ $SECONDS -lt $end ] || return 1
		asked=$(((${EPOCHREALTIME/./} - asked) * 5))
		topo_nap $((asked / 1000000)).$(printf %06d $((asked % 1000000)))
	done
	wait_until 20 site_pads_there "$1"
}

# --- use

site_owner()
{
	node_exec owner ssnctl -c "$SITE/owner/ssnctl.json" "$@"
}

site_sum()
{
	local name

	for name in $(site_ids); do
		ssnctl -j -n "$(node_netns "$name")" stats | json_get "$1"
	done | topo_sum
}

site_shell()
{
	cat >"$TOPO_TMP/rc" <<-END
	# what site.sh and topology.sh offer, and short words for the most of it
	$(declare -p TOPO TOPO_TMP SITE SITE_DATA SSN_TREE topo_nodes topo_switch \
		site_k site_n site_pids | sed 's/^declare -A/declare -gA/')
	$(declare -f)
	PS1='ssn# '
	owner() { site_owner "\$@"; }
	on() { local n=\$1; shift; ip netns exec "\$TOPO-\$n" "\$@"; }
	cat <<-EOF
	Sites: $(site_ids | xargs). Try:
	  owner put /bin/ls; owner ls; owner stat ls; owner get ls -o /tmp/ls
	  on ssa ssnctl stats; on sh1 ssnctl key pools; on ssa ssnctl monitor &
	  site_crash sh4; site_back sh4; node_log sh4; ls \$SITE/sh1/data
	EOF
	END
	bash --rcfile "$TOPO_TMP/rc" -i
}
