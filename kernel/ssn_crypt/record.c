// SPDX-License-Identifier: GPL-2.0
/*
 * Records. Sealing, piece by piece: XOR with the next pad, wipe the pad, tag the
 * ciphertext under the next slot; then wipe the slot. Opening: check that the record is the
 * next one, check its tag, and only then move anything (PROTOCOL 2). To adopt is
 * to take the next pad itself as the share: nothing but the head travels.
 *
 * The tag is Poly1305 under a key used once: at most 8*ceil(l/16)/2^106 for a
 * forgery (Bernstein, "The Poly1305-AES message-authentication code", 2005).
 */
#include <crypto/algapi.h>
#include <crypto/poly1305.h>
#include <linux/errno.h>
#include <linux/string.h>
#include "conn.h"
#include "lane.h"
#include "pad.h"
#include "record.h"

/* What a tag covers in front of the record's head. */
struct tag_context {
	u8	id[2 * SSN_WIRE_NONCE];
	u8	dir;
	u8	zero[15];
};

void ssn_share_to_wire(struct ssn_wire_share *w, const struct ssn_share *s)
{
	*w = (struct ssn_wire_share) {
		.group		= cpu_to_be32(s->group),
		.generation	= cpu_to_be32(s->generation),
		.scheme		= s->scheme,
		.k		= s->k,
		.n		= s->n,
		.x		= s->x,
		.flags		= cpu_to_be16(s->flags),
		.provenance	= cpu_to_be16(s->provenance),
		.epoch		= cpu_to_be64(s->epoch),
		.deal		= cpu_to_be64(s->deal),
		.message	= cpu_to_be64(s->message),
		.version	= cpu_to_be32(s->version),
		.segment	= cpu_to_be32(s->segment),
	};
	memcpy(w->object, s->object, sizeof(w->object));
}

void ssn_share_from_wire(struct ssn_share *s, const struct ssn_wire_share *w)
{
	*s = (struct ssn_share) {
		.group		= be32_to_cpu(w->group),
		.generation	= be32_to_cpu(w->generation),
		.scheme		= w->scheme,
		.k		= w->k,
		.n		= w->n,
		.x		= w->x,
		.flags		= be16_to_cpu(w->flags),
		.provenance	= be16_to_cpu(w->provenance),
		.epoch		= be64_to_cpu(w->epoch),
		.deal		= be64_to_cpu(w->deal),
		.message	= be64_to_cpu(w->message),
		.version	= be32_to_cpu(w->version),
		.segment	= be32_to_cpu(w->segment),
	};
	memcpy(s->object, w->object, sizeof(s->object));
}

/* Bytes of a record's head: with the share head where there is one. */
size_t ssn_record_head_len(const struct ssn_wire_record *r)
{
	return r->flags & SSN_WIRE_F_SHARE ? SSN_RECORD_HEAD : sizeof(*r);
}

/* Payload bytes that follow the head on the wire. */
u32 ssn_record_payload(const struct ssn_wire_record *r)
{
	return r->type == SSN_WIRE_ADOPT ? 0 : be32_to_cpu(r->len);
}

/* Whether a record uses as much payload pad as it is long. */
bool ssn_record_padded(const struct ssn_wire_record *r)
{
	return r->type == SSN_WIRE_DATA || r->type == SSN_WIRE_ADOPT;
}

/* Up to the payload, which follows piece by piece */
static void tag_head(struct poly1305_desc_ctx *poly, const u8 key[QKD_SLOT],
		     const struct ssn_path *path, const u8 *head)
{
	const struct ssn_wire_record *r = (const void *)head;
	struct tag_context ctx = { .dir = path->dir };

	memcpy(ctx.id, path->id, sizeof(ctx.id));
	poly1305_init(poly, key);
	poly1305_update(poly, (const u8 *)&ctx, sizeof(ctx));
	poly1305_update(poly, head, offsetof(struct ssn_wire_record, tag));
	poly1305_update(poly, head + sizeof(*r),
			ssn_record_head_len(r) - sizeof(*r));
}

