// SPDX-License-Identifier: GPL-2.0
/*
 * What other key agents say (Documentation/protocol/ax.rst): user/keyd/ax.c and
 * follow.c, with the ledger in memory; KME and kernel are played here. Each request
 * gets one answer, and no block and no key is ever loaded twice, whatever they say.
 *
 * Node 11; node 2 is a peer, node 1 is none.
 *
 * Input, a line each:
 *	{"from": NODE, "method": "GET"|"POST"|"PUT", "path": TEXT, "body": ANY}
 *	{"kme": VERDICT, "short": N}	the oldest request to the KME is answered
 *	{"kernel": N}			the kernel's answer from now on: 0 or an errno
 *	{"busy": MS}			the KME is out of order for so long
 *	{"tags": N}			bytes of confirmed tags towards the peer
 *
 * wraps: https_listen https_client_new https_client_free https_close https_reply
 * wraps: https_call kernel_level kernel_load kernel_tag kernel_confirm kernel_void
 * wraps: kernel_retire kernel_close kme_dec kme_wait kme_cancel kme_close getrandom monotonic_ms time
 * runs: 3000
 */
#define FUZZ_LINES
#include <strings.h>
#include "json_mutate.h"
#include "keyd.h"
#include "kme.h"
#include "still.h"

#define REQUESTS	256
#define LOADS		256

/* --- requests and their answers */

static struct { unsigned int answers; int status; } request[REQUESTS];
static unsigned int requests;
static https_handler *handler;

int __wrap_https_listen(struct event_base *base, struct pki *pki, const char *hostport,
			size_t max_body, https_handler *fn, void *arg,
			struct https_server **server, struct err *err);
int __wrap_https_client_new(struct event_base *base, struct pki *pki, const json_t *cfg,
			    struct https_client **client, struct err *err);
void __wrap_https_client_free(struct https_client *client);
void __wrap_https_close(struct https_server *server);
void __wrap_https_reply(void *reply_to, int status, const json_t *body);
void *__wrap_https_call(struct https_client *client, const char *method, const char *url,
			const json_t *body, unsigned int timeout_ms, size_t max_body,
			const struct pki_id *peer, https_done *done, void *arg);

int __wrap_https_listen(struct event_base *base, struct pki *pki, const char *hostport,
			size_t max_body, https_handler *fn, void *arg,
			struct https_server **server, struct err *err)
{
	handler = fn;
	return 0;
}

int __wrap_https_client_new(struct event_base *base, struct pki *pki, const json_t *cfg,
			    struct https_client **client, struct err *err)
{
	return 0;
}

void __wrap_https_client_free(struct https_client *client) { }
void __wrap_https_close(struct https_server *server) { }

void __wrap_https_reply(void *reply_to, int status, const json_t *body)
{
	unsigned int i = (typeof(&request[0]))reply_to - request;

	must(i < requests, "an answer to nobody");
	must(!request[i].answers++, "two answers");
	must(status >= 200 && status < 600, "status %d", status);
	must(status == 200 ||
	     json_is_string(json_object_get(body, "message")), "%d, and nothing is said",
	     status);
	request[i].status = status;
}

void *__wrap_https_call(struct https_client *client, const char *method, const char *url,
			const json_t *body, unsigned int timeout_ms, size_t max_body,
			const struct pki_id *peer, https_done *done, void *arg)
{
	return NULL;
}

/* --- the kernel */

static int kernel_says;
static uint64_t tag_bytes;
static uint8_t loaded[LOADS][UUID_BYTES];
static unsigned int loads, confirms;

int __wrap_kernel_level(struct kernel *k, uint32_t peer, enum qkd_dir dir,
			enum qkd_kind kind, struct nl_pool *pool, struct err *err);
int __wrap_kernel_load(struct kernel *k, struct block *b, struct err *err);
int __wrap_kernel_tag(struct kernel *k, const uint8_t id[UUID_BYTES],
		      struct kernel_tag *tag, struct err *err);
int __wrap_kernel_confirm(struct kernel *k, const uint8_t id[UUID_BYTES],
			  const struct kernel_tag *peer, struct err *err);
int __wrap_kernel_void(struct kernel *k, const uint8_t id[UUID_BYTES], struct err *err);
int __wrap_kernel_retire(struct kernel *k, const uint8_t id[UUID_BYTES],
			 struct err *err);
void __wrap_kernel_close(struct kernel *k);

