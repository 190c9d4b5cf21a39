#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 600
# memory: 2048
#
# ssad.sh: the secret sharing agent among shareholders that lie, die, hang and are
# full, and what is left after it is killed or loses its state.
#
#	+-------+        +-------+        +-----+-----+-----+-----+-----+
#	| owner |--------|  ssa  |--------| sh1 | sh2 | sh3 | sh4 | sh5 |
#	|  .1   |        |  .2   |        | .11 | .12 | .13 | .14 | .15 |
#	+-------+        +-------+        +-----+-----+-----+-----+-----+
#	each with its KME (qkdsim) and keyd; k = 3, n = 5; sh5's disk is 4 MiB
. "$(dirname "$0")/../lib/topology.sh"
. "$(dirname "$0")/../lib/disk.sh"
. "$(dirname "$0")/../lib/site.sh"
. "$(dirname "$0")/../lib/clear.sh"
. "$(dirname "$0")/../lib/lie.sh"

SITE_SSAD='"segment_bytes": 65536, "group_timeout_ms": 8000'
SITE_SHAREHOLDERD='"resolve_after": 1'
file=$TOPO_TMP/file
head -c 300001 /usr/bin/perl >"$file"

# --- helpers

pads() { site_pads 2000000 120; }
same() { cmp "$file" "$TOPO_TMP/got"; }
put() { pads && site_owner -j put "$file" "$@"; }
get_back() # NAME
{
	rm -f "$TOPO_TMP/got"
	pads && site_owner get "$1" -o "$TOPO_TMP/got" && same
}
get_with_liar() # NAME NODE
{
	get_back "$1" >"$TOPO_TMP/liar.out" 2>&1 &&
	grep -q "(node $2) gave a wrong share" "$TOPO_TMP/liar.out" &&
	[ "$(grep -c 'gave a wrong share' "$TOPO_TMP/liar.out")" = 1 ]
}
no_partial() { [ ! -e "$TOPO_TMP/got" ] && [ -z "$(find "$TOPO_TMP" -maxdepth 1 -name '.ssn-get*')" ]; }
shares_at() { find "$(site_data "$1")/$2" -name '*.share' 2>/dev/null | wc -l; }
share_of() # NAME SEGMENT: the file at that shareholder, newest object
{
	find "$(site_data "$1")/objects" -path "*$object*" -name "$2.*.share"
}
pending_gone()
{
	local name

	for name in sh1 sh2 sh3 sh4 sh5; do
		[ -z "$(ls "$(site_data "$name")/pending")" ] || return
	done
}
pending_at() { [ -n "$(ls "$(site_data "$1")/pending")" ]; }
object_of() { site_owner -j stat "$1" | json_get object; }

sync_build || tap_bail "no compiler"
site_network 3 5
site_env[sh5.shareholderd]=$(sync_env sh5)
mkdir -p "$(site_data sh5)"
mount -t tmpfs -o size=4m none "$(site_data sh5)" || tap_bail "tmpfs"
site_keys || tap_bail "the sites do not come up"
pads || tap_bail "no pads"
site_storage || tap_bail "the daemons do not start"

# --- the plain way

whole() { node_log ssa | grep -qE 'rebuild: [0-9]+ objects, .* wait$'; }
tap_run "a new agent asks by itself what there is" wait_until 20 whole
tap_run "put" put --name a
tap_run "get gives the same bytes" get_back a
: >"$TOPO_TMP/empty"
tap_run "an empty file is an object" site_owner put "$TOPO_TMP/empty"
tap_run "and comes back" site_owner get empty -o "$TOPO_TMP/empty2"
tap_is "empty" "$(stat -c %s "$TOPO_TMP/empty2")" 0
tap_is "ls lists both" "$(site_owner -j ls | json_get name | xargs)" "a empty"
tap_is "stat claims nothing that it cannot" "$(site_owner -j stat a | json_get its)" false
tap_says "a name that exists" EEXIST put --name a
tap_run "replace" put --name a --replace
tap_is "makes the next version" "$(site_owner -j stat a | json_get version)" 2
object=$(object_of a)
tap_is "the version before is gone" \
	"$(ls "$(site_data sh1)/objects/$object")" 2.0
tap_run "the new one comes back" get_back a
tap_says "a name that is not there" ENOENT site_owner get nothing -o "$TOPO_TMP/got"
tap_says "a directory" "is a directory" site_owner put /etc
tap_says "a file that is not there" "No such file" site_owner put /nonexistent
tap_says "a name that is not UTF-8" "not UTF-8" \
	site_owner stat "$(printf 'a\xff')"
tap_run "a name with control characters" put --name $'x\e[31m\ny'
tap_is "is escaped when shown" "$(site_owner ls | grep -c $'\e')" 0
tap_run "and can be deleted" site_owner rm $'x\e[31m\ny'

