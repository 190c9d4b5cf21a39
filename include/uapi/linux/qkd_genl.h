/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/qkd.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_QKD_GENL_H
#define _UAPI_LINUX_QKD_GENL_H

#define QKD_FAMILY_NAME		"qkd"
#define QKD_FAMILY_VERSION	1

enum qkd_dir {
	QKD_DIR_TX,
	QKD_DIR_RX,
	QKD_DIR_LOCAL,
};

enum qkd_kind {
	QKD_KIND_PAYLOAD,
	QKD_KIND_TAG,
};

/**
 * enum qkd_block_state - loaded - waiting for confirmation; usable - may be
 *   leased; void - nothing more will be leased, leases that exist run out
 */
enum qkd_block_state {
	QKD_BLOCK_STATE_LOADED = 1,
	QKD_BLOCK_STATE_USABLE,
	QKD_BLOCK_STATE_VOID,
};

/**
 * enum qkd_provenance - What is known of how a block came here. A block counts
 *   as information theoretically secure only where every one of these is set;
 *   a block loaded by hand has none.
 * @QKD_PROVENANCE_PATH_OTP: every relay on the key's path encrypted it with a
 *   one-time pad
 * @QKD_PROVENANCE_AK_INSIDE: the Ak interface stayed inside one trusted node
 * @QKD_PROVENANCE_ID_INDEPENDENT: the vendor states that key IDs are
 *   independent of keys
 */
enum qkd_provenance {
	QKD_PROVENANCE_PATH_OTP = 1,
	QKD_PROVENANCE_AK_INSIDE = 2,
	QKD_PROVENANCE_ID_INDEPENDENT = 4,
};

enum qkd_void_reason {
	QKD_VOID_REASON_SPENT = 1,
	QKD_VOID_REASON_ADMIN,
	QKD_VOID_REASON_MISMATCH,
	QKD_VOID_REASON_REVOKED,
	QKD_VOID_REASON_STATE_LOSS,
};

enum {
	QKD_A_POOL_PAD = 1,
	QKD_A_POOL_PEER,
	QKD_A_POOL_DIR,
	QKD_A_POOL_KIND,
	QKD_A_POOL_USABLE,
	QKD_A_POOL_PENDING,
	QKD_A_POOL_LEASED,
	QKD_A_POOL_SPENT,
	QKD_A_POOL_VOIDED,
	QKD_A_POOL_BLOCKS,
	QKD_A_POOL_LOW,
	QKD_A_POOL_LARGEST,
	QKD_A_POOL_REFUSED,

	__QKD_A_POOL_MAX,
	QKD_A_POOL_MAX = (__QKD_A_POOL_MAX - 1)
};

enum {
	QKD_A_BLOCK_PAD = 1,
	QKD_A_BLOCK_PEER,
	QKD_A_BLOCK_DIR,
	QKD_A_BLOCK_KIND,
	QKD_A_BLOCK_ID,
	QKD_A_BLOCK_STATE,
	QKD_A_BLOCK_SIZE,
	QKD_A_BLOCK_USABLE,
	QKD_A_BLOCK_PROVENANCE,
	QKD_A_BLOCK_SERIAL,
	QKD_A_BLOCK_TAG_BLOCK,
	QKD_A_BLOCK_SLOT,
	QKD_A_BLOCK_TAG,
	QKD_A_BLOCK_REASON,

	__QKD_A_BLOCK_MAX,
	QKD_A_BLOCK_MAX = (__QKD_A_BLOCK_MAX - 1)
};

enum {
	QKD_A_KEYRING_SERIAL = 1,
	QKD_A_KEYRING_CEILING,
	QKD_A_KEYRING_LOADED,
	QKD_A_KEYRING_PAD,
	QKD_A_KEYRING_NETNS_FD,
	QKD_A_KEYRING_REFUSED_DESCRIPTION,
	QKD_A_KEYRING_REFUSED_SIZE,
	QKD_A_KEYRING_REFUSED_DUPLICATE,
	QKD_A_KEYRING_REFUSED_PERMISSION,
	QKD_A_KEYRING_REFUSED_CEILING,

	__QKD_A_KEYRING_MAX,
	QKD_A_KEYRING_MAX = (__QKD_A_KEYRING_MAX - 1)
};

enum {
	QKD_CMD_POOL_GET = 1,
	QKD_CMD_POOL_SET,
	QKD_CMD_POOL_LOW,
	QKD_CMD_POOL_EMPTY,
	QKD_CMD_BLOCK_GET,
	QKD_CMD_BLOCK_TAG,
	QKD_CMD_BLOCK_CONFIRM,
	QKD_CMD_BLOCK_VOID_NOW,
	QKD_CMD_BLOCK_VOID,
	QKD_CMD_KEYRING_GET,
	QKD_CMD_CEILING_SET,
	QKD_CMD_BLOCK_RETIRE,

	__QKD_CMD_MAX,
	QKD_CMD_MAX = (__QKD_CMD_MAX - 1)
};

#define QKD_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_QKD_GENL_H */
