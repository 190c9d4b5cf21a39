// SPDX-License-Identifier: GPL-2.0
/*
 * Share files: what is written is read; whatever is cut off, added or changed in
 * one is refused, and never with a crash (run it under ASan too).
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sharefile.h"
#include "tap.h"

#define NAME	"3.18446744073709551615.share"

static char path[64];
static int dir;

static void make_record(struct record *rec)
{
	memset(rec, 0, sizeof(*rec));
	memset(rec->id.object, 0xab, 16);
	memset(rec->job, 0xcd, 16);
	rec->id.version = 2;
	rec->id.epoch = 5;
	rec->id.segment = 3;
	rec->id.deal = UINT64_MAX;
	rec->id.group = 1;
	rec->id.generation = 4;
	rec->id.scheme = SSN_SCHEME_SHAMIR;
	rec->id.k = 2;
	rec->id.n = rec->members = 2;
	rec->id.x = 9;
	rec->id.provenance = SSN_COEFF_LOCAL;
	rec->suite = SSN_SUITE_OTP;
	rec->member[0] = (struct record_member){ 11, 1 };
	rec->member[1] = (struct record_member){ 4000000000U, 9 };
	rec->size = 70000;
	rec->segments = 4;
	rec->policy = strdup("{\"policy\": \"text as signed\"}");
	rec->sigs = json_pack("{s{ssss}s{ssss}}", "owner", "cert", "C1",
			      "sig", "S1", "ssa", "cert", "C2", "sig", "S2");
}

static int write_share(const char *bytes, uint64_t length)
{
	struct sharefile_writer w;
	struct record rec;
	int ret;

	make_record(&rec);
	ret = sharefile_create(&w, dir, &rec, length);
	record_free(&rec);
	if (ret)
		return ret;
	ret = sharefile_append(&w, bytes, length);
	if (!ret)
		return sharefile_commit(&w);
	sharefile_abandon(&w);
	return ret;
}

/* Opens and verifies: 0, or the error of either. */
static int check(const char *name)
{
	struct sharefile f;
	struct err err;
	int ret = sharefile_open(&f, dir, name, &err);

	if (ret)
		return ret;
	ret = sharefile_verify(&f, UINT64_MAX, &err);
	sharefile_close(&f);
	return ret;
}

static uint8_t *slurp(size_t *len)
{
	int fd = openat(dir, NAME, O_RDONLY);
	struct stat st;
	uint8_t *buf;

	if (fd < 0 || fstat(fd, &st))
		bail("%s: %s", NAME, strerror(errno));
	buf = malloc(st.st_size);
	if (read(fd, buf, st.st_size) != st.st_size)
		bail("read: %s", strerror(errno));
	close(fd);
	*len = st.st_size;
	return buf;
}

static void put(const void *buf, size_t len)
{
	int fd = openat(dir, NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, buf, len) != (ssize_t)len)
		bail("write: %s", strerror(errno));
	close(fd);
}

static void test_round(void)
{
	static const char bytes[] = "the share itself";
	char buf[SHAREFILE_MESSAGE];
	struct sharefile f;
	struct record rec;
	struct err err;

	is_int(write_share(bytes, sizeof(bytes)), 0, "a share is written");
	is_int(sharefile_open(&f, dir, NAME, &err), 0, "and opened");
	is_int(sharefile_read(&f, 0, buf), -EBADMSG,
	       "not a byte of it before it is verified");
	is_int(sharefile_verify(&f, 1, &err), 1, "verified in part");
	is_int(sharefile_read(&f, 0, buf), -EBADMSG, "still not");
	is_int(sharefile_verify(&f, UINT64_MAX, &err), 0, "verified");
	is_int(sharefile_verify(&f, 1, &err), 0, "once is enough");
	is_int(sharefile_read(&f, 0, buf), sizeof(bytes), "read");
	is_mem(buf, bytes, sizeof(bytes), "what was written");
	is_int(sharefile_read(&f, 1, buf), -EINVAL, "there is no other message");
	make_record(&rec);
	is_mem(&f.rec.id, &rec.id, sizeof(rec.id), "the same share head");
	is_mem(f.rec.job, rec.job, 16, "the same job");
	is_mem(f.rec.member, rec.member, sizeof(rec.member), "the same members");
	is_str(f.rec.policy, rec.policy, "the same policy, byte by byte");
	ok(json_equal(f.rec.sigs, rec.sigs), "the same signatures");
	ok(f.rec.size == rec.size && f.rec.segments == rec.segments &&
	   f.rec.suite == rec.suite, "the same figures");
	record_free(&rec);
	sharefile_close(&f);
}

