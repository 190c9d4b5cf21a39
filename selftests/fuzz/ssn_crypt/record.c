// SPDX-License-Identifier: GPL-2.0
/*
 * Records as they come from the peer: kernel/ssn_crypt's conn_recv.c, record.c and
 * lane.c as they are. The input says what the peer sends. Where it is one that has
 * the pads, its records have right tags whatever else is wrong in them; a model
 * of PROTOCOL 1 and 2 here says of each whether it may be taken in.
 *
 * Input: bytes in one read of TCP, rcvbuf in 64 KiB, enum kind of the connection;
 * then commands (enum command) with what their functions below read.
 *
 * max_len: 600
 * runs: 2500
 */
#include "pool.h"
#include "conn_parts.h"
#include "net.h"
#include "netlink.h"
#include "peer.h"

#define MSG_RECORDS	(SSN_MSG_MAX / QKD_UNIT + SSN_MSG_MAX / SSN_RECORD_MAX + 2)

enum command {
	RECORD,		/* of any kind, tagged */
	RAW,		/* bytes */
	LEASE,		/* announces a lease */
	CLOSE,
	READ,		/* a message, and free it */
	UNREAD,		/* dequeue one and put it back */
	HOLD,		/* dequeue one and keep it */
	DROP,		/* free one that was kept */
	VOID,		/* a block becomes void */
	END,		/* of the stream */
	GONE,		/* is the owner */
	COMMANDS
};

enum kind { SHARE = 1, OUTGOING = 2 };

/* What a RECORD does wrong */
enum {
	WRONG_SEQ = 1, WRONG_SLOT = 2, WRONG_OFFSET = 4, WRONG_TAG = 8,
	WRONG_ZERO = 16, CUT_OFF = 32, MEANT_LEN = 64,
};

static struct qkd_pool tags, pads;
static struct ssn_net sn;
static struct ssn_peer peer;
static struct ssn_conn *conn;
static unsigned int allocated, held;

/* --- the stream */

static uint8_t stream[4 << 20];
static size_t stream_head, stream_tail;
static unsigned int stream_read;	/* bytes at once */
static bool stream_end, stream_raw;

static int stream_recv(struct ssn_pipe *pipe, void *to, size_t len)
{
	must(len, "a read of nothing");
	if (stream_head == stream_tail)
		return stream_end ? 0 : -EAGAIN;
	len = min(len, stream_tail - stream_head);
	len = min(len, stream_read);
	memcpy(to, stream + stream_head, len);
	stream_head += len;
	return len;
}

/* It ends in order: our end stays open. */
static bool stream_over(struct ssn_pipe *pipe)
{
	return false;
}

const struct ssn_transport ssn_tcp = { .recv = stream_recv, .over = stream_over };

static void stream_put(const void *bytes, size_t len)
{
	if (len > sizeof(stream) - stream_tail)
		len = sizeof(stream) - stream_tail;
	memcpy(stream + stream_tail, bytes, len);
	stream_tail += len;
}

/* --- the rest of a connection */

struct ssn_buf *ssn_buf_alloc(u32 len)
{
	struct ssn_buf *buf;

	must(len <= SSN_RECORD_MAX, "%u bytes for a record not yet checked", len);
	must(!conn->in, "a second buffer");
	buf = calloc(1, sizeof(*buf) + sizeof(void *));
	buf->len = len;
	buf->pages[0] = malloc(len);
	allocated++;
	return buf;
}

void ssn_buf_put(struct ssn_buf *buf)
{
	if (!buf)
		return;
	free(buf->pages[0]);
	free(buf);
	allocated--;
}

u8 *ssn_buf_at(const struct ssn_buf *buf, u32 off, u32 *chunk)
{
	must(off < buf->len, "byte %u of %u", off, buf->len);
	*chunk = min(PAGE_SIZE - off % PAGE_SIZE, buf->len - off);
	return (u8 *)buf->pages[0] + off;
}

