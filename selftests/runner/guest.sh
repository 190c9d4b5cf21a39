#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 900
#
# tools/vm/run must never call a bad run good: each fault here is made on
# purpose by bad_module/ or by the command, and has to come out as its own
# status. Kernels: the debug User-Mode Linux, and Debian's under QEMU.
. "$(dirname "$0")/../lib/topology.sh"
run=$SSN_TREE/tools/vm/run
bad=$SSN_TREE/build/bad_module
fault=/sys/module/ssn_crypt/parameters/fault
kernels="uml-debug debian"
mkdir "$TOPO_TMP/none"
echo "not a module" | tee "$TOPO_TMP/none/qkd_keyring.ko" > "$TOPO_TMP/none/ssn_crypt.ko"
tap_plan 26

# expect NAME STATUS WORDS ARGS...: run's status, and words in what it prints
expect()
{
	local name=$1 want=$2 words=$3 status=0

	shift 3
	"$run" --out="$TOPO_TMP/out" "$@" > "$TOPO_TMP/run.out" 2>&1 || status=$?
	if [ $status = "$want" ] && grep -qE -e "$words" "$TOPO_TMP/run.out"; then
		tap_ok "$name"
	else
		tap_not_ok "$name" "status $status, want $want with '$words'"
		tail -n 20 "$TOPO_TMP/run.out" | sed 's/^/# | /'
	fi
	rm -rf "$TOPO_TMP/out"
}

# killed is not yet gone: the processes that a guest traced end after it
no_guests()
{
	! pgrep -f -- "$TOPO_TMP/out" >/dev/null
}

for k in $kernels; do
	tap_run "$k: bad_module builds" "$SSN_TREE/tools/vm/build-modules" $k \
		"$bad-$k" "$SSN_TREE/selftests/runner/bad_module"
	with="--kernel=$k --modules=$bad-$k --timeout=60 --no-leaks"
	# shellcheck disable=SC2086
	{
	# three faults of a runner in one boot: under QEMU that is most of the time
	expect "$k: the command's words and status; it writes, to its own root" 7 \
		"^a  b[$]c'd written$" $with -- sh -c \
		"echo written > /etc/ssn-test; echo \"\$1 \$(cat /etc/ssn-test)\"; exit 7" \
		sh "a  b\$c'd"
	expect "$k: a warning" 99 "asked for by the test|WARNING:" $with -- \
		sh -c "echo warn > $fault"
	expect "$k: an oops" 99 "BUG|Oops|panic" $with -- sh -c "echo oops > $fault"
	expect "$k: a module that stays" 99 "could not be unloaded" $with -- \
		sh -c "echo pin > $fault"
	expect "$k: modules that do not load" 99 "do not load|could not" \
		--kernel=$k --modules="$TOPO_TMP/none" \
		--timeout=60 -- true
	expect "$k: a command without end" 124 "time was up" \
		--kernel=$k --timeout=12 -- tail -f /dev/null
	expect "$k: a kernel that hangs" 124 "time was up" \
		--kernel=$k --modules=$bad-$k --timeout=12 -- \
		sh -c "echo hang > $fault & echo hang > $fault & wait"
	}
	tap_run "$k: no process of a guest is left" wait_until 10 no_guests
	tap_run "$k: the host has no file of a guest" test ! -e /etc/ssn-test
done

k=uml-debug
with="--kernel=$k --modules=$bad-$k --timeout=60"
# shellcheck disable=SC2086
{
expect "a leak" 99 "unreferenced object" $with -- sh -c "echo leak > $fault"
expect "KASAN" 99 "KASAN: slab-out-of-bounds" $with -- sh -c "echo overrun > $fault"
expect "lockdep" 99 "possible circular locking" $with -- sh -c "echo deadlock > $fault"
}
tap_says "an unknown option" "no such option" "$run" --fast -- true
tap_says "a time that is none" "wants a number" "$run" --timeout=soon -- true
tap_says "modules that are not built" "no modules in" "$run" --modules=/usr -- true
tap_done
