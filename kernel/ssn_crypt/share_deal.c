// SPDX-License-Identifier: GPL-2.0
/*
 * Sending on a share socket (PROTOCOL 3). Window and pad for the whole message
 * are held at every member that it goes to before a byte is split; a message of
 * a deal is split once; a deal that did not reach all of its members is over.
 *
 * The errors a caller tells apart: -EAGAIN and -ENOKEY, nothing was dealt and
 * the same message may be sent again; -ECOMM, a member of the write set is not
 * live (or died while being dealt to): the segment has to be dealt again, all
 * of it, under a new deal id, to a write set without that member.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <net/sock.h>
#include "conn.h"
#include "group.h"
#include "scheme.h"
#include "share_deal.h"

#define MEMBER_PATIENCE	(20 * HZ)	/* for room in a member's window */

/* ---- what is asked for ---- */

static int head_from_cmsg(struct msghdr *msg, struct ssn_share *head)
{
	struct cmsghdr *cmsg;
	bool found = false;

	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_SSN)
			continue;
		if (cmsg->cmsg_type != SSN_SHARE || found ||
		    cmsg->cmsg_len != CMSG_LEN(sizeof(*head)))
			return -EINVAL;
		memcpy(head, CMSG_DATA(cmsg), sizeof(*head));
		found = true;
	}
	if (!found || head->flags & ~SSN_SHARE_CONTROL)
		return -EINVAL;
	if (!(head->flags & SSN_SHARE_CONTROL) && head->x)
		return -EINVAL;
	return 0;
}

static void head_fill(const struct share_sock *ss, struct ssn_share *head)
{
	head->group = ss->group->id;
	head->generation = ss->group->generation;
	head->scheme = ss->group->scheme;
	head->k = ss->group->k;
	head->n = ss->group->n;
	head->provenance = head->flags & SSN_SHARE_CONTROL ? 0 : ss->coeff;
}

/*
 * A data message goes to its whole write set, all of it live, or to nobody. Who
 * comes first moves on with each, so that all adopt equally often.
 */
static int choose_data(struct share_sock *ss, struct share_deal *d)
{
	unsigned int n = ss->group->n, i, j;

	if (ss->coeff == SSN_COEFF_PAD && !ss->scheme->fill_weights)
		return -EOPNOTSUPP;
	d->nr = 0;
	for (i = 0; i < n; i++) {
		j = (ss->first + i) % n;
		if (!xset_has(&ss->write_set, ss->member[j].x))
			continue;
		if (!share_live(ss, &ss->member[j]))
			return -ECOMM;
		d->to[d->nr++] = j;
	}
	return 0;
}

static int choose_control(struct share_sock *ss, struct share_deal *d)
{
	unsigned int i;
	bool known = !d->head.x;

	d->nr = 0;
	for (i = 0; i < ss->group->n; i++) {
		const struct share_member *m = &ss->member[i];

		if (d->head.x ? m->x != d->head.x :
				!xset_has(&ss->write_set, m->x))
			continue;
		known = true;
		if (share_live(ss, m))
			d->to[d->nr++] = i;
	}
	if (!known)
		return -EINVAL;
	return d->nr ? 0 : -ECOMM;
}

/* ---- each message of a deal once ---- */

static void deal_id(const struct ssn_share *head, struct share_deal_id *id)
{
	memset(id, 0, sizeof(*id));
	memcpy(id->object, head->object, sizeof(id->object));
	id->version = head->version;
	id->segment = head->segment;
	id->epoch = head->epoch;
	id->deal = head->deal;
}

/*
 * Messages of a deal in rising order, deals one after the other, none of them
 * again: 0, -EALREADY, or -ECOMM for a deal that broke off.
 */
static int deal_check(const struct share_sock *ss, const struct ssn_share *head)
{
	struct share_deal_id id;
	unsigned int i;

	deal_id(head, &id);
	if (ss->dealt && !memcmp(&id, &ss->deal, sizeof(id))) {
		if (head->message < ss->next)
			return -EALREADY;
		return ss->broken ? -ECOMM : 0;
	}
	for (i = 0; i < SHARE_DEALS; i++)
		if (!memcmp(&id, &ss->deals[i], sizeof(id)))
			return -EALREADY;
	return 0;
}

