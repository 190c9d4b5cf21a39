/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One put, for the files that carry it out:
 *
 *	put.c		the job, from the request to COMMIT
 *	put_pad.c	its pad
 *	put_deal.c	its segments, dealt
 */
#ifndef SSAD_PUT_H
#define SSAD_PUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dealer.h"
#include "policy.h"
#include "record.h"
#include "reserve.h"
#include "segment.h"
#include "session.h"

struct put {
	struct session *s;
	struct ssad *ssad;
	/* the request; texts are its own */
	const char *job, *object, *name, *policy_text, *policy_sig, *owner_cert;
	const char *replace_sig;
	uint64_t size;
	unsigned int min_confirmed;	/* w; n unless the owner allowed less */
	bool wait, replace, degraded_ok;
	struct policy policy;
	const struct network_group *group;
	char *ssa_sig;
	bool going;			/* "go" was said */
	bool owner_gone;
	bool begun;			/* the job is in the catalogue, running */

	char nonce[33];			/* of this run; bound into confirmations */
	uint32_t segments;		/* with segment 0 */
	struct dealer *d;
	struct reservation *reserved;
	uint8_t *seg;			/* room for a segment and its code */
	size_t spare;			/* bytes of s->buf not used yet ... */
	size_t spare_at;		/* ... from here */
	uint64_t stored;		/* bytes of the object in durable segments */
	uint64_t told;			/* monotonic ms: the owner, what is waited for */
};

int put_lost_owner(struct put *p, int ret, struct err *err);
int put_reserve(struct put *p, bool *skip, struct err *err);
uint64_t put_begin_bytes(const struct put *p);
/*
 * --wait: until there is pad for a message of @len bytes and for what goes with it,
 * which is @held then. 0; -ECONNABORTED: a member went out; another -errno.
 */
int put_pace(struct put *p, size_t len, struct reservation **held,
		    struct err *err);
/* The dealer's, of a put that waits: @arg is that. */
int put_patience(struct dealer *d, int why, void *arg);
int put_confirmed(struct dealer *d, struct dealer_member *m,
			 const json_t *msg, void *arg);
int put_prepared(struct dealer *d, struct dealer_member *m,
			const json_t *msg, void *arg);
int put_enough(struct put *p, int ret, struct err *err);
json_t *put_msg(const struct put *p, const char *op);
int put_segment(struct put *p, uint32_t segment, size_t len, struct err *err);

#endif
