// SPDX-License-Identifier: GPL-2.0
/* The receiving end, as a peer's key agent sees it. */
#include "fake.h"
#include "kme.h"

#define NO_POOLS ",\"pools\":{\"tag\":{\"low\":2048,\"high\":65536,\"block\":32768}," \
		 "\"payload\":{\"low\":4096,\"high\":8192,\"block\":4096}}"

/* POST blocks: @n keys from @first on. */
static int offer(uint8_t name, const char *kind, int size, int64_t first, int n)
{
	json_t *keys = json_array(), *msg;
	uint8_t id[UUID_BYTES];
	char text[UUID_TEXT];
	int i;

	memset(id, name, sizeof(id));
	for (i = 0; i < n; i++) {
		fake_key_id(first + i, text);
		json_array_append_new(keys, json_pack("{s:s}", "key_ID", text));
	}
	uuid_format(id, text);
	msg = json_pack("{s:s, s:s, s:i, s:i, s:o, s:i, s:i}", "block", text, "kind", kind,
			"size", size, "provenance", 7, "keys", keys, "from", SH1, "to", SSA);
	return fake_say("/ax/v1/blocks", msg);
}

static int confirm(uint8_t name)
{
	uint8_t id[UUID_BYTES];
	char text[UUID_TEXT];

	memset(id, name, sizeof(id));
	uuid_format(id, text);
	return fake_say("/ax/v1/confirm", json_pack("{s:s, s:s, s:i, s:s}", "block", text,
		"tag_block", text, "slot", 0, "tag", "22222222222222222222222222222222"));
}

static const char *message(void)
{
	return json_string_value(json_object_get(fake_got.body, "message")) ?: "";
}

static struct fake_block *block_named(uint8_t name)
{
	uint8_t id[UUID_BYTES];

	memset(id, name, sizeof(id));
	return fake_find(id);
}

static int alarms(const char *name)
{
	json_t *list = alarm_json(), *a;
	int n = 0;
	size_t i;

	json_array_foreach(list, i, a)
		if (!strcmp(json_string_value(json_object_get(a, "alarm")), name))
			n = json_integer_value(json_object_get(a, "count"));
	json_decref(list);
	return n;
}

/* 512 keys from a KME that gives 128 at a time. */
static void test_slices(void)
{
	struct fake_block *b;
	uint8_t key[32];
	int i, wrong = 0;

	is_int(offer(1, "tag", 16384, 1000, 512), 200, "a block of 512 keys");
	is_int(fake_kme.dec, 4, "in four requests to a KME that gives 128");
	is_int(fake_kme.fetched, 512, "each key once");
	b = block_named(1);
	ok(b && b->kb.state == QKD_BLOCK_STATE_LOADED && b->size == 16384, "is loaded");
	for (i = 0; b && i < 512; i++) {
		fake_key(1000 + i, key, 32);
		wrong += !!memcmp(b->pad + i * 32, key, 32);
	}
	is_int(wrong, 0, "with its keys in their order");
	is_int(confirm(1), 200, "and confirmed");
	ok(b && b->kb.state == QKD_BLOCK_STATE_USABLE, "it is usable");
	is_int(offer(2, "payload", 131072, 2000, 4096), 200, "as many keys as there may be");
	is_int(offer(3, "payload", 131072, 7000, 4097), 400, "one more");
}

static void test_provenance(void)
{
	struct fake_block *b;

	is_int(offer(4, "tag", 16384, 20000, 512), 200, "a block whose sender states all");
	b = block_named(4);
	is_int(b ? (int)b->provenance : -1, 5, "is no better than what we state");
	is_int(json_integer_value(json_object_get(fake_got.body, "provenance")), 5,
	       "which the sender is told");
	confirm(4);
}

static void test_refused(void)
{
	int64_t fetched = fake_kme.fetched;
	int dec = fake_kme.dec;

	is_int(offer(10, "tag", 2048, 30000, 64), 400,
	       "a tag block of one unit, which its confirmation needs");
	is_int(offer(10, "tag", 14336, 30000, 448), 400, "of seven");
	is_int(offer(10, "tag", 16385, 30000, 513), 400, "of a part of a unit");
	is_int(offer(1, "tag", 16384, 31000, 512), 409, "a block that was here before");
	is_int(alarms("key-reuse"), 1, "is an alarm");
	is_int(offer(11, "tag", 16384, 1511, 512), 409, "a key that was here before");
	is_int(alarms("key-reuse"), 2, "too: %s", message());
	is_int(fake_say_block("/ax/v1/void", 12), 200, "void what never came");
	is_int(offer(12, "tag", 16384, 32000, 512), 409, "and it comes no more");
	ok(fake_kme.fetched == fetched && fake_kme.dec == dec, "no key is asked for");
	ok(!block_named(10) && !block_named(11) && !block_named(12), "no block is loaded");
}

/* Payload is of no use before there are tags to confirm it with. */
static void test_order(void)
{
	struct fake_block *tags = fake_newest(QKD_DIR_TX, QKD_KIND_TAG,
					      QKD_BLOCK_STATE_USABLE);
	int64_t fetched = fake_kme.fetched;

	tags->there = 0;
	is_int(offer(30, "payload", 4096, 50000, 128), 503,
	       "payload while we have no tags to send with");
	ok(strstr(message(), "tag block"), "which is said: %s", message());
	ok(fake_kme.fetched == fetched && !block_named(30), "no key is touched");
	tags->there = 1;
	is_int(offer(30, "payload", 4096, 50000, 128), 200, "with them the same is taken");
}

/* A KME that is down: the peer learns it before it takes keys from its own. */
static void test_down(void)
{
	fake_kme_down();
	fake_newest(QKD_DIR_TX, QKD_KIND_TAG, QKD_BLOCK_STATE_USABLE)->there = 0;
	is_int(fake_say("/ax/v1/level", NULL), 200, "level, while nothing is known");
	stock_kick(&keyd.peer[0]);
	ok(until(kme_wait(keyd.kme)), "our KME is out of order");
	ok(until(fake_say("/ax/v1/level", NULL) == 503), "level says so");
	is_int(offer(20, "tag", 16384, 40000, 512), 503, "and no block is taken");
	fake_kme_up();
	ok(until(!kme_wait(keyd.kme)), "some time later");
	is_int(offer(20, "tag", 16384, 40000, 512), 200, "the same block is");
}

int main(void)
{
	fake_kme.bits = 256;
	fake_begin();
	fake_add(0xa1, QKD_DIR_TX, QKD_KIND_TAG, 65536, QKD_BLOCK_STATE_USABLE);
	fake_add(0xa2, QKD_DIR_TX, QKD_KIND_PAYLOAD, 8192, QKD_BLOCK_STATE_USABLE);
	fake_start(NO_POOLS ",\"provenance\":{\"path_otp\":true,\"id_independent\":true}");
	test_slices();
	test_provenance();
	test_refused();
	test_order();
	test_down();
	fake_stop();
	fake_end();
	return tap_done();
}
