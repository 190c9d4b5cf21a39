/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Share files: a fixed head, a JSON record, the share
 * (Documentation/protocol/share-file.rst).
 */
#ifndef SHAREHOLDERD_SHAREFILE_H
#define SHAREHOLDERD_SHAREFILE_H

#include <stdint.h>

#include "config.h"
#include "durable.h"
#include "record.h"
#include "verification.h"

#define SHAREFILE_VERSION	1
#define SHAREFILE_HEAD		128		/* bytes before the JSON */
#define SHAREFILE_JSON_MAX	(512U << 10)
/* Share bytes in one file: a segment of 64 MiB, its code, and some room. */
#define SHAREFILE_MAX		((64ULL << 20) + 4096)
/* A share travels and is stored as messages of this size, the last shorter. */
#define SHAREFILE_MESSAGE	(SSN_MSG_MAX - (64U << 10))

/* Messages in a share of @length bytes, and bytes of message @i. */
uint32_t sharefile_messages(uint64_t length);
size_t sharefile_message_len(uint64_t length, uint32_t i);

#define SHAREFILE_NAME		64
void sharefile_name(uint32_t segment, uint64_t deal, char name[SHAREFILE_NAME]);
/* Is @name that of a share file? -EINVAL. */
int sharefile_parse_name(const char *name, uint32_t *segment, uint64_t *deal);

/* --- writing: invisible until sharefile_commit() returned 0 */

struct sharefile_writer {
	struct durable_file file;
	struct verification sum;
	uint64_t length, written;
	uint64_t total;			/* bytes of the whole file */
};

/**
 * sharefile_create - begin a share file in @dirfd under its own name
 * @rec:	all of it; @rec->id.segment and deal name the file
 * @length:	share bytes that will follow, 1 to SHAREFILE_MAX
 *
 * Room for all of it is allocated now: -ENOSPC comes before the data does.
 */
int sharefile_create(struct sharefile_writer *w, int dirfd,
		     const struct record *rec, uint64_t length);
int sharefile_append(struct sharefile_writer *w, const void *data, size_t len);
/* Durable, or not there. -EINVAL: not @length bytes came. Frees in any case. */
int sharefile_commit(struct sharefile_writer *w);
void sharefile_abandon(struct sharefile_writer *w);

/* --- reading */

struct sharefile {
	int fd;
	struct record rec;
	uint64_t length;		/* share bytes */
	uint64_t start;			/* of the share in the file */
	uint64_t checked;		/* share bytes hashed */
	int good;			/* all of it, and the digest is right */
	uint8_t digest[VERIFICATION_DIGEST];
	struct verification sum;
};

/**
 * sharefile_open - open a share file and read all but the share
 *
 * Nothing in it may be believed before sharefile_verify() returned 0. -EBADMSG:
 * no share file, cut short, too long, or a record that contradicts itself or
 * the name; @err says which. -ENOENT and other errors of open(2) as they are.
 */
int sharefile_open(struct sharefile *f, int dirfd, const char *name,
		   struct err *err);
/* Hash up to @max bytes more: 1 there are more, 0 all is as it was written,
 * -EBADMSG it is not. */
int sharefile_verify(struct sharefile *f, uint64_t max, struct err *err);
/*
 * Message @i into @buf of SHAREFILE_MESSAGE bytes; its length, or -errno
 * (-EBADMSG: not verified).
 */
ssize_t sharefile_read(struct sharefile *f, uint32_t i, void *buf);
void sharefile_close(struct sharefile *f);

#endif
