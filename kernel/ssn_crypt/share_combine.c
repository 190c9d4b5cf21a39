// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving on a share socket. The oldest message of each member is looked at,
 * and stays charged to that connection's buffer until it was delivered: who is
 * ahead of the others is not read from.
 *
 *	control messages	as they are, with the sender's configured x
 *	SSN_RAW_SHARES		so are shares
 *	otherwise		shares combine when k members of the read set
 *				have brought ones that agree in all but x
 *
 * What cannot combine any more, because not enough members of the read set are
 * left that could still bring its shares, is dropped, the lowest {epoch, deal,
 * message} first, and recvmsg(2) says -ESTALE for each.
 */
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <net/sock.h>
#include "conn.h"
#include "group.h"
#include "scheme.h"
#include "share.h"
#include "stats.h"

enum pick_kind {
	PICK_NONE,
	PICK_ONE,	/* one member's message as it is */
	PICK_SHARES,	/* k shares to combine */
	PICK_STALE,	/* shares that will never be k */
};

/**
 * struct pick - what is to be delivered, or dropped
 * @kind:	what it is
 * @nr:		members concerned
 * @from:	their numbers
 * @x:		PICK_SHARES: points of the first k
 * @share:	a tile of each of their shares
 */
struct pick {
	enum pick_kind	kind;
	unsigned int	nr;
	u8		from[SSN_MEMBERS_MAX];
	u8		x[SSN_MEMBERS_MAX];
	const u8	*share[SSN_MEMBERS_MAX];
};

static bool is_control(const struct ssn_msg *msg)
{
	return msg->share.flags & SSN_SHARE_CONTROL;
}

/* Equal in everything but message and x */
static bool same_deal(const struct ssn_share *a, const struct ssn_share *b)
{
	return a->group == b->group && a->generation == b->generation &&
	       a->scheme == b->scheme && a->k == b->k && a->n == b->n &&
	       a->flags == b->flags && a->provenance == b->provenance &&
	       a->epoch == b->epoch && a->deal == b->deal &&
	       a->version == b->version && a->segment == b->segment &&
	       !memcmp(a->object, b->object, sizeof(a->object));
}

/* Whether shares combine; x is the sender's claim and not looked at */
static bool same_msg(const struct ssn_msg *a, const struct ssn_msg *b)
{
	return a->len == b->len && a->share.message == b->share.message &&
	       same_deal(&a->share, &b->share);
}

static bool fits_group(const struct share_sock *ss, const struct ssn_msg *msg)
{
	const struct ssn_group *g = ss->group;
	const struct ssn_share *s = &msg->share;

	if (!msg->has_share || s->flags & ~SSN_SHARE_CONTROL)
		return false;
	if (is_control(msg))
		return true;
	return s->group == g->id && s->generation == g->generation &&
	       s->scheme == g->scheme && s->k == g->k && s->n == g->n;
}

/* ---- shares beyond the k-th ---- */

/*
 * What was combined is remembered as runs of messages, and for each member how
 * far it is in them. Members send in order, so a share further on in a run is
 * late, while one that was passed already begins another reading of the same.
 */
static bool is_late(struct share_sock *ss, struct share_member *m,
		    const struct ssn_share *share)
{
	u64 i = ss->runs > SHARE_RUNS ? ss->runs - SHARE_RUNS : 0;

	for (i = max(i, m->run); i < ss->runs; i++) {
		const struct share_run *run = &ss->run[i % SHARE_RUNS];
		u64 at = share->message - run->head.message;

		if (at >= run->count || (i == m->run && at < m->in_run) ||
		    !same_deal(&run->head, share))
			continue;
		m->run = i;
		m->in_run = at + 1;
		return true;
	}
	return false;
}

/* @m has no late shares: it brought the last one, or was not asked */
static void no_late(const struct share_sock *ss, struct share_member *m)
{
	if (!ss->runs)
		return;
	m->run = ss->runs - 1;
	m->in_run = ss->run[m->run % SHARE_RUNS].count;
}