static void test_damage(void)
{
	size_t len, i, wrong = 0;
	uint8_t *good = slurp(&len), *bad = malloc(len + 1);
	int ret;

	for (i = 0; i < len; i++) {
		put(good, i);
		ret = check(NAME);
		if (ret != -EBADMSG && ++wrong < 5)
			diag("cut to %zu bytes: %d", i, ret);
	}
	is_int(wrong, 0, "each of %zu prefixes is EBADMSG", len);
	memcpy(bad, good, len);
	bad[len] = 0;
	put(bad, len + 1);
	is_int(check(NAME), -EBADMSG, "a byte more is EBADMSG");

	for (i = 0, wrong = 0; i < len; i++) {
		memcpy(bad, good, len);
		bad[i] ^= 1 << i % 8;
		put(bad, len);
		ret = check(NAME);
		if (ret != -EBADMSG && ++wrong < 5)
			diag("byte %zu: %d", i, ret);
	}
	is_int(wrong, 0, "a bit flipped in each of %zu bytes is EBADMSG", len);
	put(good, len);
	is_int(check(NAME), 0, "as it was, it is right");

	is_int(renameat(dir, NAME, dir, "3.7.share"), 0, "renamed");
	is_int(check("3.7.share"), -EBADMSG, "to another deal's name: EBADMSG");
	is_int(check("3.7.share.x"), -ENOENT, "not there: ENOENT");
	is_int(mkdirat(dir, "8.8.share", 0700), 0, "a folder");
	is_int(check("8.8.share"), -EBADMSG, "is no share file");
	free(good);
	free(bad);
}

/* A record that is signed off by a right digest, and still makes no sense. */
static void test_record(void)
{
	static const struct { const char *what, *key, *json; } bad[] = {
		{ "k above n", "k", "3" }, { "k 0", "k", "0" },
		{ "n above 255", "n", "256" }, { "x 0", "x", "0" },
		{ "x of no member", "x", "7" },
		{ "a member twice", "members",
		  "[{\"node\":11,\"x\":1},{\"node\":11,\"x\":9}]" },
		{ "an x twice", "members",
		  "[{\"node\":11,\"x\":9},{\"node\":12,\"x\":9}]" },
		{ "a member missing", "members", "[{\"node\":11,\"x\":9}]" },
		{ "segment beyond segments", "segment", "4" },
		{ "a negative epoch", "epoch", "-1" },
		{ "version 0", "version", "0" },
		{ "a deal with zeros in front", "deal", "\"007\"" },
		{ "a deal above 2^64", "deal", "\"18446744073709551616\"" },
		{ "a scheme that is not known", "scheme", "\"rsa\"" },
		{ "an object that is no UUID", "object", "\"../../etc\"" },
		{ "too many segments", "segments", "1048577" },
		{ "no signatures", "policy_sigs", "{}" },
		{ "a policy that is no text", "policy", "{}" },
		{ "an unknown key", "unknown", "1" },
		{ "a provenance that is not known", "provenance",
		  "{\"coefficients\":\"dice\",\"suite\":\"otp\"}" },
	};
	struct record rec, back;
	struct err err;
	json_t *obj, *again;
	size_t i;

	make_record(&rec);
	obj = record_encode(&rec, RECORD_SHARE);
	is_int(record_decode(obj, "t", RECORD_SHARE, &back, &err), 0,
	       "a record");
	ok(record_same_job(&rec, &back), "and back");
	record_free(&back);
	json_object_set_new(obj, "scheme", json_string("xor"));
	is_int(record_decode(obj, "t", RECORD_SHARE, &back, &err), 0,
	       "one of the scheme xor");
	is_int(back.id.scheme, SSN_SCHEME_XOR, "is one");
	record_free(&back);
	rec.id.scheme = SSN_SCHEME_XOR;
	again = record_encode(&rec, RECORD_SHARE);
	ok(json_equal(obj, again), "and back");
	json_decref(again);
	is_int(record_decode(obj, "t", RECORD_JOB, &back, &err), -EINVAL,
	       "a share's record is not a job's");
	json_decref(obj);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		obj = record_encode(&rec, RECORD_SHARE);
		json_object_set_new(obj, bad[i].key,
				    json_loads(bad[i].json, JSON_DECODE_ANY,
					       NULL));
		is_int(record_decode(obj, "t", RECORD_SHARE, &back, &err),
		       -EINVAL, "%s", bad[i].what);
		json_decref(obj);
	}
	record_free(&rec);
}

