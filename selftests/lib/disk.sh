# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# disk.sh: disks that lose power, after topology.sh (guests only).
#
# A disk is ext4 on dm-flakey on a loop device on a file in memory. When the
# power goes, nothing that is not on the device by then gets there: what was
# written and not fsync'd is gone, as it would be.
#
#	disk_make NAME FOLDER [MIB]	make one, mounted at FOLDER
#	disk_cut NAME			from now on no write arrives
#	disk_back NAME			power is back: unmounts (whoever used it must
#					have ended), mounts again what is there
#	disk_full NAME, disk_free NAME	fill it up, and undo that
#
#	sync_build			compile sync_point.c; false without a compiler
#	sync_env NAME			environment for the program to be watched
#	sync_stop NAME N		stop it before its Nth step from now; 0: never
#	sync_count NAME			steps since the last sync_stop

export DM_DISABLE_UDEV=1
declare -A disk_loop disk_dir

disk_table()
{
	local sectors

	sectors=$(blockdev --getsz "${disk_loop[$1]}")
	case $2 in
	up)	echo "0 $sectors flakey ${disk_loop[$1]} 0 3600 0" ;;
	down)	echo "0 $sectors flakey ${disk_loop[$1]} 0 0 3600 1 drop_writes" ;;
	esac
}

disk_make()
{
	local name=$1 dir=$2 image=$TOPO_TMP/$1.img

	modprobe -q loop; modprobe -q dm-flakey
	truncate -s "${3:-64}M" "$image" &&
	disk_loop[$name]=$(losetup -f --show "$image") &&
	dmsetup create "$TOPO-$name" --table "$(disk_table "$name" up)" &&
	mkfs.ext4 -q -F -m 0 -E lazy_itable_init=0,lazy_journal_init=0 \
		"/dev/mapper/$TOPO-$name" &&
	mkdir -p "$dir" &&
	mount "/dev/mapper/$TOPO-$name" "$dir" &&
	disk_dir[$name]=$dir
}

disk_switch()
{
	dmsetup suspend --noflush --nolockfs "$TOPO-$1" &&
	dmsetup load "$TOPO-$1" --table "$(disk_table "$1" "$2")" &&
	dmsetup resume "$TOPO-$1"
}

disk_cut()
{
	disk_switch "$1" down
}

disk_back()
{
	umount "${disk_dir[$1]}" &&
	disk_switch "$1" up &&
	mount "/dev/mapper/$TOPO-$1" "${disk_dir[$1]}"
}

# What ext4 reserves for delayed allocation comes free with a sync.
disk_full()
{
	local i

	for i in 1 2 3; do
		dd if=/dev/zero bs=1k oflag=append conv=notrunc status=none \
			of="${disk_dir[$1]}/.full" 2>/dev/null
		sync -f "${disk_dir[$1]}"
	done
	return 0
}

disk_free()
{
	rm -f "${disk_dir[$1]}/.full"
}

disk_cleanup()
{
	local name

	for name in $topo_nodes; do
		node_kill "$name"
	done
	for name in "${!disk_loop[@]}"; do
		umount "${disk_dir[$name]:-/nonexistent}" 2>/dev/null
		dmsetup remove --retry "$TOPO-$name"
		losetup -d "${disk_loop[$name]}"
	done
	topo_cleanup
}
trap disk_cleanup EXIT

sync_build()
{
	command -v cc >/dev/null &&
	cc -O1 -shared -fPIC -D_GNU_SOURCE -o "$TOPO_TMP/sync_point.so" \
		"$SSN_TREE/selftests/lib/sync_point.c" -ldl
}

sync_env()
{
	head -c 8 /dev/zero >"$TOPO_TMP/$1.sync"
	echo "LD_PRELOAD=$TOPO_TMP/sync_point.so SYNC_POINT=$TOPO_TMP/$1.sync"
}

# little endian, as everything that runs Debian's amd64
sync_stop()
{
	local n=$2

	# shellcheck disable=SC2059
	printf "\\0\\0\\0\\0\\x$(printf %02x $((n & 255)))\\x$(printf %02x \
		$((n >> 8 & 255)))\\0\\0" |
		dd of="$TOPO_TMP/$1.sync" conv=notrunc status=none
}

sync_count()
{
	od -An -tu4 -N4 "$TOPO_TMP/$1.sync" | tr -d ' '
}
