/* SPDX-License-Identifier: GPL-2.0 */
/*
 * keyd of the node ssa (2) with nothing real around it: kernel, KME and the key
 * agent of its one peer sh1 (11) are here, on the same event loop, and do what the
 * test says. All functions of kernel.h stand here, so that the linker takes
 * keyd's own kernel.o out of the library for none of them.
 *
 *	fake_begin();			certificates, KME, peer
 *	fake_start("...");		keyd, with more members for its configuration
 *	until(condition)		run the loop; false after a minute
 *	fake_stop();
 */
#ifndef KEYD_FAKE_H
#define KEYD_FAKE_H

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "keyd.h"
#include "daemon.h"
#include "log.h"
#include "pki_ca.h"

#define SSA	2
#define SH1	11

static struct event_base *base;

/* Runs the loop until @cond holds, for at most a minute. */
#define until(cond) ({							\
	uint64_t until_end = monotonic_ms() + 60000;			\
									\
	while (!(cond) && monotonic_ms() < until_end)			\
		event_base_loop(base, EVLOOP_ONCE);			\
	!!(cond);							\
})

/* --- the kernel */

struct fake_block {
	struct kernel_block kb;
	size_t size;
	uint32_t provenance;
	uint8_t *pad;
	int there, retired;
};

static struct {
	struct fake_block block[64];
	size_t n;
	struct kernel_events events;
} fake;

static inline struct fake_block *fake_find(const uint8_t id[UUID_BYTES])
{
	size_t i;

	for (i = 0; i < fake.n; i++)
		if (!memcmp(fake.block[i].kb.id, id, UUID_BYTES))
			return &fake.block[i];
	return NULL;
}

/* The newest block of that pool in that state, or NULL. */
static inline struct fake_block *fake_newest(enum qkd_dir dir, enum qkd_kind kind,
					     enum qkd_block_state state)
{
	size_t i;

	for (i = fake.n; i-- > 0;)
		if (fake.block[i].there && fake.block[i].kb.dir == dir &&
		    fake.block[i].kb.kind == kind && fake.block[i].kb.state == state)
			return &fake.block[i];
	return NULL;
}

/* A block that both ends have, as if made before. */
static inline struct fake_block *fake_add(uint8_t name, enum qkd_dir dir,
					  enum qkd_kind kind, size_t size,
					  enum qkd_block_state state)
{
	struct fake_block *b = &fake.block[fake.n++];

	memset(b, 0, sizeof(*b));
	memset(b->kb.id, name, UUID_BYTES);
	b->kb.peer = SH1;
	b->kb.dir = dir;
	b->kb.kind = kind;
	b->kb.state = state;
	b->size = size;
	b->there = 1;
	return b;
}

int kernel_open(struct event_base *loop, const struct kernel_events *events,
		struct kernel **kernel, struct err *err)
{
	fake.events = *events;
	*kernel = (struct kernel *)&fake;
	return 0;
}

void kernel_close(struct kernel *k)
{
}

int kernel_possess(struct kernel *k, struct err *err)
{
	return 0;
}

void kernel_catch_up(struct kernel *k)
{
}

int32_t kernel_keyring(const struct kernel *k)
{
	return 7;
}

int kernel_level(struct kernel *k, uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		 struct nl_pool *pool, struct err *err)
{
	size_t i;

	*pool = (struct nl_pool){ .peer = peer, .dir = dir, .kind = kind };
	for (i = 0; i < fake.n; i++) {
		struct fake_block *b = &fake.block[i];

		if (!b->there || b->kb.dir != dir || b->kb.kind != kind || b->retired)
			continue;
		if (b->kb.state == QKD_BLOCK_STATE_USABLE)
			pool->usable += b->size;
		else if (b->kb.state == QKD_BLOCK_STATE_LOADED)
			pool->pending += b->size;
	}
	return 0;
}

int kernel_watermark(struct kernel *k, uint32_t peer, enum qkd_kind kind, uint64_t low,
		     struct err *err)
{
	return 0;
}

