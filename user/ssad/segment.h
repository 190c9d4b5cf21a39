/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A segment as it is shared: m || r || t, the data, 16 random bytes and the
 * algebraic manipulation detection code over what object and segment this is,
 * the object's total size, r and m (PROTOCOL 4; Cramer, Dodis, Fehr, Padro,
 * Wichs 2008). Cut into messages of SEGMENT_MESSAGE bytes.
 */
#ifndef SSAD_SEGMENT_H
#define SSAD_SEGMENT_H

#include <linux/ssn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_CODE	32U			/* bytes of r || t */
#define SEGMENT_MESSAGE	(SSN_MSG_MAX - 65536U)
#define SEGMENT_MIN	65536U
#define SEGMENT_MAX	(64U << 20)
#define SEGMENT_DEFAULT	(16U << 20)
#define SEGMENTS_MAX	(1U << 20)	/* of an object; shareholders take no more */

/* What the code binds a segment to. */
struct segment_id {
	uint8_t object[16];
	uint32_t version;
	uint32_t segment;
	uint64_t size;		/* of the whole object */
};

/* Append r and t to @len bytes of @m, which has room for them. 0 or -errno. */
int segment_seal(const struct segment_id *id, uint8_t *m, size_t len);
/* @len: bytes of m || r || t. 0, or -EBADMSG. */
int segment_check(const struct segment_id *id, const uint8_t *m, size_t len);

unsigned int segment_messages(size_t len);	/* of a segment of @len bytes */
size_t segment_message(size_t len, unsigned int i);	/* bytes of message i */
/* Does an object of @size have more segments than SEGMENTS_MAX? */
bool segment_many(uint64_t size, uint32_t segment_bytes);
/* Data segments of an object: segment 0, the metadata, is not counted. */
uint32_t segment_count(uint64_t size, uint32_t segment_bytes);
/* Bytes of m of data segment @i, 1... */
size_t segment_bytes(uint64_t size, uint32_t segment_bytes, uint32_t i);

#endif