static void deal_note(struct share_sock *ss, const struct ssn_share *head)
{
	struct share_deal_id id;

	deal_id(head, &id);
	if (ss->dealt && memcmp(&id, &ss->deal, sizeof(id))) {
		ss->deals[ss->deals_at] = ss->deal;
		ss->deals_at = (ss->deals_at + 1) % SHARE_DEALS;
		ss->broken = false;
	}
	ss->deal = id;
	ss->dealt = true;
	ss->next = head->message + 1;
	ss->first++;
}

/* ---- window, pad, coefficients ---- */

static bool coeff_there(const struct share_sock *ss, u32 len)
{
	struct qkd_pool_level level;

	if (ss->coeff != SSN_COEFF_LOCAL)
		return true;
	qkd_pool_level(ss->local, &level);
	return level.usable >= share_coeff_bytes(ss, len);
}

static void unreserve(struct share_sock *ss, struct share_deal *d)
{
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		ssn_conn_unreserve(ss->member[d->to[i]].conn, &d->res[i]);
}

/*
 * A member beyond its window is not waited for without end, even if it takes a
 * little now and then: one would hold up all. What its window holds is two whole
 * messages, which a link that is of any use takes in that time.
 */
static bool overdue(struct share_member *m, bool full)
{
	if (!full || !m->full)
		m->since = jiffies;
	m->full = full;
	return full && time_after(jiffies, m->since + MEMBER_PATIENCE);
}

/*
 * Look at all before holding any: giving a reservation back tells whoever waits
 * for room, this socket too, and waiting would never come to rest.
 */
static int room(struct share_sock *ss, struct share_deal *d)
{
	struct share_member *m;
	unsigned int i;
	int err = 0;

	for (i = 0; i < d->nr; i++) {
		struct ssn_reservation res = {};
		int ret = 0;

		m = &ss->member[d->to[i]];
		if (!ssn_conn_writable(m->conn, d->len))
			ret = ssn_conn_reserve(m->conn, d->len, &res);	/* why */
		ssn_conn_unreserve(m->conn, &res);
		if (overdue(m, ret == -EAGAIN)) {
			share_fail(m, -ETIMEDOUT);
			ret = -ECOMM;
		}
		err = err ?: ret;
	}
	return err;
}

static int reserve(struct share_sock *ss, struct share_deal *d)
{
	unsigned int i;
	int err;

	memset(d->res, 0, sizeof(d->res));
	err = room(ss, d);
	for (i = 0; !err && i < d->nr; i++)
		err = ssn_conn_reserve(ss->member[d->to[i]].conn, d->len,
				       &d->res[i]);
	if (!err)
		return 0;
	unreserve(ss, d);
	switch (err) {
	case -EAGAIN:
	case -ENOKEY:
	case -ENOBUFS:
	case -ENOMEM:
		return err;
	default:
		return -ECOMM;	/* it went down: its state says why */
	}
}

/* As share_wait(), but looks again in time to see who is overdue. */
static int wait_a_while(struct share_sock *ss, int seen, long *timeo)
{
	long part = min_t(long, *timeo, MEMBER_PATIENCE / 4), left = part;
	int err = share_wait(ss, seen, &left);

	if (*timeo == MAX_SCHEDULE_TIMEOUT)
		return err == -EAGAIN ? 0 : err;
	*timeo -= err == -EAGAIN ? part : part - left;
	return err == -EAGAIN && *timeo > 0 ? 0 : err;
}

/* Choose, check and reserve; again after each wait, since all may change */
static int prepare(struct share_sock *ss, struct share_deal *d, long timeo)
{
	bool control = d->head.flags & SSN_SHARE_CONTROL;
	int err, seen, waited;

	for (;;) {
		seen = atomic_read(&ss->kicks);
		err = share_connected(ss);
		if (err)
			return err;
		if (ss->sk.sk_shutdown & SEND_SHUTDOWN)
			return -EPIPE;
		head_fill(ss, &d->head);
		if (control) {
			err = choose_control(ss, d);
		} else {
			err = deal_check(ss, &d->head);
			if (!err)
				err = choose_data(ss, d);
		}
		if (err)
			return err;

		if (!control && !coeff_there(ss, d->len))
			err = -EAGAIN;
		else
			err = reserve(ss, d);
		if (err != -EAGAIN && err != -ENOKEY)
			return err;
		waited = wait_a_while(ss, seen, &timeo);
		cond_resched();
		if (waited == -EAGAIN)
			return err;
		if (waited)
			return waited;
	}
}

