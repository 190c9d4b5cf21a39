// SPDX-License-Identifier: GPL-2.0
#include "reserve.h"

#include <errno.h>
#include <linux/ssn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "nl.h"

/*
 * The record format (Documentation/protocol, kernel/ssn_crypt/wire.h): a head of
 * 40 bytes and one tag slot for every record, 64 bytes of share head for every
 * message; nothing but payload takes payload pad.
 */
#define RECORD_HEAD	40
#define SHARE_HEAD	64
#define TAG_SLOT	32
/*
 * A connection ends with the rest of its last leases void at both ends, and its
 * HELLO, leases and CLOSE are records too.
 */
#define LEASE_REST	(256 << 10)
#define LEASE_SLOTS	(256 * TAG_SLOT)

struct reservation {
	struct reserve *res;
	struct reservation *next;
	size_t count;
	struct reserve_need left[];	/* not spent yet; res->lock */
};

struct reserve {
	pthread_mutex_t lock;
	reserve_level *level;
	void *arg;
	struct reservation *running;
};

static uint64_t records(uint64_t len)
{
	return len ? (len + SSN_RECORD_MAX - 1) / SSN_RECORD_MAX : 1;
}

void reserve_message(struct reserve_need *need, uint64_t len)
{
	need->payload += len;
	need->tag += TAG_SLOT * records(len);
}

void reserve_transfer(struct reserve_need *need, uint64_t bytes, uint32_t chunk)
{
	uint64_t whole = bytes / chunk;

	need->payload += bytes;
	need->tag += TAG_SLOT * whole * records(chunk);
	if (bytes % chunk)
		need->tag += TAG_SLOT * records(bytes % chunk);
}

void reserve_connection(struct reserve_need *need)
{
	need->payload += LEASE_REST;
	need->tag += LEASE_SLOTS;
}

uint64_t reserve_wire(uint64_t len)
{
	return len + SHARE_HEAD + RECORD_HEAD * records(len);
}

int reserve_pools(uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		  uint64_t *bytes, void *arg)
{
	struct nl_pool pool;
	int ret;

	ret = nl_pool_get(arg, peer, dir, kind, &pool, NULL);
	*bytes = ret ? 0 : pool.usable + pool.pending;
	return ret == -ENOENT ? 0 : ret;	/* no pool yet: nothing in it */
}

int reserve_open(struct reserve **res, reserve_level *level, void *arg)
{
	struct reserve *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	r->level = level;
	r->arg = arg;
	*res = r;
	return 0;
}

void reserve_close(struct reserve *res)
{
	if (!res)
		return;
	pthread_mutex_destroy(&res->lock);
	free(res);
}

/* What running jobs have still to take of a pool. */
static uint64_t reserved(const struct reserve *res, uint32_t peer, enum qkd_dir dir,
			 enum qkd_kind kind)
{
	const struct reservation *r;
	uint64_t sum = 0;
	size_t i;

	for (r = res->running; r; r = r->next)
		for (i = 0; i < r->count; i++)
			if (r->left[i].peer == peer && r->left[i].dir == dir)
				sum += kind == QKD_KIND_TAG ? r->left[i].tag :
							      r->left[i].payload;
	return sum;
}

static int reserve_fits(struct reserve *res, const struct reserve_need *need,
			enum qkd_kind kind, const char *name, struct err *err)
{
	uint64_t want = kind == QKD_KIND_TAG ? need->tag : need->payload;
	uint64_t have, taken;
	int ret;

	if (!want)
		return 0;
	ret = res->level(need->peer, need->dir, kind, &have, res->arg);
	if (ret)
		return err_set(err, ret, "pool of %s pad %s node %u: %s",
			       kind == QKD_KIND_TAG ? "tag" : "payload",
			       need->dir == QKD_DIR_TX ? "to" : "from",
			       need->peer, strerror(-ret));
	taken = reserved(res, need->peer, need->dir, kind);
	if (have >= taken && have - taken >= want)
		return 0;
	return err_set(err, -ENOKEY,
		       "%s pad %s %s (node %u): needed %llu bytes, available %llu (in the pool %llu, reserved by running jobs %llu)",
		       kind == QKD_KIND_TAG ? "tag" : "payload",
		       need->dir == QKD_DIR_TX ? "to" : "from", name, need->peer,
		       (unsigned long long)want,
		       (unsigned long long)(have > taken ? have - taken : 0),
		       (unsigned long long)have, (unsigned long long)taken);
}

int reserve_take(struct reserve *res, const struct reserve_need *need, size_t count,
		 const char *(*name)(uint32_t node, void *arg), void *arg,
		 struct reservation **out, size_t *who, struct err *err)
{
	struct reservation *r;
	int ret = 0;
	size_t i;

	*out = NULL;
	r = calloc(1, sizeof(*r) + count * sizeof(r->left[0]));
	if (!r)
		return err_set(err, -ENOMEM, "no memory");
	r->res = res;
	r->count = count;
	memcpy(r->left, need, count * sizeof(r->left[0]));

	pthread_mutex_lock(&res->lock);
	for (i = 0; i < count && !ret; i++) {
		const char *peer = name ? name(need[i].peer, arg) : "peer";

		ret = reserve_fits(res, &need[i], QKD_KIND_PAYLOAD, peer, err) ?:
		      reserve_fits(res, &need[i], QKD_KIND_TAG, peer, err);
		if (ret && who)
			*who = i;
	}
	if (!ret) {
		r->next = res->running;
		res->running = r;
	}
	pthread_mutex_unlock(&res->lock);
	if (ret)
		free(r);
	else
		*out = r;
	return ret;
}

void reserve_spent(struct reservation *r, uint32_t peer, enum qkd_dir dir,
		   uint64_t len)
{
	struct reserve_need used = { 0 };
	size_t i;

	if (!r)
		return;
	reserve_message(&used, len);
	pthread_mutex_lock(&r->res->lock);
	for (i = 0; i < r->count; i++) {
		struct reserve_need *left = &r->left[i];

		if (left->peer != peer || left->dir != dir)
			continue;
		left->payload -= used.payload < left->payload ? used.payload :
								left->payload;
		left->tag -= used.tag < left->tag ? used.tag : left->tag;
	}
	pthread_mutex_unlock(&r->res->lock);
}

void reserve_drop(struct reservation *r)
{
	struct reservation **p;

	if (!r)
		return;
	pthread_mutex_lock(&r->res->lock);
	for (p = &r->res->running; *p != r; p = &(*p)->next)
		;
	*p = r->next;
	pthread_mutex_unlock(&r->res->lock);
	free(r);
}
