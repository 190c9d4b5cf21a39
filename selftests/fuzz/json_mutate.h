/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mutator that knows JSON, for targets whose input is text: bytes that are
 * changed at random hardly ever leave a JSON text one. A target that includes
 * this gets it. Where FUZZ_LINES is defined, each line of the input is a text of
 * its own; otherwise the whole input is one. Now and then bytes are changed at
 * random all the same, and always where there is no JSON. FUZZ_OWN_MUTATOR: the
 * target has a mutator of its own, and calls text_mutate().
 */
#ifndef SELFTESTS_JSON_MUTATE_H
#define SELFTESTS_JSON_MUTATE_H

#include <jansson.h>
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed);

/* What is tried has nothing to do with what is covered. */
#define UNSEEN __attribute__((no_sanitize("coverage")))

static uint64_t mutate_seed;

UNSEEN static uint32_t mutate_dice(uint32_t sides)
{
	mutate_seed = mutate_seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (mutate_seed >> 33) % sides;
}

/* --- places in a text */

struct place { json_t *in; const char *key; size_t index; json_t *value; };

#define PLACES_MAX	2048
static struct place places[PLACES_MAX];
static unsigned int places_count;

UNSEEN static void places_add(json_t *in, const char *key, size_t index, json_t *value)
{
	const char *k;
	json_t *v;
	size_t i;

	if (places_count == PLACES_MAX)
		return;
	places[places_count++] = (struct place){ in, key, index, value };
	json_array_foreach(value, i, v)
		places_add(value, NULL, i, v);
	json_object_foreach(value, k, v)
		places_add(value, k, 0, v);
}

UNSEEN static struct place *places_any(void)
{
	return &places[mutate_dice(places_count)];
}

/* Takes @value. */
UNSEEN static void place_set(struct place *p, json_t *value)
{
	if (!p->in || !value)
		json_decref(value);
	else if (p->key)
		json_object_set_new(p->in, p->key, value);
	else
		json_array_set_new(p->in, p->index, value);
}

UNSEEN static void place_delete(struct place *p)
{
	if (!p->in)
		return;
	if (p->key)
		json_object_del(p->in, p->key);
	else
		json_array_remove(p->in, p->index);
}

/* --- values */

UNSEEN static json_t *odd_integer(void)
{
	static const json_int_t odd[] = {
		0, 1, -1, 2, 255, 256, 65535, 65536, INT32_MAX, UINT32_MAX,
		(json_int_t)UINT32_MAX + 1, INT64_MAX, INT64_MIN,
	};

	return json_integer(odd[mutate_dice(sizeof(odd) / sizeof(*odd))]);
}

UNSEEN static json_t *odd_text(void)
{
	static const char *const odd[] = {
		"", ".", "..", "/", "@0", "\xc3\xa9", "\xe2\x82\xac", "\n", "\x7f", "%s",
		"0", "-1", "18446744073709551615", "18446744073709551616",
		"00000000-0000-0000-0000-000000000000",
	};
	size_t n = 1 + mutate_dice(700), i, len;
	const char *part;
	json_t *long_one;
	char *text;

	if (mutate_dice(4))
		return json_string(odd[mutate_dice(sizeof(odd) / sizeof(*odd))]);
	/* long, so that it is cut off somewhere, also within a letter */
	part = odd[3 + mutate_dice(4)];
	len = strlen(part);
	text = malloc(n * len + 2);
	*text = 'x';
	for (i = 0; i < n; i++)
		memcpy(text + 1 + i * len, part, len);
	text[1 + n * len] = '\0';
	long_one = json_string(text + mutate_dice(2));
	free(text);
	return long_one;
}

UNSEEN static json_t *odd_value(void)
{
	switch (mutate_dice(8)) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(mutate_dice(2));
	case 2:
		return json_real(0.5);
	case 3:
		return json_array();
	case 4:
		return json_object();
	case 5:
	case 6:
		return odd_integer();
	default:
		return odd_text();
	}
}

/* A value that is nearly @value. */
UNSEEN static json_t *near_value(const json_t *value)
{
	json_int_t n = json_integer_value(value);
	uint8_t text[256];
	size_t len;

	if (json_is_integer(value)) {
		switch (mutate_dice(4)) {
		case 0:
			return json_integer((json_int_t)((uint64_t)n + 1));
		case 1:
			return json_integer((json_int_t)((uint64_t)n - 1));
		case 2:
			return json_integer((json_int_t)((uint64_t)n * 2));
		default:
			return json_integer(n ^ (1LL << mutate_dice(63)));
		}
	}
	len = json_string_length(value);
	if (json_is_string(value) && len < sizeof(text)) {
		memcpy(text, json_string_value(value), len);
		len = LLVMFuzzerMutate(text, len, sizeof(text));
		return json_stringn((char *)text, len);	/* NULL: no UTF-8 any more */
	}
	return odd_value();
}

