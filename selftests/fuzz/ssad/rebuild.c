// SPDX-License-Identifier: GPL-2.0
/*
 * What shareholders answer: user/ssad/dealer.c, gather.c and rebuild.c, while the
 * catalogue is made again from whatever they list. Fewer than k may lie. Whatever
 * they say, there is one last word to the owner, and a list goes forward.
 *
 * Input, a line each, taken whenever an answer is waited for:
 *	{"x": N, ...}		a control message of the member at x; "re" and what
 *				else the request had is filled in where it is missing
 *	{"x": N, "data": {"object", "version", "epoch", "segment", "deal", "message",
 *		 "len"}}	a share, or what the kernel combined at x 0
 *	{"x": N, "raw": TEXT}	a control message that may be no JSON
 *	{"down": N}		the member at x has failed
 *	{"wait": 1}		nothing, until the time is up
 *
 * wraps: getrandom monotonic_ms time nanosleep socket connect setsockopt ssn_family
 * wraps: ssn_members ssn_send ssn_recv ssn_send_json pki_verify pki_verify_stored
 * wraps: pki_sign pki_cert_pem
 * runs: 1500
 */
#define FUZZ_LINES
#include <sys/socket.h>
#include "json_mutate.h"
#include "agent.h"
#include "util.h"

#define N	3

int __wrap_nanosleep(const struct timespec *want, struct timespec *left);
int __wrap_socket(int family, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_ssn_family(void);
int __wrap_ssn_members(int fd, struct ssn_member *m, unsigned int max);
ssize_t __wrap_ssn_send(int fd, const struct ssn_share *share, const void *buf, size_t len);
ssize_t __wrap_ssn_recv(int fd, struct ssn_share *share, int *has, void *buf, size_t size);
int __wrap_ssn_send_json(int fd, unsigned int x, const json_t *msg);

static struct input lines;
static bool down[N + 1];		/* by x */
static json_t *asked[N + 1];		/* the last request to each */
static char after[N + 1][300];		/* where its list went on */
static unsigned int last, said, connections;

/* --- the share socket */

int __wrap_nanosleep(const struct timespec *want, struct timespec *left)
{
	still_ms += 1 + want->tv_nsec / 1000000;
	return 0;
}

int __wrap_socket(int family, int type, int protocol)
{
	connections++;
	return open("/dev/zero", O_RDWR | O_CLOEXEC);	/* always ready */
}

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	return 0;
}

int __wrap_ssn_family(void)
{
	return SSN_FAMILY_DEFAULT;
}

int __wrap_ssn_members(int fd, struct ssn_member *m, unsigned int max)
{
	const struct network_group *g = &ssad.net.group[0];
	unsigned int i;

	for (i = 0; i < N; i++)
		m[i] = (struct ssn_member){
			.node = g->member[i].node, .x = g->member[i].x,
			.state = down[g->member[i].x] ? SSN_MEMBER_FAILED : SSN_MEMBER_LIVE,
			.error = down[g->member[i].x] ? ECONNRESET : 0,
		};
	return N;
}

ssize_t __wrap_ssn_send(int fd, const struct ssn_share *share, const void *buf, size_t len)
{
	json_t *msg = ssn_parse_json(buf, len);
	const char *op = json_string_value(json_object_get(msg, "op"));
	const char *where = json_string_value(json_object_get(msg, "after"));

	must(op && share && share->x >= 1 && share->x <= N, "a request to nobody");
	if (!strcmp(op, "list")) {
		must(where && (!*where || strcmp(where, after[share->x]) > 0),
		     "the list of %u goes from \"%s\" to \"%s\"", share->x,
		     after[share->x], where);
		snprintf(after[share->x], sizeof(after[0]), "%s", where);
	}
	json_decref(asked[share->x]);
	asked[share->x] = msg;
	last = share->x;
	return len;
}

