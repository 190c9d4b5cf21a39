// SPDX-License-Identifier: GPL-2.0
/*
 * Share files: user/shareholderd/sharefile.c and record.c. A file that is taken
 * says all of itself twice: as it is read, and as it would be written again.
 *
 * Input: a line with the file's name, after a '!' if its digest is to be made
 * right; then the file.
 *
 * max_len: 8192
 * runs: 6000
 */
#define FUZZ_OWN_MUTATOR
#include <endian.h>
#include <fcntl.h>
#include "json_mutate.h"
#include "sharefile.h"
#include "util.h"

/* Places in the head: Documentation/protocol/share-file.rst */
enum { AT_HEAD = 12, AT_LENGTH = 16, AT_JSON = 24, AT_SALT = 32, AT_DIGEST = 96 };

static uint32_t get32(const uint8_t *file, size_t at)
{
	uint32_t v;

	memcpy(&v, file + at, sizeof(v));
	return be32toh(v);
}

static void put32(uint8_t *file, size_t at, uint32_t v)
{
	v = htobe32(v);
	memcpy(file + at, &v, sizeof(v));
}

/* The digest that sharefile.c would find right. */
static void make_right(uint8_t *file, size_t size)
{
	struct verification v;

	if (size < SHAREFILE_HEAD)
		return;
	memset(file + AT_DIGEST, 0, VERIFICATION_DIGEST);
	must(!verification_begin(&v, file + AT_SALT) &&
	     !verification_add(&v, file, size) &&
	     !verification_end(&v, file + AT_DIGEST), "no digest");
}

/* What was read is what would be written. */
static void must_be_record(const struct record *rec)
{
	struct err err = { "" };
	struct record again;
	json_t *obj = record_encode(rec, RECORD_SHARE);

	must(obj, "it cannot be written again");
	must(!record_decode(obj, "again", RECORD_SHARE, &again, &err), "%s", err.text);
	must(record_same_job(rec, &again), "it is another job's");
	must(!memcmp(&rec->id, &again.id, sizeof(rec->id)) &&
	     rec->suite == again.suite && rec->members == again.members &&
	     !memcmp(rec->member, again.member,
		     rec->members * sizeof(rec->member[0])), "it is another share");
	must(rec->id.k >= 1 && rec->id.k <= rec->id.n && rec->id.x &&
	     rec->id.segment < rec->segments, "it cannot be");
	record_free(&again);
	json_decref(obj);
}

static void must_be_file(struct sharefile *f, const char *name, const uint8_t *file,
			 size_t size)
{
	static uint8_t buf[SHAREFILE_MESSAGE];
	char again[SHAREFILE_NAME];
	size_t at = f->start;
	ssize_t len;
	uint32_t i;

	sharefile_name(f->rec.id.segment, f->rec.id.deal, again);
	must(!strcmp(name, again), "%s is %s", name, again);
	must(f->start + f->length == size, "%llu bytes of %zu",
	     (unsigned long long)(f->start + f->length), size);
	for (i = 0; i < sharefile_messages(f->length); i++) {
		len = sharefile_read(f, i, buf);
		must(len > 0 && !memcmp(buf, file + at, len), "message %u: %zd", i, len);
		at += len;
	}
	must(at == size && sharefile_read(f, i, buf) == -EINVAL, "%zu of %zu", at, size);
}

static void try(const char *name, const uint8_t *file, size_t size, bool right)
{
	int dir = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	struct err err = { "" };
	struct sharefile f;
	json_t *text;

	fuzz_file(name, file, size);
	ret = sharefile_open(&f, dir, name, &err);
	if (!ret) {
		must_be_record(&f.rec);
		must(sharefile_read(&f, 0, NULL) == -EBADMSG, "not verified yet");
		do {
			ret = sharefile_verify(&f, 100, &err);
		} while (ret > 0);
		must(!ret || !right, "the digest is right");
		if (!ret)
			must_be_file(&f, name, file, size);
		sharefile_close(&f);
	}
	if (ret) {
		must(ret == -EBADMSG, "%d", ret);
		text = json_string(err.text);
		must(text && *err.text, "what is said is no UTF-8, or nothing");
		json_decref(text);
	}
	must(f.fd == -1 && !f.sum.ctx, "it is left open");
	must(!unlinkat(dir, name, 0), "%s: %s", name, strerror(errno));
	close(dir);
}

/* Changes the record, and the lengths with it. */
UNSEEN size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
				      unsigned int seed)
{
	uint8_t *file = memchr(data, '\n', size), *share;
	uint32_t old, len, begin, rest;
	char *text;

	mutate_seed = seed;
	mutate_dice(2);
	if (!file || size - (++file - data) < SHAREFILE_HEAD || !mutate_dice(4))
		return LLVMFuzzerMutate(data, size, max);
	old = get32(file, AT_JSON);
	rest = size - (file - data) - SHAREFILE_HEAD;
	if (old > rest)
		return LLVMFuzzerMutate(data, size, max);
	text = text_mutate((char *)file + SHAREFILE_HEAD, old);
	if (!text)
		return LLVMFuzzerMutate(data, size, max);
	len = strlen(text);
	share = file + SHAREFILE_HEAD + ((old + 7) & ~7U);
	if (share > data + size)
		share = data + size;
	rest = data + size - share;
	begin = (SHAREFILE_HEAD + len + 7) & ~7U;
	if (file + begin + rest <= data + max) {
		memmove(file + begin, share, rest);
		memset(file + SHAREFILE_HEAD + len, 0, begin - SHAREFILE_HEAD - len);
		memcpy(file + SHAREFILE_HEAD, text, len);
		put32(file, AT_HEAD, begin);
		put32(file, AT_LENGTH, 0);
		put32(file, AT_LENGTH + 4, rest);
		put32(file, AT_JSON, len);
		size = file + begin + rest - data;
	}
	free(text);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	const char *line;
	size_t len;
	uint8_t *file;
	char *name;
	bool right;

	if (!input_line(&in, &line, &len) || len > 100)
		return 0;
	right = len && *line == '!';
	name = input_text(line + right, len - right);
	file = (uint8_t *)input_text(in.at, in.left);
	if (right)
		make_right(file, in.left);
	/* names that lead elsewhere are not made here */
	if (*name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, ".."))
		try(name, file, in.left, right);
	free(file);
	free(name);
	return 0;
}