static void tag_end(struct poly1305_desc_ctx *poly, u8 tag[SSN_WIRE_TAG])
{
	poly1305_final(poly, tag);
	memzero_explicit(poly, sizeof(*poly));
}

/* Of a record as it was received */
static void tag_record(u8 tag[SSN_WIRE_TAG], const u8 key[QKD_SLOT],
		       const struct ssn_path *path, const u8 *head,
		       const struct ssn_buf *buf)
{
	u32 len = ssn_record_payload((const void *)head), off, chunk;
	struct poly1305_desc_ctx poly;
	u8 *at;

	tag_head(&poly, key, path, head);
	for (off = 0; off < len; off += chunk) {
		at = ssn_buf_at(buf, off, &chunk);
		chunk = min(chunk, len - off);
		poly1305_update(&poly, at, chunk);
	}
	tag_end(&poly, tag);
}

/*
 * A piece of the payload while it is in the cache: under its pad, if it has one,
 * the pad wiped, and tagged if it is sent.
 */
static void seal_piece(struct ssn_path *path, struct poly1305_desc_ctx *poly,
		       const struct ssn_wire_record *r, const u8 *pad, u8 *at,
		       u32 len)
{
	if (pad) {
		if (r->type == SSN_WIRE_ADOPT)
			memcpy(at, pad, len);
		else
			ssn_pad_xor(at, at, pad, len);
		ssn_lane_spend(path->pads, len);
	}
	if (ssn_record_payload(r))
		poly1305_update(poly, at, len);
}

/**
 * ssn_record_seal - make the next record of a direction
 * @path:	direction; its tags and, for data, pads have what is needed
 * @type:	enum ssn_wire_type
 * @flags:	SSN_WIRE_F_*
 * @share:	share head, only with SSN_WIRE_F_SHARE
 * @buf:	holds the payload; sealed in place for SSN_WIRE_DATA. For
 *		SSN_WIRE_ADOPT it gets the share, which is not sent. May be NULL
 *		where @len is 0
 * @off:	where the payload begins in @buf
 * @len:	payload bytes, at most SSN_RECORD_MAX, and in one lease if padded
 * @head:	filled in: ssn_record_head_len() bytes to send before the payload
 *
 * Context: process; whoever owns the direction serialises.
 * Return: 0, or -EKEYREVOKED when pad or slot became void: nothing was spent
 * then, and nothing may be sent.
 */
int ssn_record_seal(struct ssn_path *path, u8 type, u8 flags,
		    const struct ssn_wire_share *share, struct ssn_buf *buf,
		    u32 off, u32 len, u8 head[SSN_RECORD_HEAD])
{
	struct ssn_wire_record *r = (struct ssn_wire_record *)head;
	struct poly1305_desc_ctx poly;
	u8 *key, *pad = NULL, *at;
	u32 done, chunk;

	*r = (struct ssn_wire_record) {
		.type	= type,
		.flags	= flags,
		.len	= cpu_to_be32(len),
		.seq	= cpu_to_be64(path->seq),
		.slot	= cpu_to_be32(ssn_lane_slot(path->tags)),
		.offset	= cpu_to_be32(ssn_lane_offset(path->pads)),
	};
	key = ssn_lane_peek(path->tags, QKD_SLOT);
	if (!key)
		return -EKEYREVOKED;
	if (len && ssn_record_padded(r)) {
		pad = ssn_lane_peek(path->pads, len);
		if (!pad)
			return -EKEYREVOKED;
	}
	if (share)
		memcpy(head + sizeof(*r), share, sizeof(*share));

	/* what becomes void from here on is still good for this record */
	tag_head(&poly, key, path, head);
	for (done = 0; done < len; done += chunk) {
		at = ssn_buf_at(buf, off + done, &chunk);
		chunk = min(chunk, len - done);
		seal_piece(path, &poly, r, pad ? pad + done : NULL, at, chunk);
	}
	tag_end(&poly, r->tag);
	ssn_lane_spend(path->tags, QKD_SLOT);
	path->seq++;
	return 0;
}