static void test_writer(void)
{
	struct sharefile_writer w;
	struct record rec;
	uint32_t segment;
	uint64_t deal;

	make_record(&rec);
	rec.id.deal = 77;
	is_int(sharefile_create(&w, dir, &rec, 0), -EINVAL, "no empty shares");
	is_int(sharefile_create(&w, dir, &rec, SHAREFILE_MAX + 1), -EINVAL,
	       "none above the limit");
	is_int(sharefile_create(&w, dir, &rec, 10), 0, "ten bytes");
	is_int(sharefile_append(&w, "12345678901", 11), -EINVAL, "are not 11");
	is_int(sharefile_append(&w, "123456789", 9), 0, "nine came");
	is_int(sharefile_commit(&w), -EINVAL, "which is not enough");
	is_int(check("3.77.share"), -ENOENT, "nothing is there");
	record_free(&rec);

	is_int(sharefile_messages(1), 1, "messages of 1 byte");
	is_int(sharefile_messages(SHAREFILE_MESSAGE), 1, "of a full one");
	is_int(sharefile_messages(SHAREFILE_MESSAGE + 1), 2, "of one more");
	is_int(sharefile_message_len(SHAREFILE_MESSAGE + 1, 0),
	       SHAREFILE_MESSAGE, "the first is full");
	is_int(sharefile_message_len(SHAREFILE_MESSAGE + 1, 1), 1,
	       "the last is not");
	is_int(sharefile_message_len(SHAREFILE_MESSAGE + 1, 2), 0,
	       "and then there is none");

	ok(!sharefile_parse_name(NAME, &segment, &deal) && segment == 3 &&
	   deal == UINT64_MAX, "a name");
	is_int(sharefile_parse_name("3.7.share2", &segment, &deal), -EINVAL,
	       "no name");
	is_int(sharefile_parse_name("03.7.share", &segment, &deal), -EINVAL,
	       "not spelt like that");
	is_int(sharefile_parse_name("3.-7.share", &segment, &deal), -EINVAL,
	       "nor like that");
	is_int(sharefile_parse_name("4294967296.7.share", &segment, &deal),
	       -EINVAL, "too large");
	is_int(sharefile_parse_name("object.json", &segment, &deal), -EINVAL,
	       "something else");
}

int main(void)
{
	char cmd[128];

	/* thousands of small files: better in memory */
	snprintf(path, sizeof(path), "%s/sharefile.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(path))
		bail("mkdtemp: %s", strerror(errno));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	test_round();
	test_damage();
	test_record();
	test_writer();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", path);
	if (system(cmd))
		diag("%s stays", path);
	return tap_done();
}