static bool is_loaded(const uint8_t id[UUID_BYTES])
{
	unsigned int i;

	for (i = 0; i < loads; i++)
		if (!memcmp(loaded[i], id, UUID_BYTES))
			return true;
	return false;
}

int __wrap_kernel_level(struct kernel *k, uint32_t peer, enum qkd_dir dir,
			enum qkd_kind kind, struct nl_pool *pool, struct err *err)
{
	memset(pool, 0, sizeof(*pool));
	pool->usable = tag_bytes;
	return 0;
}

int __wrap_kernel_load(struct kernel *k, struct block *b, struct err *err)
{
	int ret = -kernel_says;

	must(b->peer == 2 && b->dir == QKD_DIR_RX, "a pool that is not for this peer");
	must(b->size && b->size <= BLOCK_MAX && !(b->size % block_unit(b->kind)) &&
	     b->size <= b->len && b->len <= b->room, "%zu bytes of %zu", b->size, b->len);
	must(!is_loaded(b->id), "a block is loaded a second time");
	must(b->provenance < 8, "provenance %x", b->provenance);
	if (!ret && loads < LOADS)
		memcpy(loaded[loads++], b->id, UUID_BYTES);
	block_wipe(b);
	return ret ? err_set(err, ret, "no") : 0;
}

int __wrap_kernel_tag(struct kernel *k, const uint8_t id[UUID_BYTES],
		      struct kernel_tag *tag, struct err *err)
{
	memset(tag, 1, sizeof(*tag));
	return kernel_says ? err_set(err, -kernel_says, "no") : 0;
}

int __wrap_kernel_confirm(struct kernel *k, const uint8_t id[UUID_BYTES],
			  const struct kernel_tag *peer, struct err *err)
{
	must(is_loaded(id), "a block is confirmed that is not there");
	confirms += !kernel_says;
	return kernel_says ? err_set(err, -kernel_says, "no") : 0;
}

int __wrap_kernel_void(struct kernel *k, const uint8_t id[UUID_BYTES], struct err *err)
{
	return 0;
}

int __wrap_kernel_retire(struct kernel *k, const uint8_t id[UUID_BYTES], struct err *err)
{
	must(is_loaded(id), "a block is retired that is not there");
	return -kernel_says;
}

void __wrap_kernel_close(struct kernel *k) { }

/* --- the KME: requests are answered in their order */

static struct asked {
	struct block *block;
	const struct etsi_ids *ids;
	kme_done *done;
	void *arg;
} asked[4];
static unsigned int kme_busy;
static char keys_seen[16384][UUID_TEXT];
static unsigned int keys_count;

void *__wrap_kme_dec(struct kme *kme, const char *sae, struct block *block,
		     struct etsi_ids *ids, kme_done *done, void *arg);
unsigned int __wrap_kme_wait(const struct kme *kme);
void __wrap_kme_cancel(void *request);
void __wrap_kme_close(struct kme *kme);

void *__wrap_kme_dec(struct kme *kme, const char *sae, struct block *block,
		     struct etsi_ids *ids, kme_done *done, void *arg)
{
	unsigned int i;
	size_t j;

	must(!strcmp(sae, "sae-ssa") && ids->n && ids->n <= ETSI_KEYS_MAX, "%zu keys of %s",
	     ids->n, sae);
	for (j = 0; j < ids->n; j++) {
		for (i = 0; i < keys_count; i++)
			must(strcasecmp(keys_seen[i], ids->id[j]), "key %s is asked for again",
			     ids->id[j]);
		if (keys_count < 16384)
			strcpy(keys_seen[keys_count++], ids->id[j]);
	}
	for (i = 0; i < 4 && asked[i].done; i++)
		;
	must(i < 4, "more than one block of a peer");
	asked[i] = (struct asked){ block, ids, done, arg };
	return &asked[i];
}

unsigned int __wrap_kme_wait(const struct kme *kme)
{
	return kme_busy;
}

void __wrap_kme_cancel(void *request)
{
	memset(request, 0, sizeof(struct asked));
}

void __wrap_kme_close(struct kme *kme) { }

static void kme_answer(json_int_t verdict, json_int_t less)
{
	struct asked a = asked[0];

	if (!a.done)
		return;
	memmove(asked, asked + 1, sizeof(asked) - sizeof(*asked));
	memset(&asked[3], 0, sizeof(asked[3]));
	if (verdict < ETSI_OK || verdict > ETSI_GONE)
		verdict = ETSI_ODD;
	a.block->len = a.block->size;
	if (less > 0)
		a.block->len -= (size_t)less < a.block->len ? (size_t)less : a.block->len;
	a.done(verdict, verdict ? "why" : "", a.arg);
}

