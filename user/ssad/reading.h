/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading one segment, for the files that do it:
 *
 *	gather.c	k members, combined by the kernel
 *	gather_raw.c	all members' shares as they are
 *	reading.c	what both say and hear
 */
#ifndef SSAD_READING_H
#define SSAD_READING_H

#include "gather.h"

/* What one member, or the kernel's combination, has given of a segment. */
struct part {
	bool asked;
	bool go;		/* deal, length and messages are known */
	bool bad;
	unsigned int stray;	/* answers that nobody asked for */
	uint64_t since;		/* monotonic ms: asked, or said "go" */
	uint64_t deal;
	uint64_t length;
	uint32_t messages;
	uint8_t *data;
	uint64_t have;		/* bytes of data that came */
	uint32_t next;		/* message expected */
	uint64_t came;		/* deal that the data said */
};

struct reading {
	struct gather *g;
	const struct segment_id *id;
	uint64_t epoch;
	size_t size;		/* room for m || r || t */
	uint64_t req;
	struct part part[SSN_MEMBERS_MAX];	/* by member */
	/* by member: what it failed with, over all tries at this segment */
	char why[SSN_MEMBERS_MAX][160];
};

/* Ask these for their shares. */
void reading_ask(struct reading *r, const uint8_t *x, unsigned int count);
/* When @p must be whole, if no more comes of it than came. */
uint64_t part_deadline(const struct reading *r, const struct part *p);
bool part_whole(const struct part *p);
/*
 * dealer_recv(), with an end that no message puts off: -ETIMEDOUT at @deadline,
 * -ECANCELED when nobody waits for what is read any more.
 */
ssize_t reading_recv(struct reading *r, struct ssn_share *share, void *buf,
		     uint64_t deadline);
int reading_error(struct reading *r, int ret, struct err *err);
/* What @m has sent, @len bytes, is not reserved any more. */
void reading_spent(struct reading *r, const struct dealer_member *m, size_t len);
/* A control message. An answer "error" puts the member out. */
void reading_answer(struct reading *r, struct dealer_member *m, const void *buf,
		    size_t len);
/* A data message; they come in order. */
void reading_data(struct reading *r, struct part *p, const struct ssn_share *share,
		  const uint8_t *buf, size_t len);

/* For gather_raw.c: a new socket; which members to ask; that there are too few. */
int gather_connect(struct gather *g, bool raw, struct err *err);
unsigned int gather_choose(struct reading *r, bool picky, unsigned int max,
			   uint8_t *x);
int gather_too_few(struct reading *r, unsigned int count, struct err *err);
/* Every member's share as it is. */
int gather_raw(struct reading *r, uint8_t *buf, size_t *len, struct err *err);

#endif
