// SPDX-License-Identifier: GPL-2.0
/* Keys that wait until their slave SAE asks for them by ID. */
#include "qkdsim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS		65536

static struct stored_key *table[BUCKETS];
static int64_t held;		/* bytes */

/* Key IDs are random: two of their bytes are as good as a hash. */
static struct stored_key **bucket(const uint8_t id[UUID_BYTES])
{
	return &table[id[0] | id[15] << 8];
}

/**
 * store_put - keep a key for a slave SAE
 * @id:		key ID
 * @master:	node of the SAE for which it was issued
 * @slave:	node of the SAE that may fetch it, once
 * @bytes:	key, copied
 * @len:	bytes
 *
 * Return: 0; -EEXIST if the slave has one of that ID already; -ENOSPC over the
 * configured limit; -ENOMEM.
 */
int store_put(const uint8_t id[UUID_BYTES], uint32_t master, uint32_t slave,
	      const uint8_t *bytes, size_t len)
{
	struct stored_key *key, **head = bucket(id);

	for (key = *head; key; key = key->next)
		if (key->slave == slave && !memcmp(key->id, id, UUID_BYTES))
			return -EEXIST;
	if (held + (int64_t)len > sim.hold_bytes)
		return -ENOSPC;
	key = malloc(sizeof(*key) + len);
	if (!key)
		return -ENOMEM;
	memcpy(key->id, id, UUID_BYTES);
	key->master = master;
	key->slave = slave;
	key->stored_ms = monotonic_ms();
	key->len = len;
	memcpy(key->bytes, bytes, len);
	key->next = *head;
	*head = key;
	held += len;
	return 0;
}

struct stored_key *store_find(const uint8_t id[UUID_BYTES], uint32_t master,
			      uint32_t slave, int *named)
{
	struct stored_key *key, *found = NULL;

	*named = 0;
	for (key = *bucket(id); key; key = key->next) {
		if (key->master != master || memcmp(key->id, id, UUID_BYTES))
			continue;
		*named = 1;
		if (key->slave == slave)
			found = key;
	}
	return found;
}

static void key_free(struct stored_key **where)
{
	struct stored_key *key = *where;

	*where = key->next;
	held -= key->len;
	explicit_bzero(key->bytes, key->len);
	free(key);
}

void store_remove(struct stored_key *key)
{
	struct stored_key **p = bucket(key->id);

	while (*p != key)
		p = &(*p)->next;
	key_free(p);
}

/* Wipe what was stored before @older_than_ms (monotonic). */
void store_sweep(uint64_t older_than_ms)
{
	struct stored_key **p;
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		for (p = &table[i]; *p; ) {
			if ((*p)->stored_ms < older_than_ms) {
				key_free(p);
				sim.expired++;
			} else {
				p = &(*p)->next;
			}
		}
	}
}

void store_clear(void)
{
	store_sweep(UINT64_MAX);
}
