/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A shareholder without its sockets, for tests: node 11 (x = 3) of a group of
 * three, k = 2; owner 1, SSA 2, another SSA 4. Connections are struct exchange;
 * what they send lands in a queue.
 */
#ifndef SELFTESTS_HOLDER_H
#define SELFTESTS_HOLDER_H

#include <fcntl.h>
#include <unistd.h>

#include "exchange.h"
#include "ssnsock.h"
#include "../pki_ca.h"

#define OBJECT	"0b0b0b0b-0000-4000-8000-000000000001"
#define OBJECT2	"0b0b0b0b-0000-4000-8000-000000000002"
#define JOB	"10b00000-0000-4000-8000-000000000001"
#define JOB2	"10b00000-0000-4000-8000-000000000002"
#define NONCE	"00112233445566778899aabbccddeeff"
#define MSG	SHAREFILE_MESSAGE

static struct exchange_env env;
static struct network net;
static struct pki *owner, *other_owner, *ssa, *other_ssa;
static char data_dir[64];

static void holder_open(uint64_t quota)
{
	struct err err = { "" };

	if (storage_open(data_dir, quota, &env.storage, &err))
		bail("%s", err.text);
}

/* As a crash would leave it: nothing is tidied up before the next start. */
static inline void holder_restart(void)
{
	storage_close(env.storage);
	holder_open(0);
}

static void holder_remove(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", data_dir);
	if (system(cmd))
		diag("%s stays", data_dir);
}

static void holder_make(void)
{
	static const char description[] =
	"{\"domain\":\"test\",\"nodes\":["
	"{\"id\":1,\"name\":\"owner\",\"role\":\"owner\",\"addr\":\"10.0.0.1:5808\"},"
	"{\"id\":2,\"name\":\"ssa\",\"role\":\"ssa\",\"addr\":\"10.0.0.2:5808\"},"
	"{\"id\":4,\"name\":\"ssa2\",\"role\":\"ssa\",\"addr\":\"10.0.0.4:5808\"},"
	"{\"id\":11,\"name\":\"sh1\",\"role\":\"shareholder\",\"addr\":\"10.0.0.11:5808\"},"
	"{\"id\":12,\"name\":\"sh2\",\"role\":\"shareholder\",\"addr\":\"10.0.0.12:5808\"},"
	"{\"id\":13,\"name\":\"sh3\",\"role\":\"shareholder\",\"addr\":\"10.0.0.13:5808\"}],"
	"\"groups\":[{\"id\":1,\"generation\":6,\"scheme\":\"shamir\",\"k\":2,\"n\":3,"
	"\"members\":[{\"node\":11,\"x\":3},{\"node\":12,\"x\":1},{\"node\":13,\"x\":2}]}]}";
	json_t *root = json_loads(description, 0, NULL);
	struct err err = { "" };

	if (network_parse(root, "test", 11, &net, &err))
		bail("%s", err.text);
	json_decref(root);
	ca_make();
	if (ca_run("issue %s/a owner 1 owner", ca_dir) ||
	    ca_run("issue %s/a owner 9 other", ca_dir) ||
	    ca_run("issue %s/a ssa 2 ssa", ca_dir) ||
	    ca_run("issue %s/a ssa 4 ssa2", ca_dir) ||
	    ca_run("issue %s/a shareholder 11 sh1", ca_dir))
		bail("devca");
	owner = ca_open("a", "owner");
	other_owner = ca_open("a", "other");
	ssa = ca_open("a", "ssa");
	other_ssa = ca_open("a", "ssa2");
	env.pki = ca_open("a", "sh1");
	env.net = &net;
	snprintf(data_dir, sizeof(data_dir), "/tmp/holder.XXXXXX");
	if (!mkdtemp(data_dir))
		bail("mkdtemp: %s", strerror(errno));
	atexit(holder_remove);
	holder_open(0);
}

static void holder_free(void)
{
	storage_close(env.storage);
	pki_free(owner);
	pki_free(other_owner);
	pki_free(ssa);
	pki_free(other_ssa);
	pki_free(env.pki);
	network_free(&net);
}

/* --- a connection */

struct sent {
	struct ssn_share head;
	json_t *json;			/* of a control message */
	uint8_t *data;
	size_t len;
	struct sent *next;
};

struct link {
	struct exchange *x;
	struct sent *first, **last;
	int room;			/* messages that can be sent; < 0: all */
	int full;			/* why others cannot; 0: EAGAIN */
	int state;			/* of the last exchange_run() */
};

static ssize_t link_send(void *arg, const struct ssn_share *head,
			 const void *buf, size_t len)
{
	struct link *l = arg;
	struct sent *s;

	if (!l->room)
		return l->full ? -l->full : -EAGAIN;
	l->room -= l->room > 0;
	s = calloc(1, sizeof(*s));
	s->head = *head;
	s->len = len;
	s->data = malloc(len);
	memcpy(s->data, buf, len);
	if (head->flags & SSN_SHARE_CONTROL)
		s->json = ssn_parse_json(buf, len);
	*l->last = s;
	l->last = &s->next;
	return len;
}

