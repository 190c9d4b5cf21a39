// SPDX-License-Identifier: GPL-2.0
/*
 * What real key servers answer differs from the standard in many small ways:
 * nothing here is believed but what was looked at.
 */
#include "etsi014.h"

#include <ctype.h>
#include <errno.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#define BASE	"/api/v1/keys/"

const char *etsi_verdict_text(enum etsi_verdict v)
{
	static const char *const text[] = {
		"ok", "no key now", "refused us", "no answer", "odd answer",
		"key ID tells the key", "not for us alone", "keys lost",
	};

	return text[v];
}

int etsi_id_parse(const char *id, uint8_t uuid[UUID_BYTES])
{
	char text[UUID_TEXT];
	size_t i;

	if (strlen(id) != UUID_TEXT - 1)
		return -EINVAL;
	for (i = 0; i < UUID_TEXT; i++)
		text[i] = tolower((unsigned char)id[i]);
	return uuid_parse(text, uuid);
}

int etsi_ids_add(struct etsi_ids *ids, const char *id)
{
	uint8_t uuid[UUID_BYTES];
	void *more;

	if (etsi_id_parse(id, uuid))
		return -EINVAL;
	if (ids->n >= ETSI_KEYS_MAX)
		return -ENOSPC;
	if (!(ids->n & (ids->n - 1))) {	/* room is the next power of two */
		more = realloc(ids->id, (ids->n ? ids->n * 2 : 1) * sizeof(*ids->id));
		if (!more)
			return -ENOMEM;
		ids->id = more;
	}
	memcpy(ids->id[ids->n++], id, UUID_TEXT);
	return 0;
}

void etsi_ids_free(struct etsi_ids *ids)
{
	free(ids->id);
	memset(ids, 0, sizeof(*ids));
}

static char *path(const char *sae, const char *method)
{
	char *enc = evhttp_uriencode(sae, -1, 0), *out = NULL;

	if (enc && asprintf(&out, BASE "%s/%s", enc, method) < 0)
		out = NULL;
	free(enc);
	return out;
}

char *etsi_enc_path(const char *slave_sae)
{
	return path(slave_sae, "enc_keys");
}

char *etsi_dec_path(const char *master_sae)
{
	return path(master_sae, "dec_keys");
}

json_t *etsi_enc_body(unsigned int number, size_t bits)
{
	return json_pack("{s:i, s:I}", "number", (int)number, "size", (json_int_t)bits);
}

json_t *etsi_dec_body(const struct etsi_ids *ids)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < ids->n; i++)
		json_array_append_new(list, json_pack("{s:s}", "key_ID", ids->id[i]));
	return json_pack("{s:o}", "key_IDs", list);
}

/*
 * An empty store is answered with 400, 404 or 503: all of them mean "no key now".
 */
enum etsi_verdict etsi_enc_status(int status)
{
	switch (status) {
	case 0:
		return ETSI_DOWN;
	case 200:
		return ETSI_OK;
	case 401:
	case 403:
		return ETSI_AUTH;
	case 400:
	case 404:
	case 429:
		return ETSI_EMPTY;
	default:
		return status >= 500 ? ETSI_EMPTY : ETSI_ODD;
	}
}

/* Whatever is not a yes may have taken the keys out of the store. */
enum etsi_verdict etsi_dec_status(int status)
{
	switch (status) {
	case 0:
		return ETSI_DOWN;
	case 200:
		return ETSI_OK;
	case 401:
	case 403:
		return ETSI_AUTH;
	default:
		return ETSI_GONE;
	}
}

void etsi_message(const void *body, size_t len, char *text, size_t size)
{
	const char *message;
	json_t *root;
	size_t i;

	*text = '\0';
	if (!body || len > 65536)
		return;
	root = json_loadb(body, len, 0, NULL);
	message = json_string_value(json_object_get(root, "message"));
	if (message) {
		snprintf(text, size, "%s", message);
		for (i = 0; text[i]; i++)
			if (!isprint((unsigned char)text[i]))
				text[i] = '?';
	}
	json_decref(root);
}

