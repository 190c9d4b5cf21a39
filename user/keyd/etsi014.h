/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ETSI GS QKD 014 V1.1.1: paths, verbs and bodies, as bytes in and out. The other
 * edition's would be another file like this one.
 */
#ifndef KEYD_ETSI014_H
#define KEYD_ETSI014_H

#include <jansson.h>
#include <stddef.h>
#include "block.h"
#include "config.h"

#define ETSI_KEYS_MAX	4096	/* in one block: 128 KiB of 256-bit keys */

/* What an answer means for who asked. */
enum etsi_verdict {
	ETSI_OK,
	ETSI_EMPTY,	/* no key now: back off */
	ETSI_AUTH,	/* configuration: a person must look */
	ETSI_DOWN,	/* no answer */
	ETSI_ODD,	/* an answer that the standard does not know */
	ETSI_LEAK,	/* a key ID tells its key */
	ETSI_SHARED,	/* a third SAE has the keys too */
	ETSI_GONE,	/* dec_keys: these keys will not come any more */
};
const char *etsi_verdict_text(enum etsi_verdict v);

/* A key ID is a UUID, kept as its KME spells it: it may know no other spelling. */
struct etsi_ids {
	size_t n;
	size_t last;		/* bytes of the last key that came with an ID */
	char (*id)[UUID_TEXT];
};
int etsi_ids_add(struct etsi_ids *ids, const char *id);	/* -EINVAL, -ENOSPC, -ENOMEM */
int etsi_id_parse(const char *id, uint8_t uuid[UUID_BYTES]);	/* in any case; -EINVAL */
void etsi_ids_free(struct etsi_ids *ids);

/* malloc'd "/api/v1/keys/{SAE}/enc_keys"; the SAE ID is URL-encoded. */
char *etsi_enc_path(const char *slave_sae);
char *etsi_dec_path(const char *master_sae);
json_t *etsi_enc_body(unsigned int number, size_t bits);
json_t *etsi_dec_body(const struct etsi_ids *ids);

/* @status of an enc_keys or dec_keys answer; 0: none came. */
enum etsi_verdict etsi_enc_status(int status);
enum etsi_verdict etsi_dec_status(int status);
/* "message" of an error body if that is JSON, printable and cut off; or "". */
void etsi_message(const void *body, size_t len, char *text, size_t size);

/*
 * Read a key container. Keys are appended to @block's pad in the order of @ids when
 * @want, or in that of the answer, and then their IDs are added to @ids. @bits: the
 * size asked for, 0 when it is not known; other sizes are taken as they are, and
 * @odd says that there were some.
 */
enum etsi_verdict etsi_keys(const void *body, size_t len, struct etsi_ids *ids, int want,
			    size_t bits, struct block *block, int *odd, struct err *err);

/* Is @id made from the key in any way that was seen? Which one, or NULL. */
const char *etsi_id_leak(const char *id, const void *key, size_t len);

#endif