/* What is missing is as in the request. */
static void fill_in(json_t *answer, const json_t *request)
{
	static const char *const keys[] = { "job", "req", "segment", "deal" };
	json_t *op = json_object_get(request, "op"), *value;
	size_t i;

	if (!json_object_get(answer, "re") && op)
		json_object_set(answer, "re", op);
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		value = json_object_get(request, keys[i]);
		if (value && !json_object_get(answer, keys[i]))
			json_object_set(answer, keys[i], value);
	}
}

static json_int_t number(const json_t *obj, const char *key)
{
	return json_integer_value(json_object_get(obj, key));
}

static ssize_t data(const json_t *d, struct ssn_share *share, uint8_t *buf, size_t size)
{
	const char *object = json_string_value(json_object_get(d, "object"));
	const char *deal = json_string_value(json_object_get(d, "deal"));
	size_t len = (uint64_t)number(d, "len") % (size + 1);

	share->version = number(d, "version");
	share->epoch = number(d, "epoch");
	share->segment = number(d, "segment");
	share->message = number(d, "message");
	share->deal = deal ? strtoull(deal, NULL, 10) : 0;
	if (object)
		uuid_parse(object, share->object);
	memset(buf, 'x', len);
	return len;
}

ssize_t __wrap_ssn_recv(int fd, struct ssn_share *share, int *has, void *buf, size_t size)
{
	const char *text, *raw;
	json_t *obj, *value;
	char *out;
	size_t len;
	ssize_t ret = -EAGAIN;

	*has = 1;
	if (!input_line(&lines, &text, &len)) {
		still_ms += 100000;
		return -EAGAIN;
	}
	obj = json_loadb(text, len, 0, NULL);
	value = json_object_get(obj, "x");
	share->x = value ? json_integer_value(value) : last;
	raw = json_string_value(json_object_get(obj, "raw"));
	if ((value = json_object_get(obj, "down"))) {
		down[(uint64_t)json_integer_value(value) % (N + 1)] = true;
		ret = -ECONNRESET;
	} else if (!json_is_object(obj) || json_object_get(obj, "wait")) {
		still_ms += 100000;
	} else if ((value = json_object_get(obj, "data"))) {
		ret = data(value, share, buf, size);
	} else {
		share->flags = SSN_SHARE_CONTROL;
		json_object_del(obj, "x");
		if (share->x <= N)
			fill_in(obj, asked[share->x]);
		out = raw ? strdup(raw) : json_dumps(obj, 0);
		len = strlen(out);
		ret = len < size ? len : size;
		memcpy(buf, out, ret);
		free(out);
	}
	json_decref(obj);
	return ret;
}

/* --- the owner */

int __wrap_ssn_send_json(int fd, unsigned int x, const json_t *msg)
{
	const char *status = json_string_value(json_object_get(msg, "status"));

	must(status && json_is_string(json_object_get(msg, "re")),
	     "an answer without status");
	said += !strcmp(status, "error") || !strcmp(status, "done");
	return 0;
}

/* --- all of it */

static char dir[300];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	agent_make();
	snprintf(dir, sizeof(dir), "%s/ssad", fuzz_dir());
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	unsigned int before = fuzz_entries("/proc/self/fd");
	json_t *req = json_pack("{ss}", "op", "rebuild");
	struct err err = { "" };
	int i;

	still_reset();
	lines = (struct input){ input, size };
	said = last = connections = 0;
	memset(down, 0, sizeof(down));
	memset(after, 0, sizeof(after));
	session.peer = (struct ssn_peer_info){ .node = 1, .role = SSN_ROLE_OWNER };
	must(!catalogue_open(&ssad.cat, dir, &err), "%s", err.text);
	agent_open();
	session_rebuild(&session, req);
	must(said == 1, "%u last words", said);
	must(connections <= 1 + size, "%u connections", connections);
	reserve_close(ssad.res);
	catalogue_close(ssad.cat);
	for (i = 0; i <= N; i++) {
		json_decref(asked[i]);
		asked[i] = NULL;
	}
	json_decref(req);
	must(fuzz_entries("/proc/self/fd") == before, "a descriptor stays open");
	fuzz_empty(dir);
	return 0;
}
