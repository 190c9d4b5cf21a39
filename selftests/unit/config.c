// SPDX-License-Identifier: GPL-2.0
/* Configuration files and their errors; UUIDs, hex and base64 as text. */
#include <unistd.h>

#include "config.h"
#include "tap.h"
#include "util.h"

static char path[] = "/tmp/config.XXXXXX";

static int load(const char *text, json_t **root, struct err *err)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		bail("%s: %s", path, strerror(errno));
	return config_load(path, root, err);
}

static void test_load(void)
{
	json_t *root;
	struct err err;

	is_int(load("{\n\"a\": 1\n}", &root, &err), 0, "an object");
	json_decref(root);
	is_int(load("{\n\"a\": ,\n}", &root, &err), -EINVAL, "a mistake");
	ok(strstr(err.text, path) && strstr(err.text, ":2:"),
	   "is named with file and line: %s", err.text);
	ok(!root, "nothing to free");
	is_int(load("{\"a\": 1, \"a\": 2}", &root, &err), -EINVAL,
	       "a key that is there twice");
	is_int(load("[1]", &root, &err), -EINVAL, "an array");
	ok(strstr(err.text, "object"), "says what was expected");
	unlink(path);
	is_int(config_load(path, &root, &err), -ENOENT, "no file");
	ok(strstr(err.text, path), "is named");
}

static void test_get(void)
{
	static const char *const keys[] = { "s", "i", "b", NULL };
	json_t *o = json_pack("{sssisb}", "s", "text", "i", 7, "b", 1);
	const char *s;
	struct err err;
	int64_t i;
	int b;

	is_int(config_str(o, "f: x", "s", NULL, &s, &err), 0, "a string");
	is_str(s, "text", "its value");
	is_int(config_str(o, "f: x", "no", "def", &s, &err), 0, "a default");
	is_str(s, "def", "its value");
	is_int(config_str(o, "f: x", "no", NULL, &s, &err), -ENOENT,
	       "a string that must be there");
	is_str(err.text, "f: x: no is missing (a string)", "is named");
	is_int(config_str(o, "f: x", "i", NULL, &s, &err), -EINVAL,
	       "a string that is an integer");
	is_str(err.text, "f: x: i: expected a string, not an integer",
	       "is named");

	is_int(config_int(o, "f", "i", 1, 7, 0, &i, &err), 0, "an integer");
	is_int(i, 7, "its value");
	is_int(config_int(o, "f", "i", 1, 6, 0, &i, &err), -EINVAL, "too large");
	is_str(err.text, "f: i: 7 is not between 1 and 6", "is named");
	is_int(config_int(o, "f", "i", 8, 9, 8, &i, &err), -EINVAL, "too small");
	is_int(config_int(o, "f", "no", 1, 9, 3, &i, &err), 0, "a default");
	is_int(i, 3, "its value");
	is_int(config_int(o, "f", "no", 1, 9, 0, &i, &err), -ENOENT,
	       "an integer that must be there");
	is_int(config_int(o, "f", "s", 1, 9, 3, &i, &err), -EINVAL,
	       "an integer that is a string");

	is_int(config_bool(o, "f", "b", 0, &b, &err), 0, "a boolean");
	is_int(b, 1, "its value");
	is_int(config_bool(o, "f", "no", 1, &b, &err), 0, "a default");
	is_int(b, 1, "its value");
	is_int(config_bool(o, "f", "no", -1, &b, &err), -ENOENT,
	       "a boolean that must be there");
	is_int(config_bool(o, "f", "i", 0, &b, &err), -EINVAL,
	       "a boolean that is an integer");

	is_int(config_only(o, "f", keys, &err), 0, "only keys that are known");
	json_object_set_new(o, "typo", json_null());
	is_int(config_only(o, "f", keys, &err), -EINVAL, "one that is not");
	is_str(err.text, "f: typo: no such setting", "is named");
	is_int(err_set(&err, -EIO, "w: %s", err.text), -EIO,
	       "an error in front of an error");
	is_str(err.text, "w: f: typo: no such setting", "has both texts");
	json_decref(o);
}

static void test_uuid(void)
{
	static const char good[] = "00112233-4455-6677-8899-aabbccddeeff";
	static const char *const bad[] = {
		"", "00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeeff0",
		"00112233-4455-6677-8899-AABBCCDDEEFF",
		"0011223344556677-8899-aabbccddeeff--",
		"001122334-455-6677-8899-aabbccddeeff",
		"g0112233-4455-6677-8899-aabbccddeeff",
		"----00112233445566778899aabbccddeeff",
		"../../../../../../../../../etc/passwd",
	};
	uint8_t uuid[16], other[16];
	char text[UUID_TEXT];
	size_t i;

	is_int(uuid_parse(good, uuid), 0, "a UUID");
	is_int(uuid[0] << 8 | uuid[15], 0x00ff, "its bytes");
	uuid_format(uuid, text);
	is_str(text, good, "and back");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(uuid_parse(bad[i], uuid), -EINVAL, "no UUID: '%s'",
		       bad[i]);
	is_int(uuid_parse(NULL, uuid), -EINVAL, "no UUID: none");
	is_int(uuid_random(uuid) | uuid_random(other), 0, "random UUIDs");
	ok(memcmp(uuid, other, 16), "differ");
	ok(uuid[6] >> 4 == 4 && uuid[8] >> 6 == 2, "and are of version 4");
	memset(uuid, 0, 16);
	ok(uuid_is_zero(uuid) && !uuid_is_zero(other), "zero is zero");
}

static void test_text(void)
{
	static const char *const bad[] = { "A", "AAA", "AA=A", "AAAA\n", "AA A",
					   "AB==", "====", "A===", "AAA*" };
	uint8_t bytes[4], all[300];
	void *back;
	char hex[9], *text;
	size_t i, len;

	hex_encode("\x00\x1f\xab\xff", 4, hex);
	is_str(hex, "001fabff", "hex");
	is_int(hex_decode("001FabfF", bytes, 4), 0, "and back");
	is_mem(bytes, "\x00\x1f\xab\xff", 4, "the same bytes");
	is_int(hex_decode("001fab", bytes, 4), -EINVAL, "too few digits");
	is_int(hex_decode("001fabff0", bytes, 4), -EINVAL, "too many");
	is_int(hex_decode("001fabfg", bytes, 4), -EINVAL, "no digit");
	is_int(hex_decode("001fabf", bytes, 4), -EINVAL, "half a byte");

	for (i = 0; i < sizeof(all); i++)
		all[i] = i * 7;
	for (i = 0; i < sizeof(all); i++) {
		text = base64_encode(all, i);
		if (!text || base64_decode(text, &back, &len))
			break;
		if (len != i || memcmp(back, all, i))
			break;
		free(back);
		free(text);
	}
	is_int(i, sizeof(all), "base64 of every length, and back");
	text = base64_encode("hello", 5);
	is_str(text, "aGVsbG8=", "base64 of RFC 4648");
	free(text);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(base64_decode(bad[i], &back, &len), -EINVAL,
		       "no base64: %zu", i);
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		bail("mkstemp: %s", strerror(errno));
	close(fd);
	test_load();
	test_get();
	test_uuid();
	test_text();
	return tap_done();
}
