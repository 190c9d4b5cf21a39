// SPDX-License-Identifier: GPL-2.0
/* The budget of pad: what fits, what is refused, and with which figures. */
#include <errno.h>
#include <string.h>

#include "reserve.h"
#include "tap.h"

/* Levels of the pools of two peers, as the kernel would say */
struct levels {
	uint64_t payload[3], tag[3];
	int error;
};

static int level(uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		 uint64_t *bytes, void *arg)
{
	const struct levels *l = arg;

	*bytes = kind == QKD_KIND_TAG ? l->tag[peer] : l->payload[peer];
	return l->error;
}

static const char *name(uint32_t node, void *arg)
{
	return node == 1 ? "sh1" : "sh2";
}

static struct levels levels = { .payload = { 0, 1000, 2000 },
				.tag = { 0, 320, 320 } };
static struct reserve *res;
static struct err err;

static int take(uint64_t payload, uint64_t tag, struct reservation **r, size_t *who)
{
	const struct reserve_need need[] = {
		{ .peer = 1, .dir = QKD_DIR_TX, .payload = payload, .tag = tag },
		{ .peer = 2, .dir = QKD_DIR_TX, .payload = payload, .tag = tag },
	};

	return reserve_take(res, need, 2, name, NULL, r, who, &err);
}

static void test_arithmetic(void)
{
	struct reserve_need need = { 0 };

	reserve_message(&need, 0);
	is_int(need.tag, 32, "an empty message takes one slot");
	reserve_message(&need, 1);
	reserve_message(&need, 65536);
	reserve_message(&need, 65537);
	is_int(need.payload, 131074, "payload pad is the payload");
	is_int(need.tag, 32 * 5, "a slot for each record of 64 KiB");
	memset(&need, 0, sizeof(need));
	reserve_transfer(&need, 983040 * 2 + 1, 983040);
	is_int(need.payload, 983040 * 2 + 1, "a transfer's payload");
	is_int(need.tag, 32 * (15 + 15 + 1), "a transfer's slots");
	memset(&need, 0, sizeof(need));
	reserve_transfer(&need, 10ULL << 30, 983040);
	ok((need.payload + need.tag) / 1001 <= (10ULL << 30) / 1000,
	   "pad per payload byte is at most 1.001");
	is_int(reserve_wire(65536), 65536 + 64 + 40, "bytes on the wire, one record");
	is_int(reserve_wire(65537), 65537 + 64 + 80, "two records");
}

int main(void)
{
	struct reservation *a, *b, *c;
	size_t who = 99;

	test_arithmetic();
	if (reserve_open(&res, level, &levels))
		bail("reserve_open");
	is_int(take(600, 32, &a, &who), 0, "what fits is reserved");
	is_int(take(500, 32, &b, &who), -ENOKEY,
	       "what the rest cannot give is refused");
	is_int(who, 0, "the peer that is short is told");
	ok(strstr(err.text, "sh1 (node 1)") && strstr(err.text, "needed 500") &&
	   strstr(err.text, "available 400") && strstr(err.text, "in the pool 1000") &&
	   strstr(err.text, "reserved by running jobs 600"), "with the figures");
	is_int(take(400, 32, &b, &who), 0, "exactly the rest is given");
	is_int(take(1, 32, &c, &who), -ENOKEY, "then nothing is left");
	/* spending moves it out of the pool and out of the reservation alike */
	levels.payload[1] -= 600;
	reserve_spent(a, 1, QKD_DIR_TX, 600);
	is_int(take(1, 32, &c, &who), -ENOKEY, "spending what is reserved frees nothing");
	reserve_drop(b);
	is_int(take(400, 32, &b, &who), 0, "a job that ends gives back");
	reserve_drop(b);
	reserve_drop(a);
	is_int(take(401, 32, &b, &who), -ENOKEY, "what was spent is spent");
	is_int(take(400, 321, &b, &who), -ENOKEY, "tag slots are budgeted too");
	ok(strstr(err.text, "tag pad"), "and named");
	levels.payload[1] = 5000;
	is_int(take(2001, 32, &b, &who), -ENOKEY, "the second peer is short");
	is_int(who, 1, "and it is the one told");
	is_int(take(2000, 32, &b, &who), 0, "nothing was left reserved by the refusal");
	reserve_drop(b);
	levels.error = -EPERM;
	is_int(take(1, 32, &b, &who), -EPERM, "an error of the pools is an error");
	reserve_close(res);
	return tap_done();
}
