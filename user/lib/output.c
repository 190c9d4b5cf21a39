// SPDX-License-Identifier: GPL-2.0
/* One writer for what a tool prints: lines of "key value", or JSON. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "output.h"

static void begin(struct out *o, FILE *file, bool json, bool stream)
{
	*o = (struct out) {
		.file = file, .json = json, .stream = stream,
		.first = true, .fresh = true,
	};
}

void out_begin(struct out *o, FILE *file, bool json)
{
	begin(o, file, json, false);
}

void out_begin_stream(struct out *o, FILE *file, bool json)
{
	begin(o, file, json, true);
}

int out_end(struct out *o)
{
	if (o->json && !o->stream && !o->first)
		putc('\n', o->file);
	errno = 0;
	if (fflush(o->file) || ferror(o->file))
		return errno ? -errno : -EIO;
	return 0;
}

/* --- strings */

/* Length of the UTF-8 character at @s, or 0 when it is none. */
static unsigned int utf8_len(const unsigned char *s)
{
	static const struct { unsigned char mask, lead; uint32_t min; } form[] = {
		{ 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	unsigned int len, i;
	uint32_t code;

	for (len = 0; len < 4; len++)
		if ((s[0] & form[len].mask) == form[len].lead)
			break;
	if (len == 4)
		return 0;
	code = s[0] & ~form[len].mask;
	for (i = 1; i <= len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < form[len].min || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 0;
	return len + 1;
}

/* Characters that would move the cursor: C0, DEL, C1 (U+0080 to U+009F). */
static bool is_control(const unsigned char *s)
{
	return *s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0);
}

/*
 * JSON has no bytes: one that is not UTF-8 becomes U+FFFD there, and \xHH in
 * quoted text.
 */
static void put_quoted(struct out *o, const char *text)
{
	const unsigned char *s = (const void *)text;
	unsigned int len;

	putc('"', o->file);
	for (; *s; s += len ?: 1) {
		len = utf8_len(s);
		if (!len && o->json)
			fputs("\\ufffd", o->file);
		else if (!len)
			fprintf(o->file, "\\x%02x", *s);
		else if (*s == '"' || *s == '\\')
			fprintf(o->file, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", o->file);
		else if (*s == '\t')
			fputs("\\t", o->file);
		else if (is_control(s))
			fprintf(o->file, "\\u%04x", len == 2 ? s[1] : *s);
		else
			fwrite(s, 1, len, o->file);
	}
	putc('"', o->file);
}

static bool is_plain(const char *text)
{
	const unsigned char *s = (const void *)text;
	unsigned int len;

	if (!*s)
		return false;
	for (; *s; s += len) {
		len = utf8_len(s);
		if (!len || is_control(s) || strchr(" \"\\'", *s))
			return false;
	}
	return true;
}

/* --- structure */

static void put_key(struct out *o, const char *key)
{
	if (o->json) {
		if (!o->first)
			putc(',', o->file);
		if (o->nest && !o->first)
			putc(' ', o->file);
		o->first = false;
		if (key) {
			put_quoted(o, key);
			fputs(": ", o->file);
		}
		return;
	}
	if (!key)
		return;
	if (!o->fresh)
		putc(' ', o->file);
	o->fresh = false;
	fputs(key, o->file);
	putc(' ', o->file);
}

void out_list(struct out *o, const char *key)
{
	if (!o->json)
		return;
	put_key(o, key);
	putc('[', o->file);
	o->first = true;
	o->nest++;
}

void out_list_end(struct out *o)
{
	if (!o->json)
		return;
	putc(']', o->file);
	o->first = false;
	o->nest--;
}

void out_row(struct out *o, const char *key)
{
	o->depth++;
	if (!o->json) {
		if (o->depth > 1 && key) {	/* a word that says what follows */
			if (!o->fresh)
				putc(' ', o->file);
			fputs(key, o->file);
			o->fresh = false;
		}
		return;
	}
	if (o->stream && !o->nest)
		o->first = true;
	else if (!o->first && o->nest == 1 && !key) {
		fputs(",\n", o->file);		/* a row a line in lists */
		o->first = true;
	}
	put_key(o, key);
	putc('{', o->file);
	o->first = true;
	o->nest++;
}

void out_row_end(struct out *o)
{
	o->depth--;
	if (o->json) {
		putc('}', o->file);
		o->first = false;
		o->nest--;
		if (o->stream && !o->nest)
			putc('\n', o->file);
	} else if (!o->depth && !o->fresh) {
		putc('\n', o->file);
		o->fresh = true;
	}
	if (o->stream && !o->depth)
		fflush(o->file);
}

/* --- values */

void out_str(struct out *o, const char *key, const char *value)
{
	put_key(o, key);
	if (!o->json && is_plain(value))
		fputs(value, o->file);
	else
		put_quoted(o, value);
}

void out_u64(struct out *o, const char *key, uint64_t value)
{
	put_key(o, key);
	fprintf(o->file, "%" PRIu64, value);
}

void out_i64(struct out *o, const char *key, int64_t value)
{
	put_key(o, key);
	fprintf(o->file, "%" PRId64, value);
}

void out_bool(struct out *o, const char *key, bool value)
{
	put_key(o, key);
	if (o->json)
		fputs(value ? "true" : "false", o->file);
	else
		fputs(value ? "yes" : "no", o->file);
}

const char *out_human(uint64_t bytes, char text[24])
{
	static const char unit[][4] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int i = 0;
	uint64_t rest = 0;

	while (bytes >= 1024 && i < 6) {
		rest = bytes % 1024;
		bytes /= 1024;
		i++;
	}
	/* never more than there is: a figure to count on */
	if (!i || !(rest * 10 / 1024))
		snprintf(text, 24, "%" PRIu64 "%.3s", bytes, unit[i]);
	else
		snprintf(text, 24, "%" PRIu64 ".%u%.3s", bytes,
			 (unsigned int)(rest * 10 / 1024), unit[i]);
	return text;
}

void out_bytes(struct out *o, const char *key, uint64_t bytes)
{
	char text[24];

	if (o->json) {
		out_u64(o, key, bytes);
		return;
	}
	put_key(o, key);
	fputs(out_human(bytes, text), o->file);
}

void out_ms(struct out *o, const char *key, uint64_t ms)
{
	if (o->json) {
		out_u64(o, key, ms);
		return;
	}
	put_key(o, key);
	fprintf(o->file, "%" PRIu64 ".%03us", ms / 1000,
		(unsigned int)(ms % 1000));
}

void out_hex(struct out *o, const char *key, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;
	size_t i;

	put_key(o, key);
	if (o->json)
		putc('"', o->file);
	for (i = 0; i < len; i++)
		fprintf(o->file, "%02x", b[i]);
	if (o->json)
		putc('"', o->file);
}