void ssn_conn_hold(struct ssn_conn *c) { held++; }
void ssn_conn_put(struct ssn_conn *c) { held--; }
void ssn_conn_kick(struct ssn_conn *c) { }
void ssn_conn_tell_state(struct ssn_conn *c) { }
void ssn_conn_tell_data(struct ssn_conn *c) { }
void ssn_conn_fail(struct ssn_conn *c, int err) { c->error = err; }
void ssn_nl_conn_event(struct ssn_conn *c, enum ssn_event event, int err) { }

void ssn_conn_count(struct ssn_conn *c, unsigned int what, u64 n)
{
	must(what > SSN_A_COUNTERS_PAD && what <= SSN_A_COUNTERS_MAX, "counter %u",
	     what);
}

/* --- the model: what the connection must be in */

struct sent {
	u32 len, hash;			/* of the bytes in clear */
	bool has_share, adopted;
	struct ssn_wire_share share;
};

static struct {
	u64 seq;
	struct { u32 unit_bytes, block, first, len, next; } lease[2][256];
	u32 head[2], tail[2];		/* leases of tags (0) and pads (1) */
	bool open;			/* a message is not whole yet */
	u32 records;
	struct sent now;
	bool closed, over;
} model;

static struct sent ready[4096];		/* whole messages that were not dequeued */
static u32 ready_head, ready_tail;

static struct qkd_pool *model_pool(int kind)
{
	return kind ? &pads : &tags;
}

/* Bytes that the lease in use has left. */
static u32 model_left(int kind)
{
	u32 i = model.head[kind];

	return i == model.tail[kind] ? 0 : model.lease[kind][i].len -
					   model.lease[kind][i].next;
}

static bool model_dead(int kind)
{
	u32 i = model.head[kind];

	return i < model.tail[kind] &&
	       model_pool(kind)->block[model.lease[kind][i].block].dead;
}

static void model_use(int kind, u32 len)
{
	u32 i = model.head[kind];

	model.lease[kind][i].next += len;
	if (model.lease[kind][i].next == model.lease[kind][i].len)
		model.head[kind]++;
}

static void model_lease(int kind, u32 block, u32 first, u32 units)
{
	u32 i = model.tail[kind]++;

	must(i < 256, "too many leases for the model");
	model.lease[kind][i].block = block;
	model.lease[kind][i].first = first;
	model.lease[kind][i].unit_bytes = kind ? QKD_UNIT : QKD_RUN * QKD_SLOT;
	model.lease[kind][i].len = units * model.lease[kind][i].unit_bytes;
	model.lease[kind][i].next = 0;
}

static u32 model_slot(void)
{
	u32 i = model.head[0];

	return i == model.tail[0] ? ~0U : model.lease[0][i].first * QKD_RUN +
					  model.lease[0][i].next / QKD_SLOT;
}

static u32 model_offset(void)
{
	u32 i = model.head[1];

	return i == model.tail[1] ? 0 : model.lease[1][i].next;
}

/* May it be sent at all? wire.h says what a record may look like. */
static bool model_shape(const struct ssn_wire_record *r)
{
	const u8 both = SSN_WIRE_F_FIRST | SSN_WIRE_F_LAST;
	u32 len = be32_to_cpu(r->len);

	if (r->zero)
		return false;
	if (r->type == SSN_WIRE_CLOSE)
		return !r->flags && !len;
	if (r->type == SSN_WIRE_LEASE)
		return !(r->flags & ~SSN_WIRE_F_TAGS) &&
		       len == sizeof(struct ssn_wire_lease);
	if (len > SSN_RECORD_MAX || r->flags > 7 ||
	    ((r->flags & SSN_WIRE_F_SHARE) && !(r->flags & SSN_WIRE_F_FIRST)))
		return false;
	if (r->type == SSN_WIRE_ADOPT)
		return len && !((r->flags & SSN_WIRE_F_FIRST) &&
				!(r->flags & SSN_WIRE_F_SHARE));
	return r->type == SSN_WIRE_DATA && (len || (r->flags & both) == both);
}

