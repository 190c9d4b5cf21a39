#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml debian
# timeout: 60
#
# What shareholderd says about a configuration that is wrong, before it starts.
# No network: it ends before it would need one.
. "$(dirname "$0")/../lib/topology.sh"

dir=$TOPO_TMP/sh
mkdir -p "$dir"
devca init "$dir/pki" example >/dev/null || tap_bail "devca"
devca issue "$dir/pki" shareholder 11 sh1 >/dev/null &&
devca issue "$dir/pki" shareholder 12 sh2 >/dev/null &&
devca issue "$dir/pki" ssa 2 ssa >/dev/null || tap_bail "devca"

cat >"$dir/network.json" <<END
{ "domain": "example",
  "nodes": [
    { "id": 2, "name": "ssa", "role": "ssa", "addr": "10.8.0.2:5808" },
    { "id": 11, "name": "sh1", "role": "shareholder", "addr": "10.8.0.11:5808" } ],
  "groups": [] }
END

# config [SED EXPRESSION]: a good one, changed
config()
{
	sed "${1:-}" >"$dir/sh.json" <<END
{ "network": "$dir/network.json",
  "self": "sh1",
  "data": "$dir/data",
  "resolve_after": 30,
  "pki": { "ca": "$dir/pki/ca.crt", "cert": "$dir/pki/sh1.crt",
           "key": "$dir/pki/sh1.key" } }
END
}

check() { shareholderd --check -c "$dir/sh.json" 2>&1; }

config
tap_run "a good configuration" check
tap_run "it made nothing" [ ! -e "$dir/data" ]
config 's/"self"/"slef"/'
tap_says "a key with a slip" "slef: no such setting" check
config '/"data"/d'
tap_says "a key that is missing" "data is missing" check
config 's/: 30/: "soon"/'
tap_says "a string in place of a number" "resolve_after: expected an integer" check
config 's/: 30/: 0/'
tap_says "a number out of range" "resolve_after: 0 is not between 1 and 86400" check
config 's/"sh1",/"sh1"/'
tap_says "a comma that is missing" "sh.json:3:" check
config 's/"sh1",/"sh9",/'
tap_says "a name that is not in the network" "sh9 is no shareholder" check
config 's/"sh1",/"ssa",/'
tap_says "a node that is no shareholder" "ssa is no shareholder" check
config 's/sh1\.crt/sh2.crt/; s/sh1\.key/sh2.key/'
tap_says "another node's certificate" "that of shareholder 12" check
config 's/sh1\.crt/ssa.crt/; s/sh1\.key/ssa.key/'
tap_says "another role's certificate" "that of ssa 2" check
config 's/sh1\.crt/none.crt/'
tap_says "a certificate that is not there" "none.crt" check
config 's/network\.json/net.json/'
tap_says "a network description that is not there" "net.json: No such file" check
rm -f "$dir/sh.json"
tap_says "no configuration" "sh.json: No such file" check
config
tap_says "an argument too many" "Usage: shareholderd" shareholderd -c "$dir/sh.json" now
tap_run "--help" sh -c 'shareholderd --help | grep -q -- --check'
tap_run "--version" sh -c 'shareholderd --version | grep -q "^shareholderd "'
tap_done
