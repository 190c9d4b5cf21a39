// SPDX-License-Identifier: GPL-2.0
/* index: the SSA's catalogue. */
#include <stdio.h>
#include <string.h>

#include "owner.h"

static void rebuild_progress(const json_t *msg, void *arg)
{
	const struct cmd_ctx *ctx = arg;

	if (!ctx->json)
		fprintf(stderr, "index rebuild: %llu objects\n",
			(unsigned long long)json_number(msg, "objects"));
}

static int rebuild_show(const struct cmd_ctx *ctx, const json_t *answer)
{
	bool complete = json_is_true(json_object_get(answer, "complete"));
	struct out out;
	int ret;

	out_begin(&out, stdout, ctx->json);
	out_row(&out, NULL);
	out_u64(&out, "objects", json_number(answer, "objects"));
	out_u64(&out, "skipped", json_number(answer, "skipped"));
	out_u64(&out, "committed", json_number(answer, "committed"));
	out_u64(&out, "waiting", json_number(answer, "waiting"));
	out_bool(&out, "complete", complete);
	out_row_end(&out);
	ret = owner_out_end(&out);
	if (ret || (complete && !json_number(answer, "skipped") &&
		    !json_number(answer, "waiting")))
		return ret;
	cmd_error("index rebuild: not everything is settled: see the SSA's log, and repeat it when all shareholders run");
	return CMD_DEGRADED;
}

static int run(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct owner o;
	json_t *answer;
	int ret;

	if (argc > 1)
		return cmd_usage("index rebuild takes no arguments, not \"%s\"",
				 argv[1]);
	ret = owner_open(&o, ctx);
	if (ret)
		return ret;
	ret = owner_connect(&o);
	ret = ret ?: owner_ask(&o, "index rebuild",
			       json_pack("{s:s}", "op", "rebuild"), &answer,
			       rebuild_progress, (void *)ctx);
	if (!ret) {
		ret = rebuild_show(ctx, answer);
		json_decref(answer);
	}
	owner_close(&o);
	return ret;
}

static const struct cmd rebuild = {
	.object = "index",
	.verb = "rebuild",
	.help = "make the SSA's catalogue again from the shareholders",
	.run = run,
};
CMD_REGISTER(rebuild);