int kernel_load(struct kernel *k, struct block *from, struct err *err)
{
	struct fake_block *b;

	if (fake_find(from->id) || fake.n == sizeof(fake.block) / sizeof(*fake.block))
		return err_set(err, -EEXIST, "fake: no such block can be loaded");
	b = &fake.block[fake.n++];
	memset(b, 0, sizeof(*b));
	memcpy(b->kb.id, from->id, UUID_BYTES);
	b->kb.peer = from->peer;
	b->kb.dir = from->dir;
	b->kb.kind = from->kind;
	b->kb.state = QKD_BLOCK_STATE_LOADED;
	b->size = from->size;
	b->provenance = from->provenance;
	b->pad = malloc(from->size);
	memcpy(b->pad, from->pad, from->size);
	b->there = 1;
	block_wipe(from);
	return 0;
}

int kernel_tag(struct kernel *k, const uint8_t id[UUID_BYTES], struct kernel_tag *tag,
	       struct err *err)
{
	memset(tag, 0x11, sizeof(*tag));
	return 0;
}

int kernel_confirm(struct kernel *k, const uint8_t id[UUID_BYTES],
		   const struct kernel_tag *peer, struct err *err)
{
	struct fake_block *b = fake_find(id);

	if (!b || !b->there)
		return err_set(err, -ENOENT, "fake: no such block");
	b->kb.state = QKD_BLOCK_STATE_USABLE;
	return 0;
}

int kernel_void(struct kernel *k, const uint8_t id[UUID_BYTES], struct err *err)
{
	struct fake_block *b = fake_find(id);

	if (!b || !b->there)
		return err_set(err, -ENOENT, "fake: no such block");
	b->there = 0;
	return 0;
}

int kernel_retire(struct kernel *k, const uint8_t id[UUID_BYTES], struct err *err)
{
	struct fake_block *b = fake_find(id);

	if (!b || !b->there)
		return err_set(err, -ENOENT, "fake: no such block");
	if (b->kb.state != QKD_BLOCK_STATE_USABLE)
		return err_set(err, -ENOKEY, "fake: not confirmed");
	b->retired = 1;
	return 0;
}

int kernel_block(struct kernel *k, const uint8_t id[UUID_BYTES],
		 struct kernel_block *block, struct err *err)
{
	struct fake_block *b = fake_find(id);

	if (!b || !b->there)
		return err_set(err, -ENOENT, "fake: no such block");
	*block = b->kb;
	return 0;
}

/* --- the KME: key N has the ID N, and bytes that follow from it */

static struct {
	struct https_server *server;
	int64_t bits;			/* of each key; 0: as asked for */
	int64_t most;			/* keys in one request: 400 for more */
	int64_t left;			/* keys in its store; -1: no end */
	int status;			/* this answer instead; 0: none */
	int64_t given, fetched;		/* keys, by enc_keys and dec_keys */
	int enc, dec;			/* requests */
} fake_kme = { .most = 128, .left = -1 };

static inline void fake_key(int64_t n, uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = (uint8_t)(n * 31 + i * (n + 7));
}

static inline void fake_key_id(int64_t n, char text[UUID_TEXT])
{
	snprintf(text, UUID_TEXT, "%08llx-0000-4000-8000-00000000abcd",
		 (unsigned long long)n);
}

static inline void fake_put_key(json_t *keys, int64_t n, size_t len)
{
	uint8_t *bytes = malloc(len);
	char id[UUID_TEXT], *text;

	fake_key(n, bytes, len);
	fake_key_id(n, id);
	text = base64_encode(bytes, len);
	json_array_append_new(keys, json_pack("{s:s, s:s}", "key_ID", id, "key", text));
	free(text);
	free(bytes);
}

static inline int fake_enc(const json_t *msg, json_t *keys)
{
	int64_t number = json_integer_value(json_object_get(msg, "number"));
	int64_t bits = json_integer_value(json_object_get(msg, "size"));

	fake_kme.enc++;
	if (number < 1 || number > fake_kme.most || bits % 8)
		return 400;
	if (!fake_kme.left)
		return 503;
	if (fake_kme.bits)
		bits = fake_kme.bits;
	for (; number && fake_kme.left; number--) {
		fake_put_key(keys, fake_kme.given++, bits / 8);
		if (fake_kme.left > 0)
			fake_kme.left--;
	}
	return 200;
}

