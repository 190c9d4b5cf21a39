// SPDX-License-Identifier: GPL-2.0
#include "segment.h"

#include <errno.h>
#include <string.h>

#include "amd.h"
#include "util.h"

static void segment_code(struct amd_ctx *ctx, const struct segment_id *id,
			 const uint8_t *m, size_t len)
{
	struct amd_header head = {
		.version = id->version,
		.segment = id->segment,
		.segment_len = len,
		.object_len = id->size,
	};

	memcpy(head.object, id->object, sizeof(head.object));
	amd_init(ctx, m + len, &head);		/* r stands behind m */
	amd_update(ctx, m, len);
}

int segment_seal(const struct segment_id *id, uint8_t *m, size_t len)
{
	struct amd_ctx ctx;
	int ret;

	ret = random_fill(m + len, AMD_BLOCK);
	if (ret)
		return ret;
	segment_code(&ctx, id, m, len);
	ret = amd_final(&ctx, m + len + AMD_BLOCK);
	explicit_bzero(&ctx, sizeof(ctx));
	return ret;
}

int segment_check(const struct segment_id *id, const uint8_t *m, size_t len)
{
	struct amd_ctx ctx;
	int ret;

	if (len < SEGMENT_CODE)
		return -EBADMSG;
	segment_code(&ctx, id, m, len - SEGMENT_CODE);
	ret = amd_verify(&ctx, m + len - AMD_BLOCK);
	explicit_bzero(&ctx, sizeof(ctx));
	return ret ? -EBADMSG : 0;
}

/* So that a segment's shares combine as a whole, too */
_Static_assert(SEGMENT_MESSAGE % SSN_PIECE == 0, "messages of whole pieces");

unsigned int segment_messages(size_t len)
{
	return (len + SEGMENT_MESSAGE - 1) / SEGMENT_MESSAGE;
}

size_t segment_message(size_t len, unsigned int i)
{
	size_t left = len - (size_t)i * SEGMENT_MESSAGE;

	return left < SEGMENT_MESSAGE ? left : SEGMENT_MESSAGE;
}

bool segment_many(uint64_t size, uint32_t segment_bytes)
{
	return size > (uint64_t)(SEGMENTS_MAX - 1) * segment_bytes;
}

uint32_t segment_count(uint64_t size, uint32_t segment_bytes)
{
	return size / segment_bytes + !!(size % segment_bytes);
}

size_t segment_bytes(uint64_t size, uint32_t segment_bytes, uint32_t i)
{
	uint64_t left = size - (uint64_t)(i - 1) * segment_bytes;

	return left < segment_bytes ? left : segment_bytes;
}