/* A key that is somewhere in the text, or another one. */
UNSEEN static const char *any_key(void)
{
	static const char *const odd[] = { "", "x", "\xc3\xa9", "op", "version" };
	struct place *p = places_any();

	return p->key ?: odd[mutate_dice(sizeof(odd) / sizeof(*odd))];
}

UNSEEN static void tree_insert(struct place *p, json_t *value)
{
	if (json_is_object(p->value))
		json_object_set_new(p->value, any_key(), value);
	else if (json_is_array(p->value))
		json_array_insert_new(p->value,
				      mutate_dice(json_array_size(p->value) + 1), value);
	else
		place_set(p, value);
}

/* One change. */
UNSEEN static void tree_mutate(json_t *root)
{
	struct place *p, *q;

	places_count = 0;
	places_add(NULL, NULL, 0, root);
	p = places_any();
	q = places_any();
	switch (mutate_dice(8)) {
	case 0:
		place_set(p, odd_value());
		break;
	case 1:
		place_delete(p);
		break;
	case 2:
		place_set(p, json_deep_copy(q->value));
		break;
	case 3:
		tree_insert(p, json_deep_copy(q->value));
		break;
	case 4:
		tree_insert(p, odd_value());
		break;
	case 5:			/* under another name */
		if (p->key) {
			json_t *value = json_deep_copy(p->value);

			json_object_set_new(p->in, any_key(), value);
			place_delete(p);
		}
		break;
	default:
		place_set(p, near_value(p->value));
	}
}

/* --- texts */

/* @len bytes at @text into malloc'd ones; NULL when that is no JSON. */
UNSEEN static char *text_mutate(const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, JSON_DISABLE_EOF_CHECK, NULL);
	unsigned int n = 1 + mutate_dice(3);
	char *out;

	if (!root)
		return NULL;
	while (n--)
		tree_mutate(root);
	out = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return out;
}

#ifndef FUZZ_OWN_MUTATOR
/* The line that is changed: its bytes. */
UNSEEN static void line_pick(const uint8_t *data, size_t size, size_t *begin, size_t *end)
{
	size_t lines = 1, i;
	uint32_t pick;

	*begin = 0;
	*end = size;
#ifdef FUZZ_LINES
	for (i = 0; i < size; i++)
		lines += data[i] == '\n';
	pick = mutate_dice(lines);
	for (i = 0; i < size && pick; i++)
		if (data[i] == '\n' && !--pick)
			*begin = i + 1;
	for (i = *begin; i < size; i++)
		if (data[i] == '\n') {
			*end = i;
			break;
		}
#else
	(void)lines, (void)i, (void)pick, (void)data;
#endif
}

#ifdef FUZZ_LINES
/* A line twice, or not at all. */
UNSEEN static size_t line_repeat(uint8_t *data, size_t size, size_t max, size_t begin,
				 size_t end)
{
	size_t len = end - begin + 1;

	if (end == size)
		return 0;
	if (mutate_dice(2)) {
		memmove(data + begin, data + end + 1, size - end - 1);
		return size - len;
	}
	if (size + len > max)
		return 0;
	memmove(data + end + 1 + len, data + end + 1, size - end - 1);
	memcpy(data + end + 1, data + begin, len);
	return size + len;
}
#endif

UNSEEN size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
				      unsigned int seed)
{
	size_t begin, end, len, size2 = 0;
	char *text;

	mutate_seed = seed;
	mutate_dice(2);
	line_pick(data, size, &begin, &end);
#ifdef FUZZ_LINES
	if (!mutate_dice(8))
		size2 = line_repeat(data, size, max, begin, end);
	if (size2)
		return size2;
#endif
	text = mutate_dice(10) ? text_mutate((char *)data + begin, end - begin) : NULL;
	if (!text)
		return LLVMFuzzerMutate(data, size, max);
	len = strlen(text);
	if (begin + len + size - end <= max) {
		memmove(data + begin + len, data + end, size - end);
		memcpy(data + begin, text, len);
		size2 = begin + len + size - end;
	}
	free(text);
	return size2 ?: LLVMFuzzerMutate(data, size, max);
}
#endif

#endif