static inline int fake_dec(const json_t *msg, json_t *keys)
{
	json_t *ids = json_object_get(msg, "key_IDs"), *obj;
	size_t i;

	fake_kme.dec++;
	if ((int64_t)json_array_size(ids) > fake_kme.most)
		return 400;
	json_array_foreach(ids, i, obj) {
		const char *id = json_string_value(json_object_get(obj, "key_ID"));

		fake_put_key(keys, strtoll(id, NULL, 16), fake_kme.bits / 8);
		fake_kme.fetched++;
	}
	return 200;
}

static inline void fake_kme_handle(struct https_request *req, void *arg)
{
	json_t *keys = json_array(), *body = json_pack("{s:o}", "keys", keys);
	int status = fake_kme.status;

	if (!status)
		status = strstr(req->path, "enc_keys") ? fake_enc(req->body, keys)
						       : fake_dec(req->body, keys);
	https_reply(req->reply_to, status, status == 200 ? body : NULL);
	json_decref(body);
}

static inline void fake_kme_up(void)
{
	static struct pki *pki;
	struct err err = { "" };

	if (!pki)
		pki = ca_open("a", "kme");
	if (https_listen(base, pki, "127.0.0.1:5810", 1 << 20, fake_kme_handle, NULL,
			 &fake_kme.server, &err))
		bail("%s", err.text);
}

static inline void fake_kme_down(void)
{
	https_close(fake_kme.server);
	fake_kme.server = NULL;
}

/* --- the peer's key agent: what it was sent, and what it answers */

struct fake_call { int n, status; json_t *msg; };	/* status 0: as it should */

static struct {
	struct pki *pki;
	struct https_server *server;
	struct https_client *client;
	struct fake_call level, blocks, confirm, voids, retire;
	const char *not_now;		/* blocks of that kind: 503 */
} fake_peer;

static inline void fake_peer_handle(struct https_request *req, void *arg)
{
	static const struct { const char *path; struct fake_call *call; } calls[] = {
		{ "/ax/v1/level", &fake_peer.level },
		{ "/ax/v1/blocks", &fake_peer.blocks },
		{ "/ax/v1/confirm", &fake_peer.confirm },
		{ "/ax/v1/void", &fake_peer.voids },
		{ "/ax/v1/retire", &fake_peer.retire },
	};
	struct fake_call *call = NULL;
	json_t *body = NULL;
	int status;
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!strcmp(req->path, calls[i].path))
			call = calls[i].call;
	if (!call) {
		https_reply(req->reply_to, 404, NULL);
		return;
	}
	call->n++;
	json_decref(call->msg);
	call->msg = json_deep_copy(req->body);
	if (call == &fake_peer.blocks)
		body = json_pack("{s:O, s:s, s:i, s:s, s:i}",
			"block", json_object_get(call->msg, "block"),
			"tag_block", "22222222-2222-4222-8222-222222222222", "slot", 1,
			"tag", "22222222222222222222222222222222", "provenance", 3);
	status = call->status ?: 200;
	if (call == &fake_peer.blocks && fake_peer.not_now &&
	    !strcmp(fake_peer.not_now,
		    json_string_value(json_object_get(call->msg, "kind")) ?: ""))
		status = 503;
	https_reply(req->reply_to, status, body);
	json_decref(body);
}

/* What the peer says to keyd; the answer's status, 0 for none. */
static struct { int done, status; json_t *body; } fake_got;

static inline void fake_answered(int status, const json_t *body, const char *why,
				 void *arg)
{
	fake_got.done = 1;
	fake_got.status = status;
	json_decref(fake_got.body);
	fake_got.body = json_deep_copy(body);
}

/* Takes @msg's reference; NULL is GET. */
static inline int fake_say(const char *path, json_t *msg)
{
	char url[128];

	fake_got.done = 0;
	snprintf(url, sizeof(url), "https://127.0.0.1:5809%s", path);
	if (!https_call(fake_peer.client, msg ? "POST" : "GET", url, msg, 30000, 1 << 20,
			NULL, fake_answered, NULL))
		bail("no memory");
	json_decref(msg);
	return until(fake_got.done) ? fake_got.status : -1;
}

