# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# A guest of QEMU with Debian's own kernel (debian or debian13, in $kernel), for
# run and accel: prepare_guest sets guest_argv; qemu_kernel and qemu_machine are
# its parts.

# Debian's kernel uncompressed, which QEMU starts directly: under TCG that is
# half of the time to boot. The payload's place in a bzImage is in its header
# (Documentation/arch/x86/boot.rst: setup_sects, payload_offset, _length); its
# last four bytes are the size of what it unpacks to.
unpack_kernel() # IMAGE
{
	local setup offset length magic unpack

	setup=$(od -An -tu1 -j 497 -N 1 "$1")
	offset=$(od -An -tu4 -j 584 -N 4 "$1")
	length=$(od -An -tu4 -j 588 -N 4 "$1")
	offset=$(((setup + 1) * 512 + offset))
	magic=$(od -An -tx1 -j $offset -N 4 "$1")
	case $magic in
	' fd 37 7a 58')	unpack=xz ;;
	' 28 b5 2f fd')	unpack=zstd ;;
	' 1f 8b '*)	unpack=gzip ;;
	*)		return 1 ;;
	esac
	tail -c +$((offset + 1)) "$1" | head -c $((length - 4)) | $unpack -dc
}

# A small first root: busybox, qemu-init, and the modules that it takes to
# reach the host's root.
make_initrd() # ROOT RELEASE
{
	local dir=$tmp.d ko

	mkdir -p "$dir/bin" "$dir/modules" "$dir/proc" "$dir/dev" "$dir/lower" \
		"$dir/layer" "$dir/root"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	cp "$here/qemu-init" "$dir/init"
	chmod +x "$dir/init"
	for module in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$1/" -S "$2" --show-depends "$module" || return 1
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > "$tmp.list"
	while read -r ko; do
		case $ko in
		*.xz)	xz -dc "$ko" > "$dir/modules/$(basename "$ko" .xz)" ;;
		*)	cp "$ko" "$dir/modules/" ;;
		esac
		basename "$ko" .xz
	done < "$tmp.list" > "$dir/modules/order"
	(cd "$dir" && find . | cpio -o -H newc --quiet)
	rm -rf "$dir" "$tmp.list"
}

# Sets qemu_kernel and qemu_initrd, made once per kernel in the cache folder, and
# qemu_root, the folder that has the kernel's modules if / has not.
qemu_kernel()
{
	local release image id tmp

	PATH=$PATH:/usr/sbin:/sbin
	qemu_root=
	if [ "$kernel" = debian13 ]; then
		qemu_root=$("$here/debian13-build") || return 1
		release=$(cat "$qemu_root/release")
	else
		release=$("$here/debian-kernel") || return 1
	fi
	image=$qemu_root/boot/vmlinuz-$release
	id=$release-$(cat "$image" "$here/qemu-init" "$here/qemu.sh" |
		sha256sum | cut -c 1-10)
	qemu_kernel=$cache/vmlinux-$id
	qemu_initrd=$cache/initrd-$id
	[ ! -e "$qemu_initrd" ] || return 0
	mkdir -p "$cache"
	tmp=$cache/new.$$
	if ! unpack_kernel "$image" > "$tmp"; then
		echo "run: cannot unpack $image: it is started as it is" >&2
		cp "$image" "$tmp"
	fi
	mv "$tmp" "$qemu_kernel"
	make_initrd "$qemu_root" "$release" > "$tmp" && mv "$tmp" "$qemu_initrd" || {
		rm -rf "$tmp"*
		echo "run: cannot make the first root of the guest" >&2
		return 1
	}
}

# qemu_machine ACCEL APPEND: sets guest_argv but for shared folders and stdio
#
# What an emulated machine should not do: move and clear memory byte by byte (erms),
# ask the HPET for the time because TCG's vendor promises no common TSC (its CPUs
# all show the host's), and load programs at addresses that change (norandmaps):
# translated code is kept by its virtual address, and a program that starts would
# be translated anew, three quarters of its time.
qemu_machine()
{
	local cpu=(-accel tcg,thread=multi -cpu max,-erms)

	[ "$1" != kvm ] || cpu=(-accel kvm -cpu host)
	guest_argv=(qemu-system-x86_64 -M pc "${cpu[@]}" -m "$mem" -smp "$cpus"
		-nodefaults -no-user-config -no-reboot -display none
		-kernel "$qemu_kernel" -initrd "$qemu_initrd"
		-append "console=ttyS1 loglevel=5 log_buf_len=4M panic=-1
 oops=panic tsc=reliable norandmaps no_timer_check mitigations=off
 random.trust_cpu=on ssn_guest $2")
	guest_argv=("${guest_argv[@]//$'\n'/}")
}

prepare_guest()
{
	local how=$accel

	qemu_kernel || return 1
	[ -z "$qemu_root" ] || printf 'guest_lib_modules=%q\n' \
		"$qemu_root/lib/modules" >> "$out/command"
	[ "$how" != auto ] || how=$("$here/accel" "$kernel")
	chmod +x "$out/guest-init"
	guest_stderr=$out/qemu.log
	qemu_machine "$how" "$append"
	guest_argv+=(-serial stdio -serial "file:$out/console.log"
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,fsdev=root,mount_tag=root
		-fsdev "local,id=out,path=$out,security_model=none"
		-device virtio-9p-pci,fsdev=out,mount_tag=out)
}