/* Some libraries turn the first three fields of a UUID round. */
static const uint8_t turned[UUID_BYTES] = {
	3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
};

/* Equal but for what makes a UUID of a hash: version and variant bits. */
static int id_equals(const uint8_t id[UUID_BYTES], const uint8_t *hash)
{
	int i, diff = 0, diff_turned = 0;

	for (i = 0; i < UUID_BYTES; i++) {
		int mask = i == 6 ? 0x0f : i == 8 ? 0x3f : 0xff;

		diff |= (id[i] ^ hash[i]) & mask;
		diff_turned |= (id[turned[i]] ^ hash[i]) & mask;
	}
	return !diff || !diff_turned;
}

static int hash_equals(const uint8_t id[UUID_BYTES], const char *name,
		       const uint8_t *prefix, size_t prefix_len,
		       const void *data, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = EVP_get_digestbyname(name);
	uint8_t hash[EVP_MAX_MD_SIZE];
	int equal = 0;

	if (ctx && md && EVP_DigestInit_ex(ctx, md, NULL) &&
	    EVP_DigestUpdate(ctx, prefix, prefix_len) &&
	    EVP_DigestUpdate(ctx, data, len) && EVP_DigestFinal_ex(ctx, hash, NULL))
		equal = id_equals(id, hash);
	explicit_bzero(hash, sizeof(hash));
	EVP_MD_CTX_free(ctx);
	return equal;
}

/* Keys over this size are not also tried in their text form and as UUIDv3/v5. */
#define LEAK_ALL_FORMS	4096

/**
 * etsi_id_leak - does a key ID tell the key?
 * @id:		key ID
 * @key:	key
 * @len:	bytes
 *
 * Whoever sees such an ID (it travels between the agents, and stands in a
 * database) can test guesses of the key, and learns that two keys are equal.
 * Known forms: the key's own first bytes; prefixes of MD5, SHA-1 or SHA-256 of the
 * key, of its base64 text, or of a UUID name space and it (versions 3 and 5), with or
 * without a UUID's version bits; each also with the fields of a UUID turned round.
 *
 * Return: the form's name, or NULL.
 */
const char *etsi_id_leak(const char *id, const void *key, size_t len)
{
	static const uint8_t spaces[][UUID_BYTES] = {
		{ 0 },
		{ 0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
		  0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 },	/* DNS */
		{ 0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
		  0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 },	/* URL */
		{ 0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1,
		  0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 },	/* OID */
		{ 0x6b, 0xa7, 0xb8, 0x14, 0x9d, 0xad, 0x11, 0xd1,
		  0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 },	/* X.500 */
	};
	static const char *const hashes[] = { "MD5", "SHA1", "SHA256" };
	uint8_t bytes[UUID_BYTES], text[LEAK_ALL_FORMS / 3 * 4 + 8];
	const char *found = NULL;
	size_t i, s, n;

	if (etsi_id_parse(id, bytes))
		return NULL;
	if (len >= UUID_BYTES && id_equals(bytes, key))
		return "the key itself";
	for (i = 0; i < 3; i++)
		if (hash_equals(bytes, hashes[i], NULL, 0, key, len))
			return hashes[i];
	if (len > LEAK_ALL_FORMS)
		return NULL;
	n = EVP_EncodeBlock(text, key, len);
	for (i = 0; i < 3 && !found; i++) {
		if (hash_equals(bytes, hashes[i], NULL, 0, text, n))
			found = hashes[i];
		for (s = 0; s < sizeof(spaces) / sizeof(*spaces) && !found && i < 2; s++)
			if (hash_equals(bytes, hashes[i], spaces[s], UUID_BYTES, key, len) ||
			    hash_equals(bytes, hashes[i], spaces[s], UUID_BYTES, text, n))
				found = "UUID of version 3 or 5";
	}
	explicit_bzero(text, n);
	return found;
}

/*
 * Long strings are what a key container consists of, and a JSON library goes over
 * them byte by byte, several times. They are taken out before: in their place stands
 * "@N", which is no base64, for the Nth. Strings with escapes stay as they are.
 */
#define LONG_STRING	512