static void link_open_as(struct link *l, uint32_t node, enum ssn_role role)
{
	struct ssn_peer_info peer = { .node = node, .role = role, .group = 1,
				      .generation = 6, .suite = SSN_SUITE_OTP };

	memset(l, 0, sizeof(*l));
	l->last = &l->first;
	l->room = -1;
	l->x = exchange_new(&env, &peer, link_send, l);
}

static inline void link_open(struct link *l)
{
	link_open_as(l, 2, SSN_ROLE_SSA);
}

static void sent_free(struct sent *s)
{
	json_decref(s->json);
	free(s->data);
	free(s);
}

static struct sent *link_take(struct link *l)
{
	struct sent *s = l->first;

	if (s) {
		l->first = s->next;
		if (!l->first)
			l->last = &l->first;
	}
	return s;
}

static void link_close(struct link *l)
{
	struct sent *s;

	while ((s = link_take(l)))
		sent_free(s);
	exchange_free(l->x);
	l->x = NULL;
}

static void link_run(struct link *l)
{
	do {
		l->state = exchange_run(l->x);
	} while (l->state == EXCHANGE_MORE);
}

/* A control message in; consumes @msg. */
static int link_tell(struct link *l, json_t *msg)
{
	struct ssn_share head = { .flags = SSN_SHARE_CONTROL };
	char *text = json_dumps(msg, 0);
	int ret;

	if (!text)
		bail("a message that is no JSON");
	ret = exchange_receive(l->x, &head, text, strlen(text));
	free(text);
	json_decref(msg);
	link_run(l);
	return ret;
}

static char answer[512];

/*
 * The next control message as "status" or "error ERRNO"; "nothing" when there
 * is none. Data messages before it are dropped.
 */
static const char *link_answer(struct link *l)
{
	const char *status, *symbol;
	struct sent *s;

	while ((s = link_take(l)) && !s->json)
		sent_free(s);
	if (!s)
		return "nothing";
	status = json_string_value(json_object_get(s->json, "status"));
	symbol = json_string_value(json_object_get(s->json, "errno"));
	snprintf(answer, sizeof(answer), "%s%s%s", status ? status : "?",
		 symbol ? " " : "", symbol ? symbol : "");
	if (symbol)
		diag("%s", json_string_value(json_object_get(s->json,
							      "message")));
	sent_free(s);
	return answer;
}

static inline const char *link_ask(struct link *l, json_t *msg)
{
	if (link_tell(l, msg))
		return "connection ends";
	return link_answer(l);
}

/* --- requests */

static json_t *policy_make(const char *object, unsigned int version)
{
	return json_pack("{sssisisisisis[iii]s[i]sisi}", "object", object,
			 "version", version, "owner", 1, "ssa", 2, "group", 1,
			 "generation", 6, "nodes", 11, 12, 13, "readers", 1,
			 "min_k", 2, "retain_until", 0);
}

static char *sign(struct pki *pki, const char *text)
{
	struct err err = { "" };
	char *b64;

	if (pki_sign(pki, text, strlen(text), &b64, &err))
		bail("%s", err.text);
	return b64;
}

/* Consumes @policy. */
static json_t *begin_signed(const char *job, json_t *policy, struct pki *o,
			    struct pki *s, unsigned int segments)
{
	char *text = json_dumps(policy, JSON_COMPACT);
	char *sig1 = sign(o, text), *sig2 = sign(s, text);
	json_t *msg;

	msg = json_pack("{sssssssOsOsisisisss{s{ssss}s{ssss}}}",
			"op", "begin", "job", job, "nonce", NONCE,
			"object", json_object_get(policy, "object"),
			"version", json_object_get(policy, "version"),
			"epoch", 0, "segments", segments, "size", 100,
			"policy", text, "policy_sigs",
			"owner", "cert", pki_cert_pem(o), "sig", sig1,
			"ssa", "cert", pki_cert_pem(s), "sig", sig2);
	if (!msg)
		bail("begin is no JSON");
	free(text);
	free(sig1);
	free(sig2);
	json_decref(policy);
	return msg;
}

static inline json_t *begin(const char *job, const char *object,
			    unsigned int version, unsigned int segments)
{
	return begin_signed(job, policy_make(object, version), owner, ssa,
			    segments);
}

static inline json_t *op(const char *name, const char *job)
{
	return json_pack("{ssss}", "op", name, "job", job);
}

