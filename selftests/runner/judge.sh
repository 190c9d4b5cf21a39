#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# lib/judge: what counts as passed, failed and skipped.
. "$(dirname "$0")/../lib/topology.sh"
judge=$SSN_TREE/selftests/lib/judge
tap_plan 26

# counts NAME STATUS WANT TAP: TAP is a format of printf
counts()
{
	# shellcheck disable=SC2059
	printf "$4" > "$TOPO_TMP/tap"
	tap_is "$1" "$("$judge" t "$2" "$TOPO_TMP/tap" | tail -n 1)" "$3"
}

counts "all passed" 0 "passed 2, failed 0, skipped 0" \
	'1..2\nok 1 - a\nok 2 - b\n'
counts "the plan may come last" 0 "passed 1, failed 0, skipped 0" \
	'ok 1 - a\n1..1\n'
counts "other lines do not count" 0 "passed 1, failed 0, skipped 0" \
	'hello\n# ok 7\n1..1\nok 1 - a\nnot okay\n'
counts "one failed" 1 "passed 1, failed 1, skipped 0" \
	'1..2\nok 1 - a\nnot ok 2 - b\n'
counts "a failure with status 0 is one still" 0 "passed 0, failed 1, skipped 0" \
	'1..1\nnot ok 1 - b\n'
counts "one skipped" 0 "passed 1, failed 0, skipped 1" \
	'1..2\nok 1 - a\nok 2 - b # SKIP no AVX2\n'
counts "all skipped" 0 "passed 0, failed 0, skipped 1" '1..0 # SKIP no KVM\n'
counts "a failed skip is a failure" 1 "passed 0, failed 1, skipped 0" \
	'1..1\nnot ok 1 - b # SKIP why\n'
counts "a todo is a failure" 1 "passed 0, failed 1, skipped 0" \
	'1..1\nnot ok 1 - b # TODO later\n'
counts "no plan" 0 "passed 1, failed 1, skipped 0" 'ok 1 - a\n'
counts "nothing at all" 0 "passed 0, failed 1, skipped 0" ''
counts "fewer than planned" 0 "passed 1, failed 1, skipped 0" '1..2\nok 1 - a\n'
counts "more than planned" 0 "passed 2, failed 1, skipped 0" \
	'1..1\nok 1 - a\nok 2 - b\n'
counts "nothing planned" 0 "passed 0, failed 1, skipped 0" '1..0\n'
counts "a crash after the last check" 139 "passed 1, failed 1, skipped 0" \
	'1..1\nok 1 - a\n'
counts "the time was up" 124 "passed 1, failed 2, skipped 0" '1..2\nok 1 - a\n'
counts "numbers out of order" 0 "passed 2, failed 1, skipped 0" \
	'1..2\nok 2 - b\nok 1 - a\n'
counts "bail out" 1 "passed 1, failed 2, skipped 0" \
	'1..2\nok 1 - a\nBail out! no network\n'

# what a program over kselftest_harness.h prints
harness='TAP version 13
1..2
# Starting 2 tests from 2 test cases.
#  RUN           global.a ...
#            OK  global.a
ok 1 global.a
#  RUN           tagged.b ...
%s
# Totals: pass:2 fail:0 xfail:0 xpass:0 skip:0 error:0'
of_harness() # NAME STATUS WANT LINE
{
	# shellcheck disable=SC2059
	counts "$1" "$2" "$3" "$(printf "$harness" "$4")"
}
of_harness "harness: passed" 0 "passed 2, failed 0, skipped 0" 'ok 2 tagged.b'
of_harness "harness: failed" 1 "passed 1, failed 1, skipped 0" \
	'not ok 2 tagged.b'
of_harness "harness: one skipped" 0 "passed 1, failed 0, skipped 1" \
	'ok 2 tagged.b # SKIP no faults'
of_harness "harness: nothing is expected to fail" 0 \
	"passed 1, failed 1, skipped 0" 'ok 2 tagged.b # XFAIL unknown'
of_harness "harness: nor expected to, and does not" 0 \
	"passed 1, failed 1, skipped 0" 'ok 2 tagged.b # XPASS unknown'
of_harness "harness: a skip that some checks do not explain" 4 \
	"passed 2, failed 1, skipped 0" 'ok 2 tagged.b'
counts "harness: all skipped" 4 "passed 0, failed 0, skipped 1" \
	'1..0 # SKIP not loaded\n'
tap_is "the reason of a skip is told" \
	"$(printf '1..1\nok 1 - b # SKIP no AVX2\n' > "$TOPO_TMP/tap"
	   "$judge" t 0 "$TOPO_TMP/tap" | head -n 1)" "skip t: b: no AVX2"
tap_done