/* Pad that becomes a share is one that a share socket deals, and no control message. */
static bool model_adopts(const struct ssn_wire_record *r, const u8 *share)
{
	const struct ssn_wire_share *s = (const void *)share;

	if (model.open)
		return model.now.adopted;
	return conn->p.proto == SSNPROTO_SHARE && !conn->outgoing &&
	       !(be16_to_cpu(s->flags) & SSN_SHARE_CONTROL);
}

/* A record that is what it says, with a right tag: is it the next one? */
static bool model_takes(const struct ssn_wire_record *r, const u8 *share,
			const u8 *payload)
{
	u32 len = be32_to_cpu(r->len);
	const struct ssn_wire_lease *w = (const void *)payload;
	int kind = !(r->flags & SSN_WIRE_F_TAGS);
	struct qkd_pool *pool = model_pool(kind);
	uuid_t id;

	if (!model_shape(r) || model.closed || !model_left(0) || model_dead(0))
		return false;
	switch (r->type) {
	case SSN_WIRE_CLOSE:
		return !model.open;
	case SSN_WIRE_LEASE:
		import_uuid(&id, w->block);
		return !pool_claimable(pool, &id, be32_to_cpu(w->first),
				       be32_to_cpu(w->units));
	default:
		return model.open == !(r->flags & SSN_WIRE_F_FIRST) &&
		       (r->type == SSN_WIRE_ADOPT ? model_adopts(r, share) :
						    !model.open || !model.now.adopted) &&
		       (!model.open || (model.now.len + len <= SSN_MSG_MAX &&
					model.records < MSG_RECORDS)) &&
		       (!len || (len <= model_left(1) && !model_dead(1)));
	}
}

/* Byte @i of every message, in clear. */
static u8 clear(u32 i)
{
	return i * 37 + i / 256;
}

/* Byte @i of the pad that is next. */
static u8 pad_byte(u32 i)
{
	u32 l = model.head[1];

	return pool_byte(&pads.block[model.lease[1][l].block],
			 model.lease[1][l].first * QKD_UNIT + model_offset() + i);
}

static u32 hash(u32 h, u8 byte)
{
	return (h ^ byte) * 16777619U;
}

static void model_take(const struct ssn_wire_record *r, const u8 *share,
		       const u8 *payload)
{
	u32 len = be32_to_cpu(r->len);
	const struct ssn_wire_lease *w = (const void *)payload;
	int kind = !(r->flags & SSN_WIRE_F_TAGS);
	u32 i;

	model.seq++;
	model_use(0, QKD_SLOT);
	if (r->type == SSN_WIRE_CLOSE) {
		model.closed = true;
	} else if (r->type == SSN_WIRE_LEASE) {
		model_lease(kind, w->block[1], be32_to_cpu(w->first),
			    be32_to_cpu(w->units));
	} else {
		if (!model.open) {
			memset(&model.now, 0, sizeof(model.now));
			model.now.has_share = r->flags & SSN_WIRE_F_SHARE;
			model.now.adopted = r->type == SSN_WIRE_ADOPT;
			memcpy(&model.now.share, share, sizeof(model.now.share));
			model.records = 0;
		}
		for (i = 0; i < len; i++)
			model.now.hash = hash(model.now.hash, model.now.adopted ?
					      pad_byte(i) : clear(model.now.len + i));
		model.now.len += len;
		model.records++;
		if (len)
			model_use(1, len);
		model.open = !(r->flags & SSN_WIRE_F_LAST);
		if (!model.open && !conn->closed)
			ready[ready_tail++ % 4096] = model.now;
	}
}

/* Is the connection where the model is? */
static void model_check(void)
{
	must(conn->rx.seq == model.seq, "sequence %llu, not %llu",
	     (unsigned long long)conn->rx.seq, (unsigned long long)model.seq);
	must(ssn_lane_slot(&conn->rx_tags) == model_slot(), "slot %u, not %u",
	     ssn_lane_slot(&conn->rx_tags), model_slot());
	must(ssn_lane_offset(&conn->rx_pads) == model_offset(), "offset %u, not %u",
	     ssn_lane_offset(&conn->rx_pads), model_offset());
	must(!conn->msg == !model.open, "a message is open, or is not");
	must(ssn_conn_readable(conn) == (ready_head < ready_tail), "readable");
	must(conn->peer_closed == model.closed, "closed");
}