/* ---- the bytes ---- */

static void deal_free(struct share_deal *d)
{
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		ssn_buf_put(d->share[i]);
	kvfree(d);
}

static int copy(struct share_deal *d, struct msghdr *msg)
{
	u32 off, chunk, same;
	unsigned int i;
	u8 *p;
	int err;

	err = share_alloc(d);
	if (!err)
		err = share_fill(d->share[0], msg);
	for (i = 1; !err && i < d->nr; i++)
		for (off = 0; off < d->len; off += chunk) {
			p = ssn_buf_at(d->share[i], off, &chunk);
			memcpy(p, ssn_buf_at(d->share[0], off, &same), chunk);
		}
	return err;
}

/*
 * How many got it; @err: why the first that did not get it did not. Those that
 * adopted have theirs already.
 */
static unsigned int send_all(struct share_sock *ss, struct share_deal *d,
			     int *err)
{
	struct ssn_share head = d->head;
	unsigned int i, sent = 0;
	int ret;

	*err = 0;
	for (i = d->adopted; i < d->nr; i++) {
		struct share_member *m = &ss->member[d->to[i]];

		head.x = m->x;
		ret = ssn_conn_send(m->conn, &d->res[i], &head, d->share[i]);
		d->share[i] = NULL;
		sent += !ret;
		if (!ret)
			continue;
		if (!*err)
			*err = ret;
		/* what is split is never half dealt on: stop here */
		if (!(head.flags & SSN_SHARE_CONTROL))
			break;
	}
	return sent;
}

static int deal(struct share_sock *ss, struct share_deal *d, struct msghdr *msg)
{
	unsigned int sent = 0;
	int err;

	err = share_split(ss, d, msg);
	if (!err) {
		sent = send_all(ss, d, &err);
		err = err ? share_member_error(err) : 0;
	}
	sent += d->adopted;
	unreserve(ss, d);
	if (!sent)
		return err;
	deal_note(ss, &d->head);
	if (err) {
		ss->broken = true;
		return -ECOMM;
	}
	return 0;
}

/* Members that went down while it was sent are members that are not live */
static int control(struct share_sock *ss, struct share_deal *d, struct msghdr *msg)
{
	int err;

	err = copy(d, msg);
	if (err) {
		unreserve(ss, d);
		return err;
	}
	return send_all(ss, d, &err) ? 0 : share_member_error(err);
}

int share_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct share_sock *ss = share_sk(sk);
	struct share_deal *d;
	int err;

	if (msg->msg_flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR |
			       MSG_CMSG_COMPAT))
		return -EOPNOTSUPP;
	if (msg->msg_namelen)
		return -EISCONN;
	if (len > SSN_MSG_MAX)
		return -EMSGSIZE;
	d = kvzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->len = len;
	err = head_from_cmsg(msg, &d->head);
	if (err)
		goto free;

	lock_sock(sk);
	err = prepare(ss, d, sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT));
	if (!err)
		err = d->head.flags & SSN_SHARE_CONTROL ? control(ss, d, msg) :
							  deal(ss, d, msg);
	release_sock(sk);
free:
	deal_free(d);
	return err ? err : (int)len;
}

/**
 * share_writable - would a maximal data message be sent now
 * @ss:	connected share socket, locked
 *
 * Or would sending fail for another reason than window and pad.
 */
bool share_writable(struct share_sock *ss)
{
	unsigned int i;

	if (ss->sk.sk_shutdown & SEND_SHUTDOWN)
		return true;
	for (i = 0; i < ss->group->n; i++) {
		struct share_member *m = &ss->member[i];

		if (xset_has(&ss->write_set, m->x) && share_live(ss, m) &&
		    !ssn_conn_writable(m->conn, SSN_MSG_MAX))
			return false;
	}
	return coeff_there(ss, SSN_MSG_MAX);
}
