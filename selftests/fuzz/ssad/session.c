// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of data owners (SSN-U) and questions of shareholders (to their
 * coordinator): user/ssad/session.c and the operations behind it, with a catalogue
 * of two objects and no shareholder that answers. Each request gets one last word,
 * and a request alone never ends the session.
 *
 * Input, a line each:
 *	{"op": ...}		a control message
 *	{"raw": TEXT}		a control message that may be no JSON
 *	{"data": N}		N bytes that are none
 *	{"pad": N}		from now on every pool has N bytes
 *	{"shareholder": N}	the first line only: node N asks
 *
 * wraps: getrandom monotonic_ms time ssn_recv ssn_send_json ssn_send dealer_open
 * wraps: session_gone nanosleep
 * wraps: gather_open pki_verify pki_verify_stored pki_sign pki_cert_pem
 * runs: 1500
 */
#define FUZZ_LINES
#include "json_mutate.h"
#include "agent.h"

ssize_t __wrap_ssn_recv(int fd, struct ssn_share *share, int *has, void *buf, size_t size);
int __wrap_ssn_send_json(int fd, unsigned int x, const json_t *msg);
ssize_t __wrap_ssn_send(int fd, const struct ssn_share *share, const void *buf, size_t len);
int __wrap_dealer_open(struct dealer **d, const struct network *net,
		       const struct network_group *group, unsigned int timeout_ms,
		       bool raw, int coeff, unsigned int need, struct err *err);
int __wrap_gather_open(struct gather *g, struct err *err);
int __wrap_session_gone(struct session *s);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

/* What was asked, and what was said to it. */
static struct input lines;
static struct {
	bool request;		/* and it is JSON */
	char op[16];
	unsigned int said;	/* last words */
	bool going;		/* data may be on its way: the session may end */
	unsigned int waited;
} now;

/* --- the owner's connection */

static void must_be_done(void)
{
	must(!now.request || now.said == 1, "%u last words to \"%s\"", now.said, now.op);
}

static ssize_t take(const char *text, size_t len, void *buf, size_t size)
{
	len = len < size ? len : size;
	memcpy(buf, text, len);
	return len;
}

/* A message; 0: this line was none. */
static ssize_t line(const json_t *obj, const char *text, size_t len,
		    struct ssn_share *share, int *has, void *buf, size_t size)
{
	json_t *value;

	if ((value = json_object_get(obj, "pad"))) {
		pad = json_integer_value(value);
		return 0;
	}
	if (json_object_get(obj, "shareholder"))
		return 0;
	*has = 1;
	memset(share, 0, sizeof(*share));
	if ((value = json_object_get(obj, "data"))) {
		*has = json_integer_value(value) & 1;
		len = 1 + (uint64_t)json_integer_value(value) % size;
		memset(buf, '{', len);
		return len;
	}
	share->flags = SSN_SHARE_CONTROL;
	value = json_object_get(obj, "raw");
	if (value) {
		text = json_string_value(value) ?: "[]";
		len = strlen(text);
	}
	return take(text, len, buf, size);
}

ssize_t __wrap_ssn_recv(int fd, struct ssn_share *share, int *has, void *buf, size_t size)
{
	const char *text, *op;
	json_t *obj, *msg;
	ssize_t ret = 0;
	size_t len;

	must_be_done();
	memset(&now, 0, sizeof(now));
	*has = 0;
	while (!ret && input_line(&lines, &text, &len)) {
		obj = json_loadb(text, len, 0, NULL);
		ret = line(obj, text, len, share, has, buf, size);
		json_decref(obj);
	}
	msg = ret > 0 && *has && share->flags ? ssn_parse_json(buf, ret) : NULL;
	op = json_string_value(json_object_get(msg, "op"));
	now.request = !!msg;
	snprintf(now.op, sizeof(now.op), "%s", op ?: "");
	json_decref(msg);
	return ret;
}

int __wrap_ssn_send_json(int fd, unsigned int x, const json_t *msg)
{
	const char *status = json_string_value(json_object_get(msg, "status"));
	char *text = json_dumps(msg, 0);

	must(text && status && json_is_string(json_object_get(msg, "re")),
	     "an answer without status: %s", text ?: "no JSON");
	if (!strcmp(status, "error"))
		must(json_is_string(json_object_get(msg, "errno")) &&
		     json_is_string(json_object_get(msg, "message")) &&
		     json_is_string(json_object_get(msg, "hint")), "nothing is said");
	if (!strcmp(status, "error") || !strcmp(status, "done"))
		now.said++;
	else
		now.going |= !strcmp(status, "go");
	must(now.said <= 1, "a word after the last: %s", text);
	free(text);
	return 0;
}

