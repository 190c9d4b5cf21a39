// SPDX-License-Identifier: GPL-2.0
/* The writer of text and JSON: both from the same calls, neither to be fooled. */
#include <fcntl.h>
#include <jansson.h>
#include "output.h"
#include "tap.h"

static char *text;
static size_t size;

static FILE *begin(struct out *o, bool json, bool stream)
{
	FILE *file;

	free(text);
	file = open_memstream(&text, &size);
	if (!file)
		bail("no memory");
	if (stream)
		out_begin_stream(o, file, json);
	else
		out_begin(o, file, json);
	return file;
}

static void rows(struct out *o)
{
	unsigned int i, j;

	out_list(o, NULL);
	for (i = 1; i < 3; i++) {
		out_row(o, NULL);
		out_u64(o, "group", i);
		out_bytes(o, "size", 1536 * i);
		out_bool(o, "own", i == 1);
		out_list(o, "members");
		for (j = 0; j < 2; j++) {
			out_row(o, NULL);
			out_u64(o, "node", 10 + j);
			out_str(o, "x", j ? "b c" : "a");
			out_row_end(o);
		}
		out_list_end(o);
		out_row(o, "counters");
		out_i64(o, "tx", -5);
		out_row_end(o);
		out_hex(o, "id", "\x00\xff", 2);
		out_row_end(o);
	}
	out_list_end(o);
}

static void test_both(void)
{
	struct out o;
	FILE *file = begin(&o, false, false);
	json_t *root, *row;

	rows(&o);
	is_int(out_end(&o), 0, "text ends well");
	fclose(file);
	is_str(text,
	       "group 1 size 1.5KiB own yes node 10 x a node 11 x \"b c\" counters tx -5 id 00ff\n"
	       "group 2 size 3KiB own no node 10 x a node 11 x \"b c\" counters tx -5 id 00ff\n",
	       "text: a row, a line");
	file = begin(&o, true, false);
	rows(&o);
	out_end(&o);
	fclose(file);
	root = json_loads(text, 0, NULL);
	if (!ok(json_array_size(root) == 2, "JSON: two rows"))
		diag("%s", text);
	row = json_array_get(root, 1);
	is_int(json_integer_value(json_object_get(row, "size")), 3072,
	       "exact bytes");
	ok(json_is_false(json_object_get(row, "own")), "boolean");
	is_int(json_array_size(json_object_get(row, "members")), 2,
	       "list in a row");
	is_int(json_integer_value(json_object_get(json_object_get(row,
	       "counters"), "tx")), -5, "row in a row");
	is_str(json_string_value(json_object_get(row, "id")), "00ff", "hex");
	json_decref(root);
	file = begin(&o, true, false);
	out_list(&o, NULL);
	out_list_end(&o);
	out_end(&o);
	fclose(file);
	is_str(text, "[]\n", "an empty list is JSON too");
}

static void test_stream(void)
{
	struct out o;
	FILE *file = begin(&o, true, true);

	out_row(&o, NULL);
	out_str(&o, "event", "up");
	out_row_end(&o);
	is_str(text, "{\"event\": \"up\"}\n", "an event is written at once");
	out_row(&o, NULL);
	out_u64(&o, "n", 2);
	out_row_end(&o);
	is_str(text, "{\"event\": \"up\"}\n{\"n\": 2}\n",
	       "one object a line, nothing between them");
	fclose(file);
}

static const struct {
	const char *name, *value, *plain, *json;
} strings[] = {
	{ "a word", "sh1", "sh1", "\"sh1\"" },
	{ "nothing", "", "\"\"", "\"\"" },
	{ "a blank", "a b", "\"a b\"", "\"a b\"" },
	{ "a quote", "a\"b", "\"a\\\"b\"", "\"a\\\"b\"" },
	{ "a backslash", "a\\b", "\"a\\\\b\"", "\"a\\\\b\"" },
	{ "a line end", "a\nb", "\"a\\nb\"", "\"a\\nb\"" },
	{ "an escape sequence", "\033[2J", "\"\\u001b[2J\"", "\"\\u001b[2J\"" },
	{ "DEL", "\x7f", "\"\\u007f\"", "\"\\u007f\"" },
	{ "C1 control", "\xc2\x9b", "\"\\u009b\"", "\"\\u009b\"" },
	{ "UTF-8", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\x91",
	  "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\x91\"", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\x91\"" },
	{ "a byte that is no UTF-8", "a\xff" "b", "\"a\\xffb\"", "\"a\\ufffdb\"" },
	{ "a cut character", "\xc3", "\"\\xc3\"", "\"\\ufffd\"" },
	{ "an overlong character", "\xc0\xaf", "\"\\xc0\\xaf\"", "\"\\ufffd\\ufffd\"" },
	{ "a surrogate", "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\"\\ufffd\\ufffd\\ufffd\"" },
};

static void test_strings(void)
{
	char want[128];
	struct out o;
	FILE *file;
	size_t i;

	for (i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		file = begin(&o, false, false);
		out_row(&o, NULL);
		out_str(&o, "k", strings[i].value);
		out_row_end(&o);
		out_end(&o);
		fclose(file);
		snprintf(want, sizeof(want), "k %s\n", strings[i].plain);
		is_str(text, want, "text: %s", strings[i].name);
		file = begin(&o, true, false);
		out_row(&o, NULL);
		out_str(&o, "k", strings[i].value);
		out_row_end(&o);
		out_end(&o);
		fclose(file);
		snprintf(want, sizeof(want), "{\"k\": %s}\n", strings[i].json);
		is_str(text, want, "JSON: %s", strings[i].name);
	}
}

static void test_human(void)
{
	char buf[24];

	is_str(out_human(0, buf), "0B", "0");
	is_str(out_human(1023, buf), "1023B", "1023");
	is_str(out_human(1024, buf), "1KiB", "1024");
	is_str(out_human(1048575, buf), "1023.9KiB", "never rounded up");
	is_str(out_human(UINT64_MAX, buf), "15.9EiB", "the largest");
}

static void test_full(void)
{
	FILE *file = fopen("/dev/full", "w");
	struct out o;

	out_begin(&o, file, true);
	out_row(&o, NULL);
	out_row_end(&o);
	is_int(out_end(&o), -ENOSPC, "a full disk is an error");
	fclose(file);
}

int main(void)
{
	tap_plan(9 + 2 + 28 + 5 + 1);
	test_both();
	test_stream();
	test_strings();
	test_human();
	test_full();
	free(text);
	return tap_done();
}
