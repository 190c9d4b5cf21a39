// SPDX-License-Identifier: GPL-2.0
/* stat: all that the SSA knows of an object. */
#include <string.h>

#include "owner.h"

static void stat_member(struct out *out, const struct owner *o, const json_t *m)
{
	const struct network_node *node = network_node(&o->net,
						       json_number(m, "node"));

	out_row(out, NULL);
	out_u64(out, "node", json_number(m, "node"));
	out_str(out, "node_name", node ? node->name : "?");
	out_u64(out, "x", json_number(m, "x"));
	out_str(out, "held", json_text(m, "state"));
	out_row_end(out);
}

static int stat_show(const struct owner *o, const json_t *answer)
{
	const json_t *m;
	struct out out;
	size_t i;

	out_begin(&out, stdout, o->ctx->json);
	out_row(&out, NULL);
	out_str(&out, "name", json_text(answer, "name"));
	out_str(&out, "object", json_text(answer, "object"));
	out_u64(&out, "version", json_number(answer, "version"));
	out_bytes(&out, "size", json_number(answer, "size"));
	owner_time(&out, "stored_at", json_number(answer, "stored_at"));
	out_str(&out, "state", json_text(answer, "state"));
	out_u64(&out, "k", json_number(answer, "k"));
	out_u64(&out, "n", json_number(answer, "n"));
	out_u64(&out, "confirmed", json_number(answer, "confirmed"));
	out_bool(&out, "its", json_is_true(json_object_get(answer, "its")));
	out_str(&out, "its_why", json_text(answer, "its_why"));
	out_str(&out, "coefficients", json_text(answer, "coefficients"));
	out_list(&out, "members");
	json_array_foreach(json_object_get(answer, "members"), i, m)
		stat_member(&out, o, m);
	out_list_end(&out);
	out_str(&out, "policy", json_text(answer, "policy"));
	out_row_end(&out);
	return owner_out_end(&out);
}

static int run(int argc, char **argv, const struct cmd_ctx *ctx)
{
	json_t *name, *answer;
	struct owner o;
	int ret;

	if (argc != 2)
		return cmd_usage("stat takes one NAME, not %d", argc - 1);
	ret = owner_open(&o, ctx);
	if (ret)
		return ret;
	name = owner_name(argv[1]);
	ret = name ? owner_connect(&o) : CMD_FAILED;
	ret = ret ?: owner_ask(&o, "stat", json_pack("{s:s, s:O}", "op", "stat",
						     "name", name), &answer, NULL,
			       NULL);
	if (!ret) {
		ret = stat_show(&o, answer);
		json_decref(answer);
	}
	json_decref(name);
	owner_close(&o);
	return ret;
}

static const struct cmd stat_cmd = {
	.verb = "stat",
	.args = "NAME",
	.help = "show an object: who holds it, its policy, what may be claimed of it",
	.run = run,
};
CMD_REGISTER(stat_cmd);
