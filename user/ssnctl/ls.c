// SPDX-License-Identifier: GPL-2.0
/* ls: the objects of this owner. */
#include <string.h>

#include "owner.h"

static void ls_row(struct out *out, const json_t *row)
{
	out_row(out, NULL);
	out_str(out, "name", json_text(row, "name"));
	out_u64(out, "version", json_number(row, "version"));
	out_bytes(out, "size", json_number(row, "size"));
	owner_time(out, "stored_at", json_number(row, "stored_at"));
	out_u64(out, "k", json_number(row, "k"));
	out_u64(out, "n", json_number(row, "n"));
	out_u64(out, "confirmed", json_number(row, "confirmed"));
	out_str(out, "state", json_text(row, "state"));
	out_str(out, "object", json_text(row, "object"));
	out_row_end(out);
}

/* Page by page: memory does not grow with the number of objects. */
static int ls_pages(struct owner *o, struct out *out)
{
	json_t *after = json_string(""), *answer, *rows, *row;
	bool more = true;
	size_t i;
	int ret = 0;

	while (more && !ret) {
		ret = owner_ask(o, "ls", json_pack("{s:s, s:O}", "op", "ls", "after",
						   after), &answer, NULL, NULL);
		if (ret)
			break;
		rows = json_object_get(answer, "objects");
		json_array_foreach(rows, i, row)
			ls_row(out, row);
		more = json_is_true(json_object_get(answer, "more")) &&
		       json_array_size(rows);
		if (more) {
			json_decref(after);
			after = json_incref(json_object_get(json_array_get(rows,
					json_array_size(rows) - 1), "name"));
		}
		json_decref(answer);
	}
	json_decref(after);
	return ret;
}

static int run(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct owner o;
	struct out out;
	int ret, end;

	if (argc > 1)
		return cmd_usage("ls takes no arguments, not \"%s\"", argv[1]);
	ret = owner_open(&o, ctx);
	if (ret)
		return ret;
	ret = owner_connect(&o);
	if (!ret) {
		out_begin(&out, stdout, ctx->json);
		out_list(&out, NULL);
		ret = ls_pages(&o, &out);
		out_list_end(&out);
		end = owner_out_end(&out);
		ret = ret ?: end;
	}
	owner_close(&o);
	return ret;
}

static const struct cmd ls = {
	.verb = "ls",
	.help = "list the objects of this owner",
	.run = run,
};
CMD_REGISTER(ls);
