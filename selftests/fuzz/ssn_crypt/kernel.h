/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the receiving side of AF_SSN uses of the kernel, for a program that feeds
 * it: this stands in for each of the headers that those files include. Locks
 * know whether they are held, so that one left locked is seen; memory is
 * malloc's, so that the sanitizers watch it.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <openssl/evp.h>

#ifndef __packed
#define __packed		__attribute__((packed))
#endif
#undef static_assert
#define static_assert(expr)	_Static_assert(expr, #expr)
#define fallthrough		__attribute__((fallthrough))
#define U32_MAX			UINT32_MAX
#define HZ			250
#define PAGE_SIZE		4096U
#define PAGE_ALIGN(n)		(((n) + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE)
#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, v)	((x) = (v))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define min(a, b)		((a) < (b) ? (a) : (b))

#define cpu_to_be16		htobe16
#define cpu_to_be32		htobe32
#define cpu_to_be64		htobe64
#define be16_to_cpu		be16toh
#define be32_to_cpu		be32toh
#define be64_to_cpu		be64toh

#define IS_ERR(p)		((uintptr_t)(p) >= (uintptr_t)-4095)
#define PTR_ERR(p)		((long)(p))
#define ERR_PTR(err)		((void *)(long)(err))
#define ERR_CAST(p)		((void *)(p))

/* --- types of fields that nothing here touches */

struct net;
struct netlink_ext_ack;
struct kvec;
struct workqueue_struct;
typedef int gfp_t;
struct rcu_head { int unused; };
struct work_struct { int unused; };
struct delayed_work { int unused; };
struct xarray { int unused; };
typedef struct { int unused; } wait_queue_head_t, seqlock_t, kgid_t;
typedef struct { int n; } refcount_t, atomic_t;
typedef struct { u64 n; } atomic64_t;

static inline void atomic64_add(u64 n, atomic64_t *v)
{
	v->n += n;
}

static inline u64 atomic64_read(const atomic64_t *v)
{
	return v->n;
}

/* --- locks */

typedef struct { int held; } spinlock_t;
struct mutex { int held; };

static inline void fuzz_lock(int *held)
{
	assert(!*held);
	*held = 1;
}

static inline void fuzz_unlock(int *held)
{
	assert(*held);
	*held = 0;
}

#define spin_lock_bh(l)		fuzz_lock(&(l)->held)
#define spin_unlock_bh(l)	fuzz_unlock(&(l)->held)
#define mutex_lock(l)		fuzz_lock(&(l)->held)
#define mutex_unlock(l)		fuzz_unlock(&(l)->held)

/* --- memory */

#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return calloc(1, size);
}

static inline void kfree(const void *p)
{
	free((void *)p);
}

static inline void memzero_explicit(void *p, size_t len)
{
	explicit_bzero(p, len);
}

static inline void *memchr_inv(const void *p, int c, size_t len)
{
	const u8 *b = p;

	for (; len; len--, b++)
		if (*b != (u8)c)
			return (void *)b;
	return NULL;
}

/* --- lists */

struct list_head { struct list_head *next, *prev; };

#define LIST_HEAD(name)		struct list_head name = { &name, &name }

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h->prev = h;
}

static inline int list_empty(const struct list_head *h)
{
	return h->next == h;
}

static inline void list_add(struct list_head *e, struct list_head *h)
{
	e->next = h->next;
	e->prev = h;
	h->next->prev = e;
	h->next = e;
}

static inline void list_add_tail(struct list_head *e, struct list_head *h)
{
	list_add(e, h->prev);
}

static inline void list_del(struct list_head *e)
{
	e->next->prev = e->prev;
	e->prev->next = e->next;
	e->next = e->prev = NULL;
}

static inline void list_del_init(struct list_head *e)
{
	list_del(e);
	INIT_LIST_HEAD(e);
}

static inline void list_splice_init(struct list_head *from, struct list_head *to)
{
	while (!list_empty(from)) {
		struct list_head *last = from->prev;

		list_del(last);
		list_add(last, to);
	}
}

#define list_entry(p, type, member)	container_of(p, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_first_entry_or_null(h, type, member) \
	(list_empty(h) ? NULL : list_first_entry(h, type, member))
#define list_for_each_entry(e, h, member)				\
	for (e = list_entry((h)->next, typeof(*e), member);		\
	     &e->member != (h);						\
	     e = list_entry(e->member.next, typeof(*e), member))
#define list_for_each_entry_safe(e, n, h, member)			\
	for (e = list_entry((h)->next, typeof(*e), member),		\
	     n = list_entry(e->member.next, typeof(*e), member);	\
	     &e->member != (h);						\
	     e = n, n = list_entry(n->member.next, typeof(*e), member))

/* --- UUIDs, random numbers that are the same each time, Poly1305 */

typedef struct { u8 b[16]; } uuid_t;

static inline void import_uuid(uuid_t *to, const u8 *from)
{
	memcpy(to, from, sizeof(*to));
}

static inline void export_uuid(u8 *to, const uuid_t *from)
{
	memcpy(to, from, sizeof(*from));
}

static inline void get_random_bytes(void *to, size_t len)
{
	memset(to, 0x5a, len);
}

/* So that the fuzzer, which watches comparisons, does not learn tags. */
__attribute__((no_sanitize("coverage")))
static inline unsigned long crypto_memneq(const void *a, const void *b, size_t len)
{
	const u8 *x = a, *y = b;
	unsigned long neq = 0;

	while (len--)
		neq |= *x++ ^ *y++;
	return neq;
}

struct poly1305_desc_ctx { EVP_MAC_CTX *mac; };

static inline void poly1305_init(struct poly1305_desc_ctx *c, const u8 *key)
{
	static EVP_MAC *poly;

	if (!poly)
		poly = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	c->mac = EVP_MAC_CTX_new(poly);
	assert(c->mac && EVP_MAC_init(c->mac, key, 32, NULL) == 1);
}

static inline void poly1305_update(struct poly1305_desc_ctx *c, const u8 *data,
				   size_t len)
{
	EVP_MAC_update(c->mac, data, len);
}

static inline void poly1305_final(struct poly1305_desc_ctx *c, u8 *tag)
{
	size_t len;

	EVP_MAC_final(c->mac, tag, &len, 16);
	EVP_MAC_CTX_free(c->mac);
	c->mac = NULL;
}

#endif
