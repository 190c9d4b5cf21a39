/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For fuzz targets. A target is a function that takes any bytes:
 *
 *	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *
 * and ends the program when something does not hold: the sanitizers do that for
 * memory, must() for the rest. The same input must always do the same: no real
 * time, no real random numbers, nothing kept from one input to the next.
 */
#ifndef SELFTESTS_FUZZ_H
#define SELFTESTS_FUZZ_H

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* must(cond, ...) - ends the program, and says why on standard output */
#define must(cond, ...) do {						\
	if (!(cond)) {							\
		printf("%s:%d: must hold: %s: ", __FILE__, __LINE__,	\
		       #cond);						\
		printf(__VA_ARGS__);					\
		printf("\n");						\
		fflush(stdout);						\
		abort();						\
	}								\
} while (0)

/* --- what is left of the input */

struct input { const uint8_t *at; size_t left; };

static inline uint8_t input_u8(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint32_t input_u32(struct input *in)
{
	uint32_t v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v = v << 8 | input_u8(in);
	return v;
}

/* At most @max bytes; how many. They stay in the input. */
static inline size_t input_bytes(struct input *in, const uint8_t **at, size_t max)
{
	size_t len = max < in->left ? max : in->left;

	*at = in->at;
	in->at += len;
	in->left -= len;
	return len;
}

/* Up to the next line feed, or all that is left; false at the end. */
static inline bool input_line(struct input *in, const char **at, size_t *len)
{
	const uint8_t *end;

	if (!in->left)
		return false;
	*at = (const char *)in->at;
	end = memchr(in->at, '\n', in->left);
	*len = end ? (size_t)(end - in->at) : in->left;
	input_bytes(in, &end, *len + 1);
	return true;
}

/* malloc'd, with a NUL behind it, so that a byte too many is seen */
static inline char *input_text(const void *at, size_t len)
{
	char *text = malloc(len + 1);

	must(text, "no memory");
	if (len)
		memcpy(text, at, len);
	text[len] = '\0';
	return text;
}

/* --- a folder: the runner makes it, in memory, and removes it */

static inline const char *fuzz_dir(void)
{
	static char dir[200];

	if (!*dir) {
		snprintf(dir, sizeof(dir), "%s/fuzz.XXXXXX", getenv("TMPDIR") ?: "/tmp");
		must(mkdtemp(dir), "%s: %s", dir, strerror(errno));
	}
	return dir;
}

/* Writes a file there; its path, good until the next call. */
static inline const char *fuzz_file(const char *name, const void *data, size_t len)
{
	static char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", fuzz_dir(), name);
	f = fopen(path, "we");
	must(f && fwrite(data, 1, len, f) == len && !fclose(f), "%s: %s", path,
	     strerror(errno));
	return path;
}

static inline int fuzz_unlink(const char *path, const struct stat *st, int type,
			      struct FTW *ftw)
{
	return ftw->level ? remove(path) : 0;
}

/* All that is in there goes. */
static inline void fuzz_empty(const char *dir)
{
	must(!nftw(dir, fuzz_unlink, 16, FTW_DEPTH | FTW_PHYS), "%s: %s", dir,
	     strerror(errno));
}

/* Entries of a folder, "." and ".." too; of /proc/self/fd: open descriptors. */
static inline unsigned int fuzz_entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	must(d, "%s: %s", dir, strerror(errno));
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

#endif
