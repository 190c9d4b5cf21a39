// SPDX-License-Identifier: GPL-2.0
/*
 * Lanes of pad. The sender takes leases from its pool and announces them, the
 * receiver claims what was announced; both then go through them byte by byte.
 * The receiver's records keep their pad until they are read: a span.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "lane.h"
#include "wire.h"

void ssn_lane_init(struct ssn_lane *lane, u32 grow)
{
	INIT_LIST_HEAD(&lane->leases);
	lane->left = 0;
	lane->grow = grow;
	lane->nr = 0;
}

/* A lease that holds nothing yet; NULL without memory. */
struct ssn_lease *ssn_lease_new(void)
{
	struct ssn_lease *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);

	if (l) {
		INIT_LIST_HEAD(&l->spans);
		l->refs = 1;
	}
	return l;
}

/* Drops a reference; with the last, what was not spent is wiped and void. */
void ssn_lease_free(struct ssn_lease *l)
{
	if (--l->refs)
		return;
	qkd_lease_release(&l->lease);
	kfree(l);
}

static void lane_pop(struct ssn_lane *lane, struct ssn_lease *l)
{
	list_del(&l->node);
	lane->nr--;
	ssn_lease_free(l);
}

/* Gives up what the lane still has: void at this end (PROTOCOL 1). */
void ssn_lane_drop(struct ssn_lane *lane)
{
	struct ssn_lease *l, *tmp;

	list_for_each_entry_safe(l, tmp, &lane->leases, node)
		lane_pop(lane, l);
	lane->left = 0;
}

/**
 * ssn_lane_take - lease units to send with
 * @pool:	tx pool
 * @lane:	its grow says how many; doubled for the next time
 * @wire:	filled in, to be announced
 *
 * The lease is not in the lane until ssn_lane_add(): first it is announced.
 *
 * Return: the lease or an ERR_PTR: -ENOKEY, -ENOMEM.
 */
struct ssn_lease *ssn_lane_take(struct qkd_pool *pool, struct ssn_lane *lane,
				struct ssn_wire_lease *wire)
{
	struct ssn_lease *l = ssn_lease_new();
	int err;

	if (!l)
		return ERR_PTR(-ENOMEM);
	err = qkd_lease_take(pool, lane->grow, &l->lease);
	if (err) {
		ssn_lease_free(l);
		return ERR_PTR(err);
	}
	lane->grow = min(lane->grow * 2, SSN_LANE_GROW_MAX);
	export_uuid(wire->block, qkd_lease_id(&l->lease));
	wire->first = cpu_to_be32(l->lease.first);
	wire->units = cpu_to_be32(l->lease.units);
	return l;
}

/**
 * ssn_lane_claim - claim what a peer announced
 * @pool:	rx pool
 * @lane:	where it goes, at the end
 * @wire:	the announcement, verified
 * @l:		from ssn_lease_new(), consumed in any case
 *
 * Return: 0, the errors of qkd_lease_claim(), -E2BIG for too many.
 */
int ssn_lane_claim(struct qkd_pool *pool, struct ssn_lane *lane,
		   const struct ssn_wire_lease *wire, struct ssn_lease *l)
{
	int err = -E2BIG;
	uuid_t id;

	import_uuid(&id, wire->block);
	if (lane->nr < SSN_LANE_LEASES_MAX)
		err = qkd_lease_claim(pool, &id, be32_to_cpu(wire->first),
				      be32_to_cpu(wire->units), &l->lease);
	if (err)
		ssn_lease_free(l);
	else
		ssn_lane_add(lane, l);
	return err;
}

void ssn_lane_add(struct ssn_lane *lane, struct ssn_lease *l)
{
	list_add_tail(&l->node, &lane->leases);
	lane->left += l->lease.len;
	lane->nr++;
}

/* The lease in use, NULL if there is none. */
struct ssn_lease *ssn_lane_head(const struct ssn_lane *lane)
{
	if (list_empty(&lane->leases))
		return NULL;
	return list_entry(lane->leases.next, struct ssn_lease, node);
}

/* Byte of the lease in use that the next record begins at; 0 without one. */
u32 ssn_lane_offset(const struct ssn_lane *lane)
{
	const struct ssn_lease *l = ssn_lane_head(lane);

	return l ? l->next : 0;
}

/* Slot of the block that the next record is tagged with; ~0 without one. */
u32 ssn_lane_slot(const struct ssn_lane *lane)
{
	const struct ssn_lease *l = ssn_lane_head(lane);

	return l ? l->lease.first * QKD_RUN + l->next / QKD_SLOT : ~0U;
}

/*
 * The next @len bytes, which must be in one lease; NULL if they are not, or if
 * the block is void.
 */
u8 *ssn_lane_peek(const struct ssn_lane *lane, u32 len)
{
	const struct ssn_lease *l = ssn_lane_head(lane);

	if (!l || qkd_lease_dead(&l->lease))
		return NULL;
	return qkd_lease_bytes(&l->lease, l->next, len);
}

static void lane_advance(struct ssn_lane *lane, struct ssn_lease *l, u32 len)
{
	l->next += len;
	lane->left -= len;
	if (l->next == l->lease.len)
		lane_pop(lane, l);
}

/* The next @len bytes were used; they are zero when this returns. */
void ssn_lane_spend(struct ssn_lane *lane, u32 len)
{
	struct ssn_lease *l = ssn_lane_head(lane);

	qkd_lease_spend(&l->lease, len);
	lane_advance(lane, l, len);
}

/* The next @len bytes belong to a verified record from now on. */
void ssn_lane_hold(struct ssn_lane *lane, struct ssn_span *span, u32 len)
{
	struct ssn_lease *l = ssn_lane_head(lane);

	span->from = l;
	span->pos = l->next;
	span->len = len;
	span->done = false;
	l->refs++;
	list_add_tail(&span->node, &l->spans);
	lane_advance(lane, l, len);
}

/* Pad of a span; NULL when the block became void. */
u8 *ssn_span_bytes(const struct ssn_span *span, u32 off, u32 len)
{
	if (qkd_lease_dead(&span->from->lease))
		return NULL;
	return qkd_lease_bytes(&span->from->lease, span->pos + off, len);
}

/*
 * A record was read. Its pad is wiped now, whatever the order, and accounted
 * for when all before it was; so @span stays in use until then, and is freed
 * here. In order, accounting for it is what wipes it.
 */
void ssn_span_done(struct ssn_span *span)
{
	struct ssn_lease *l = span->from;
	u8 *pad;

	span->done = true;
	if (span != list_first_entry(&l->spans, struct ssn_span, node)) {
		pad = qkd_lease_bytes(&l->lease, span->pos, span->len);
		if (pad)
			memzero_explicit(pad, span->len);
		return;
	}
	while (!list_empty(&l->spans)) {
		span = list_first_entry(&l->spans, struct ssn_span, node);
		if (!span->done)
			return;
		qkd_lease_spend(&l->lease, span->len);
		list_del(&span->node);
		kfree(span);
		if (l->refs == 1) {
			ssn_lease_free(l);
			return;
		}
		ssn_lease_free(l);
	}
}