/* --- the peer */

static u32 payload_len(const struct ssn_wire_record *r)
{
	return r->type == SSN_WIRE_ADOPT ? 0 : be32_to_cpu(r->len);
}

static void seal(struct ssn_wire_record *r, const u8 *share, const u8 *payload)
{
	u32 i = model.head[0];
	struct { u8 id[32], dir, zero[15]; } ctx = { .dir = 1 };
	struct poly1305_desc_ctx poly;
	struct qkd_block *b;

	if (!model_left(0))
		return;
	b = &tags.block[model.lease[0][i].block];
	memcpy(ctx.id, conn->rx.id, sizeof(ctx.id));
	poly1305_init(&poly, b->pad + model_slot() * QKD_SLOT);
	poly1305_update(&poly, (const u8 *)&ctx, sizeof(ctx));
	poly1305_update(&poly, (const u8 *)r, offsetof(struct ssn_wire_record, tag));
	if (r->flags & SSN_WIRE_F_SHARE)
		poly1305_update(&poly, share, sizeof(struct ssn_wire_share));
	poly1305_update(&poly, payload, payload_len(r));
	poly1305_final(&poly, r->tag);
}

/* What is left of the stream is read; 0 when no more comes, or an error. */
static int pump(void)
{
	int ret;

	do {
		ret = ssn_conn_pull(conn);
	} while (ret > 0);
	must(!conn->lock.held && !conn->rx_mutex.held, "a lock is held");
	if (ret) {
		model.over = true;
		must(ret == -EPROTO || ret == -EBADMSG || ret == -EKEYREVOKED ||
		     ret == -EKEYREJECTED || ret == -ECONNABORTED, "error %d", ret);
	}
	return ret;
}

/*
 * Sends a record: @wrong says what is wrong with it, and it is cut off by @cut
 * bytes. Then it is in the connection, or the connection is over.
 */
static void send_record(struct ssn_wire_record *r, const u8 *payload, u8 wrong,
			u32 cut)
{
	static u8 share[sizeof(struct ssn_wire_share)];
	u32 len = payload_len(r), i, head;
	bool good;
	int ret;

	for (i = 0; i < sizeof(share); i++)
		share[i] = model.seq + i;
	if (wrong & WRONG_ZERO)
		r->zero = 0x100;
	r->seq = cpu_to_be64(model.seq + !!(wrong & WRONG_SEQ));
	r->slot = cpu_to_be32(model_slot() + !!(wrong & WRONG_SLOT));
	r->offset = cpu_to_be32(model_offset() + !!(wrong & WRONG_OFFSET));
	seal(r, share, payload);
	if (wrong & WRONG_TAG)
		r->tag[15] ^= 0x80;
	if (!(wrong & CUT_OFF))
		cut = 0;
	good = !stream_raw && !cut && model_takes(r, share, payload) &&
	       !(wrong & (WRONG_SEQ | WRONG_SLOT | WRONG_OFFSET | WRONG_TAG));

	head = sizeof(*r) + (r->flags & SSN_WIRE_F_SHARE ? sizeof(share) : 0);
	if (cut >= head + len)
		return;
	stream_put(r, min(sizeof(*r), head + len - cut));
	if (head + len - cut > sizeof(*r))
		stream_put(share, min(head - sizeof(*r),
				      head + len - cut - sizeof(*r)));
	if (head + len - cut > head)
		stream_put(payload, len - cut);
	if (cut)
		stream_raw = true;	/* whatever follows is not what it says */
	ret = pump();
	if (stream_raw)
		return;
	must(good == !ret, "a record was %s: type %u flags %x len %u wrong %x: %d",
	     good ? "refused" : "taken in", r->type, r->flags, len, wrong, ret);
	if (good)
		model_take(r, share, payload);
}

/* Then nothing is read before the readers have. */
static bool is_behind(void)
{
	return conn->charged >= conn->p.rcvbuf && ready_head < ready_tail &&
	       !conn->closed;
}

