// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to a simulated KME: tools/qkdsim/api.c, enc.c, dec.c, link.c and what
 * they use; what is below HTTP is played here. Each request gets one answer; a key
 * is delivered to an SAE once, and only to the one it is for.
 *
 * The KME of node 2, with the SAEs of 2 and 3; those of 11 and 12 are at the KME of
 * node 11.
 *
 * Input, a line each:
 *	{"role": TEXT, "node": N, "method": "GET"|"POST"|"PUT", "path": TEXT,
 *	 "query": TEXT, "body": ANY}
 *	{"node": N, "header": OBJECT, "bytes": N, "cut": N}	keys of another KME
 *	{"linked": STATUS}	the oldest request to another KME is answered
 *	{"faults": OBJECT}	as in the configuration
 *	{"dec": N}		the Nth key issued is fetched by who it is for
 *
 * wraps: https_reply https_reply_data https_call_data pki_self
 * wraps: getrandom monotonic_ms time
 * runs: 4000
 */
#define FUZZ_LINES
#include <arpa/inet.h>
#include "json_mutate.h"
#include "qkdsim.h"
#include "still.h"

#define REQUESTS	256
#define KEYS		1024

void __wrap_https_reply(void *reply_to, int status, const json_t *body);
void __wrap_https_reply_data(void *reply_to, int status, const char *type, void *data,
			     size_t len);
void *__wrap_https_call_data(struct https_client *client, const char *method,
			     const char *url, const char *type, void *data, size_t len,
			     unsigned int timeout_ms, size_t max_body,
			     const struct pki_id *peer, https_done_data *done, void *arg);
const struct pki_id *__wrap_pki_self(const struct pki *pki);

/* --- requests and their answers */

static struct request {
	unsigned int answers;
	int status;
	uint32_t node;			/* who asks */
	bool enc, dec;
} request[REQUESTS];
static unsigned int requests;

/* Keys that were issued: the same key may go to several slaves. */
static struct { char id[UUID_TEXT]; uint32_t master; } issued[KEYS];
static struct { char id[UUID_TEXT]; uint32_t slave; } fetched[KEYS];
static unsigned int issues, fetches;

static void key_seen(const struct request *r, const char *id)
{
	unsigned int i;

	if (r->enc && issues < KEYS) {
		snprintf(issued[issues].id, UUID_TEXT, "%s", id);
		issued[issues++].master = r->node;
	}
	if (!r->dec)
		return;
	for (i = 0; i < fetches; i++)
		must(strcmp(fetched[i].id, id) || fetched[i].slave != r->node,
		     "key %s goes to node %u again", id, r->node);
	if (fetches < KEYS) {
		snprintf(fetched[fetches].id, UUID_TEXT, "%s", id);
		fetched[fetches++].slave = r->node;
	}
}

/* Another KME gives a key of that ID, perhaps not for the first time. */
static void key_given(const char *id)
{
	unsigned int i;

	for (i = 0; i < fetches; i++)
		if (!strcmp(fetched[i].id, id))
			fetched[i].id[0] = '\0';
}

static struct request *answered(void *reply_to, int status)
{
	struct request *r = reply_to;

	must(r >= request && r < request + requests, "an answer to nobody");
	must(!r->answers++, "two answers");
	must(status >= 200 && status < 600, "status %d", status);
	r->status = status;
	return r;
}

void __wrap_https_reply(void *reply_to, int status, const json_t *body)
{
	answered(reply_to, status);
	must(status == 200 || status == 401 || sim.faults.html ||
	     json_is_string(json_object_get(body, "message")), "%d, and nothing is said",
	     status);
}

void __wrap_https_reply_data(void *reply_to, int status, const char *type, void *data,
			     size_t len)
{
	const struct request *r = answered(reply_to, status);
	json_t *body, *keys, *key;
	const char *id;
	size_t i;

	body = json_loadb(data, len, 0, NULL);
	keys = json_object_get(body, "keys");
	must(status != 200 || (json_is_array(keys) && (r->enc || r->dec)),
	     "keys that are none");
	json_array_foreach(keys, i, key) {
		id = json_string_value(json_object_get(key, "key_ID"));
		must(id && json_is_string(json_object_get(key, "key")), "a key without ID");
		key_seen(r, id);
	}
	json_decref(body);
	free(data);
}

/* --- the other KMEs */

