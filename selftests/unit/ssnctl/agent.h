/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A data owner's ssnctl, for tests, and an SSA that is played: a test includes the
 * command's .c file, whose run() is its own, and says in agent_asked() and
 * agent_fed() what the SSA does. In place of user/lib/ssnsock.c.
 */
#ifndef SELFTESTS_SSNCTL_AGENT_H
#define SELFTESTS_SSNCTL_AGENT_H

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owner.h"
#include "ssnsock.h"
#include "util.h"
#include "../pki_ca.h"

#define JOB(n)	"10b00000-0000-4000-8000-00000000000" #n

/* --- the SSA; one connection at a time */

struct says {
	struct says *next;
	bool control;
	size_t len;
	char data[];
};

static struct {
	int fd[2];			/* ssnctl's end, and ours */
	struct says *head, **tail;
	uint64_t fed;			/* bytes of data over this connection */
	unsigned int connections;
	json_t *request;		/* the last one */
} agent = { .fd = { -1, -1 } };

/* A request has come; and after each message of data. The test's. */
static void agent_asked(const char *op, const json_t *req);
static void agent_fed(void);

static void agent_queue(bool control, const void *data, size_t len)
{
	struct says *s = malloc(sizeof(*s) + len);

	s->next = NULL;
	s->control = control;
	s->len = len;
	memcpy(s->data, data, len);
	*agent.tail = s;
	agent.tail = &s->next;
	if (write(agent.fd[1], "", 1) != 1)
		bail("the test's own socket");
}

static void agent_says(json_t *msg)
{
	char *text = json_dumps(msg, 0);

	agent_queue(true, text, strlen(text));
	free(text);
	json_decref(msg);
}

static inline void agent_error(const char *op, const char *symbol)
{
	agent_says(json_pack("{s:s s:s s:s s:s}", "re", op, "status", "error",
			     "errno", symbol, "message", "refused"));
}

static inline void agent_hangs_up(void)
{
	shutdown(agent.fd[1], SHUT_WR);
}

static struct says *agent_next(void)
{
	struct says *s = agent.head;

	if (s)
		agent.head = s->next;
	if (!agent.head)
		agent.tail = &agent.head;
	return s;
}

int ssn_connect_link(unsigned int node, unsigned int service, unsigned int ms)
{
	struct says *s;

	if (agent.fd[1] >= 0)
		close(agent.fd[1]);
	while (agent.head && (s = agent_next()))
		free(s);
	agent.tail = &agent.head;
	agent.fed = 0;
	agent.connections++;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, agent.fd))
		return -errno;
	return agent.fd[0];
}

ssize_t ssn_send(int fd, const struct ssn_share *share, const void *buf, size_t len)
{
	if (share && share->flags & SSN_SHARE_CONTROL) {
		json_decref(agent.request);
		agent.request = json_loadb(buf, len, 0, NULL);
		agent_asked(json_text(agent.request, "op"), agent.request);
	} else {
		agent.fed += len;
		agent_fed();
	}
	return len;
}

int ssn_send_json(int fd, unsigned int x, const json_t *msg)
{
	struct ssn_share share = { .x = x, .flags = SSN_SHARE_CONTROL };
	char *text = json_dumps(msg, 0);
	ssize_t ret = ssn_send(fd, &share, text, strlen(text));

	free(text);
	return ret < 0 ? ret : 0;
}

ssize_t ssn_recv(int fd, struct ssn_share *share, int *has, void *buf, size_t size)
{
	struct says *s;
	size_t len;
	char c;

	*has = 0;
	if (read(fd, &c, 1) != 1)
		return 0;
	s = agent_next();
	*has = s->control;
	memset(share, 0, sizeof(*share));
	share->flags = s->control ? SSN_SHARE_CONTROL : 0;
	len = s->len;
	memcpy(buf, s->data, len);
	free(s);
	return len;
}

json_t *ssn_parse_json(const void *buf, size_t len)
{
	return json_loadb(buf, len, 0, NULL);
}

