// SPDX-License-Identifier: GPL-2.0
/* What key servers answer, by the standard and otherwise. */
#include <ctype.h>
#include <openssl/evp.h>
#include "etsi014.h"
#include "tap.h"
#include "util.h"

#define ID1	"8666a4d8-5cd1-4796-b577-4239d8816ba7"
#define ID2	"1a8b991f-d494-4aec-a422-223e5a42987f"
#define ID2_UPPER "1A8B991F-D494-4AEC-A422-223E5A42987F"
#define KEY1	"AQIDBAUGBwgJCgsMDQ4PEA=="	/* 01 02 ... 10 */
#define KEY2	"EQ=="
#define TWO(a, b)	"{\"keys\":[{\"key_ID\":\"" a "\",\"key\":\"" KEY1 "\"}," \
			"{\"key_ID\":\"" b "\",\"key\":\"" KEY2 "\"}]}"
#define ONE(id, key)	"{\"keys\":[{\"key_ID\":\"" id "\",\"key\":\"" key "\"}]}"

static struct block block;
static struct etsi_ids ids;
static struct err err;
static int odd;

static enum etsi_verdict keys_n(const char *body, size_t len, int want, size_t bits)
{
	block_wipe(&block);
	if (block_room(&block, 3 << 20))
		bail("no locked memory");
	if (!want)
		etsi_ids_free(&ids);
	err.text[0] = '\0';
	return etsi_keys(body, len, &ids, want, bits, &block, &odd, &err);
}

static enum etsi_verdict keys(const char *body, int want, size_t bits)
{
	return keys_n(body, strlen(body), want, bits);
}

static void test_container(void)
{
	static const uint8_t both[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
					16, 17 };
	static const char two[] = "{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"" KEY1
		"\",\"key_extension\":{\"x\":1}},{\"key\":\"" KEY2 "\",\"key_ID\":\"" ID2
		"\"}],\"key_container_extension\":{}}";
	static const char swapped[] = "{\"keys\":[{\"key_ID\":\"" ID2 "\",\"key\":\"" KEY2
		"\"},{\"key_ID\":\"" ID1 "\",\"key\":\"" KEY1 "\"}]}";
	static const char escaped[] = "{\"keys\":[{\"key_ID\":\"" ID1
		"\",\"key\":\"\\/\\/8=\"}]}";

	is_int(keys(two, 0, 128), ETSI_OK, "two keys");
	is_int(block.len, 17, "all their bytes");
	is_mem(block.pad, both, 17, "in order");
	ok(ids.n == 2 && !strcmp(ids.id[0], ID1) && !strcmp(ids.id[1], ID2), "with their IDs");
	ok(odd, "one has another size than asked for");
	is_int(keys(swapped, 1, 0), ETSI_OK, "asked for by ID, given in another order");
	is_mem(block.pad, both, 17, "in the order of the IDs");
	is_int(keys("{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"" KEY1 "\"}]}", 1, 0),
	       ETSI_GONE, "fewer than asked for by ID");
	is_int(keys("{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"" KEY1 "\"},{\"key_ID\":\""
		    ID1 "\",\"key\":\"" KEY1 "\"}]}", 1, 0), ETSI_GONE,
	       "one twice instead of two");
	is_int(keys(TWO(ID1, ID2_UPPER), 0, 0), ETSI_OK, "an ID in upper case");
	is_str(ids.id[1], ID2_UPPER, "is kept as its KME spells it");
	is_int(keys(two, 1, 0), ETSI_OK, "and found in the other's spelling");
	is_int(keys(escaped, 0, 16), ETSI_OK, "escaped slashes");
	ok(!odd && block.len == 2 && block.pad[0] == 255 && block.pad[1] == 255, "are slashes");
}

