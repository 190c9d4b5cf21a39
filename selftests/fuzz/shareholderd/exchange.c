// SPDX-License-Identifier: GPL-2.0
/*
 * What comes to a shareholder over its connections, in any order: exchange.c,
 * put.c, serve.c and all below them, on an empty data directory. Every request
 * gets one answer, nothing is written outside the data directory, and what ends
 * leaves no descriptor and no temporary file.
 *
 * Node 11 (x = 3) of group 1 (k 2, n 3); SSAs 2 and 4. Certificates and
 * signatures are words here: the one of node 2 in the role ssa is "ssa 2", and
 * that is what it signs with.
 *
 * Input, a line each:
 *	{"op": ...}		a control message
 *	{"raw": TEXT}		a control message that may be no JSON
 *	{"data": {"object", "version", "epoch", "segment", "deal", "message",
 *		  "len", "x", "provenance", "flags"}}	a share, or part of one
 *	{"link": N}		what follows comes over connection N, 0 to 2
 *	{"close": N}		it ends, and the next one begins
 *	{"room": N}		it can take N messages more
 *
 * wraps: getrandom monotonic_ms time pki_verify pki_verify_stored fallocate
 * runs: 1500
 */
#define FUZZ_LINES
#include <fcntl.h>
#include "exchange.h"
#include "json_mutate.h"
#include "ssnsock.h"
#include "still.h"
#include "util.h"

#define LINKS	3

int __wrap_pki_verify(struct pki *pki, const char *cert, const void *data, size_t len,
		      const char *sig, struct pki_id *who, struct err *err);
int __wrap_pki_verify_stored(struct pki *pki, const char *cert, const void *data,
			     size_t len, const char *sig, struct pki_id *who,
			     struct err *err);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len);

static struct exchange_env env;
static struct network net;
static char data_dir[300];

static struct link {
	struct exchange *x;
	int room;		/* messages; < 0: any number */
	bool asked;		/* an answer is owed */
	bool waits;		/* for the data of a segment */
	unsigned int answers;
	size_t data;		/* messages to come after "go" */
} links[LINKS];

int __wrap_pki_verify(struct pki *pki, const char *cert, const void *data, size_t len,
		      const char *sig, struct pki_id *who, struct err *err)
{
	memset(who, 0, sizeof(*who));
	strcpy(who->domain, "test");
	if (sscanf(cert, "%15[a-z] %u", who->role, &who->node) != 2 || strcmp(sig, cert))
		return err_set(err, -EKEYREJECTED, "\"%.40s\" did not sign", cert);
	return 0;
}

int __wrap_pki_verify_stored(struct pki *pki, const char *cert, const void *data,
			     size_t len, const char *sig, struct pki_id *who,
			     struct err *err)
{
	return __wrap_pki_verify(pki, cert, data, len, sig, who, err);
}

/* A share of 64 MiB would take as much memory each time. */
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len)
{
	errno = EOPNOTSUPP;
	return -1;
}

/* --- connections */

static void must_be_answer(struct link *l, const void *buf, size_t len)
{
	json_t *msg = ssn_parse_json(buf, len);
	const char *status = json_string_value(json_object_get(msg, "status"));

	must(status, "an answer without status: %.*s", (int)len, (const char *)buf);
	if (!strcmp(status, "error"))
		must(json_is_string(json_object_get(msg, "errno")) &&
		     json_is_string(json_object_get(msg, "message")), "nothing is said");
	if (!strcmp(status, "go"))
		l->data = json_integer_value(json_object_get(msg, "messages"));
	l->answers++;
	json_decref(msg);
}

static ssize_t link_send(void *arg, const struct ssn_share *head, const void *buf,
			 size_t len)
{
	struct link *l = arg;

	must(len && len <= SSN_MSG_MAX, "%zu bytes", len);
	if (!l->room)
		return -EAGAIN;
	l->room -= l->room > 0;
	if (head->flags & SSN_SHARE_CONTROL) {
		must_be_answer(l, buf, len);
	} else {
		must(l->data && head->x == 3 && head->k == 2 && head->n == 3,
		     "a share that is not ours, or nobody asked for");
		l->data--;
	}
	return len;
}

static void link_open(int i)
{
	const struct ssn_peer_info peer = {
		.node = i == 1 ? 4 : 2, .group = 1, .generation = 6,
		.role = SSN_ROLE_SSA, .suite = SSN_SUITE_OTP,
	};

	memset(&links[i], 0, sizeof(links[i]));
	links[i].room = -1;
	links[i].x = exchange_new(&env, &peer, link_send, &links[i]);
}

static void link_close(int i)
{
	exchange_free(links[i].x);
	links[i].x = NULL;
}

/* As far as it gets. */
static int link_run(struct link *l)
{
	int ret;

	do {
		ret = exchange_run(l->x);
	} while (ret == EXCHANGE_MORE);
	if (ret == -EAGAIN && !l->room) {	/* it was blocked for too long */
		link_close(l - links);
		link_open(l - links);
		ret = EXCHANGE_IDLE;
	}
	must(ret == EXCHANGE_IDLE || ret == EXCHANGE_BLOCKED, "it ends: %d", ret);
	must(ret == EXCHANGE_BLOCKED || !l->data, "%zu messages are missing", l->data);
	return ret;
}

