// SPDX-License-Identifier: GPL-2.0
/* Making a block: of keys of any size, and never of keys that nobody can share. */
#include "fake.h"

/* Pools that want one block of a kind, and nothing of the other. */
#define TAGS	",\"pools\":{\"tag\":{\"low\":2048,\"high\":65536,\"block\":32768}," \
		"\"payload\":{\"low\":4096,\"high\":8192,\"block\":4096}}"

static size_t keys_in(const json_t *msg)
{
	return json_array_size(json_object_get(msg, "keys"));
}

/* The block is these keys, one after the other. */
static int made_of(const struct fake_block *b, int64_t first, size_t len)
{
	static uint8_t key[32768];
	size_t i, n;

	for (i = 0; i < b->size; i += len) {
		fake_key(first++, key, len);
		n = b->size - i < len ? b->size - i : len;
		if (memcmp(b->pad + i, key, n))
			return 0;
	}
	return 1;
}

static struct fake_block *usable(enum qkd_kind kind)
{
	return fake_newest(QKD_DIR_TX, kind, QKD_BLOCK_STATE_USABLE);
}

static size_t tags(void)
{
	struct nl_pool pool;

	kernel_level(NULL, SH1, QKD_DIR_TX, QKD_KIND_TAG, &pool, NULL);
	return pool.usable;
}

static void drop(void)
{
	size_t i;

	for (i = 0; i < fake.n; i++)
		fake.block[i].there = 0;
}

/* Keys of 256 bits, 128 in a request: a tag block of 1024 keys. */
static void test_small(void)
{
	const struct fake_block *b;
	int64_t first = fake_kme.given;

	fake_kme.bits = 256;
	fake_kme.most = 128;
	fake_start(TAGS ",\"provenance\":{\"ak_inside\":true,\"id_independent\":true}");
	ok(until(usable(QKD_KIND_TAG)), "small keys make a tag block");
	b = usable(QKD_KIND_TAG);
	is_int(b ? b->size : 0, 32768, "of the size that it should have");
	ok(b && made_of(b, first, 32), "of its keys in their order");
	is_int(keys_in(fake_peer.blocks.msg), 1024, "whose IDs the peer is told");
	is_int(b ? (int)b->provenance : -1, 2, "no better than both ends state");
	is_int(fake_kme.enc, 9, "one request to learn their size, the rest by 128");
	fake_stop();
	drop();
}

/* More keys than a block may have: it is as large as they make it. */
static void test_many(void)
{
	const struct fake_block *b;
	int64_t first;

	fake_kme.bits = 64;
	fake_kme.most = 512;
	fake_add(0xa1, QKD_DIR_TX, QKD_KIND_TAG, 65536, QKD_BLOCK_STATE_USABLE);
	fake_add(0xa2, QKD_DIR_RX, QKD_KIND_TAG, 65536, QKD_BLOCK_STATE_USABLE);
	first = fake_kme.given;
	fake_start(",\"kme\":{\"max_keys\":512},\"pools\":{\"payload\":{\"low\":4096,"
		   "\"high\":67108864,\"block\":1044480}}");
	ok(until(usable(QKD_KIND_PAYLOAD)), "tiny keys make a payload block");
	fake_stop();
	b = usable(QKD_KIND_PAYLOAD);
	is_int(b ? b->size : 0, ETSI_KEYS_MAX * 8, "of as many keys as there may be");
	ok(b && made_of(b, first, 8), "of its keys in their order");
	drop();
}

/* A KME that runs dry before there is enough for a tag block. */
static void test_dry(void)
{
	const struct fake_block *b;
	int64_t first = fake_kme.given;
	int posts = fake_peer.blocks.n, asked;
	uint64_t voided;

	fake_kme.bits = 256;
	fake_kme.most = 128;
	fake_kme.left = 64;		/* 2 KiB: no more than its own confirmation */
	asked = fake_kme.enc;
	fake_start(TAGS);
	voided = counts.voided;
	ok(until(fake_kme.enc >= asked + 5), "with too few keys it asks again");
	is_int(fake_peer.blocks.n, posts, "and makes no block of them");
	is_int(fake_kme.given - first, 64, "however many those are");
	fake_kme.left = 448;
	ok(until(usable(QKD_KIND_TAG)), "when there are more it makes one");
	fake_stop();
	b = usable(QKD_KIND_TAG);
	is_int(b ? b->size : 0, 16384, "the least there is");
	ok(b && made_of(b, first, 32), "of the first ones too");
	is_int(counts.voided, voided, "none was thrown away");
	fake_kme.left = -1;
	drop();
}

static void test_too_small(void)
{
	int posts = fake_peer.blocks.n;
	int64_t first = fake_kme.given;

	fake_kme.bits = 16;
	fake_start(TAGS);
	ok(until(keyd.peer[0].failures >= 3), "keys too small for any block");
	fake_stop();
	is_int(fake_peer.blocks.n, posts, "make none");
	ok(fake_kme.given - first < 100, "and are not fetched by the thousand");
	drop();
}

/* A peer that cannot fetch: one block is lost before it is known, and no more. */
static void test_peer_down(void)
{
	int asked, level, posts;
	uint64_t voided;
	int64_t first;

	fake_kme.bits = 0;
	fake_start(TAGS);
	ok(until(tags() == 65536 && !keyd.peer[0].fill[QKD_KIND_TAG]), "all is well");
	fake_peer.level.status = 503;
	fake_peer.blocks.status = 410;
	asked = fake_kme.enc;
	level = fake_peer.level.n;
	drop();
	stock_kick(&keyd.peer[0]);
	ok(until(fake_peer.level.n >= level + 4), "a peer that lost a block is asked first");
	is_int(fake_kme.enc, asked + 1, "and gets no keys as long as it has no KME");

	posts = fake_peer.blocks.n;
	voided = counts.voided;
	first = fake_kme.given;
	fake_peer.blocks.status = 503;
	fake_peer.level.status = 0;
	ok(until(fake_peer.blocks.n >= posts + 6), "a block that it does not take now");
	is_int(fake_kme.enc, asked + 2, "is kept");
	fake_peer.blocks.status = 0;
	ok(until(usable(QKD_KIND_TAG)), "until it does");
	ok(usable(QKD_KIND_TAG) && made_of(usable(QKD_KIND_TAG), first, 32768) &&
	   counts.voided == voided, "the same keys");
	fake_stop();
	drop();
}

/*
 * A payload block waits since the peer has no tags towards us; if we had none towards
 * it either, and made none, both would wait for ever.
 */
static void test_tags_wait(void)
{
	struct fake_block *tag;
	int posts;

	fake_add(0xb1, QKD_DIR_RX, QKD_KIND_TAG, 65536, QKD_BLOCK_STATE_USABLE);
	tag = fake_add(0xb2, QKD_DIR_TX, QKD_KIND_TAG, 65536, QKD_BLOCK_STATE_USABLE);
	fake_peer.not_now = "payload";
	posts = fake_peer.blocks.n;
	fake_start(TAGS);
	ok(until(fake_peer.blocks.n >= posts + 3), "a payload block waits for the peer");
	tag->there = 0;
	ok(until(tags() == 65536), "tags are made meanwhile");
	fake_peer.not_now = NULL;
	ok(until(usable(QKD_KIND_PAYLOAD)), "then it is made too");
	fake_stop();
	drop();
}

int main(void)
{
	fake_begin();
	test_small();
	test_many();
	test_dry();
	test_too_small();
	test_peer_down();
	test_tags_wait();
	fake_end();
	return tap_done();
}
