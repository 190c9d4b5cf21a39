// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger, the kernel and the peer may disagree after a crash, a reboot or a lost
 * answer. What is not confirmed is void; what the kernel has lost is void; and the
 * peer is told, until it has answered.
 *
 * What the kernel has no more may be used up as well: then, at the receiving end,
 * there may be records that nobody has read yet. The peer is told to retire it,
 * which leaves these alone, and a receiver is told when what is still on its way
 * has had the time to arrive.
 */
#include "keyd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "log.h"

#define TELL_MS		5000

struct telling {
	struct peer *peer;
	uint8_t id[UUID_BYTES];
	enum ledger_state then;		/* when it has been told */
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
	if (ledger_set(keyd.ledger, t->id, t->then, &err)) {
		alarm_raise(ALARM_LEDGER, "%s", err.text);
		return;
	}
	recover_tell(t->peer);
}

/* A sender at once, so that it leases no more; a receiver after a while. */
static int due(const struct ledger_row *row)
{
	return row->state == LEDGER_VOID_TELL || row->dir == QKD_DIR_RX ||
	       (time(NULL) - row->changed) * 1000 >= (int64_t)keyd.retire_ms;
}

static int tell_one(const struct ledger_row *row, void *arg)
{
	int spent = row->state == LEDGER_SPENT_TELL;
	struct peer *peer = arg;
	struct telling *t = &telling[peer - keyd.peer];
	char id[UUID_TEXT];
	json_t *msg;

	if (!due(row))
		return 0;
	t->peer = peer;
	t->then = spent ? LEDGER_SPENT : LEDGER_VOID;
	memcpy(t->id, row->id, UUID_BYTES);
	uuid_format(row->id, id);
	msg = json_pack("{s:s}", "block", id);
	peer->telling = ax_call(peer, spent ? "/ax/v1/retire" : "/ax/v1/void", msg,
				TELL_MS, told, t);
	json_decref(msg);
	return 1;	/* the first one will do */
}

void recover_tell(struct peer *peer)
{
	if (!peer->telling)
		ledger_each(keyd.ledger, 1 << LEDGER_VOID_TELL | 1 << LEDGER_SPENT_TELL,
			    peer->node->id, tell_one, peer);
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

/* Used up at this end; a sender's peer has the rest of it still. */
static void spent(const struct ledger_row *row, enum ledger_state state)
{
	struct peer *peer = keyd_peer(row->peer);
	struct err err = { "" };

	if (ledger_set(keyd.ledger, row->id, state, &err))
		alarm_raise(ALARM_LEDGER, "%s", err.text);
	if (peer && keyd.ax)
		recover_tell(peer);
}

/* The kernel says that a block became void. */
void recover_event(const struct kernel_block *block)
{
	struct ledger_row row;

	if (ledger_get(keyd.ledger, block->id, &row))
		return;		/* loaded by hand */
	if (block->reason == QKD_VOID_REASON_SPENT) {
		if (row.state == LEDGER_USABLE)
			spent(&row, row.dir == QKD_DIR_TX ? LEDGER_SPENT_TELL
							  : LEDGER_SPENT);
		return;
	}
	if (row.state != LEDGER_USABLE && row.state != LEDGER_LOADED &&
	    row.state != LEDGER_SPENT_TELL)
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

/* @there: the kernel has it, as void: somebody leases from it. */
static void lost(const struct ledger_row *row, int there)
{
	int used = row->state == LEDGER_USABLE;

	log_info("a block of node %u is void: %s", row->peer,
		 used ? "the kernel has it no more" : "never confirmed");
	counts.voided++;
	if (used && !there)
		spent(row, LEDGER_SPENT_TELL);
	else
		recover_void(row->peer, row->id);
}

/* 0, -ENOENT, or what is said in the log. */
static int look(const struct ledger_row *row, struct kernel_block *kb)
{
	struct err err = { "" };
	int ret;

	kb->state = 0;
	ret = kernel_block(keyd.kernel, row->id, kb, &err);
	if (ret && ret != -ENOENT)
		log_err("%s", err.text);
	return ret;
}

static int recover_one(const struct ledger_row *row, void *arg)
{
	struct err err = { "" };
	struct kernel_block kb;
	int ret;

	ret = look(row, &kb);
	if (ret && ret != -ENOENT)
		return ret;
	/* confirmed, and the ledger was not written any more: both ends have it */
	if (!ret && kb.state == QKD_BLOCK_STATE_USABLE)
		return row->state == LEDGER_USABLE ? 0 :
			ledger_set(keyd.ledger, row->id, LEDGER_USABLE, &err);
	lost(row, !ret);
	return 0;
}

static int check_one(const struct ledger_row *row, void *arg)
{
	struct kernel_block kb;
	int ret = look(row, &kb);

	if (ret == -ENOENT || kb.state == QKD_BLOCK_STATE_VOID)
		lost(row, !ret);
	return 0;
}

/**
 * recover_check - events of the kernel may have been lost
 *
 * Blocks that became void unheard are looked for, and their peers told: a pad that
 * one end has lost is of no use to the other.
 */
void recover_check(void)
{
	kernel_catch_up(keyd.kernel);
	ledger_each(keyd.ledger, 1 << LEDGER_LOADED | 1 << LEDGER_USABLE, 0, check_one,
		    NULL);
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