ssize_t __wrap_ssn_send(int fd, const struct ssn_share *share, const void *buf, size_t len)
{
	must(now.going, "data that nobody waits for");
	return len;
}

/* Who waits for pad that does not come goes some day: then nothing is to be told. */
int __wrap_session_gone(struct session *s)
{
	if (++now.waited < 4)
		return 0;
	now.request = false;
	return 1;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	return 0;
}

/* --- what lies behind */

int __wrap_dealer_open(struct dealer **d, const struct network *net,
		       const struct network_group *group, unsigned int timeout_ms,
		       bool raw, int coeff, unsigned int need, struct err *err)
{
	must(need >= 1 && need <= group->n, "%u of %u members", need, group->n);
	*d = NULL;
	return err_set(err, -EHOSTUNREACH, "none of them answers");
}

int __wrap_gather_open(struct gather *g, struct err *err)
{
	return err_set(err, -EHOSTUNREACH, "none of them answers");
}

/* --- the catalogue: made once, copied for each input */

static char dir[300];
static struct { void *bytes; size_t len; } kept[2];
static const char *const files[2] = { "catalogue.db", "instance" };

static void store(const char *object, const char *name, int version, json_int_t size)
{
	json_t *policy = json_pack("{sssisisisisis[iii]s[i]sisi}", "object", object,
		"version", version, "owner", 1, "ssa", 2, "group", 1, "generation", 6,
		"nodes", 11, 12, 13, "readers", 1, "min_k", 2, "retain_until", 0);
	char *text = json_dumps(policy, JSON_COMPACT);
	json_t *record = json_pack(
		"{sssssisisIsIsisisisisisissss sssssss[{sisiss}]}", "object", object,
		"name", name, "version", version, "owner", 1, "size", size, "stored_at",
		(json_int_t)STILL_TIME, "segment_bytes", SEGMENT_MIN, "group", 1,
		"generation", 6, "k", 2, "n", 3, "epoch", 0, "coefficients", "crng",
		"job", "10b00000-0000-4000-8000-000000000001", "policy", text,
		"policy_sig", "owner 1", "owner_cert", "owner 1", "members",
		"node", 11, "x", 3, "state", "confirmed"), *answer;
	struct err err = { "" };

	answer = json_pack("{ssss}", "re", "put", "status", "done");
	must(record && !catalogue_restore(ssad.cat, record, answer, &err), "%s", err.text);
	json_decref(answer);
	json_decref(record);
	json_decref(policy);
	free(text);
}

static void catalogue_make(void)
{
	struct err err = { "" };
	char path[320];
	FILE *f;
	int i;

	snprintf(dir, sizeof(dir), "%s/ssad", fuzz_dir());
	must(!catalogue_open(&ssad.cat, dir, &err), "%s", err.text);
	store("0b0b0b0b-0000-4000-8000-000000000001", "first", 1, 100000);
	store("0b0b0b0b-0000-4000-8000-000000000002", "empty", 2, 0);
	must(!catalogue_found(ssad.cat), "lost");
	catalogue_close(ssad.cat);
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		f = fopen(path, "re");
		must(f, "%s", path);
		kept[i].bytes = malloc(1 << 20);
		kept[i].len = fread(kept[i].bytes, 1, 1 << 20, f);
		fclose(f);
	}
}

static void catalogue_copy(void)
{
	struct err err = { "" };
	int i;

	fuzz_empty(dir);
	for (i = 0; i < 2; i++) {
		char name[32];

		snprintf(name, sizeof(name), "ssad/%s", files[i]);
		fuzz_file(name, kept[i].bytes, kept[i].len);
	}
	must(!catalogue_open(&ssad.cat, dir, &err), "%s", err.text);
	must(!catalogue_lost(ssad.cat), "the catalogue is lost");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	agent_make();
	still_reset();
	catalogue_make();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input first = { data, size };
	json_t *obj = NULL;
	const char *text;
	bool shareholder;
	size_t len;

	if (input_line(&first, &text, &len))
		obj = json_loadb(text, len, 0, NULL);
	shareholder = json_object_get(obj, "shareholder");
	session.peer = (struct ssn_peer_info){
		.node = shareholder ? 11 : 1,
		.role = shareholder ? SSN_ROLE_SHAREHOLDER : SSN_ROLE_OWNER,
		.suite = SSN_SUITE_OTP,
	};
	json_decref(obj);

	still_reset();
	lines = (struct input){ data, size };
	memset(&now, 0, sizeof(now));
	catalogue_copy();
	agent_open();
	session.kind = shareholder ? &session_coordinators : &session_owners;
	session.kind->serve(&session);
	must_be_done();
	must(!now.request || shareholder || !lines.left || now.going,
	     "\"%s\" ended the session", now.op);
	reserve_close(ssad.res);
	catalogue_close(ssad.cat);
	return 0;
}
