#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 900
#
# The kernels that guests may have: under which names they are kept, and what is
# in them. Those that check does not use otherwise (uml-accel, debian13) are only
# tried if the cache folder has them: to make them here would take too long.
. "$(dirname "$0")/../lib/topology.sh"
vm=$SSN_TREE/tools/vm
umls="uml uml-accel uml-debug"
tap_plan 26

# --- names

for k in debian debian13 $umls; do
	tap_says "$k is a kernel of the runner" "no modules in" \
		"$vm/run" --kernel=$k --modules=/usr -- true
done
all="(debian, debian13, uml, uml-accel, uml-debug)"
tap_says "the runner names them" "no such kernel: umll $all" \
	"$vm/run" --kernel=umll -- true
tap_says "build-modules as well" "no such kernel: umll $all" \
	"$vm/build-modules" umll "$TOPO_TMP/none"
tap_says "quickstart as well" "no such kernel: umll $all" \
	"$SSN_TREE/quickstart" demo --kernel=umll

tests_of()
{
	"$SSN_TREE/selftests/run" --list | sed -n "s|^$1/||p"
}
tap_is "uml-accel runs what uml does" "$(tests_of uml-accel)" "$(tests_of uml)"
tap_is "debian13 runs what debian does" "$(tests_of debian13)" "$(tests_of debian)"

# --- a kernel is made again if what it is made of has changed, and only then

anew() # FILE: the kernels that have another name if FILE is another one
{
	local k

	rm -rf "$TOPO_TMP/vm"
	cp -r "$vm" "$TOPO_TMP/vm"
	echo "# changed" >> "$TOPO_TMP/vm/$1"
	for k in $umls; do
		[ "$("$vm/uml-build" $k --dir)" = "$("$TOPO_TMP/vm/uml-build" $k --dir)" ] ||
			echo $k
	done | xargs
}
tap_is "uml.config is in all" "$(anew uml.config)" "$umls"
tap_is "uml-gcov.config is in uml" "$(anew uml-gcov.config)" uml
tap_is "uml-debug.config is in uml-debug" "$(anew uml-debug.config)" uml-debug
tap_is "uml-accel.config is in uml-accel" "$(anew uml-accel.config)" uml-accel
tap_is "uml-fp-size.patch is in all" "$(anew uml-fp-size.patch)" "$umls"
tap_is "uml-exit-mmap.patch is in all" "$(anew uml-exit-mmap.patch)" "$umls"
tap_is "uml-x86-crypto.patch is in uml-accel" "$(anew uml-x86-crypto.patch)" uml-accel
tap_is "another runner is no other kernel" "$(anew uml-build)$(anew run)" ""

# --- what is in them

asked()
{
	local option

	for option in KASAN PROVE_LOCKING DEBUG_ATOMIC_SLEEP DEBUG_KMEMLEAK KUNIT \
		      FAULT_INJECTION FAILSLAB DEBUG_OBJECTS UBSAN; do
		grep -qx "CONFIG_$option=y" "$vm/uml-debug.config" || echo $option
	done | xargs
}
tap_is "uml-debug finds what the others do not" "$(asked)" ""

# A mirror that nobody has signed for.
mkdir -p "$TOPO_TMP/mirror/dists/trixie/main/binary-amd64" "$TOPO_TMP/cache"
: > "$TOPO_TMP/mirror/dists/trixie/main/binary-amd64/Packages"
(
	cd "$TOPO_TMP/mirror/dists/trixie" || exit
	cat <<-EOF
	Suite: trixie
	Codename: trixie
	Date: $(LC_ALL=C date -Ru)
	Architectures: amd64
	Components: main
	SHA256:
	 $(sha256sum main/binary-amd64/Packages | cut -c 1-64) 0 main/binary-amd64/Packages
	EOF
) > "$TOPO_TMP/mirror/dists/trixie/Release"
tap_says "what Debian has not signed is no debian13" "is not signed" \
	env SSN_CACHE="$TOPO_TMP/cache" SSN_MIRROR="file:$TOPO_TMP/mirror" \
	"$vm/debian13-build"
tap_is "and nothing of it stays but the log" "$(ls "$TOPO_TMP/cache")" \
	"$(printf 'debian13.lock\ndebian13.log')"

has()
{
	grep -m 1 '^flags' /proc/cpuinfo | grep -qw "$1"
}

# drivers of /proc/crypto in a guest, those that are chosen first; with what the
# processor has
drivers()
{
	awk -F ' *: *' '
		$1 == "name" { name = $2 }
		$1 == "driver" { driver = $2 }
		$1 == "priority" && $2 + 0 > best[name] + 0 {
			best[name] = $2
			first[name] = driver
		}
		END { for (name in first) print name, first[name] }' "$TOPO_TMP/crypto"
}

if [ -e "$("$vm/uml-build" uml-accel --dir)/ready" ]; then
	tap_run "uml-accel: a guest" "$vm/run" --kernel=uml-accel --timeout=120 \
		--out="$TOPO_TMP/accel" -- sh -c 'cat /proc/crypto > $SSN_OUT/crypto'
	cp "$TOPO_TMP/accel/crypto" "$TOPO_TMP/crypto"
	aes=generic
	! has aes || aes=aesni
	! has avx512vl || ! has vaes || aes=vaes
	tap_run "uml-accel: AES-GCM by $aes" \
		grep "^gcm(aes) .*$aes" <<< "$(drivers)"
	simd=generic
	! has avx2 || simd=simd
	tap_run "uml-accel: ChaCha20 and Poly1305 by $simd" \
		test "$(drivers | grep -cE "^(chacha20|poly1305) .*$simd")" = 2
else
	why="$("$vm/uml-build" uml-accel --dir) is not there;"
	why="$why tools/vm/uml-build uml-accel makes it, in some minutes"
	for check in "a guest" "AES-GCM" "ChaCha20 and Poly1305"; do
		tap_skip "uml-accel: $check" "$why"
	done
fi

if dir=$("$vm/debian13-build" --dir); then
	modules=$SSN_TREE/build/modules-debian13
	tap_run "debian13: the modules build" "$vm/build-modules" debian13 "$modules"
	tap_is "debian13: a guest with the modules" "$("$vm/run" --kernel=debian13 \
		--modules --timeout=180 -- uname -r)" "$(cat "$dir/release")"
else
	why="tools/vm/debian13-build was not run yet, which takes a minute"
	for check in "the modules build" "a guest with the modules"; do
		tap_skip "debian13: $check" "$why"
	done
fi
tap_done
