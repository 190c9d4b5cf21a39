/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One writer for what a tool prints: lines of "key value" for people and shell
 * scripts, or JSON. The same calls make both, so that they cannot disagree.
 *
 *	out_begin(&o, stdout, ctx->json);
 *	out_list(&o, NULL);			[		(text: nothing)
 *	out_row(&o, NULL);			{		(text: a line)
 *	out_u64(&o, "peer", 11);		"peer": 11	peer 11
 *	out_bytes(&o, "usable", 1536);		"usable": 1536	usable 1.5KiB
 *	out_row_end(&o);			}
 *	out_list_end(&o);			]
 *	return out_end(&o);
 *
 * Text: a row directly in a list (or at the top) is a line; a row deeper down
 * continues its line. Values with blanks, quotes, control characters or bytes that
 * are not UTF-8 are quoted, with escapes: a name cannot make a line of its own.
 */
#ifndef SSN_OUTPUT_H
#define SSN_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct out {
	FILE *file;
	bool json;
	bool stream;		/* JSON: one object a line, flushed */
	bool first;		/* nothing yet in this JSON object or array */
	bool fresh;		/* nothing yet on this text line */
	unsigned int depth;	/* of rows */
	unsigned int nest;	/* of rows and lists */
};

void out_begin(struct out *o, FILE *file, bool json);
/* The same for an endless stream (monitor): each row is flushed by itself. */
void out_begin_stream(struct out *o, FILE *file, bool json);
/* 0, or -errno when the output could not be written (a full disk, a closed pipe). */
int out_end(struct out *o);

/* @key is NULL at the top and inside a list. */
void out_list(struct out *o, const char *key);
void out_list_end(struct out *o);
void out_row(struct out *o, const char *key);
void out_row_end(struct out *o);

void out_str(struct out *o, const char *key, const char *value);
void out_u64(struct out *o, const char *key, uint64_t value);
void out_i64(struct out *o, const char *key, int64_t value);
void out_bool(struct out *o, const char *key, bool value);	/* yes, no in text */
void out_bytes(struct out *o, const char *key, uint64_t bytes);	/* KiB, MiB ... in text */
void out_ms(struct out *o, const char *key, uint64_t ms);	/* "1.5s" in text */
void out_hex(struct out *o, const char *key, const void *bytes, size_t len);

/* "13.4MiB"; @text takes 24 bytes. */
const char *out_human(uint64_t bytes, char text[24]);

#endif