/* --- lines */

static const char *text_of(const json_t *obj, const char *key, const char *def)
{
	return json_string_value(json_object_get(obj, key)) ?: def;
}

static void ask(const json_t *obj)
{
	const char *method = text_of(obj, "method", "POST");
	const char *path = text_of(obj, "path", "/ax/v1/blocks");
	struct pki_id peer = { .domain = "test", .role = "keyd",
			       .node = json_integer_value(json_object_get(obj, "from")) };
	struct https_request req = {
		.peer = &peer, .path = path, .raw_path = path,
		.method = !strcmp(method, "GET") ? EVHTTP_REQ_GET :
			  !strcmp(method, "PUT") ? EVHTTP_REQ_PUT : EVHTTP_REQ_POST,
		.body = json_object_get(obj, "body"),
		.reply_to = &request[requests],
	};
	unsigned int before = confirms;
	uint8_t id[UUID_BYTES];

	if (requests == REQUESTS)
		return;
	memset(&request[requests++], 0, sizeof(request[0]));
	handler(&req, NULL);
	if (peer.node != 2)
		must(request[requests - 1].status == 403, "who is no peer is answered");
	if (!strcmp(path, "/ax/v1/confirm") && request[requests - 1].status == 200)
		must(confirms == before + 1 && !ax_uuid(req.body, "block", id),
		     "usable, and not confirmed");
}

static void line(const json_t *obj)
{
	json_t *value;

	if ((value = json_object_get(obj, "kme")))
		kme_answer(json_integer_value(value),
			   json_integer_value(json_object_get(obj, "short")));
	else if ((value = json_object_get(obj, "kernel")))
		kernel_says = json_integer_value(value) & 255;
	else if ((value = json_object_get(obj, "busy")))
		kme_busy = json_integer_value(value);
	else if ((value = json_object_get(obj, "tags")))
		tag_bytes = json_integer_value(value);
	else
		ask(obj);
}

/* --- all of it */

static void no_timer(evutil_socket_t fd, short what, void *arg) { }

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char description[] =
	"{\"domain\":\"test\",\"nodes\":["
	"{\"id\":1,\"name\":\"owner\",\"role\":\"owner\",\"addr\":\"10.0.0.1:5808\"},"
	"{\"id\":2,\"name\":\"ssa\",\"role\":\"ssa\",\"addr\":\"10.0.0.2:5808\","
	"\"ax\":\"10.0.0.2:5811\",\"sae\":\"sae-ssa\"},"
	"{\"id\":11,\"name\":\"sh1\",\"role\":\"shareholder\",\"addr\":\"10.0.0.11:5808\","
	"\"ax\":\"10.0.0.11:5811\",\"sae\":\"sae-sh1\"}]}";
	json_t *root = json_loads(description, 0, NULL);
	struct err err = { "" };

	must(!network_parse(root, "test", 0, &keyd.net, &err), "%s", err.text);
	json_decref(root);
	keyd.base = event_base_new();
	keyd.self = network_node(&keyd.net, 11);
	keyd.peer = calloc(1, sizeof(*keyd.peer));
	keyd.peers = 1;
	keyd.provenance = 7;
	keyd.peer->node = network_node(&keyd.net, 2);
	keyd.peer->id = (struct pki_id){ "test", "keyd", 2 };
	keyd.peer->timer = evtimer_new(keyd.base, no_timer, NULL);
	must(!ax_start(&err) && handler, "%s", err.text);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct err err = { "" };
	unsigned int i, open = 0, waiting = 0;
	const char *text;
	json_t *obj;
	size_t len;

	still_reset();
	requests = loads = confirms = keys_count = 0;
	kernel_says = kme_busy = 0;
	tag_bytes = 65536;
	must(!ledger_open(":memory:", &keyd.ledger, &err), "%s", err.text);
	while (input_line(&in, &text, &len)) {
		obj = json_loadb(text, len, 0, NULL);
		if (json_is_object(obj))
			line(obj);
		json_decref(obj);
	}
	for (i = 0; i < requests; i++)
		open += !request[i].answers;
	for (i = 0; i < 4; i++)
		waiting += !!asked[i].done;
	must(open == waiting, "%u requests without an answer, %u wait for keys", open,
	     waiting);
	follow_stop();
	must(!asked[0].done, "a request to the KME is left over");
	ledger_close(keyd.ledger);
	return 0;
}