/* Keys longer than the short cut for long strings. */
static void test_long(void)
{
	static char body[3 << 20];
	size_t len, i, n = 1044480;
	uint8_t *raw = malloc(n);

	for (i = 0; i < n; i++)
		raw[i] = i * 7 + i / 251;
	len = sprintf(body, "{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"");
	len += EVP_EncodeBlock((uint8_t *)body + len, raw, n);
	len += sprintf(body + len, "\"},{\"key_ID\":\"" ID2 "\",\"key\":\"");
	len += EVP_EncodeBlock((uint8_t *)body + len, raw + 1, 3000);
	len += sprintf(body + len, "\"}]}");
	is_int(keys_n(body, len, 0, n * 8), ETSI_OK, "a key of a mebibyte, and one of 3000 bytes");
	ok(block.len == n + 3000 && !memcmp(block.pad, raw, n) &&
	   !memcmp(block.pad + n, raw + 1, 3000), "are right, in the right order");
	is_int(keys_n(body, len - 1, 0, n * 8), ETSI_ODD, "cut off at the end");
	is_int(keys_n(body, len / 2, 0, n * 8), ETSI_ODD, "cut off within a key");
	body[100] = '!';
	is_int(keys_n(body, len, 0, n * 8), ETSI_ODD, "not base64");
	is_int(keys("{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"@0\"}]}", 0, 8), ETSI_ODD,
	       "a place holder is no key");
	free(raw);
}

static void test_odd(void)
{
	static const struct { const char *body, *name; enum etsi_verdict v; } cases[] = {
		{ "<html>busy</html>", "HTML", ETSI_ODD },
		{ "", "nothing", ETSI_ODD },
		{ "[]", "a list", ETSI_ODD },
		{ "{\"keys\":{}}", "keys is no list", ETSI_ODD },
		{ "{\"keys\":[]}", "no keys", ETSI_EMPTY },
		{ "{\"keys\":[{\"key_ID\":7,\"key\":\"" KEY1 "\"}]}", "a number as ID", ETSI_ODD },
		{ "{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":7}]}", "a number as key", ETSI_ODD },
		{ "{\"keys\":[{\"key_ID\":\"" ID1 "\"}]}", "an ID without key", ETSI_ODD },
		{ "{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"\"}]}", "an empty key", ETSI_ODD },
		{ "{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"AAA\"}]}", "half base64", ETSI_ODD },
		{ ONE(ID1, "AQ==AQID"), "padding within a key", ETSI_ODD },
		{ ONE(ID1, "AQI=AQID"), "padding of one within a key", ETSI_ODD },
		{ ONE(ID1, "===="), "nothing but padding", ETSI_ODD },
		{ ONE(ID1, "A==="), "padding of three", ETSI_ODD },
		{ ONE(ID1, "A=Q="), "padding before the end", ETSI_ODD },
		{ ONE(ID1, "AR=="), "bits behind the last byte", ETSI_ODD },
		{ ONE(ID1, "AQJ="), "bits behind the last two", ETSI_ODD },
		{ ONE(ID1, " AQIDBAU"), "a blank", ETSI_ODD },
		{ ONE(ID1, "AQIDBA-_"), "another alphabet", ETSI_ODD },
		{ "{\"keys\":[{\"key_ID\":\"\",\"key\":\"" KEY1 "\"}]}", "an empty ID", ETSI_ODD },
		{ "{\"keys\":[{\"key_ID\":\"a b\",\"key\":\"" KEY1 "\"}]}", "an odd ID", ETSI_ODD },
		{ TWO(ID1, ID1), "the same ID twice", ETSI_ODD },
		{ TWO(ID2, ID2_UPPER), "the same ID in two spellings", ETSI_ODD },
		{ ONE("8666a4d85cd14796b5774239d8816ba7", KEY1), "an ID without dashes", ETSI_ODD },
		{ ONE("8666a4d8-5cd1-4796-b577-4239d8816ba7-0", KEY1), "more than a UUID", ETSI_ODD },
		{ ONE("hmak2FzRR5a1d0I52IFrpw==", KEY1), "a UUID in base64", ETSI_ODD },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_int(keys(cases[i].body, 0, 128), cases[i].v, "%s", cases[i].name);
}

/* What stands in an answer that is no JSON goes to no log: it may be key. */
static void test_silent(void)
{
	static const char *const bodies[] = {
		"{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"SECRETSECRET\"]}",
		"{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":SECRETSECRET}]}",
		"\"SECRETSECRET", "SECRETSECRET",
	};
	size_t i;

	for (i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		is_int(keys(bodies[i], 0, 0), ETSI_ODD, "broken JSON %zu", i);
		ok(err.text[0] && !strstr(err.text, "SECRET"), "is not told: %s", err.text);
	}
}

/* Whoever else was named when a key was issued has the pad too. */
static void test_shared(void)
{
	static const char *const bodies[] = {
		"{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"" KEY1 "\"}],"
			"\"additional_slave_SAE_IDs\":[\"c\"]}",
		"{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"" KEY1 "\",\"key_extension\":"
			"{\"acme_additional_slave_SAE_IDs\":[\"c\",\"d\"]}}]}",
		"{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"" KEY1 "\"}],"
			"\"key_container_extension\":[{\"additional_slave_SAE_IDs\":\"c\"}]}",
	};
	static const char nobody[] = "{\"keys\":[{\"key_ID\":\"" ID1 "\",\"key\":\"" KEY1
		"\",\"additional_slave_SAE_IDs\":[]}],\"additional_slave_SAE_IDs\":null}";
	size_t i;

	for (i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		is_int(keys(bodies[i], 0, 0), ETSI_SHARED, "keys that a third SAE has: %zu", i);
		ids.n = 0;
		etsi_ids_add(&ids, ID1);
		is_int(keys(bodies[i], 1, 0), ETSI_SHARED, "also by ID");
	}
	is_int(keys(nobody, 0, 0), ETSI_OK, "keys that nobody else has");
}