/* --- what comes */

static void control(struct link *l, const char *text, size_t len)
{
	const struct ssn_share head = { .flags = SSN_SHARE_CONTROL };
	json_t *msg = ssn_parse_json(text, len);
	const char *op = json_string_value(json_object_get(msg, "op"));
	bool answered = !op || (strcmp(op, "segment") && strcmp(op, "abandon"));
	int ret;

	l->answers = 0;
	ret = exchange_receive(l->x, &head, text, len);
	must(ret == (msg ? 0 : -EPROTO), "a request ends the connection: %d", ret);
	if (link_run(l) == EXCHANGE_IDLE) {
		must(l->answers <= 1, "%u answers to %s", l->answers, op);
		must(!msg || !answered || l->answers == 1, "no answer to %s", op);
	}
	json_decref(msg);
}

static json_int_t number(const json_t *obj, const char *key)
{
	return json_integer_value(json_object_get(obj, key));
}

static void data(struct link *l, const json_t *d)
{
	static uint8_t bytes[SSN_MSG_MAX];
	struct ssn_share h = {
		.group = 1, .generation = 6, .scheme = SSN_SCHEME_SHAMIR, .k = 2,
		.n = 3, .x = number(d, "x"), .version = number(d, "version"),
		.epoch = number(d, "epoch"), .segment = number(d, "segment"),
		.message = number(d, "message"), .provenance = number(d, "provenance"),
		.flags = number(d, "flags") & ~SSN_SHARE_CONTROL,
	};
	const char *object = json_string_value(json_object_get(d, "object"));
	const char *deal = json_string_value(json_object_get(d, "deal"));
	uint64_t len = number(d, "len");
	int ret;

	if (object)
		uuid_parse(object, h.object);
	h.deal = deal ? strtoull(deal, NULL, 10) : 0;
	l->answers = 0;
	ret = exchange_receive(l->x, &h, bytes, len % (SSN_MSG_MAX + 1));
	must(!ret, "a share ends the connection: %d", ret);
	if (link_run(l) == EXCHANGE_IDLE)
		must(l->answers <= 1, "%u answers to a share", l->answers);
}

static void raw(struct link *l, const json_t *text)
{
	control(l, json_string_value(text) ?: "", json_string_length(text));
}

/* A line; the connection that the next one comes over. */
static int line(int at, const json_t *obj, const char *text, size_t len)
{
	struct link *l = &links[at];
	json_t *value;

	if ((value = json_object_get(obj, "link"))) {
		return (uint64_t)json_integer_value(value) % LINKS;
	} else if ((value = json_object_get(obj, "close"))) {
		at = (uint64_t)json_integer_value(value) % LINKS;
		link_close(at);
		link_open(at);
		still_ms += 11000;	/* it may be taken over */
	} else if ((value = json_object_get(obj, "room"))) {
		l->room = json_integer_value(value) & 0xff;
		if (l->room == 0xff)
			l->room = -1;
		link_run(l);
	} else if (link_run(l) == EXCHANGE_BLOCKED) {
		;			/* nothing is read before it has answered */
	} else if ((value = json_object_get(obj, "data"))) {
		data(l, value);
	} else if ((value = json_object_get(obj, "raw"))) {
		raw(l, value);
	} else {
		control(l, text, len);
	}
	return at;
}

/* --- all of it */

static int find_tmp(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return !strncmp(path + ftw->base, ".tmp", 4);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
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

	must(!network_parse(root, "test", 11, &net, &err), "%s", err.text);
	json_decref(root);
	env.net = &net;
	snprintf(data_dir, sizeof(data_dir), "%s/data", fuzz_dir());
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct input in = { input, size };
	unsigned int before = fuzz_entries("/proc/self/fd");
	struct err err = { "" };
	const char *text;
	json_t *obj;
	size_t len;
	int at = 0, i;

	still_reset();
	memset(&env.counters, 0, sizeof(env.counters));
	must(!storage_open(data_dir, 0, &env.storage, &err), "%s", err.text);
	for (i = 0; i < LINKS; i++)
		link_open(i);
	for (i = 0; i < 200 && input_line(&in, &text, &len); i++) {
		obj = json_loadb(text, len, 0, NULL);
		at = line(at, obj, text, len);
		json_decref(obj);
	}
	for (i = 0; i < LINKS; i++)
		link_close(i);
	must(!env.storage->jobs, "a job is held by nobody");
	must(!nftw(data_dir, find_tmp, 16, FTW_PHYS), "a temporary file stays");
	storage_close(env.storage);
	must(fuzz_entries("/proc/self/fd") == before, "a descriptor stays open");
	must(fuzz_entries(fuzz_dir()) == 3, "something is outside the data directory");
	fuzz_empty(data_dir);
	return 0;
}