int ssn_family(void) { return SSN_FAMILY_DEFAULT; }
int ssn_listen(unsigned int service, int backlog) { return -ENOSYS; }
int ssn_accept(int fd, struct ssn_peer_info *peer) { return -ENOSYS; }
int ssn_connect_group(unsigned int group, unsigned int ms) { return -ENOSYS; }
int ssn_members(int fd, struct ssn_member *m, unsigned int max) { return -ENOSYS; }
const char *ssn_strerror(int err) { return strerror(abs(err)); }

/* --- the owner: files in a folder of its own, which another user may use too */

static char ctl_dir[64], ctl_out[4096];

static void ctl_path(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", ctl_dir, name);
}

static void ctl_write(const char *name, const void *data, size_t len)
{
	char path[128];
	FILE *f;

	ctl_path(path, name);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		bail("%s: %s", path, strerror(errno));
}

static void ctl_json(const char *name, json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(1));

	ctl_write(name, text, strlen(text));
	free(text);
	json_decref(json);
}

static void ctl_remove(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", ctl_dir);
	if (system(cmd))
		diag("%s stays", ctl_dir);
}

static void ctl_make(void)
{
	json_t *config;

	ca_make();
	if (ca_run("issue %s/a owner 1 owner", ca_dir))
		bail("devca");
	strcpy(ctl_dir, "/tmp/ssnctl.XXXXXX");
	if (!mkdtemp(ctl_dir))
		bail("mkdtemp: %s", strerror(errno));
	atexit(ctl_remove);
	ctl_json("network.json", json_pack(
		"{s:s s:[{s:i s:s s:s s:s}{s:i s:s s:s s:s}{s:i s:s s:s s:s}"
		"{s:i s:s s:s s:s}] s:[{s:i s:i s:s s:i s:i s:[{s:i s:i}{s:i s:i}]}]}",
		"domain", "test", "nodes",
		"id", 1, "name", "owner", "role", "owner", "addr", "10.0.0.1:5808",
		"id", 2, "name", "ssa", "role", "ssa", "addr", "10.0.0.2:5808",
		"id", 11, "name", "sh1", "role", "shareholder", "addr", "10.0.0.11:5808",
		"id", 12, "name", "sh2", "role", "shareholder", "addr", "10.0.0.12:5808",
		"groups", "id", 1, "generation", 1, "scheme", "shamir", "k", 2, "n", 2,
		"members", "node", 11, "x", 1, "node", 12, "x", 2));
	config = json_pack("{s:o s:s s:s s:i s:o s:i}", "network",
			   json_sprintf("%s/network.json", ctl_dir), "self", "owner",
			   "ssa", "ssa", "group", 1, "pki", ca_cfg("a", "owner"),
			   "timeout_ms", 5000);
	ctl_json("ssnctl.json", config);
}

/* The included command, with @args (NULL at the end): its status; ctl_out: stderr. */
static int ctl_run(char **args)
{
	struct cmd_ctx ctx = { .json = true };
	char config[128], out[128];
	int argc, saved[2], ret, fd;
	ssize_t len;

	ctl_path(config, "ssnctl.json");
	ctl_path(out, "stderr");
	ctx.config = config;
	for (argc = 0; args[argc]; argc++)
		;
	fflush(stdout);
	saved[0] = dup(STDOUT_FILENO);
	saved[1] = dup(STDERR_FILENO);
	fd = open(out, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 ||
	    !freopen("/dev/null", "w", stdout))
		bail("stderr: %s", strerror(errno));
	optind = 0;
	ret = run(argc, args, &ctx);
	fflush(stdout);
	fflush(stderr);
	dup2(saved[0], STDOUT_FILENO);
	dup2(saved[1], STDERR_FILENO);
	close(saved[0]);
	close(saved[1]);
	len = pread(fd, ctl_out, sizeof(ctl_out) - 1, 0);
	ctl_out[len > 0 ? len : 0] = 0;
	close(fd);
	if (*ctl_out)
		diag("%s", ctl_out);
	return ret;
}

#endif