# --- what a shareholder can see: every piece of 16 bytes, and the name

head -c 20000 /dev/urandom >"$TOPO_TMP/secret"
secret_name='The name of an object is nobody else'\''s business'
clear_pieces "$TOPO_TMP/secret" >"$TOPO_TMP/pieces"
clear_words "$secret_name" >"$TOPO_TMP/words"
tap_run "put of what is secret, under a name that is" \
	site_owner put "$TOPO_TMP/secret" --name "$secret_name"
tap_run "it comes back" site_owner get "$secret_name" -o "$TOPO_TMP/secret2"
unseen()
{
	local s

	for s in sh1 sh2 sh3 sh4 sh5; do
		clear_seen "$1" "$SITE/$s" "$TOPO_TMP/$s.log"
		[ $? = 1 ] || return
	done
}
tap_run "no piece of it is in clear at a shareholder, nor in its log" \
	unseen "$TOPO_TMP/pieces"
tap_run "nor is its name" unseen "$TOPO_TMP/words"
tap_run "at the agent the name is seen, so that it would be" \
	clear_seen "$TOPO_TMP/words" "$(site_data ssa)"
tap_run "and there is no piece of it there" \
	sh -c '[ -z "$1" ]' - "$(clear_seen "$TOPO_TMP/pieces" "$SITE/ssa" "$TOPO_TMP/ssa.log")"
mkdir -p "$TOPO_TMP/planted/sub"
{ head -c 1001 /dev/zero; tail -c +12346 "$TOPO_TMP/secret" | head -c 16; echo; } \
	>"$TOPO_TMP/planted/sub/file"
tap_run "one piece in a file would be seen" \
	clear_seen "$TOPO_TMP/pieces" "$TOPO_TMP/planted"
mv "$TOPO_TMP/planted/sub/file" "$TOPO_TMP/planted/sub/$secret_name"
tap_run "and a name of a file" clear_seen "$TOPO_TMP/words" "$TOPO_TMP/planted"
tap_run "it is deleted" site_owner rm "$secret_name"

# --- two puts of the same job

job=11111111-1111-4111-8111-111111111111
tap_run "a put with a job id" put --name j --job $job
before=$(site_sum tx_bytes)
tap_run "the same job again" site_owner -j put "$file" --name j --job $job
# shellcheck disable=SC2016
tap_run "sends no data" [ $(($(site_sum tx_bytes) - before)) -lt 100000 ]
site_kill sh5 shareholderd STOP
site_owner -j put "$file" --name jj --job ${job%1}2 >"$TOPO_TMP/first.out" 2>&1 &
first=$!
tap_run "a put that hangs at sh5" wait_until 20 pending_at sh1
tap_says "the same job while it runs" EALREADY \
	site_owner put "$file" --name jj --job ${job%1}2
site_kill sh5 shareholderd CONT
wait $first
tap_is "the first one ends well" $? 0
tap_run "and can be read" get_back jj

# --- liars

object=$(object_of a)
lie "$(share_of sh2 2)"
tap_run "a changed share is named, and the read still right" get_with_liar a 12
printf 'rot' | dd of="$(share_of sh3 1)" bs=1 seek=9000 conv=notrunc status=none
tap_run "a rotted one is gone around" get_back a
rm -f "$TOPO_TMP/got"
for s in sh1 sh2 sh3; do
	lie "$(share_of $s 3)"
done
tap_says "three of five changed: no data is given as right" EBADMSG \
	get_back a
tap_run "and no part of it under the final name" no_partial

# --- too few

tap_run "sh4 dies" site_kill sh4 shareholderd
tap_run "sh5 dies" site_kill sh5 shareholderd
tap_run "three are enough" get_back j
tap_says "a put needs all" "sh4 (node 14)" put --name few
tap_run "the refused put left nothing" wait_until 20 pending_gone
site_owner -j put "$file" --name deg --min-confirmed 3 >"$TOPO_TMP/deg.out" 2>&1
tap_is "or says that it is degraded, by its status" $? 3
tap_run "and its answer" grep -q "degraded: survives 0 losses" "$TOPO_TMP/deg.out"
tap_run "which can be read" get_back deg
tap_run "sh3 dies" site_kill sh3 shareholderd
tap_says "fewer than k: a clear refusal" "of the 3 shareholders needed" get_back j
tap_run "and no file" no_partial
for s in sh3 sh4 sh5; do
	site_start $s shareholderd
done
tap_run "they are back" get_back j

# --- one dies, or is full, in the middle

