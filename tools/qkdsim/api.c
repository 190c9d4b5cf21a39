// SPDX-License-Identifier: GPL-2.0
/* ETSI GS QKD 014 V1.1.1 clause 5: methods, parameters, status; errors, clause 6. */
#include "qkdsim.h"

#include <errno.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"

#define API	"/api/v1/keys/"

/**
 * api_error - answer with an error body
 * @reply_to:	request; used up
 * @status:	400, 401 (has no body) or 503, and what "empty" says
 * @message:	the standard's text, where it has one
 * @detail:	one detail, or NULL
 */
void api_error(void *reply_to, int status, const char *message, const char *detail)
{
	struct err clean;	/* the detail may be of a request, and no UTF-8 */
	json_t *body;

	sim.refused++;
	if (status == 401) {
		https_reply(reply_to, 401, NULL);
		return;
	}
	if (sim.faults.html) {
		char *html = strdup("<html><body><h1>Error</h1></body></html>");

		https_reply_data(reply_to, status, "text/html", html,
				 html ? strlen(html) : 0);
		return;
	}
	err_set(&clean, 0, "%s", detail ?: "");
	body = detail ? json_pack("{s:s, s:[{s:s}]}", "message", message, "details",
				  "detail", clean.text)
		      : json_pack("{s:s}", "message", message);
	https_reply(reply_to, status, body);
	json_decref(body);
}

static void status_put(json_t *body, const char *key, int64_t n)
{
	char text[32];

	if (sim.faults.zero_limits)
		n = 0;
	snprintf(text, sizeof(text), "%lld", (long long)n);
	json_object_set_new(body, key, sim.faults.odd_types ? json_string(text)
							     : json_integer(n));
}

static void reply_status(const struct sim_sae *master, const struct sim_sae *slave,
			 void *reply_to)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:s}",
				 "source_KME_ID", master->kme->id,
				 "target_KME_ID", slave->kme->id,
				 "master_SAE_ID", master->node->sae,
				 "slave_SAE_ID", slave->node->sae);

	if (sim.faults.odd_types)
		json_object_set_new(body, "source_KME_ID",
				    json_integer(master->node->id));
	status_put(body, "key_size", sim.key_size);
	status_put(body, "stored_key_count", bucket_level(slave->kme) / sim.key_size);
	status_put(body, "max_key_count", sim.stock / sim.key_size);
	status_put(body, "max_key_per_request", sim.max_keys);
	status_put(body, "max_key_size", sim.max_size);
	status_put(body, "min_key_size", sim.min_size);
	status_put(body, "max_SAE_ID_count", sim.max_slaves);
	https_reply(reply_to, 200, body);
	json_decref(body);
}

/*
 * GET carries only @names (a NULL-ended list); numbers become JSON integers.
 * Returns parameters, or NULL after having answered.
 */
static json_t *query_params(const char *query, const char *const *names, int numbers,
			    void *reply_to)
{
	json_t *params = json_object();
	struct evkeyvalq list;
	struct evkeyval *kv;
	const char *const *n;

	if (!query)
		return params;
	if (evhttp_parse_query_str(query, &list)) {
		json_decref(params);
		api_error(reply_to, 400, "the query cannot be read", NULL);
		return NULL;
	}
	for (kv = list.tqh_first; kv; kv = kv->next.tqe_next) {
		char *end;
		long long v;

		for (n = names; *n && strcmp(*n, kv->key); n++)
			;
		v = strtoll(kv->value, &end, 10);
		if (!*n || json_object_get(params, kv->key) ||
		    (numbers && (*end || end == kv->value))) {
			api_error(reply_to, 400, "unknown, repeated or malformed parameter",
				  kv->key);
			json_decref(params);
			params = NULL;
			break;
		}
		json_object_set_new(params, kv->key, numbers ? json_integer(v)
							      : json_string(kv->value));
	}
	evhttp_clear_headers(&list);
	return params;
}

/* "/api/v1/keys/{SAE}/{method}"; the SAE ID is URL-encoded. */
static int split_path(const char *raw, char **sae, const char **method)
{
	const char *slash;
	char *enc;

	if (strncmp(raw, API, strlen(API)))
		return -ENOENT;
	raw += strlen(API);
	slash = strchr(raw, '/');
	if (!slash || slash == raw)
		return -ENOENT;
	enc = strndup(raw, slash - raw);
	*sae = enc ? evhttp_uridecode(enc, 0, NULL) : NULL;
	free(enc);
	*method = slash + 1;
	return *sae ? 0 : -ENOMEM;
}

static void handle_keys(const struct sim_sae *caller, const struct sim_sae *other,
			const char *method, struct https_request *req)
{
	static const char *const enc_names[] = { "number", "size", NULL };
	static const char *const dec_names[] = { "key_ID", NULL };
	int enc = !strcmp(method, "enc_keys");
	json_t *params, *id;

	if (req->method == EVHTTP_REQ_GET) {
		params = query_params(req->query, enc ? enc_names : dec_names, enc,
				      req->reply_to);
		if (!params)
			return;
		if (!enc) {
			id = json_object_get(params, "key_ID");
			json_object_set_new(params, "key_IDs",
					    json_pack("[{s:O?}]", "key_ID", id));
			json_object_del(params, "key_ID");
		}
	} else if (req->method == EVHTTP_REQ_POST) {
		if (req->data || (req->body && !json_is_object(req->body))) {
			api_error(req->reply_to, 400, "the body is no JSON object", NULL);
			return;
		}
		params = req->body ? json_incref((json_t *)req->body) : json_object();
	} else {
		api_error(req->reply_to, 405, "GET or POST", NULL);
		return;
	}
	if (enc)
		enc_keys(caller, other, req, params);
	else
		dec_keys(caller, other, req, params);
	json_decref(params);
}

/* Every request of SAEs and of KMEs arrives here. */
void api_handle(struct https_request *req, void *arg)
{
	const struct sim_sae *caller, *other;
	const char *method;
	char *id = NULL;

	if (!strncmp(req->path, "/link/", 6)) {
		link_handle(req);
		return;
	}
	caller = sim_caller(req->peer);
	if (!caller) {
		log_warn("401 for %s %u: no SAE of this KME", req->peer->role,
			 req->peer->node);
		api_error(req->reply_to, 401, NULL, NULL);
		return;
	}
	if (split_path(req->raw_path, &id, &method)) {
		api_error(req->reply_to, 404, "no such resource", req->path);
		return;
	}
	other = sim_sae(id);
	if (!other)
		api_error(req->reply_to, 400, "no such SAE", id);
	else if (other == caller)
		api_error(req->reply_to, 400, "an SAE has no keys with itself", id);
	else if (!strcmp(method, "status") && req->method == EVHTTP_REQ_GET)
		reply_status(caller, other, req->reply_to);
	else if (!strcmp(method, "enc_keys") || !strcmp(method, "dec_keys"))
		handle_keys(caller, other, method, req);
	else
		api_error(req->reply_to, 404, "no such method", method);
	free(id);
}