static void note_combined(struct share_sock *ss, const struct ssn_share *share)
{
	struct share_run *run;

	if (ss->runs) {
		run = &ss->run[(ss->runs - 1) % SHARE_RUNS];
		if (same_deal(&run->head, share) &&
		    share->message - run->head.message == run->count) {
			run->count++;
			return;
		}
	}
	run = &ss->run[ss->runs++ % SHARE_RUNS];
	run->head = *share;
	run->count = 1;
}

static void drop_head(struct share_member *m)
{
	ssn_msg_free(m->head);
	m->head = NULL;
}

/**
 * share_read_set - begin to read from other members, or another time
 * @ss:		connected share socket, locked
 * @set:	points of its members
 *
 * Shares that wait for others are dropped. Late ones stay known.
 */
void share_read_set(struct share_sock *ss, const struct ssn_xset *set)
{
	unsigned int i;

	for (i = 0; i < ss->group->n; i++) {
		struct share_member *m = &ss->member[i];

		if (m->head && !is_control(m->head))
			drop_head(m);
		if (!xset_has(&ss->read_set, m->x))
			no_late(ss, m);
	}
	ss->read_set = *set;
}

/* ---- the oldest message of each member ---- */

/* Whether @m's share is to wait for others', or to be delivered raw */
static bool wanted(struct share_sock *ss, struct share_member *m,
		   const struct ssn_msg *msg)
{
	if (is_control(msg) || ss->raw)
		return true;
	return xset_has(&ss->read_set, m->x) && !is_late(ss, m, &msg->share);
}

static void fill_head(struct share_sock *ss, struct share_member *m)
{
	struct ssn_msg *msg;

	while (!m->head && m->conn) {
		msg = ssn_conn_dequeue(m->conn);
		if (!msg)
			return;
		if (!fits_group(ss, msg)) {
			ssn_msg_free(msg);
			ssn_count(sock_net(&ss->sk), m->node,
				  SSN_A_COUNTERS_BAD_SHARE, 1);
			share_fail(m, -EBADMSG);
			return;
		}
		if (!wanted(ss, m, msg)) {
			ssn_msg_free(msg);
			ss->extra++;
			continue;
		}
		m->head = msg;
	}
}

/* Whether a share can still come from a member that has none here */
static bool may_bring(struct share_sock *ss, struct share_member *m)
{
	u8 state;

	spin_lock(&ss->lock);
	state = m->state;
	spin_unlock(&ss->lock);
	return state == SSN_MEMBER_LIVE || state == SSN_MEMBER_CONNECTING ||
	       (m->conn && ssn_conn_readable(m->conn));
}

/* Lowest first, by {epoch, deal, message}, then by the order of members */
static bool older(const struct ssn_share *a, const struct ssn_share *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch;
	if (a->deal != b->deal)
		return a->deal < b->deal;
	return a->message < b->message;
}

static struct ssn_msg *data_head(struct share_sock *ss, unsigned int i)
{
	struct ssn_msg *msg = ss->member[i].head;

	return msg && !is_control(msg) ? msg : NULL;
}

/* All members whose share agrees with that of member @i */
static void pick_same(struct share_sock *ss, struct pick *pick, unsigned int i)
{
	unsigned int j;

	pick->nr = 0;
	for (j = 0; j < ss->group->n; j++)
		if (data_head(ss, j) &&
		    same_msg(ss->member[j].head, ss->member[i].head))
			pick->from[pick->nr++] = j;
}

static void pick_shares(struct share_sock *ss, struct pick *pick)
{
	unsigned int i, waiting = 0, k = ss->group->k, most = 0;
	int oldest = -1;

	for (i = 0; i < ss->group->n; i++) {
		struct share_member *m = &ss->member[i];

		if (!m->head)
			waiting += xset_has(&ss->read_set, m->x) &&
				   may_bring(ss, m);
	}
	for (i = 0; i < ss->group->n; i++) {
		if (!data_head(ss, i))
			continue;
		pick_same(ss, pick, i);
		if (pick->nr >= k) {
			pick->kind = PICK_SHARES;
			return;
		}
		most = max(most, pick->nr);
		if (oldest < 0 || older(&ss->member[i].head->share,
					&ss->member[oldest].head->share))
			oldest = i;
	}
	if (oldest < 0 || most + waiting >= k)
		return;
	pick_same(ss, pick, oldest);
	pick->kind = PICK_STALE;
}

