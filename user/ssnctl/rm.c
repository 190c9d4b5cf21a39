// SPDX-License-Identifier: GPL-2.0
/* rm: delete an object, proven when n-k+1 holders confirmed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "owner.h"
#include "util.h"

static int rm_run(struct owner *o, json_t *name)
{
	char text[96], job[UUID_TEXT], *sig;
	struct err err = { "" };
	json_t *at, *answer;
	struct out out;
	uint64_t version;
	bool proven;
	int ret;

	ret = owner_ask(o, "rm", json_pack("{s:s, s:O}", "op", "stat", "name", name),
			&at, NULL, NULL);
	if (ret)
		return ret;
	version = json_number(at, "version");
	snprintf(text, sizeof(text), "delete %s %llu", json_text(at, "object"),
		 (unsigned long long)version);
	if (pki_sign(o->pki, text, strlen(text), &sig, &err)) {
		json_decref(at);
		return cmd_error("rm: %s", err.text);
	}
	ret = owner_uuid(job);
	ret = ret ?: owner_ask(o, "rm", json_pack("{s:s, s:s, s:O, s:I, s:s, s:s}",
			"op", "rm", "job", job, "name", name, "version",
			(json_int_t)version, "sig", sig, "owner_cert",
			pki_cert_pem(o->pki)), &answer, NULL, NULL);
	free(sig);
	if (ret) {
		json_decref(at);
		return ret;
	}
	proven = json_is_true(json_object_get(answer, "proven"));
	out_begin(&out, stdout, o->ctx->json);
	out_row(&out, NULL);
	out_str(&out, "name", json_string_value(name));
	out_str(&out, "object", json_text(at, "object"));
	out_u64(&out, "version", version);
	out_u64(&out, "confirmed", json_number(answer, "confirmed"));
	out_bool(&out, "proven", proven);
	out_row_end(&out);
	ret = owner_out_end(&out);
	if (!ret && !proven) {
		cmd_error("rm: %llu holders confirmed, %llu are needed to prove the deletion: repeat it when the others are back",
			  (unsigned long long)json_number(answer, "confirmed"),
			  (unsigned long long)(json_number(at, "n") -
					       json_number(at, "k") + 1));
		ret = CMD_DEGRADED;
	}
	json_decref(answer);
	json_decref(at);
	return ret;
}

static int run(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct owner o;
	json_t *name;
	int ret;

	if (argc != 2)
		return cmd_usage("rm takes one NAME, not %d", argc - 1);
	ret = owner_open(&o, ctx);
	if (ret)
		return ret;
	name = owner_name(argv[1]);
	ret = name ? owner_connect(&o) : CMD_FAILED;
	ret = ret ?: rm_run(&o, name);
	json_decref(name);
	owner_close(&o);
	return ret;
}

static const struct cmd rm = {
	.verb = "rm",
	.args = "NAME",
	.help = "delete an object at its shareholders",
	.run = run,
};
CMD_REGISTER(rm);
