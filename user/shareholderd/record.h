/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is written down about a share: of a whole job when it begins (object.json
 * of a pending job), and of one segment in front of every share, so that each
 * share file stands alone (Documentation/protocol/share-file.rst).
 */
#ifndef SHAREHOLDERD_RECORD_H
#define SHAREHOLDERD_RECORD_H

#include <jansson.h>
#include <linux/ssn.h>
#include <stdint.h>

#include "config.h"

#define RECORD_SEGMENTS_MAX	(1U << 20)
#define RECORD_TEXT_MAX		(64U << 10)	/* policy; each certificate */
#define RECORD_NONCE		16

enum record_kind {
	RECORD_JOB,	/* has the nonce; no segment, deal or provenance */
	RECORD_SHARE,	/* the other way round */
};

struct record_member { uint32_t node; uint8_t x; };

/**
 * struct record - everything known about a share but its bytes
 * @id:		as it came with the share and will go back; @id.x is the holder's own
 * @suite:	enum ssn_suite that the share came under
 * @size:	bytes of the whole object
 * @segments:	segments of the object, segment 0 counted
 * @members:	of the group as it was then
 * @policy:	as it was signed; owned
 * @sigs:	{"owner":{"cert","sig"},"ssa":{"cert","sig"}}; owned
 */
struct record {
	struct ssn_share id;
	uint8_t job[16];
	uint8_t nonce[RECORD_NONCE];
	uint8_t suite;
	uint64_t size;
	uint32_t segments;
	unsigned int members;
	struct record_member member[SSN_MEMBERS_MAX];
	char *policy;
	json_t *sigs;
};

/* The caller's to json_decref(); NULL when memory is short. */
json_t *record_encode(const struct record *rec, enum record_kind kind);

/*
 * Every field is checked, also against the others: -EINVAL with @err naming what
 * was wrong in @where. On error there is nothing to free.
 */
int record_decode(const json_t *obj, const char *where, enum record_kind kind,
		  struct record *rec, struct err *err);
void record_free(struct record *rec);

/* Do both speak of the same job, down to every parameter of its `begin`? */
int record_same_job(const struct record *a, const struct record *b);

/* Getters for the UUIDs and decimal strings of SSN-As; -EINVAL or -ENOENT. */
int record_uuid(const json_t *obj, const char *where, const char *key,
		uint8_t uuid[16], struct err *err);
int record_deal(const json_t *obj, const char *where, uint64_t *deal,
		struct err *err);
#define RECORD_DEAL_TEXT	24
void record_deal_text(uint64_t deal, char text[RECORD_DEAL_TEXT]);

#endif
