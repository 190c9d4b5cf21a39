/* SPDX-License-Identifier: GPL-2.0 */
/* Names, random bytes, text forms of bytes, whole reads and writes, time. */
#ifndef SSN_UTIL_H
#define SSN_UTIL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UUID_BYTES	16
#define UUID_TEXT	37		/* with its NUL */

/* Only lower-case 8-4-4-4-12 text is a UUID here: one name, one spelling. */
int uuid_parse(const char *text, uint8_t uuid[UUID_BYTES]);	/* 0 or -EINVAL */
void uuid_format(const uint8_t uuid[UUID_BYTES], char text[UUID_TEXT]);
int uuid_random(uint8_t uuid[UUID_BYTES]);			/* version 4 */
int uuid_is_zero(const uint8_t uuid[UUID_BYTES]);

/* The kernel's generator; waits until it is seeded. Returns 0 or -errno. */
int random_fill(void *buf, size_t len);

/* @text takes 2 * @len + 1 bytes, lower case. */
void hex_encode(const void *bytes, size_t len, char *text);
/* Exactly @len bytes from exactly 2 * @len digits, or -EINVAL. */
int hex_decode(const char *text, void *bytes, size_t len);

/* malloc'd text without line breaks, or NULL when memory is short. */
char *base64_encode(const void *bytes, size_t len);
/*
 * @len characters into @bytes, which has room for @len / 4 * 3: how many bytes they
 * are, or -EINVAL for anything that base64_encode() cannot have made.
 */
ssize_t base64_read(const char *text, size_t len, void *bytes);
/* malloc'd bytes; -EINVAL for anything that base64_encode() cannot have made. */
int base64_decode(const char *text, void **bytes, size_t *len);

/* All of it: 0, -errno, or -EIO when the file ended before (read_full). */
int read_full(int fd, void *buf, size_t len);
int pread_full(int fd, void *buf, size_t len, uint64_t offset);
int write_full(int fd, const void *buf, size_t len);

uint64_t monotonic_ms(void);	/* since boot, never steps back */

#endif
