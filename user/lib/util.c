// SPDX-License-Identifier: GPL-2.0
#include "util.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void hex_encode(const void *bytes, size_t len, char *text)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = bytes;

	for (; len; len--, b++) {
		*text++ = digits[*b >> 4];
		*text++ = digits[*b & 15];
	}
	*text = 0;
}

int hex_decode(const char *text, void *bytes, size_t len)
{
	uint8_t *b = bytes;

	for (; len; len--, text += 2) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0)
			return -EINVAL;
		*b++ = high << 4 | low;
	}
	return *text ? -EINVAL : 0;
}

/* bytes between the dashes of a UUID's text */
static const uint8_t uuid_parts[] = { 4, 2, 2, 2, 6 };

void uuid_format(const uint8_t uuid[UUID_BYTES], char text[UUID_TEXT])
{
	size_t i;

	for (i = 0; i < sizeof(uuid_parts); i++) {
		if (i)
			*text++ = '-';
		hex_encode(uuid, uuid_parts[i], text);
		uuid += uuid_parts[i];
		text += 2 * uuid_parts[i];
	}
}

int uuid_parse(const char *text, uint8_t uuid[UUID_BYTES])
{
	char again[UUID_TEXT], digits[2 * UUID_BYTES + 1];
	uint8_t bytes[UUID_BYTES];
	size_t i, n = 0;

	if (!text || strlen(text) != UUID_TEXT - 1)
		return -EINVAL;
	for (i = 0; text[i]; i++)
		if (text[i] != '-') {
			if (n == 2 * UUID_BYTES)
				return -EINVAL;
			digits[n++] = text[i];
		}
	digits[n] = 0;
	if (hex_decode(digits, bytes, sizeof(bytes)))
		return -EINVAL;
	uuid_format(bytes, again);	/* dashes in their places, lower case */
	if (strcmp(again, text))
		return -EINVAL;
	memcpy(uuid, bytes, UUID_BYTES);
	return 0;
}

int uuid_random(uint8_t uuid[UUID_BYTES])
{
	int ret = random_fill(uuid, UUID_BYTES);

	if (ret)
		return ret;
	uuid[6] = (uuid[6] & 0x0f) | 0x40;	/* RFC 9562, 5.4 */
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return 0;
}

int uuid_is_zero(const uint8_t uuid[UUID_BYTES])
{
	static const uint8_t zero[UUID_BYTES];

	return !memcmp(uuid, zero, UUID_BYTES);
}

int random_fill(void *buf, size_t len)
{
	uint8_t *b = buf;

	while (len) {
		ssize_t got = getrandom(b, len, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		b += got;
		len -= got;
	}
	return 0;
}

char *base64_encode(const void *bytes, size_t len)
{
	char *text;

	if (len > INT32_MAX / 2)
		return NULL;
	text = malloc((len + 2) / 3 * 4 + 1);
	if (text)
		EVP_EncodeBlock((unsigned char *)text, bytes, len);
	return text;
}

/* Both alphabets of other RFCs, blanks and padding are none of these. */
static const uint8_t base64_chars[256] = {
	['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['+'] = 1, ['/'] = 1,
};

/*
 * OpenSSL's decoder skips blanks, takes padding anywhere for zero bits, and does
 * not look at the bits that are left over: what it is given is checked before, and
 * the end after.
 */
ssize_t base64_read(const char *text, size_t len, void *bytes)
{
	size_t pad, i, out = len / 4 * 3;
	unsigned char *b = bytes, end[5];
	int stray;

	if (len % 4 || len > INT32_MAX / 2)
		return -EINVAL;
	if (!len)
		return 0;
	pad = text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
	for (i = 0; i < len - pad; i++)
		if (!base64_chars[(unsigned char)text[i]])
			return -EINVAL;
	if (EVP_DecodeBlock(b, (const unsigned char *)text, len) != (int)out)
		return -EINVAL;
	EVP_EncodeBlock(end, b + out - 3, 3 - pad);
	stray = memcmp(end, text + len - 4, 4);
	explicit_bzero(end, sizeof(end));
	return stray ? -EINVAL : (ssize_t)(out - pad);
}

int base64_decode(const char *text, void **bytes, size_t *len)
{
	size_t in = strlen(text);
	ssize_t out;
	void *b;

	b = malloc(in / 4 * 3 + 1);
	if (!b)
		return -ENOMEM;
	out = base64_read(text, in, b);
	if (out < 0) {
		free(b);
		return out;
	}
	*bytes = b;
	*len = out;
	return 0;
}

int read_full(int fd, void *buf, size_t len)
{
	uint8_t *b = buf;

	while (len) {
		ssize_t got = read(fd, b, len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -EIO;
		b += got;
		len -= got;
	}
	return 0;
}

int pread_full(int fd, void *buf, size_t len, uint64_t offset)
{
	uint8_t *b = buf;

	while (len) {
		ssize_t got = pread(fd, b, len, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -EIO;
		b += got;
		offset += got;
		len -= got;
	}
	return 0;
}

int write_full(int fd, const void *buf, size_t len)
{
	const uint8_t *b = buf;

	while (len) {
		ssize_t put = write(fd, b, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		b += put;
		len -= put;
	}
	return 0;
}

uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
