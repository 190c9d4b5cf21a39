// SPDX-License-Identifier: GPL-2.0
/*
 * The shares of one message, in one of two ways.
 *
 * With coefficients from a generator each share is the polynomial's value at its
 * member's point, and all of them travel.
 *
 * With pad-as-share, k - 1 members adopt: the pad that a payload would have used
 * is their share. It is uniform, used once, and known to both ends already. These
 * and the secret fix the polynomial; the other members' shares are interpolated,
 * and only they travel. For whoever sees the wire and k - 1 shares, that is sending
 * n shares of which k - 1 had ciphertexts that happened to be zero.
 */
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/sock.h>
#include "group.h"
#include "scheme.h"
#include "share_deal.h"

/* Uniform bytes that splitting @len bytes takes from elsewhere than the pads. */
u64 share_coeff_bytes(const struct share_sock *ss, u32 len)
{
	if (ss->coeff == SSN_COEFF_PAD)
		return 0;
	return (u64)ss->scheme->coeffs(ss->group->k) * len;
}

/* A buffer for each share. 0 or -ENOMEM. */
int share_alloc(struct share_deal *d)
{
	unsigned int i;

	for (i = 0; i < d->nr; i++) {
		d->share[i] = ssn_buf_alloc(d->len);
		if (!d->share[i])
			return -ENOMEM;
	}
	return 0;
}

/* Each byte of the caller's is read once, here. 0 or -EFAULT. */
int share_fill(struct ssn_buf *buf, struct msghdr *msg)
{
	u32 off, chunk;
	u8 *p;

	for (off = 0; off < buf->len; off += chunk) {
		p = ssn_buf_at(buf, off, &chunk);
		if (!copy_from_iter_full(p, chunk, &msg->msg_iter))
			return -EFAULT;
	}
	return 0;
}

/* Between two tiles: others want the processor, and the caller may be killed. */
static int breathe(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* ---- coefficients from a generator ---- */

static int coeff_fill(struct share_sock *ss, u8 *to, size_t len)
{
	if (ss->coeff == SSN_COEFF_LOCAL)
		return qkd_local_read(sock_net(&ss->sk), to, len);
	get_random_bytes(to, len);
	return 0;
}

/* One tile of the secret into the same tile of every share. */
static int split_tile(struct share_sock *ss, struct share_deal *d,
		      const u8 *secret, u8 *tile, const u8 **coeff,
		      u32 off, u32 len)
{
	unsigned int coeffs = ss->scheme->coeffs(ss->group->k), i;
	u32 chunk;
	int err;

	for (i = 0; i < coeffs; i++)
		coeff[i] = tile + i * len;
	err = coeff_fill(ss, tile, coeffs * len);
	for (i = 0; !err && i < d->nr; i++) {
		u8 *to = ssn_buf_at(d->share[i], off, &chunk);

		err = ss->scheme->split(to, secret, coeff, ss->group->k,
					ss->member[d->to[i]].x, len);
	}
	memzero_explicit(tile, coeffs * len);
	return err;
}

static int split_random(struct share_sock *ss, struct share_deal *d,
			const struct ssn_buf *secret)
{
	unsigned int k = ss->group->k;
	u8 *tile = kvmalloc(k * SHARE_TILE, GFP_KERNEL);
	const u8 **coeff = kvmalloc_array(k, sizeof(*coeff), GFP_KERNEL);
	int err = tile && coeff ? 0 : -ENOMEM;
	u32 off, chunk;
	u8 *p;

	for (off = 0; !err && off < d->len; off += chunk) {
		p = ssn_buf_at(secret, off, &chunk);
		chunk = min(chunk, SHARE_TILE);
		err = split_tile(ss, d, p, tile, coeff, off, chunk) ?: breathe();
	}
	kvfree(coeff);
	kvfree_sensitive(tile, k * SHARE_TILE);
	return err;
}

/* ---- pad as share ---- */

/* One tile of every share that travels, from the secret and what was adopted. */
static void interpolate_tile(struct share_sock *ss, struct share_deal *d,
			     const u8 *secret, const u8 *weight,
			     const u8 **in, u32 off, u32 len)
{
	unsigned int k = ss->group->k, i;
	u32 chunk;

	in[0] = secret;
	for (i = 0; i < k - 1; i++)
		in[i + 1] = ssn_buf_at(d->share[i], off, &chunk);
	for (i = k - 1; i < d->nr; i++, weight += k)
		ss->scheme->combine(ssn_buf_at(d->share[i], off, &chunk), in,
				    weight, k, len);
}

/* Weights of the secret and what was adopted, for each share that travels. */
static int interpolate_weights(struct share_sock *ss, struct share_deal *d,
			       u8 *weight)
{
	unsigned int k = ss->group->k, i;
	u8 x[SSN_MEMBERS_MAX];
	int err = 0;

	for (i = 0; i < d->nr; i++)
		x[i] = ss->member[d->to[i]].x;
	for (i = k - 1; !err && i < d->nr; i++, weight += k)
		err = ss->scheme->fill_weights(weight, x, k, x[i]);
	return err;
}

/* The point of no return: what was adopted is spent, whatever comes after. */
static int adopt(struct share_sock *ss, struct share_deal *d)
{
	struct ssn_share head = d->head;
	struct share_member *m;
	unsigned int i;
	int err;

	for (i = 0; i < ss->group->k - 1U; i++) {
		m = &ss->member[d->to[i]];
		head.x = m->x;
		err = ssn_conn_adopt(m->conn, &d->res[i], &head, d->share[i]);
		if (err)
			return share_member_error(err);
		d->adopted++;
	}
	return 0;
}

static int split_pad(struct share_sock *ss, struct share_deal *d,
		     const struct ssn_buf *secret)
{
	unsigned int k = ss->group->k;
	u8 *weight = kvmalloc_array(d->nr - k + 1, k, GFP_KERNEL);
	const u8 **in = kvmalloc_array(k, sizeof(*in), GFP_KERNEL);
	int err = weight && in ? 0 : -ENOMEM;
	u32 off, chunk;
	u8 *p;

	if (!err)
		err = interpolate_weights(ss, d, weight);
	if (!err)
		err = adopt(ss, d);
	for (off = 0; !err && off < d->len; off += chunk) {
		p = ssn_buf_at(secret, off, &chunk);
		interpolate_tile(ss, d, p, weight, in, off, chunk);
		err = breathe();
	}
	kvfree(in);
	kvfree(weight);
	return err;
}

/**
 * share_split - read a message and make the shares that travel
 * @ss:		share socket, locked
 * @d:		deal; window and pad are held for all of it. @d->share is filled
 *		in for the members behind the first @d->adopted
 * @msg:	the message
 *
 * May sleep. Returns 0 or an error: with @d->adopted still 0 nothing was dealt.
 */
int share_split(struct share_sock *ss, struct share_deal *d, struct msghdr *msg)
{
	struct ssn_buf *secret = ssn_buf_alloc(d->len);
	int err = secret ? share_alloc(d) : -ENOMEM;

	if (!err)
		err = share_fill(secret, msg);
	if (!err && d->len)
		err = ss->coeff == SSN_COEFF_PAD ? split_pad(ss, d, secret) :
						   split_random(ss, d, secret);
	ssn_buf_put(secret);	/* wipes it */
	return err;
}