static inline int fake_say_block(const char *path, uint8_t name)
{
	uint8_t id[UUID_BYTES];
	char text[UUID_TEXT];

	memset(id, name, sizeof(id));
	uuid_format(id, text);
	return fake_say(path, json_pack("{s:s}", "block", text));
}

/* Whether the last message of a call is about that block. */
static inline int fake_about(const struct fake_call *call, const uint8_t id[UUID_BYTES])
{
	const char *said = json_string_value(json_object_get(call->msg, "block"));
	char text[UUID_TEXT];

	uuid_format(id, text);
	return said && !strcmp(said, text);
}

/* --- beginning and end */

static inline void fake_tick(evutil_socket_t fd, short what, void *arg)
{
}

/* A network of its own, so that several may run at once. */
static inline void fake_loopback(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (unshare(CLONE_NEWNET))
		return;		/* not root: then it is the only one, one hopes */
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		bail("lo: %s", strerror(errno));
	close(fd);
}

static inline void fake_begin(void)
{
	static const struct timeval tick = { .tv_usec = 20000 };
	struct err err = { "" };
	struct event *ev;
	char path[128];
	FILE *f;

	fake_loopback();
	ca_make();
	if (ca_run("issue %s/a keyd %d ssa 127.0.0.1", ca_dir, SSA) ||
	    ca_run("issue %s/a keyd %d sh1 127.0.0.1", ca_dir, SH1) ||
	    ca_run("issue %s/a kme %d kme", ca_dir, SSA))
		bail("devca failed");
	snprintf(path, sizeof(path), "%s/net.json", ca_dir);
	f = fopen(path, "w");
	fprintf(f, "{\"domain\":\"test\",\"groups\":[],\"nodes\":["
		"{\"id\":%d,\"name\":\"ssa\",\"role\":\"ssa\",\"addr\":\"127.0.0.1:5808\","
		"\"ax\":\"127.0.0.1:5809\",\"sae\":\"sae-ssa\"},"
		"{\"id\":%d,\"name\":\"sh1\",\"role\":\"shareholder\",\"addr\":\"127.0.0.1:5807\","
		"\"ax\":\"127.0.0.1:5811\",\"sae\":\"sae-sh1\"}]}", SSA, SH1);
	fclose(f);
	base = event_base_new();
	ev = event_new(base, -1, EV_PERSIST, fake_tick, NULL);
	event_add(ev, &tick);
	fake_kme_up();
	fake_peer.pki = ca_open("a", "sh1");
	if (https_listen(base, fake_peer.pki, "127.0.0.1:5811", 1 << 20, fake_peer_handle,
			 NULL, &fake_peer.server, &err) ||
	    https_client_new(base, fake_peer.pki, NULL, &fake_peer.client, &err))
		bail("%s", err.text);
	log_open("keyd", 0, 1);
}

/*
 * @more: members of the configuration, each with a comma in front. Returns what
 * keyd's start does.
 */
static inline int fake_try(const char *more, struct err *err)
{
	char *text = NULL;
	json_t *config;
	int ret;

	if (asprintf(&text, "{\"network\":\"%s/net.json\",\"self\":\"ssa\",\"state\":\"%s/state\","
		     "\"pki\":{\"ca\":\"%s/a/ca.crt\",\"cert\":\"%s/a/ssa.crt\",\"key\":\"%s/a/ssa.key\"},"
		     "\"backoff_min_ms\":10,\"backoff_max_ms\":50%s}", ca_dir, ca_dir, ca_dir,
		     ca_dir, ca_dir, more) < 0)
		bail("no memory");
	config = json_loads(text, 0, NULL);
	if (!config)
		bail("the configuration is no JSON: %s", text);
	free(text);
	ret = keyd_ops.start(base, config, err);
	json_decref(config);
	return ret;
}

static inline void fake_start(const char *more)
{
	struct err err = { "" };

	if (fake_try(more, &err))
		bail("keyd: %s", err.text);
}

static inline void fake_stop(void)
{
	keyd_ops.stop();
}

static inline void fake_end(void)
{
	size_t i;

	for (i = 0; i < fake.n; i++)
		free(fake.block[i].pad);
	json_decref(fake_got.body);
	https_client_free(fake_peer.client);
	https_close(fake_peer.server);
	if (fake_kme.server)
		fake_kme_down();
}

#endif