/**
 * ssn_record_shape - check what can be checked before the tag
 * @r:	head of a record, as received
 *
 * Bounds what is allocated and read for it.
 *
 * Return: 0, -EPROTO for an unknown type or flag, -EMSGSIZE for a length that
 * its type cannot have.
 */
int ssn_record_shape(const struct ssn_wire_record *r)
{
	u32 len = be32_to_cpu(r->len);

	if (r->zero)
		return -EPROTO;
	switch (r->type) {
	case SSN_WIRE_ADOPT:
		/* A share, and pad: there is none of no bytes. */
		if (!len)
			return -EMSGSIZE;
		if (r->flags & SSN_WIRE_F_FIRST && ~r->flags & SSN_WIRE_F_SHARE)
			return -EPROTO;
		fallthrough;
	case SSN_WIRE_DATA:
		if (r->flags & ~(SSN_WIRE_F_FIRST | SSN_WIRE_F_LAST |
				 SSN_WIRE_F_SHARE))
			return -EPROTO;
		if (r->flags & SSN_WIRE_F_SHARE &&
		    !(r->flags & SSN_WIRE_F_FIRST))
			return -EPROTO;
		if (len > SSN_RECORD_MAX)
			return -EMSGSIZE;
		/* Only a whole message may be empty: else there is no end. */
		if (!len && (~r->flags & (SSN_WIRE_F_FIRST | SSN_WIRE_F_LAST)))
			return -EMSGSIZE;
		return 0;
	case SSN_WIRE_LEASE:
		if (r->flags & ~SSN_WIRE_F_TAGS)
			return -EPROTO;
		return len == sizeof(struct ssn_wire_lease) ? 0 : -EMSGSIZE;
	case SSN_WIRE_CLOSE:
		if (r->flags)
			return -EPROTO;
		return len ? -EMSGSIZE : 0;
	default:
		return -EPROTO;
	}
}

/**
 * ssn_record_verify - is this the next record, and is it the peer's
 * @path:	direction
 * @head:	its head, with the share head where there is one
 * @buf:	its payload, or NULL
 *
 * Moves the sequence and the tag slots if it is, nothing otherwise. The pad of
 * a padded record is the caller's to hold.
 *
 * Return: 0; -EPROTO not the next sequence, slot or offset, or not enough pad
 * was announced; -EBADMSG wrong tag; -EKEYREVOKED the pad became void.
 */
int ssn_record_verify(struct ssn_path *path, const u8 head[SSN_RECORD_HEAD],
		      const struct ssn_buf *buf)
{
	const struct ssn_wire_record *r = (const void *)head;
	u32 len = be32_to_cpu(r->len);
	u8 tag[SSN_WIRE_TAG], *key;

	if (be64_to_cpu(r->seq) != path->seq ||
	    be32_to_cpu(r->slot) != ssn_lane_slot(path->tags) ||
	    be32_to_cpu(r->offset) != ssn_lane_offset(path->pads))
		return -EPROTO;
	if (!ssn_lane_head(path->tags))
		return -EPROTO;
	key = ssn_lane_peek(path->tags, QKD_SLOT);
	if (!key)
		return -EKEYREVOKED;
	tag_record(tag, key, path, head, buf);
	if (crypto_memneq(tag, r->tag, sizeof(tag)))
		return -EBADMSG;
	if (ssn_record_padded(r) && len && !ssn_lane_peek(path->pads, len))
		return ssn_lane_head(path->pads) &&
		       qkd_lease_dead(&ssn_lane_head(path->pads)->lease) ?
		       -EKEYREVOKED : -EPROTO;
	ssn_lane_spend(path->tags, QKD_SLOT);
	path->seq++;
	return 0;
}

/* Tag of a HELLO or ACCEPT: Poly1305 over all before it. */
void ssn_hello_tag(u8 tag[SSN_WIRE_TAG], const u8 *key, const void *msg,
		  size_t len)
{
	struct poly1305_desc_ctx poly;

	poly1305_init(&poly, key);
	poly1305_update(&poly, msg, len - SSN_WIRE_TAG);
	poly1305_final(&poly, tag);
	memzero_explicit(&poly, sizeof(poly));
}
