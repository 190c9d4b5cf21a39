#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools/vm/accel: KVM is used if a guest answers with it, and only then.
. "$(dirname "$0")/../lib/topology.sh"
tap_plan 8
accel=$SSN_TREE/tools/vm/accel
real=${SSN_CACHE:-$HOME/.cache/ssn}
"$accel" >/dev/null 2>&1 || tap_bail "accel does not work at all"

# a cache of its own, with the kernel and first root that are made already
fresh_cache()
{
	export SSN_CACHE=$TOPO_TMP/cache
	rm -rf "$SSN_CACHE"
	mkdir -p "$SSN_CACHE"
	ln -s "$real"/vmlinux-* "$real"/initrd-* "$SSN_CACHE"
}

cat > "$TOPO_TMP/hangs" <<-'EOF'
	#!/bin/sh
	echo "$$" > "$0.pid"
	exec tail -f /dev/null
EOF
cat > "$TOPO_TMP/dies" <<-'EOF'
	#!/bin/sh
	exit 1
EOF
cat > "$TOPO_TMP/answers" <<-'EOF'
	#!/bin/sh
	echo "the guest answers"
EOF
chmod +x "$TOPO_TMP"/*
export SSN_ACCEL_DEVICE=/dev/null

fresh_cache
tap_is "a guest that answers: kvm" \
	"$(SSN_ACCEL_QEMU=$TOPO_TMP/answers "$accel")" kvm
tap_is "the answer is kept" "$(SSN_ACCEL_QEMU=$TOPO_TMP/dies "$accel")" kvm
fresh_cache
tap_is "a guest that dies: tcg" \
	"$(SSN_ACCEL_QEMU=$TOPO_TMP/dies "$accel" 2>/dev/null)" tcg
fresh_cache
before=$SECONDS
tap_is "a guest that hangs: tcg" \
	"$(SSN_ACCEL_QEMU=$TOPO_TMP/hangs "$accel" 2>/dev/null)" tcg
tap_run "and it is known within seconds" test $((SECONDS - before)) -le 15
tap_run "and nothing is left of it" topo_gone "$(cat "$TOPO_TMP/hangs.pid")"
fresh_cache
tap_is "no device: tcg" \
	"$(SSN_ACCEL_DEVICE=$TOPO_TMP/none "$accel")" tcg

# what this machine really has: a guest with the real answer works
unset SSN_ACCEL_DEVICE
export SSN_CACHE=$real
tap_run "a guest runs with what accel says here ($("$accel"))" \
	"$SSN_TREE/tools/vm/run" --accel="$("$accel")" --timeout=60 -- true
tap_done
