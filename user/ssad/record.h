/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of a stored object: a JSON object. Segment 0 holds it as shared
 * data, so that the catalogue can be made again from k shareholders:
 *
 *	name, owner, size, stored_at, segment_bytes, group, generation, k, n, epoch,
 *	coefficients, job, policy, policy_sig, owner_cert
 *
 * The catalogue adds object, version, and members [{node, x, state}] with state
 * "confirmed" or "missing".
 */
#ifndef SSAD_RECORD_H
#define SSAD_RECORD_H

#include <jansson.h>
#include "dealer.h"
#include "segment.h"
#include "ssad.h"

#define RECORD_MAX	(256U << 10)	/* bytes of segment 0 */

/* Bytes that @len bytes of segment 0 take. */
static inline size_t record_padded(size_t len)
{
	return (len + 4095) & ~(size_t)4095;
}

/* The numbers and texts of a record; texts belong to the record. */
struct record {
	struct segment_id id;		/* segment 0 */
	const char *object, *name, *job, *policy, *policy_sig, *owner_cert;
	const char *coefficients;
	uint32_t owner, group, generation, k, n, segment_bytes;
	uint64_t epoch, stored_at;
};

/* -EINVAL names what is missing. @object and @version are needed too. */
int record_read(const json_t *json, struct record *r, struct err *err);
/* The members array: those of @d that are in are "confirmed". */
json_t *record_members(const struct dealer *d);
unsigned int record_confirmed(const json_t *json);
/* What the put that stored it was answered. */
json_t *record_answer(const json_t *json);
/* A row of ls. */
json_t *record_row(const json_t *json);

/* 1 to 1024 bytes of UTF-8 without NUL; @err says what is wrong. */
int name_check(const json_t *name, struct err *err);

#endif