tap_run "half a put" pads
site_kill sh4 shareholderd STOP
site_owner put "$file" --name mid >"$TOPO_TMP/mid.out" 2>&1 &
first=$!
wait_until 20 pending_at sh1
site_kill sh4 shareholderd
wait $first
tap_is "a shareholder killed in a put ends it" $? 1
tap_run "with its name" grep -q "sh4 (node 14)" "$TOPO_TMP/mid.out"
site_start sh4 shareholderd
tap_run "nothing stays pending" wait_until 30 pending_gone
tap_says "nor visible" ENOENT site_owner stat mid
dd if=/dev/zero of="$(site_data sh5)/fill" bs=4k status=none 2>/dev/null
tap_says "a full disk" ENOSPC put --name full
rm "$(site_data sh5)/fill"
tap_run "nothing stays pending" wait_until 30 pending_gone
tap_run "with space again" put --name full

# --- the agent dies

# kill_at NAME WHEN: put, and kill ssad when the condition holds
kill_at()
{
	local name=$1 client

	shift
	pads || return
	site_owner put "$file" --name "$name" >"$TOPO_TMP/$name.out" 2>&1 &
	client=$!
	wait_until 20 "$@"
	site_kill ssa ssad
	site_kill sh5 shareholderd CONT
	site_start ssa ssad || return
	wait $client
	put_status=$?
	wait_until 30 pending_gone
}
# what the owner was told is what is there
agrees() # NAME
{
	if [ $put_status = 0 ]; then
		get_back "$1"
	else
		! site_owner stat "$1" && grep -q "nothing was stored" "$TOPO_TMP/$1.out"
	fi
}
some_shares() { [ "$(shares_at sh1 pending)" -ge "$1" ]; }
committed_at() { [ "$(shares_at "$1" objects)" -gt "$2" ]; }

site_kill sh5 shareholderd STOP
tap_run "ssad is killed at begin" kill_at k1 pending_at sh1
tap_run "the owner knows what became of it" agrees k1
tap_is "nothing" "$put_status" 1
tap_run "ssad is killed between segments" kill_at k2 some_shares 2
tap_run "the owner knows what became of it" agrees k2
have=$(shares_at sh1 objects)
tap_run "ssad is killed after the COMMIT" kill_at k3 committed_at sh1 "$have"
tap_run "the owner knows what became of it" agrees k3
tap_is "it is stored" "$put_status" 0

# --- state lost

all_names() { site_owner -j ls | json_get name | sort | xargs; }
names=$(all_names)
site_kill ssa ssad TERM
mv "$(site_data ssa)" "$(site_data ssa).old"
mkdir "$(site_data ssa)"
for s in sh3 sh4 sh5; do
	site_kill $s shareholderd
done
site_start ssa ssad
tap_says "an agent without state, and without k shareholders, lists nothing" EAGAIN \
	site_owner ls
tap_says "nor does it store anything" EAGAIN site_owner put "$file" --name j
for s in sh3 sh4 sh5; do
	site_start $s shareholderd
done
restored() { [ "$(all_names)" = "$names" ]; }
tap_run "when they are there, it has every name again" wait_until 60 restored
tap_run "and what they name" get_back j

# A job that was pending when its agent lost its state: sh5 stops in its middle.
pads
sync_stop sh5 9
site_owner put "$file" --name lost >/dev/null 2>&1 &
first=$!
tap_run "a put in its middle" wait_until 60 some_shares 1
site_kill ssa ssad
sync_stop sh5 0
site_kill sh5 shareholderd
rm -rf "$(site_data ssa)"
mkdir "$(site_data ssa)"
site_start ssa ssad			# without sh5 it cannot settle that
site_kill sh1 shareholderd TERM
before=$(node_log sh1 | wc -l)
site_start sh1 shareholderd		# asks about all of them at start
asked() { node_log sh1 | tail -n +$((before + 1)) | grep -q 'job .* is lost'; }
tap_run "its agent calls it lost" wait_until 20 asked
# its owner asks, and comes again with it; no member takes it for another job
wait $first
tap_run "a job from before the loss is not called aborted" pending_at sh1
site_start sh5 shareholderd
site_owner index rebuild >"$TOPO_TMP/rebuild.out" 2>&1
tap_run "a complete rebuild finds nobody who promised to keep it" \
	grep -q "complete yes" "$TOPO_TMP/rebuild.out"
tap_run "then it is" wait_until 30 pending_gone

# --- rm

tap_run "rm" site_owner rm j
tap_says "it is gone" ENOENT site_owner get j -o "$TOPO_TMP/got"
site_kill sh3 shareholderd
site_kill sh4 shareholderd
site_kill sh5 shareholderd
tap_says "rm with fewer than k holders is refused" "of the 3 shareholders needed" \
	site_owner rm full
tap_is "and leaves the object as it was" "$(site_owner -j stat full | json_get state)" stored
for s in sh3 sh4 sh5; do
	site_start $s shareholderd
done
tap_run "repeated with all, it is deleted" site_owner rm full
tap_run "the agent ends in order" site_kill ssa ssad TERM
tap_done