struct long_string { const char *text; size_t len; int used; };

struct skeleton {
	char *text;
	size_t len, n;
	struct long_string *strings;
};

static void skeleton_free(struct skeleton *sk)
{
	if (sk->text)
		explicit_bzero(sk->text, sk->len);
	free(sk->text);
	free(sk->strings);
}

static int skeleton_make(struct skeleton *sk, const char *body, size_t len)
{
	const char *end = body + len, *p = body, *open, *close;
	size_t room = len / LONG_STRING + 1;

	memset(sk, 0, sizeof(*sk));
	sk->text = malloc(len + 1);
	sk->strings = calloc(room, sizeof(*sk->strings));
	if (!sk->text || !sk->strings)
		return -ENOMEM;
	while ((open = memchr(p, '"', end - p))) {
		close = memchr(open + 1, '"', end - open - 1);
		/* an escaped quote: up to the real one */
		while (close && close[-1] == '\\' && memchr(open + 1, '\\', close - open - 1)) {
			const char *b = close;

			while (b > open + 1 && b[-1] == '\\')
				b--;
			if (!((close - b) & 1))
				break;
			close = memchr(close + 1, '"', end - close - 1);
		}
		if (!close)
			break;
		memcpy(sk->text + sk->len, p, open - p);
		sk->len += open - p;
		if (close - open > LONG_STRING && !memchr(open, '\\', close - open)) {
			sk->strings[sk->n] = (struct long_string){ open + 1,
								   close - open - 1, 0 };
			sk->len += sprintf(sk->text + sk->len, "\"@%zu\"", sk->n++);
		} else {
			memcpy(sk->text + sk->len, open, close + 1 - open);
			sk->len += close + 1 - open;
		}
		p = close + 1;
	}
	memcpy(sk->text + sk->len, p, end - p);
	sk->len += end - p;
	return 0;
}

/* What stands behind "@N", each once; or the string itself. */
static const char *skeleton_string(struct skeleton *sk, const json_t *value, size_t *len)
{
	const char *text = json_string_value(value);
	char *end;
	size_t i;

	*len = json_string_length(value);
	if (*text != '@')
		return text;
	i = strtoul(text + 1, &end, 10);
	if (*end || i >= sk->n || sk->strings[i].used)
		return text;
	sk->strings[i].used = 1;
	*len = sk->strings[i].len;
	return sk->strings[i].text;
}

/* Append a key's bytes to the pad; the length, or -EINVAL, -ENOSPC. */
static ssize_t key_append(struct block *block, const char *b64, size_t len)
{
	ssize_t n;

	if (len / 4 * 3 > block->room - block->len)
		return -ENOSPC;
	n = base64_read(b64, len, block->pad + block->len);
	if (n > 0)
		block->len += n;
	return n;
}

/* Most servers keep the order: @hint is looked at first. */
static json_t *key_named(json_t *keys, const char *id, size_t hint)
{
	json_t *obj = json_array_get(keys, hint);
	const char *text = json_string_value(json_object_get(obj, "key_ID"));
	size_t i;

	if (text && !strcasecmp(text, id))
		return obj;
	json_array_foreach(keys, i, obj) {
		text = json_string_value(json_object_get(obj, "key_ID"));
		if (text && !strcasecmp(text, id))
			return obj;
	}
	return NULL;
}

/*
 * A server that makes IDs of keys does it with every key. Three hashes of a
 * mebibyte take longer than all else that is done with it: of large keys the first
 * ones are looked at, and every so many later, should the server change.
 */
static int leak_due(size_t len)
{
	static unsigned int large;

	if (len <= 16 * LEAK_ALL_FORMS)
		return 1;
	large++;
	return large <= 4 || !(large % 16);
}

/*
 * Keys issued with additional slave SAEs are a pad that more than two ends hold
 * (PROTOCOL 1). The standard does not say how an answer tells it; who does tells it
 * under the name that the request has, perhaps with a vendor's prefix.
 */