static void command_record(struct input *in)
{
	static u8 payload[SSN_RECORD_MAX];
	struct ssn_wire_record r = { .type = input_u8(in), .flags = input_u8(in) };
	u8 wrong = input_u8(in);
	u32 len = input_u32(in), i, cut = wrong & CUT_OFF ? 1 + input_u8(in) : 0;
	/* so that a length that fits is not a matter of luck */
	if (wrong & MEANT_LEN)
		len %= min(model_left(1), SSN_RECORD_MAX) + 2;
	r.len = cpu_to_be32(len);
	if (len > SSN_RECORD_MAX) {
		/* only its head comes: it must be refused by that alone */
		stream_put(&r, sizeof(r));
		must(stream_raw || pump() == -EPROTO || is_behind(),
		     "a record of %u bytes was not refused", len);
		stream_raw = true;
		return;
	}
	for (i = 0; i < len; i++)
		payload[i] = clear(model.open ? model.now.len + i : i);
	for (i = 0; r.type == SSN_WIRE_DATA && i < len && len <= model_left(1); i++)
		payload[i] ^= pad_byte(i);
	send_record(&r, payload, wrong, cut);
}

static void command_lease(struct input *in)
{
	struct ssn_wire_record r = { .type = SSN_WIRE_LEASE };
	u8 block = input_u8(in);
	int kind = !(block & 0x80);
	struct ssn_wire_lease w = {
		.block = { 0x10 + kind, block & 0x0f },
		.first = cpu_to_be32(input_u8(in)),
		.units = cpu_to_be32(input_u8(in)),
	};

	r.len = cpu_to_be32(sizeof(w));
	r.flags = kind ? 0 : SSN_WIRE_F_TAGS;
	send_record(&r, (const u8 *)&w, 0, 0);
}

static void command_raw(struct input *in)
{
	const u8 *at;
	size_t len = input_bytes(in, &at, input_u8(in));

	if (!len)
		return;
	stream_put(at, len);
	stream_raw = true;
}

/* Only after a CLOSE is it one. */
static void command_end(void)
{
	int ret;

	stream_end = true;
	ret = pump();
	must(stream_raw || is_behind() || ret == (model.closed ? 0 : -ECONNABORTED),
	     "an end of the stream was %d", ret);
	model.over = true;
}

/* --- the readers */

static struct ssn_msg *kept[8];
static u32 kept_hash[8];

static struct ssn_msg *message(void)
{
	struct ssn_msg *msg = ssn_conn_dequeue(conn);
	const struct sent *sent = &ready[ready_head % 4096];
	struct ssn_wire_share w;

	must(!msg == (ready_head == ready_tail), "a message too many or too few");
	if (!msg)
		return NULL;
	ready_head++;
	must(msg->len == sent->len, "a message of %u bytes, not %u", msg->len,
	     sent->len);
	must(msg->has_share == sent->has_share && msg->adopted == sent->adopted,
	     "a share head, or none");
	if (msg->has_share) {
		ssn_share_to_wire(&w, &msg->share);
		must(!memcmp(&w, &sent->share, sizeof(w)), "another share head");
	}
	return msg;
}

static void message_read(struct ssn_msg *msg, u32 want)
{
	static u8 to[SSN_MSG_MAX];
	u32 off = msg->len / 3, h = 0, i;

	if (ssn_msg_read(msg, 0, to, off) ||
	    ssn_msg_read(msg, off, to + off, msg->len - off)) {
		must(pads.block[0].dead || pads.block[1].dead,
		     "pad is void that is not");
		return;
	}
	for (i = 0; i < msg->len; i++)
		h = hash(h, to[i]);
	must(h == want, "other bytes than were sent");
}

static void command_read(enum command c)
{
	struct ssn_msg *msg = message();

	if (!msg)
		return;
	if (c == UNREAD) {
		ssn_msg_unread(msg);
		ready_head--;
	} else {
		message_read(msg, ready[(ready_head - 1) % 4096].hash);
		ssn_msg_free(msg);
	}
}