static inline json_t *op_segment(const char *name, const char *job,
			  unsigned int segment, uint64_t deal, uint64_t length)
{
	char text[RECORD_DEAL_TEXT];

	record_deal_text(deal, text);
	return json_pack("{sssssisssIsi}", "op", name, "job", job, "segment",
			 segment, "deal", text, "length", (json_int_t)length,
			 "messages", sharefile_messages(length));
}

static inline json_t *op_read(const char *object, unsigned int version,
		       unsigned int segment)
{
	return json_pack("{sssisssisisi}", "op", "read", "req", 7, "object",
			 object, "version", version, "epoch", 0, "segment",
			 segment);
}

static inline json_t *op_delete(const char *object, unsigned int version,
			 struct pki *signer)
{
	char text[96], *sig;
	json_t *msg;

	snprintf(text, sizeof(text), "delete %s %u", object, version);
	sig = sign(signer, text);
	msg = json_pack("{sssssssissss}", "op", "delete", "job", JOB2,
			"object", object, "version", version, "sig", sig,
			"cert", pki_cert_pem(signer));
	free(sig);
	return msg;
}

/* The share head that belongs to a message. */
static struct ssn_share head_of(const char *object, unsigned int version,
				unsigned int segment, uint64_t deal,
				uint64_t message)
{
	struct ssn_share h = { .group = 1, .generation = 6,
			       .scheme = SSN_SCHEME_SHAMIR, .k = 2, .n = 3,
			       .x = 3, .provenance = SSN_COEFF_CRNG,
			       .segment = segment, .deal = deal,
			       .message = message, .version = version };

	uuid_parse(object, h.object);
	return h;
}

/* Byte @i of the share of @segment under @deal. */
static inline uint8_t byte_of(unsigned int segment, uint64_t deal, uint64_t i)
{
	return (i * 31 + i / 4096 + segment * 7 + deal) & 0xff;
}

static int link_data_as(struct link *l, const struct ssn_share *h,
			uint64_t length)
{
	size_t len = sharefile_message_len(length, h->message), i;
	uint8_t *buf = malloc(len ?: 1);
	int ret;

	for (i = 0; i < len; i++)
		buf[i] = byte_of(h->segment, h->deal, h->message * MSG + i);
	ret = exchange_receive(l->x, h, buf, len);
	free(buf);
	link_run(l);
	return ret;
}

/* `segment` and all of its data: the answer. */
static inline const char *link_share(struct link *l, const char *job,
				     const char *object, unsigned int version,
				     unsigned int segment, uint64_t deal,
				     uint64_t length)
{
	uint32_t i;

	if (link_tell(l, op_segment("segment", job, segment, deal, length)))
		return "connection ends";
	for (i = 0; i < sharefile_messages(length); i++) {
		struct ssn_share h = head_of(object, version, segment, deal, i);

		if (link_data_as(l, &h, length))
			return "connection ends";
	}
	return link_answer(l);
}

/* All of a put of @segments segments of 1000 bytes, up to the commit. */
static inline int link_put(struct link *l, const char *job, const char *object,
			   unsigned int version, unsigned int segments,
			   int commit)
{
	unsigned int i;

	if (strcmp(link_ask(l, begin(job, object, version, segments)), "ok"))
		return -1;
	for (i = 0; i < segments; i++)
		if (strcmp(link_share(l, job, object, version, i, 100 + i,
				      1000), "durable"))
			return -1;
	if (strcmp(link_ask(l, op("prepared", job)), "durable"))
		return -1;
	return commit && strcmp(link_ask(l, op("commit", job)), "ok") ? -1 : 0;
}

/* Reads a segment and compares it: "right", or what went wrong. */
static inline const char *link_get(struct link *l, const char *object,
				   unsigned int version, unsigned int segment,
				   uint64_t deal, uint64_t length)
{
	const char *status = link_ask(l, op_read(object, version, segment));
	uint32_t i, messages = sharefile_messages(length);
	const char *verdict = "right";
	struct ssn_share want;
	struct sent *s;
	size_t j;

	if (strcmp(status, "go"))
		return status;
	for (i = 0; i < messages; i++) {
		want = head_of(object, version, segment, deal, i);
		s = link_take(l);
		if (!s)
			return "a message is missing";
		if (memcmp(&s->head, &want, sizeof(want)))
			verdict = "another head";
		if (s->len != sharefile_message_len(length, i))
			verdict = "another length";
		for (j = 0; j < s->len; j++)
			if (s->data[j] != byte_of(segment, deal,
						  (uint64_t)i * MSG + j))
				verdict = "other bytes";
		sent_free(s);
	}
	return link_take(l) ? "a message too many" : verdict;
}

/* A shell command with %s for the data directory: its status. */
static inline int shell(const char *fmt)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), fmt, data_dir, data_dir);
	return system(cmd);
}

/* Takes as many steps as there are files. */
static inline void trash_empty(void)
{
	while (storage_trash_step(env.storage))
		;
}

#endif
