#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml debian
# timeout: 60
#
# SIGHUP to a daemon that has become another user: what it can read again it does, and
# what it cannot it says, and goes on with what it had.
#
#	+-----+
#	| sh1 |	shareholderd, as "nobody"
#	+-----+
. "$(dirname "$0")/../lib/topology.sh"

dir=$TOPO_TMP/sh
mkdir -p "$dir/data"
chmod 711 "$TOPO_TMP"
chown nobody "$dir/data"
devca init "$dir/pki" example >/dev/null &&
devca issue "$dir/pki" shareholder 11 sh1 >/dev/null || tap_bail "devca"
node_add sh1 10.8.0.11

network() # [NODE...]
{
	printf '{ "domain": "example", "groups": [], "nodes": [%s\n' ''
	[ $# = 0 ] || printf '{ "id": 2, "name": "ssa", "role": "ssa", "addr": "%s:5808" },\n' "$1"
	printf '{ "id": 11, "name": "sh1", "role": "shareholder", "addr": "10.8.0.11:5808" } ] }\n'
}
network >"$dir/network.json"
cat >"$dir/sh.json" <<END
{ "network": "$dir/network.json", "self": "sh1", "data": "$dir/data", "user": "nobody",
  "pki": { "ca": "$dir/pki/ca.crt", "cert": "$dir/pki/sh1.crt", "key": "$dir/pki/sh1.key" } }
END
node_start sh1 shareholderd -c "$dir/sh.json"
ready() { node_log sh1 | grep -q 'ready$'; }
tap_run "shareholderd starts as root" wait_until 20 ready
tap_run "and becomes another user" \
	grep -qP "^Uid:\t$(id -u nobody)\t" "/proc/$node_pid/status"

# What it says to a SIGHUP, in one line
hup()
{
	local before

	before=$(node_log sh1 | grep -c 'configuration ')
	kill -HUP "$node_pid"
	answered() { [ "$(node_log sh1 | grep -c 'configuration ')" -gt "$before" ]; }
	wait_until 10 answered
	node_log sh1 | grep 'configuration ' | tail -n 1
}
says() { tap_run "$1" grep -qF "$2" <<<"$(hup)" || node_log sh1 | tail -n 3; }

says "what has not changed is read again" "configuration read again"
chmod 600 "$dir/sh.json"
says "a configuration that only root may read" \
	"configuration unchanged: $dir/sh.json: Permission denied"
chmod 644 "$dir/sh.json"
network 10.8.0.2 >"$dir/network.json"
says "a network that only root may give to the kernel" \
	"configuration unchanged: peer 2"
says "says what is to be done" "ssnctl node apply"
tap_is "and is not given" "$(ssnctl -j -n "$(node_netns sh1)" peer list | json_get id)" ""
tap_run "root gives it" ssnctl -n "$(node_netns sh1)" node apply "$dir/network.json" --self sh1
says "then it is read again" "configuration read again"
chmod 600 "$dir/network.json"
says "a network that only root may read" "network.json: Permission denied"
tap_run "it goes on with what it had" kill -0 "$node_pid"
tap_done