static struct { https_done_data *done; void *arg; } calls[REQUESTS];
static unsigned int calls_count, calls_done;

void *__wrap_https_call_data(struct https_client *client, const char *method,
			     const char *url, const char *type, void *data, size_t len,
			     unsigned int timeout_ms, size_t max_body,
			     const struct pki_id *peer, https_done_data *done, void *arg)
{
	free(data);
	if (calls_count == REQUESTS)
		return NULL;
	calls[calls_count].done = done;
	calls[calls_count++].arg = arg;
	return &calls[calls_count];
}

static void linked(int status)
{
	static const char refused[] = "{\"message\":\"no\"}";

	if (calls_done == calls_count)
		return;
	calls[calls_done].done(status, status ? refused : NULL,
			       status ? sizeof(refused) - 1 : 0,
			       status ? NULL : "no answer", calls[calls_done].arg);
	calls_done++;
}

const struct pki_id *__wrap_pki_self(const struct pki *pki)
{
	static const struct pki_id id = { "test", "kme", 2 };

	return &id;
}

/* --- lines */

static const char *text_of(const json_t *obj, const char *key, const char *def)
{
	return json_string_value(json_object_get(obj, key)) ?: def;
}

static void handle(struct https_request *req, const struct pki_id *peer)
{
	struct request *r = &request[requests++];
	const char *slash = strrchr(req->path, '/');

	memset(r, 0, sizeof(*r));
	r->node = peer->node;
	r->enc = slash && !strcmp(slash, "/enc_keys");
	r->dec = slash && !strcmp(slash, "/dec_keys");
	req->peer = peer;
	req->reply_to = r;
	api_handle(req, NULL);
	if (strcmp(peer->role, "keyd") && strncmp(req->path, "/link/", 6))
		must(r->status == 401, "%s %u is answered", peer->role, peer->node);
	if (strcmp(peer->role, "kme") && !strncmp(req->path, "/link/", 6))
		must(r->status == 401, "%s %u is answered", peer->role, peer->node);
}

static void ask(const json_t *obj)
{
	const char *method = text_of(obj, "method", "POST");
	const char *path = text_of(obj, "path", "/api/v1/keys/sae-sh1/enc_keys");
	struct pki_id peer = { .domain = "test",
			       .node = json_integer_value(json_object_get(obj, "node")) };
	struct https_request req = {
		.method = !strcmp(method, "GET") ? EVHTTP_REQ_GET :
			  !strcmp(method, "PUT") ? EVHTTP_REQ_PUT : EVHTTP_REQ_POST,
		.raw_path = path, .query = text_of(obj, "query", NULL),
		.body = json_object_get(obj, "body"),
	};
	char *decoded = evhttp_uridecode(path, 0, NULL);

	snprintf(peer.role, sizeof(peer.role), "%s", text_of(obj, "role", "keyd"));
	req.path = decoded;
	if (decoded)
		handle(&req, &peer);
	free(decoded);
}

static void from_kme(const json_t *obj)
{
	struct pki_id peer = { .domain = "test", .role = "kme",
			       .node = json_integer_value(json_object_get(obj, "node")) };
	char *header = json_dumps(json_object_get(obj, "header"), JSON_ENCODE_ANY);
	size_t bytes = (uint64_t)json_integer_value(json_object_get(obj, "bytes")) % 4096;
	size_t cut = (uint64_t)json_integer_value(json_object_get(obj, "cut")) % 4096;
	size_t len = strlen(header);
	uint8_t *data = calloc(1, 4 + len + bytes), *end;
	uint32_t be = htonl(len);
	struct https_request req = {
		.method = EVHTTP_REQ_POST, .path = "/link/v1/keys",
		.raw_path = "/link/v1/keys", .len = 4 + len + bytes,
	};
	json_t *id;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(obj, "header"), "key_IDs"), i, id)
		key_given(json_string_value(id) ?: "");
	memcpy(data, &be, 4);
	memcpy(data + 4, header, len);
	req.len -= cut < req.len ? cut : 0;
	end = malloc(req.len);		/* exactly: a byte too many is seen */
	memcpy(end, data, req.len);
	req.data = end;
	handle(&req, &peer);
	free(end);
	free(data);
	free(header);
}

