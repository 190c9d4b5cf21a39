// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger, the kernel and the peer may disagree after a crash, a reboot or a lost
 * answer. What is not confirmed is void; what the kernel has lost is void; and the
 * peer is told, until it has answered.
 */
#include "keyd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "log.h"

#define TELL_MS		5000

struct telling {
	struct peer *peer;
	uint8_t id[UUID_BYTES];
};

/* Where a peer is told what: one call of each peer at a time. */
static struct telling telling[KEYD_PEERS];

static void told(int status, const json_t *body, const char *why, void *arg)
{
	struct telling *t = arg;
	struct err err = { "" };

	t->peer->telling = NULL;
	if (status != 200)
		return;		/* housekeeping comes back to it */
	if (ledger_set(keyd.ledger, t->id, LEDGER_VOID, &err)) {
		alarm_raise(ALARM_LEDGER, "%s", err.text);
		return;
	}
	recover_tell(t->peer);
}

static int tell_one(const struct ledger_row *row, void *arg)
{
	struct peer *peer = arg;
	struct telling *t = &telling[peer - keyd.peer];
	char id[UUID_TEXT];
	json_t *msg;

	t->peer = peer;
	memcpy(t->id, row->id, UUID_BYTES);
	uuid_format(row->id, id);
	msg = json_pack("{s:s}", "block", id);
	peer->telling = ax_call(peer, "/ax/v1/void", msg, TELL_MS, told, t);
	json_decref(msg);
	return 1;	/* the first one will do */
}

void recover_tell(struct peer *peer)
{
	if (!peer->telling)
		ledger_each(keyd.ledger, 1 << LEDGER_VOID_TELL, peer->node->id, tell_one,
			    peer);
}

void recover_void(uint32_t node, const uint8_t id[UUID_BYTES])
{
	struct peer *peer = keyd_peer(node);
	struct err err = { "" };

	if (ledger_set(keyd.ledger, id, LEDGER_VOID_TELL, &err))
		alarm_raise(ALARM_LEDGER, "%s", err.text);
	kernel_void(keyd.kernel, id, NULL);
	if (peer && keyd.ax)
		recover_tell(peer);
}

/* The kernel says that a block became void. */
void recover_event(const struct kernel_block *block)
{
	struct ledger_row row;
	struct err err = { "" };

	if (ledger_get(keyd.ledger, block->id, &row))
		return;		/* loaded by hand */
	if (block->reason == QKD_VOID_REASON_SPENT) {
		if (row.state == LEDGER_USABLE &&
		    ledger_set(keyd.ledger, row.id, LEDGER_SPENT, &err))
			alarm_raise(ALARM_LEDGER, "%s", err.text);
		return;
	}
	if (row.state != LEDGER_USABLE && row.state != LEDGER_LOADED)
		return;		/* our own doing */
	log_warn("a block of node %u became void in the kernel", row.peer);
	counts.voided++;
	recover_void(row.peer, row.id);
}

/* This boot, and this network namespace's keyring. */
static int incarnation(char *text, size_t size)
{
	char boot[64];
	ssize_t n;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	n = read(fd, boot, sizeof(boot) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	boot[n] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	snprintf(text, size, "%s %d", boot, kernel_keyring(keyd.kernel));
	return 0;
}

static int recover_one(const struct ledger_row *row, void *arg)
{
	struct kernel_block kb = { .state = 0 };
	struct err err = { "" };
	int ret;

	ret = kernel_block(keyd.kernel, row->id, &kb, &err);
	if (ret && ret != -ENOENT) {
		log_err("%s", err.text);
		return ret;
	}
	/* confirmed, and the ledger was not written any more: both ends have it */
	if (!ret && kb.state == QKD_BLOCK_STATE_USABLE)
		return row->state == LEDGER_USABLE ? 0 :
			ledger_set(keyd.ledger, row->id, LEDGER_USABLE, &err);
	/*
	 * One that is not there may be used up as well: then the peer has nothing left
	 * of it to void, but for leases that are just on their way.
	 */
	log_info("a block of node %u is void: %s", row->peer,
		 row->state == LEDGER_USABLE ? "the kernel has it no more"
					     : "never confirmed");
	counts.voided++;
	recover_void(row->peer, row->id);
	return 0;
}

/**
 * recover_start - make ledger and kernel agree, before anything new begins
 * @err:	what was wrong
 *
 * Return: 0 or a negative errno.
 */
int recover_start(struct err *err)
{
	const unsigned int open_states =
		1 << LEDGER_FETCHED | 1 << LEDGER_POSTED | 1 << LEDGER_ASKED |
		1 << LEDGER_LOADED | 1 << LEDGER_CONFIRMING | 1 << LEDGER_USABLE;
	char now[128], before[128];
	int ret;

	ret = incarnation(now, sizeof(now)) ?:
	      ledger_note_get(keyd.ledger, "incarnation", before, sizeof(before));
	if (ret)
		return err_set(err, ret, "cannot tell whether this is the same boot");
	if (*before && strcmp(now, before))
		log_warn("another boot or network namespace: all pads are void");
	ret = ledger_each(keyd.ledger, open_states, 0, recover_one, NULL) ?:
	      ledger_note_set(keyd.ledger, "incarnation", now);
	if (ret)
		return err_set(err, ret, "ledger and kernel cannot be compared");
	return 0;
}
