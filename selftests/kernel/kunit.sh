#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml-debug
# timeout: 240
#
# The suites of selftests/unit inside the kernel, where KASAN sees each byte:
# loading the module ssn_kunit runs them, and says nothing of what failed in its
# status. The kernel's log has it.
lib=$(cd "$(dirname "$0")/../lib" && pwd)
suites=()
for file in "$lib"/../unit/*.c; do
	! grep -q '^#include <kunit/test.h>' "$file" ||
		suites+=("ssn_$(basename "$file" .c)")
done
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mark="kunit.sh $$"

echo "$mark" > /dev/kmsg
why=$(insmod "$SSN_MODULES/ssn_kunit.ko" 2>&1) || why="insmod: $why"
dmesg -t | sed "1,/$mark/d" > "$log"
[ -n "$why" ] || why=$(rmmod ssn_kunit 2>&1) || why="rmmod: $why"
[ -z "$why" ] || echo "Bail out! $why"
"$lib/ktap" "${suites[@]}" < "$log"