/* The Nth key that was issued, asked for by @slave. */
static void dec(unsigned int n, uint32_t slave)
{
	struct pki_id peer = { .domain = "test", .role = "keyd", .node = slave };
	struct https_request req = { .method = EVHTTP_REQ_POST };
	const struct network_node *master;
	char path[100];
	json_t *body;

	if (!issues)
		return;
	n %= issues;
	master = network_node(&sim.net, issued[n].master);
	snprintf(path, sizeof(path), "/api/v1/keys/%s/dec_keys", master->sae);
	body = json_pack("{s[{ss}]}", "key_IDs", "key_ID", issued[n].id);
	req.path = req.raw_path = path;
	req.body = body;
	handle(&req, &peer);
	json_decref(body);
}

static void line(const json_t *obj)
{
	struct sim_faults faults;
	struct err err;
	json_t *value;

	if (requests == REQUESTS)
		return;
	if ((value = json_object_get(obj, "linked"))) {
		linked(json_integer_value(value) == 200 ? 200 :
		       json_integer_value(value) ? 503 : 0);
	} else if ((value = json_object_get(obj, "faults"))) {
		if (!sim_parse_faults(value, &faults, &err)) {
			sim.faults = faults;
			/* these are meant to break what is looked for here */
			sim.faults.repeat_id = 0;
			sim.faults.id_hash[0] = '\0';
		}
	} else if (json_object_get(obj, "header")) {
		from_kme(obj);
	} else if ((value = json_object_get(obj, "dec"))) {
		dec(json_integer_value(value),
		    json_integer_value(json_object_get(obj, "slave")) ?: 3);
	} else {
		ask(obj);
	}
}

/* --- all of it */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char description[] = "{\"domain\":\"test\",\"nodes\":["
	"{\"id\":2,\"name\":\"ssa\",\"role\":\"ssa\",\"addr\":\"10.0.0.2:5808\","
	"\"sae\":\"sae-ssa\"},"
	"{\"id\":3,\"name\":\"owner\",\"role\":\"owner\",\"addr\":\"10.0.0.3:5808\","
	"\"sae\":\"sae-owner\"},"
	"{\"id\":11,\"name\":\"sh1\",\"role\":\"shareholder\",\"addr\":\"10.0.0.11:5808\","
	"\"sae\":\"sae-sh1\"},"
	"{\"id\":12,\"name\":\"sh2\",\"role\":\"shareholder\",\"addr\":\"10.0.0.12:5808\","
	"\"sae\":\"sae-sh2\"}]}";
	json_t *root = json_loads(description, 0, NULL);
	struct err err = { "" };
	int i;

	must(!network_parse(root, "test", 0, &sim.net, &err), "%s", err.text);
	json_decref(root);
	sim.kmes = 2;
	sim.kme = calloc(2, sizeof(*sim.kme));
	strcpy(sim.kme[0].id, "kme-ssa");
	strcpy(sim.kme[0].addr, "10.0.0.2:5810");
	sim.kme[0].node = 2;
	strcpy(sim.kme[1].id, "kme-sh1");
	strcpy(sim.kme[1].addr, "10.0.0.11:5810");
	sim.kme[1].node = 11;
	sim.self = &sim.kme[0];
	sim.saes = 4;
	sim.sae = calloc(4, sizeof(*sim.sae));
	for (i = 0; i < 4; i++) {
		sim.sae[i].node = &sim.net.node[i];
		sim.sae[i].kme = &sim.kme[i / 2];
	}
	sim.key_size = 256;
	sim.min_size = 64;
	sim.max_size = 4096;
	sim.max_keys = 16;
	sim.max_slaves = SIM_SLAVES - 1;
	sim.stock = 64 << 20;
	sim.hold_s = 600;
	sim.hold_bytes = 16384;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int i, open = 0;
	bool hangs = false;
	const char *text;
	json_t *obj;
	size_t len;

	still_reset();
	requests = issues = fetches = calls_count = calls_done = 0;
	memset(&sim.faults, 0, sizeof(sim.faults));
	while (input_line(&in, &text, &len)) {
		obj = json_loadb(text, len, 0, NULL);
		if (json_is_object(obj))
			line(obj);
		json_decref(obj);
		hangs |= sim.faults.hang_enc || sim.faults.hang_dec;
	}
	while (calls_done < calls_count)
		linked(200);
	for (i = 0; i < requests; i++)
		open += !request[i].answers;
	must(!open || hangs, "%u requests without an answer", open);
	store_clear();
	return 0;
}