static int names_third(const json_t *value)
{
	static const char name[] = "additional_slave_SAE_IDs";
	const char *key;
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)value, i, v)
		if (names_third(v))
			return 1;
	json_object_foreach((json_t *)value, key, v) {
		size_t len = strlen(key);

		if (len >= strlen(name) && !strcmp(key + len - strlen(name), name) &&
		    !json_is_null(v) && !(json_is_array(v) && !json_array_size(v)))
			return 1;
		if (names_third(v))
			return 1;
	}
	return 0;
}

static enum etsi_verdict one_key(struct skeleton *sk, json_t *obj, struct etsi_ids *ids,
				 int want, size_t bits, struct block *block, int *odd,
				 struct err *err)
{
	const char *id = json_string_value(json_object_get(obj, "key_ID"));
	json_t *key = json_object_get(obj, "key");
	const char *leak, *b64;
	size_t i, b64_len;
	ssize_t n;

	if (!id || !json_is_string(key)) {
		err_set(err, -EINVAL, "a key without \"key_ID\" or \"key\"");
		return ETSI_ODD;
	}
	b64 = skeleton_string(sk, key, &b64_len);
	n = key_append(block, b64, b64_len);
	if (n <= 0) {
		err_set(err, -EINVAL, n == -ENOSPC ? "more key bytes than asked for" :
			"a key that is not base64");
		return ETSI_ODD;
	}
	if (bits && (size_t)n * 8 != bits)
		*odd = 1;
	leak = leak_due(n) ? etsi_id_leak(id, block->pad + block->len - n, n) : NULL;
	if (leak) {
		err_set(err, -EINVAL, "the ID of a key is computed from it: %s", leak);
		return ETSI_LEAK;
	}
	if (want)
		return ETSI_OK;
	for (i = 0; i < ids->n; i++)
		if (!strcasecmp(ids->id[i], id))
			break;
	if (i < ids->n || etsi_ids_add(ids, id)) {
		err_set(err, -EINVAL, "a key ID that is no ID, or stands there twice");
		return ETSI_ODD;
	}
	ids->last = n;
	return ETSI_OK;
}

/**
 * etsi_keys - read a key container
 *
 * See etsi014.h. On anything but ETSI_OK the pad holds nothing to be used.
 */
enum etsi_verdict etsi_keys(const void *body, size_t len, struct etsi_ids *ids, int want,
			    size_t bits, struct block *block, int *odd, struct err *err)
{
	enum etsi_verdict v = ETSI_OK;
	json_t *root, *keys, *obj;
	struct skeleton sk;
	json_error_t why;
	size_t i, n;

	*odd = 0;
	if (skeleton_make(&sk, body ? body : "", len)) {
		skeleton_free(&sk);
		err_set(err, -ENOMEM, "out of memory");
		return ETSI_DOWN;
	}
	root = json_loadb(sk.text, sk.len, 0, &why);
	keys = json_object_get(root, "keys");
	n = json_array_size(keys);
	if (!root || !json_is_array(keys)) {
		/* the library's words have bytes of the body in them */
		if (root)
			err_set(err, -EINVAL, "no key container: no list \"keys\"");
		else
			err_set(err, -EINVAL, "no key container: no JSON at line %d, column %d",
				why.line, why.column);
		v = ETSI_ODD;
	} else if (names_third(root)) {
		err_set(err, -EINVAL, "the keys were issued to further SAEs");
		v = ETSI_SHARED;
	} else if (!n) {
		err_set(err, -EAGAIN, "a key container without keys");
		v = want ? ETSI_GONE : ETSI_EMPTY;
	} else if (want && n != ids->n) {
		err_set(err, -EINVAL, "%zu keys where %zu were asked for", n, ids->n);
		v = ETSI_GONE;
	}
	for (i = 0; v == ETSI_OK && i < n; i++) {
		obj = want ? key_named(keys, ids->id[i], i) : json_array_get(keys, i);
		if (!obj) {
			err_set(err, -EINVAL, "a key that was asked for is not there");
			v = ETSI_GONE;
		} else {
			v = one_key(&sk, obj, ids, want, bits, block, odd, err);
		}
	}
	json_decref(root);
	skeleton_free(&sk);
	return v;
}