static void test_status(void)
{
	static const char bell[] = "{\"message\":\"none\\u0007 left\"}";
	char text[32], *path;

	ok(etsi_enc_status(400) == ETSI_EMPTY && etsi_enc_status(404) == ETSI_EMPTY &&
	   etsi_enc_status(503) == ETSI_EMPTY, "an empty store has three faces");
	ok(etsi_enc_status(401) == ETSI_AUTH && etsi_dec_status(401) == ETSI_AUTH,
	   "401 is for a person");
	ok(etsi_enc_status(0) == ETSI_DOWN && etsi_enc_status(301) == ETSI_ODD, "no answer, odd answer");
	ok(etsi_dec_status(400) == ETSI_GONE && etsi_dec_status(503) == ETSI_GONE,
	   "keys that did not come are gone");
	etsi_message(bell, strlen(bell), text, sizeof(text));
	is_str(text, "none? left", "the message, without what a terminal would do");
	etsi_message("<html>", 6, text, sizeof(text));
	is_str(text, "", "HTML says nothing");
	path = etsi_enc_path("a/b c");
	is_str(path, "/api/v1/keys/a%2Fb%20c/enc_keys", "an SAE ID is encoded");
	free(path);
}

/* As some libraries make a UUID of bytes: the first three fields the other way round. */
static void turned(uint8_t out[UUID_BYTES], const uint8_t *in)
{
	static const uint8_t from[] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	int i;

	for (i = 0; i < UUID_BYTES; i++)
		out[i] = in[from[i]];
}

static void leaks(const char *how, const uint8_t id[UUID_BYTES], const void *key, size_t len)
{
	char text[UUID_TEXT];

	uuid_format(id, text);
	ok(etsi_id_leak(text, key, len), "%s of %zu bytes is found", how, len);
	text[0] = text[0] == 'a' ? 'b' : 'a';
	ok(!etsi_id_leak(text, key, len), "and another one is not");
}

static void test_leak(void)
{
	static const size_t sizes[] = { 4, 32, 1044480 };
	static uint8_t key[1044480], b64[64], input[UUID_BYTES + 32];
	uint8_t md[EVP_MAX_MD_SIZE], id[UUID_BYTES];
	char text[UUID_TEXT];
	size_t i, n;

	for (i = 0; i < sizeof(key); i++)
		key[i] = i * 31 + i / 97;
	for (i = 0; i < 3; i++) {
		EVP_Q_digest(NULL, "MD5", NULL, key, sizes[i], md, NULL);
		leaks("MD5", md, key, sizes[i]);
		EVP_Q_digest(NULL, "SHA1", NULL, key, sizes[i], md, NULL);
		leaks("SHA-1", md, key, sizes[i]);
		EVP_Q_digest(NULL, "SHA256", NULL, key, sizes[i], md, NULL);
		leaks("SHA-256", md, key, sizes[i]);
		turned(id, md);
		leaks("SHA-256 with fields turned", id, key, sizes[i]);
		md[6] = (md[6] & 15) | 0x40;
		md[8] = (md[8] & 63) | 0x80;
		leaks("SHA-256 as a UUID", md, key, sizes[i]);
		turned(id, md);
		leaks("that with fields turned", id, key, sizes[i]);
	}
	leaks("the key", key, key, 32);
	EVP_Q_digest(NULL, "MD5", NULL, key, 32, md, NULL);
	uuid_format(md, text);
	for (i = 0; text[i]; i++)
		text[i] = toupper((unsigned char)text[i]);
	ok(etsi_id_leak(text, key, 32), "an ID in upper case hides nothing");
	n = EVP_EncodeBlock(b64, key, 32);
	EVP_Q_digest(NULL, "SHA256", NULL, b64, n, md, NULL);
	leaks("SHA-256 of base64", md, key, 32);
	/* UUIDv5 in the DNS name space, which is 6ba7b810-9dad-11d1-80b4-00c04fd430c8 */
	hex_decode("6ba7b8109dad11d180b400c04fd430c8", input, UUID_BYTES);
	memcpy(input + UUID_BYTES, key, 32);
	EVP_Q_digest(NULL, "SHA1", NULL, input, sizeof(input), md, NULL);
	md[6] = (md[6] & 15) | 0x50;
	md[8] = (md[8] & 63) | 0x80;
	leaks("UUID version 5", md, key, 32);
}

int main(void)
{
	test_container();
	test_long();
	test_odd();
	test_silent();
	test_shared();
	test_status();
	test_leak();
	block_wipe(&block);
	etsi_ids_free(&ids);
	return tap_done();
}
