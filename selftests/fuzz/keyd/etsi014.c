// SPDX-License-Identifier: GPL-2.0
/*
 * What a key server answers: user/keyd/etsi014.c. A key container that is taken
 * is one also to a JSON library that reads it the plain way, and the other way
 * round.
 *
 * Input: a line with '+' for each key that was asked for by its ID (these are ID
 * with one digit, 0 and upwards), and room for the keys as a number; then the body.
 *
 * max_len: 20000
 * runs: 15000
 */
#define FUZZ_LINES
#include <strings.h>
#include "etsi014.h"
#include "json_mutate.h"
#include "util.h"

#define BITS	128
#define ID	"00000000-0000-4000-8000-00000000000%x"

/* --- the plain way */

struct plain { uint8_t *pad; size_t len, room; struct etsi_ids ids; };

static bool plain_key(struct plain *p, const json_t *obj, bool want)
{
	const char *id = json_string_value(json_object_get(obj, "key_ID"));
	const char *key = json_string_value(json_object_get(obj, "key"));
	void *bytes;
	size_t len, i;

	if (!id || !key || strlen(key) / 4 * 3 > p->room - p->len ||
	    base64_decode(key, &bytes, &len))
		return false;
	if (len)
		memcpy(p->pad + p->len, bytes, len);
	free(bytes);
	if (!len || etsi_id_leak(id, p->pad + p->len, len))
		return false;
	p->len += len;
	for (i = 0; !want && i < p->ids.n; i++)
		if (!strcasecmp(p->ids.id[i], id))
			return false;
	return want || !etsi_ids_add(&p->ids, id);
}

static const json_t *plain_named(const json_t *keys, const char *id)
{
	const char *text;
	json_t *obj;
	size_t i;

	json_array_foreach(keys, i, obj) {
		text = json_string_value(json_object_get(obj, "key_ID"));
		if (text && !strcasecmp(text, id))
			return obj;
	}
	return NULL;
}

/* @want: NULL, or the IDs that were asked for. */
static bool plain_keys(struct plain *p, const char *body, size_t len,
		       const struct etsi_ids *want)
{
	json_t *root = json_loadb(body, len, 0, NULL);
	const json_t *keys = json_object_get(root, "keys"), *obj;
	size_t n = json_array_size(keys), i;
	bool good = n && (!want || n == want->n);

	for (i = 0; good && i < n; i++) {
		obj = want ? plain_named(keys, want->id[i]) : json_array_get(keys, i);
		good = obj && plain_key(p, obj, want);
	}
	json_decref(root);
	return good;
}

/*
 * Where the two may differ: "@N" stands for a long string, by whomever written;
 * into a long string that is no key nobody looks; and keys of a third are refused
 * wherever he is named.
 */
static bool is_odd(const char *body, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((uint8_t)body[i] < ' ' || (uint8_t)body[i] >= 0x80 || body[i] == '@')
			return true;
	return memmem(body, len, "\\u", 2) || memmem(body, len, "SAE_IDs", 7);
}

/* --- both */

static void container(const char *body, size_t len, unsigned int asked, size_t room)
{
	struct plain plain = { .pad = malloc(room), .room = room };
	struct block block = { .pad = malloc(room), .room = room };
	struct etsi_ids ids = { 0 };
	struct err err = { "" };
	enum etsi_verdict v;
	bool good;
	json_t *text;
	unsigned int i;
	int odd;

	for (i = 0; i < asked; i++) {
		char id[UUID_TEXT];

		snprintf(id, sizeof(id), ID, i);
		must(!etsi_ids_add(&ids, id), "%s", id);
	}
	good = plain_keys(&plain, body, len, asked ? &ids : NULL);
	v = etsi_keys(body, len, &ids, asked, BITS, &block, &odd, &err);
	must(block.len <= room, "%zu bytes in %zu", block.len, room);
	if (v == ETSI_OK) {
		must(ids.n && block.len, "no keys");
		must(good || is_odd(body, len), "it is no container");
		must(!good || (block.len == plain.len &&
			       !memcmp(block.pad, plain.pad, plain.len)), "other keys");
		for (i = 0; good && !asked && i < ids.n; i++)
			must(ids.n == plain.ids.n &&
			     !strcmp(ids.id[i], plain.ids.id[i]), "other IDs");
	} else {
		must(!good || is_odd(body, len), "a container is refused: %s", err.text);
		text = json_string(err.text);
		must(text && *err.text, "what is said is no UTF-8, or nothing");
		json_decref(text);
	}
	must(asked ? ids.n == asked : ids.n <= ETSI_KEYS_MAX, "%zu IDs", ids.n);
	etsi_ids_free(&plain.ids);
	etsi_ids_free(&ids);
	free(plain.pad);
	free(block.pad);
}

static void message(const char *body, size_t len)
{
	char text[40];
	size_t i;

	etsi_message(body, len, text, sizeof(text));
	for (i = 0; text[i]; i++)
		must(text[i] >= ' ' && text[i] < 0x7f, "a character that steers");
	must(i < sizeof(text), "longer than there is room");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	const char *line, *at;
	unsigned int asked = 0;
	char *body, *number;
	size_t len;

	if (!input_line(&in, &line, &len))
		return 0;
	for (at = line; at < line + len && *at == '+' && asked < 16; at++)
		asked++;
	number = input_text(at, line + len - at);
	body = malloc(in.left);		/* exactly: a byte too many is seen */
	if (in.left)
		memcpy(body, in.at, in.left);
	container(body, in.left, asked, strtoul(number, NULL, 10) % 8192);
	message(body, in.left);
	free(body);
	free(number);
	return 0;
}