static void command_hold(struct input *in, enum command c)
{
	u8 i = input_u8(in) % 8;

	if (c == HOLD && !kept[i]) {
		kept[i] = message();
		kept_hash[i] = ready[(ready_head - 1) % 4096].hash;
	} else if (c == DROP && kept[i]) {
		message_read(kept[i], kept_hash[i]);
		ssn_msg_free(kept[i]);
		kept[i] = NULL;
	}
}

/* --- all of it */

static void begin(struct input *in)
{
	static const struct ssn_wire_lease first = {
		.block = { 0x10 }, .units = 0x01000000
	};
	u8 kind;

	stream_read = input_u8(in);
	stream_read = stream_read ? stream_read * 64 - 63 : 1 << 20;
	stream_head = stream_tail = 0;
	stream_end = stream_raw = false;
	memset(&model, 0, sizeof(model));
	ready_head = ready_tail = 0;

	conn = calloc(1, sizeof(*conn));
	conn->sn = &sn;
	conn->peer = &peer;
	conn->p.rcvbuf = 65536 * (1 + input_u8(in) % 64);
	kind = input_u8(in);
	conn->p.proto = kind & SHARE ? SSNPROTO_SHARE : SSNPROTO_LINK;
	conn->outgoing = kind & OUTGOING;
	memset(conn->rx.id, 0x33, sizeof(conn->rx.id));
	conn->rx.dir = 1;
	conn->rx.tags = &conn->rx_tags;
	conn->rx.pads = &conn->rx_pads;
	ssn_lane_init(&conn->rx_tags, 1);
	ssn_lane_init(&conn->rx_pads, 1);
	INIT_LIST_HEAD(&conn->ready);
	INIT_LIST_HEAD(&conn->outs);
	/* as after a HELLO: its slot is spent, and it announced no pad */
	must(!ssn_lane_claim(&tags, &conn->rx_tags, &first, ssn_lease_new()),
	     "the first lease");
	ssn_lane_spend(&conn->rx_tags, QKD_SLOT);
	model_lease(0, 0, 0, 1);
	model_use(0, QKD_SLOT);
}

/* As ssn_conn_close() and conn_free() do it. */
static void end(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		ssn_msg_free(kept[i]);
		kept[i] = NULL;
	}
	ssn_conn_drop_in(conn);
	ssn_lane_drop(&conn->rx_tags);
	ssn_lane_drop(&conn->rx_pads);
	must(!allocated, "%u buffers are left over", allocated);
	must(!held, "%u references are left over", held);
	free(conn);
	pool_reset(&tags);
	pool_reset(&pads);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	pool_make(&tags, 0, QKD_DIR_RX, QKD_KIND_TAG);
	pool_make(&pads, 1, QKD_DIR_RX, QKD_KIND_PAYLOAD);
	peer.rx_tag = &tags;
	peer.rx_pad = &pads;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct ssn_wire_record close = { .type = SSN_WIRE_CLOSE };
	u64 seq;

	begin(&in);
	while (in.left && !model.over) {
		enum command c = input_u8(&in) % COMMANDS;

		if (!stream_raw && is_behind() && c < READ)
			c = READ;	/* TCP's window would hold the peer back */
		if (conn->closed && c >= READ && c <= DROP)
			continue;	/* there is nobody to read */
		seq = conn->rx.seq;
		switch (c) {
		case RECORD:
			command_record(&in);
			break;
		case RAW:
			command_raw(&in);
			break;
		case LEASE:
			command_lease(&in);
			break;
		case CLOSE:
			send_record(&close, NULL, 0, 0);
			break;
		case READ:
		case UNREAD:
			command_read(c);
			break;
		case HOLD:
		case DROP:
			command_hold(&in, c);
			break;
		case GONE:
			conn->closed = true;
			break;
		case VOID:
			model_pool(in.left & 1)->block[input_u8(&in) % 2].dead = true;
			break;
		default:
			command_end();
		}
		if (stream_raw) {
			must(conn->rx.seq == seq, "a record without a tag was taken in");
			if (stream_tail == sizeof(stream))
				break;
		} else if (!model.over) {
			model_check();
		}
	}
	end();
	return 0;
}