/* What recvmsg(2) would do now */
static void pick_next(struct share_sock *ss, struct pick *pick)
{
	unsigned int n = ss->group->n, i, j;

	pick->kind = PICK_NONE;
	for (i = 0; i < n; i++)
		fill_head(ss, &ss->member[i]);
	for (i = 0; i < n; i++) {
		j = (ss->turn + i) % n;
		if (!ss->member[j].head)
			continue;
		if (!ss->raw && !is_control(ss->member[j].head))
			continue;
		pick->kind = PICK_ONE;
		pick->nr = 1;
		pick->from[0] = j;
		return;
	}
	pick_shares(ss, pick);
}

/* ---- the bytes ---- */

/*
 * Pad is removed into wiped tiles, k of them, and one for what they combine to; the
 * weights are behind these.
 * @bad is set to the member whose share could not be read.
 */
static int combine(struct share_sock *ss, struct pick *pick,
		   struct iov_iter *to, u32 len, unsigned int *bad)
{
	unsigned int k = ss->group->k, i;
	size_t room = (k + 1) * SHARE_TILE + ss->scheme->weight_bytes(k);
	u8 *tile, *sum, *weight;
	u32 off, part;
	int err;

	tile = kvmalloc(room, GFP_KERNEL);
	if (!tile)
		return -ENOMEM;
	sum = tile + k * SHARE_TILE;
	weight = sum + SHARE_TILE;
	for (i = 0; i < k; i++) {
		pick->x[i] = ss->member[pick->from[i]].x;
		pick->share[i] = tile + i * SHARE_TILE;
	}
	err = ss->scheme->weights(weight, pick->x, k);
	for (off = 0; !err && off < len; off += part) {
		part = min(len - off, SHARE_TILE);
		for (i = 0; !err && i < k; i++) {
			*bad = pick->from[i];
			err = ssn_msg_read(ss->member[*bad].head, off,
					   tile + i * SHARE_TILE, part);
		}
		if (err)
			break;
		ss->scheme->combine(sum, pick->share, weight, k, part);
		if (copy_to_iter(sum, part, to) != part)
			err = -EFAULT;
		cond_resched();
	}
	kvfree_sensitive(tile, room);
	return err;
}

static int copy_one(struct ssn_msg *msg, struct iov_iter *to, u32 len)
{
	u32 off, part;
	u8 *tile;
	int err = 0;

	tile = kmalloc(SHARE_TILE, GFP_KERNEL);
	if (!tile)
		return -ENOMEM;
	for (off = 0; !err && off < len; off += part) {
		part = min(len - off, SHARE_TILE);
		err = ssn_msg_read(msg, off, tile, part);
		if (!err && copy_to_iter(tile, part, to) != part)
			err = -EFAULT;
	}
	kfree_sensitive(tile);
	return err;
}

/* Delivered, or given up: the shares' pad is spent */
static void finish(struct share_sock *ss, const struct pick *pick)
{
	struct share_member *m;
	unsigned int i;

	if (pick->kind == PICK_SHARES) {
		note_combined(ss, &ss->member[pick->from[0]].head->share);
		ss->extra += pick->nr - ss->group->k;
	}
	for (i = 0; i < pick->nr; i++) {
		m = &ss->member[pick->from[i]];
		drop_head(m);
		if (pick->kind == PICK_SHARES)
			no_late(ss, m);
	}
	if (pick->kind == PICK_ONE)
		ss->turn = (pick->from[0] + 1) % ss->group->n;
}

/*
 * Deliver @pick. -EKEYREVOKED: a share died under its pad and was dropped, pick
 * again. Any other error leaves everything where it was.
 */
