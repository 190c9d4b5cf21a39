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
#include "gf256.h"
#include "group.h"
#include "scheme.h"
#include "share_deal.h"
#include "stats.h"

/* Uniform bytes that splitting @len bytes takes from elsewhere than the pads. */
u64 share_coeff_bytes(const struct share_sock *ss, u32 len)
{
	if (ss->coeff == SSN_COEFF_PAD)
		return 0;
	return ss->scheme->coeff_bytes(ss->group->k, len);
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

/* ---- shares that are computed ---- */

/**
 * struct mixer - shares computed from k inputs, tile by tile
 * @a:		which multiples of them
 * @weight:	weights of @a, k of each share
 * @in:		a tile of each input
 * @out:	and of each share
 */
struct mixer {
	struct gf256_matrix	a;
	u8			*weight;
	const u8		**in;
	u8			**out;
};

static void mixer_free(struct mixer *mx)
{
	kvfree(mx->weight);
	kvfree(mx->in);
	kvfree(mx->out);
}

/* For @m shares; 0 or -ENOMEM, to be freed in any case */
static int mixer_alloc(struct mixer *mx, unsigned int m, unsigned int k)
{
	mx->weight = kvmalloc_array(m, k + 1, GFP_KERNEL);
	mx->in = kvmalloc_array(k, sizeof(*mx->in), GFP_KERNEL);
	mx->out = kvmalloc_array(m, sizeof(*mx->out), GFP_KERNEL);
	return mx->weight && mx->in && mx->out ? 0 : -ENOMEM;
}

/* The weights are there */
static void mixer_ready(struct share_sock *ss, struct mixer *mx, unsigned int m)
{
	unsigned int k = ss->group->k;

	ss->scheme->ready(&mx->a, mx->weight, mx->weight + m * k, m, k);
}

/* One tile of the shares from number @first on */
static void mix(struct share_sock *ss, struct share_deal *d, struct mixer *mx,
		unsigned int first, u32 off, u32 len)
{
	unsigned int i;
	u32 chunk;

	for (i = first; i < d->nr; i++)
		mx->out[i - first] = ssn_buf_at(d->share[i], off, &chunk);
	ss->scheme->mix(mx->out, &mx->a, mx->in, len);
}

/* ---- coefficients from a generator ---- */

static int coeff_fill(struct share_sock *ss, u8 *to, size_t len)
{
	struct net *net = sock_net(&ss->sk);
	int err = 0;

	if (ss->coeff == SSN_COEFF_LOCAL)
		err = qkd_local_read(net, to, len);
	else
		get_random_bytes(to, len);
	if (!err)
		ssn_count(net, 0, SSN_A_COUNTERS_COEFF_BYTES, len);
	return err;
}

static int split_weights(struct share_sock *ss, struct share_deal *d,
			 struct mixer *mx)
{
	unsigned int k = ss->group->k, i;
	int err = 0;

	for (i = 0; !err && i < d->nr; i++)
		err = ss->scheme->split_weights(mx->weight + i * k, k,
						ss->member[d->to[i]].x);
	if (!err)
		mixer_ready(ss, mx, d->nr);
	return err;
}

/* One tile of the secret into the same tile of every share. */
static int split_tile(struct share_sock *ss, struct share_deal *d,
		      struct mixer *mx, const u8 *secret, u8 *tile,
		      u32 off, u32 len)
{
	unsigned int k = ss->group->k, i;
	size_t bytes = ss->scheme->coeff_bytes(k, len);
	int err;

	mx->in[0] = secret;
	for (i = 1; i < k; i++)
		mx->in[i] = tile + (i - 1) * len;
	err = coeff_fill(ss, tile, bytes);
	if (!err)
		mix(ss, d, mx, 0, off, len);
	memzero_explicit(tile, bytes);
	return err;
}

static int split_random(struct share_sock *ss, struct share_deal *d,
			const struct ssn_buf *secret)
{
	unsigned int k = ss->group->k;
	size_t room = ss->scheme->coeff_bytes(k, SHARE_TILE);
	u8 *tile = kvmalloc(room, GFP_KERNEL);
	struct mixer mx;
	int err = mixer_alloc(&mx, d->nr, k);
	u32 off, chunk;
	u8 *p;

	static_assert(!(PAGE_SIZE % SHARE_TILE));	/* so tiles begin at multiples */
	if (!tile)
		err = -ENOMEM;
	if (!err)
		err = split_weights(ss, d, &mx);
	for (off = 0; !err && off < d->len; off += chunk) {
		p = ssn_buf_at(secret, off, &chunk);
		chunk = min(chunk, SHARE_TILE);
		err = split_tile(ss, d, &mx, p, tile, off, chunk) ?: breathe();
	}
	mixer_free(&mx);
	kvfree_sensitive(tile, room);
	return err;
}

/* ---- pad as share ---- */

/* One tile of every share that travels, from the secret and what was adopted. */
static void interpolate_tile(struct share_sock *ss, struct share_deal *d,
			     struct mixer *mx, const u8 *secret, u32 off,
			     u32 len)
{
	unsigned int k = ss->group->k, i;
	u32 chunk;

	mx->in[0] = secret;
	for (i = 0; i < k - 1; i++)
		mx->in[i + 1] = ssn_buf_at(d->share[i], off, &chunk);
	mix(ss, d, mx, k - 1, off, len);
}

/* Weights of the secret and what was adopted, for each share that travels. */
static int interpolate_weights(struct share_sock *ss, struct share_deal *d,
			       struct mixer *mx)
{
	unsigned int k = ss->group->k, i;
	u8 *weight = mx->weight;
	u8 x[SSN_MEMBERS_MAX];
	int err = 0;

	for (i = 0; i < d->nr; i++)
		x[i] = ss->member[d->to[i]].x;
	for (i = k - 1; !err && i < d->nr; i++, weight += k)
		err = ss->scheme->fill_weights(weight, x, k, x[i]);
	if (!err)
		mixer_ready(ss, mx, d->nr - k + 1);
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
	struct mixer mx;
	int err = mixer_alloc(&mx, d->nr - k + 1, k);
	u32 off, chunk;
	u8 *p;

	if (!err)
		err = interpolate_weights(ss, d, &mx);
	if (!err)
		err = adopt(ss, d);
	for (off = 0; !err && off < d->len; off += chunk) {
		p = ssn_buf_at(secret, off, &chunk);
		interpolate_tile(ss, d, &mx, p, off, chunk);
		err = breathe();
	}
	mixer_free(&mx);
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