static int deliver(struct share_sock *ss, struct pick *pick,
		   struct msghdr *msg, size_t size, int flags)
{
	const struct ssn_msg *first = ss->member[pick->from[0]].head;
	struct ssn_share head = first->share;
	unsigned int bad = pick->from[0];
	u32 len = first->len;
	int err;

	if (len > size) {
		msg->msg_flags |= MSG_TRUNC;
		return flags & MSG_PEEK && flags & MSG_TRUNC ? (int)len :
							       -EMSGSIZE;
	}
	if (pick->kind == PICK_ONE) {
		head.x = ss->member[bad].x;
		err = copy_one(ss->member[bad].head, &msg->msg_iter, len);
	} else {
		head.x = 0;
		err = combine(ss, pick, &msg->msg_iter, len, &bad);
	}
	if (err) {
		iov_iter_revert(&msg->msg_iter,
				size - iov_iter_count(&msg->msg_iter));
		if (err == -EKEYREVOKED)
			drop_head(&ss->member[bad]);
		return err;
	}
	put_cmsg(msg, SOL_SSN, SSN_SHARE, sizeof(head), &head);
	msg->msg_flags |= MSG_EOR;
	if (!(flags & MSG_PEEK))
		finish(ss, pick);
	return len;
}

/*
 * Nothing is there: 0 at the end of all members' streams, -EHOSTUNREACH once
 * (until SSN_MEMBERS was read) when less than k are left, else -EAGAIN.
 */
static int why_nothing(struct share_sock *ss)
{
	unsigned int i, ended = 0, failed = 0;
	bool changed;

	spin_lock(&ss->lock);
	for (i = 0; i < ss->group->n; i++) {
		ended += ss->member[i].state == SSN_MEMBER_CLOSED;
		failed += ss->member[i].state == SSN_MEMBER_FAILED;
	}
	changed = ss->changed;
	spin_unlock(&ss->lock);
	if (ended == ss->group->n)
		return 0;
	if (ended + failed == ss->group->n)
		return -EHOSTUNREACH;
	if (changed && ss->group->n - ended - failed < ss->group->k)
		return -EHOSTUNREACH;
	return -EAGAIN;
}

int share_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		  int flags)
{
	struct sock *sk = sock->sk;
	struct share_sock *ss = share_sk(sk);
	struct pick *pick;
	int err, seen;
	long timeo;

	if (flags & ~(MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC | MSG_NOSIGNAL |
		      MSG_CMSG_COMPAT | MSG_CMSG_CLOEXEC))
		return -EOPNOTSUPP;
	pick = kmalloc(sizeof(*pick), GFP_KERNEL);
	if (!pick)
		return -ENOMEM;

	lock_sock(sk);
	timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	for (;;) {
		seen = atomic_read(&ss->kicks);
		err = share_connected(ss);
		if (err)
			break;
		if (sk->sk_shutdown & RCV_SHUTDOWN) {
			err = 0;
			break;
		}
		pick_next(ss, pick);
		if (pick->kind == PICK_STALE) {
			finish(ss, pick);
			err = -ESTALE;
			break;
		}
		if (pick->kind != PICK_NONE) {
			err = deliver(ss, pick, msg, len, flags);
			if (err == -EKEYREVOKED)
				continue;
			break;
		}
		err = why_nothing(ss);
		if (err != -EAGAIN)
			break;
		err = share_wait(ss, seen, &timeo);
		if (err)
			break;
	}
	release_sock(sk);
	kfree(pick);
	return err;
}

/**
 * share_readable - would recvmsg(2) say something other than -EAGAIN
 * @ss:	connected share socket, locked
 *
 * May sleep.
 */
bool share_readable(struct share_sock *ss)
{
	struct pick *pick;
	bool some;

	pick = kmalloc(sizeof(*pick), GFP_KERNEL);
	if (!pick)
		return true;	/* recvmsg(2) will say so */
	pick_next(ss, pick);
	some = pick->kind != PICK_NONE || why_nothing(ss) != -EAGAIN;
	kfree(pick);
	return some;
}
