// SPDX-License-Identifier: GPL-2.0
/* put: give a file to the SSA, which splits it over the shareholders. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owner.h"
#include "progress.h"
#include "ssnsock.h"
#include "util.h"

#define ASK_AGAIN_MS	30000	/* for the outcome, after the connection broke */
#define ASK_PAUSE_MS	500

struct put {
	struct owner o;
	const char *path;
	json_t *name;
	bool wait, replace;
	unsigned int min_confirmed;
	char job[UUID_TEXT], object[UUID_TEXT];
	unsigned int version;
	int fd;
	struct stat st;
	uint64_t sent, stored;
	uint64_t segment;	/* how far beyond @stored it may be */
	struct progress bar;
	json_t *answer;		/* "done" */
};

static int put_file(struct put *p)
{
	p->fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (p->fd < 0)
		return cmd_error("%s: %s", p->path, strerror(errno));
	if (fstat(p->fd, &p->st))
		return cmd_error("%s: %s", p->path, strerror(errno));
	if (S_ISDIR(p->st.st_mode))
		return cmd_error("%s: is a directory: put an archive of it (tar)",
				 p->path);
	if (!S_ISREG(p->st.st_mode))
		return cmd_error("%s: not a regular file: its size must be known before; copy it to a file first",
				 p->path);
	return CMD_OK;
}

/*
 * What comes next under this name: the object and version that exist, plus one;
 * or just those, if it is this job that has stored them.
 */
static int put_next(struct put *p)
{
	json_t *msg;
	ssize_t len;
	int ret = CMD_OK;

	p->version = 1;
	if ((!*p->job && owner_uuid(p->job)) || owner_object(p->job, p->object))
		return CMD_FAILED;
	if (!p->replace)
		return CMD_OK;
	len = owner_send(&p->o, json_pack("{s:s, s:O}", "op", "stat", "name", p->name));
	len = len ?: owner_recv(&p->o, p->o.timeout_ms, &msg);
	if (len <= 0)
		return owner_broken(&p->o, "put", len);
	if (!strcmp(json_text(msg, "status"), "done") &&
	    !strcmp(json_text(msg, "state"), "stored")) {
		snprintf(p->object, sizeof(p->object), "%s", json_text(msg, "object"));
		p->version = json_number(msg, "version") +
			     !!strcmp(json_text(msg, "job"), p->job);
	} else if (!strcmp(json_text(msg, "status"), "error") &&
		   strcmp(json_text(msg, "errno"), "ENOENT")) {
		ret = owner_refused("put", msg);
	}
	json_decref(msg);
	return ret;
}

static char *put_policy(const struct put *p)
{
	const struct network_group *g = p->o.group;
	json_t *nodes = json_array(), *policy;
	unsigned int i;
	char *text;

	for (i = 0; i < g->n; i++)
		json_array_append_new(nodes, json_integer(g->member[i].node));
	policy = json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:o, s:[I], s:i, s:i}",
			   "object", p->object, "version", p->version,
			   "owner", (json_int_t)p->o.net.self,
			   "ssa", (json_int_t)p->o.ssa, "group", (json_int_t)g->id,
			   "generation", (json_int_t)g->generation, "nodes", nodes,
			   "readers", (json_int_t)p->o.net.self, "min_k", g->k,
			   "retain_until", 0);
	text = policy ? json_dumps(policy, JSON_COMPACT) : NULL;
	json_decref(policy);
	return text;
}

static int put_request(struct put *p, json_t **req)
{
	char *policy = put_policy(p), *sig = NULL, *old_sig = NULL, old[96];
	struct err err = { "no memory" };
	int ret = policy ? 0 : -ENOMEM;

	if (!ret)
		ret = pki_sign(p->o.pki, policy, strlen(policy), &sig, &err);
	if (!ret && p->version > 1) {
		snprintf(old, sizeof(old), "delete %s %u", p->object, p->version - 1);
		ret = pki_sign(p->o.pki, old, strlen(old), &old_sig, &err);
	}
	if (!ret) {
		*req = json_pack("{s:s, s:s, s:s, s:O, s:I, s:I, s:b, s:i, s:b, s:s, s:s, s:s}",
			"op", "put", "job", p->job, "object", p->object,
			"name", p->name, "size", (json_int_t)p->st.st_size,
			"group", (json_int_t)p->o.group->id, "wait", p->wait,
			"min_confirmed", p->min_confirmed, "replace", p->replace,
			"policy", policy, "policy_sig", sig,
			"owner_cert", pki_cert_pem(p->o.pki));
		if (old_sig)
			json_object_set_new(*req, "replace_sig", json_string(old_sig));
	}
	free(policy);
	free(sig);
	free(old_sig);
	return ret ? cmd_error("put: %s", err.text) : CMD_OK;
}

/*
 * Take in what the SSA says: CMD_OK to go on, with p->answer if it is done;
 * CMD_FAILED; -1 when the connection has ended, so that the outcome is unknown.
 */
static int put_listen(struct put *p, bool *go)
{
	const char *status;
	int ret = CMD_OK;
	json_t *msg;
	ssize_t len;

	len = owner_recv(&p->o, p->wait ? 0 : p->o.timeout_ms, &msg);
	if (len <= 0) {
		progress_end(&p->bar);
		owner_broken(&p->o, "put", len);
		return -1;
	}
	status = json_text(msg, "status");
	if (!strcmp(status, "done")) {
		p->answer = msg;
		return CMD_OK;
	}
	if (!strcmp(status, "go") && go) {
		*go = true;
		p->segment = json_number(msg, "segment");
	} else if (!strcmp(status, "progress")) {
		p->stored = json_number(msg, "stored");
		progress_at(&p->bar, p->stored,
			    json_object_get(msg, "waiting") ?
			    json_text(msg, "waiting") : NULL);
	} else {
		progress_end(&p->bar);
		ret = strcmp(status, "error") ?
		      cmd_error("put: the SSA gave an answer that was not expected") :
		      owner_refused("put", msg);
	}
	json_decref(msg);
	return ret;
}

/* Has the file stayed what it was? Asked before its last byte is sent. */
static int put_unchanged(struct put *p)
{
	struct stat now;

	if (fstat(p->fd, &now))
		return cmd_error("%s: %s", p->path, strerror(errno));
	if (now.st_size != p->st.st_size ||
	    now.st_mtim.tv_sec != p->st.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != p->st.st_mtim.tv_nsec) {
		progress_end(&p->bar);
		return cmd_error("%s: changed while it was read (%lld bytes, now %lld): nothing is stored; put it again",
				 p->path, (long long)p->st.st_size,
				 (long long)now.st_size);
	}
	return CMD_OK;
}

/*
 * Bytes that may go now. No more than a segment ahead of what is stored: while the SSA
 * deals, it does not read, and what nobody reads for long ends the connection.
 */
static size_t put_room(const struct put *p)
{
	uint64_t left = p->st.st_size - p->sent;
	uint64_t most = p->stored + p->segment;

	if (p->segment && most < p->sent + left)
		left = most > p->sent ? most - p->sent : 0;
	return left < OWNER_MESSAGE ? left : OWNER_MESSAGE;
}

static int put_data(struct put *p)
{
	uint64_t size = p->st.st_size;
	uint8_t *chunk;
	int ret = CMD_OK;

	chunk = malloc(OWNER_MESSAGE);
	if (!chunk)
		return cmd_error("no memory");
	while (p->sent < size && !p->answer) {
		size_t len = put_room(p);
		struct pollfd poll_fd = { .fd = p->o.fd,
					  .events = len ? POLLIN | POLLOUT : POLLIN };
		ssize_t sent;

		if (poll(&poll_fd, 1, p->wait ? -1 : (int)p->o.timeout_ms) <= 0) {
			if (errno == EINTR)
				continue;
			ret = cmd_error("put: nothing went for %u ms: the SSA takes no data, or the pad to it is short (ssnctl key list; put --wait waits for pad)",
					p->o.timeout_ms);
			break;
		}
		if (!len || poll_fd.revents & POLLIN) {
			ret = put_listen(p, NULL);
			if (ret)
				break;
			continue;
		}
		ret = pread_full(p->fd, chunk, len, p->sent);
		if (ret) {
			/* a file that ended early has changed: that says more */
			ret = ret == -EIO && put_unchanged(p) ? CMD_FAILED :
			      cmd_error("%s: cannot be read: %s", p->path,
					strerror(-ret));
			break;
		}
		if (p->sent + len == size)
			ret = put_unchanged(p);
		if (ret)
			break;
		sent = ssn_send(p->o.fd, NULL, chunk, len);
		if (sent < 0 && sent != -EAGAIN && sent != -ENOKEY) {
			/* its last word may say why */
			ret = put_listen(p, NULL);
			if (!ret && !p->answer)
				continue;
			break;
		}
		if (sent > 0)
			p->sent += sent;
	}
	explicit_bzero(chunk, OWNER_MESSAGE);
	free(chunk);
	return ret;
}

/* Request, data, answer. As put_listen(). */
static int put_once(struct put *p)
{
	json_t *req;
	bool go = false;
	ssize_t len;
	int ret;

	ret = put_request(p, &req);
	if (ret)
		return ret;
	len = owner_send(&p->o, req);
	if (len) {
		owner_broken(&p->o, "put", len);
		return -1;
	}
	while (!go && !p->answer && !ret)
		ret = put_listen(p, &go);
	if (!ret && go)
		ret = put_data(p);
	while (!ret && !p->answer)
		ret = put_listen(p, NULL);
	return ret;
}

/*
 * The connection broke, perhaps after the COMMIT: the same job tells. An SSA that
 * has not seen it says "go"; then nothing was stored, nor if it says that the job
 * was aborted. Any other answer leaves it open.
 */
static int put_outcome(struct put *p)
{
	uint64_t deadline = monotonic_ms() + ASK_AGAIN_MS;
	bool again = true, nothing = false;
	json_t *req, *msg;
	ssize_t len;

	while (again && monotonic_ms() < deadline) {
		struct pollfd none = { .fd = -1 };

		again = false;
		owner_disconnect(&p->o);
		p->o.fd = ssn_connect_link(p->o.ssa, SSN_SERVICE_U, ASK_AGAIN_MS / 4);
		if (p->o.fd < 0) {
			again = true;
			poll(&none, 1, ASK_PAUSE_MS);
			continue;
		}
		if (put_request(p, &req))
			return CMD_FAILED;
		len = owner_send(&p->o, req);
		len = len ?: owner_recv(&p->o, p->o.timeout_ms, &msg);
		if (len <= 0) {
			again = true;
			poll(&none, 1, ASK_PAUSE_MS);
			continue;
		}
		if (!strcmp(json_text(msg, "status"), "done")) {
			p->answer = json_incref(msg);
		} else if (!strcmp(json_text(msg, "status"), "go") ||
			   !strcmp(json_text(msg, "errno"), "ECANCELED")) {
			nothing = true;
		} else if (!strcmp(json_text(msg, "errno"), "EALREADY")) {
			again = true;
			poll(&none, 1, ASK_PAUSE_MS);
		} else {
			owner_refused("put", msg);
		}
		json_decref(msg);
	}
	if (p->answer)
		return CMD_OK;
	if (nothing)
		return cmd_error("put: nothing was stored: put it again");
	return cmd_error("put: whether job %s was committed is not known: ask again with --job %s, the same FILE and options",
			 p->job, p->job);
}

static int put_show(const struct put *p)
{
	uint64_t confirmed = json_number(p->answer, "confirmed");
	const char *answer = json_text(p->answer, "answer");
	struct out out;
	int ret;

	out_begin(&out, stdout, p->o.ctx->json);
	out_row(&out, NULL);
	out_str(&out, "name", json_string_value(p->name));
	out_str(&out, "object", json_text(p->answer, "object"));
	out_u64(&out, "version", json_number(p->answer, "version"));
	out_bytes(&out, "size", p->st.st_size);
	out_u64(&out, "k", p->o.group->k);
	out_u64(&out, "n", p->o.group->n);
	out_u64(&out, "confirmed", confirmed);
	out_str(&out, "answer", answer);
	out_bytes(&out, "wire_bytes", json_number(p->answer, "wire_bytes"));
	out_bytes(&out, "pad_bytes", json_number(p->answer, "pad_bytes"));
	out_str(&out, "job", p->job);
	out_ms(&out, "elapsed_ms", monotonic_ms() - p->bar.begun);
	out_row_end(&out);
	ret = owner_out_end(&out);
	return ret ?: strcmp(answer, "ok") ? CMD_DEGRADED : CMD_OK;
}

static int put_options(struct put *p, int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "group", required_argument, NULL, 'g' },
		{ "wait", no_argument, NULL, 'w' },
		{ "min-confirmed", required_argument, NULL, 'm' },
		{ "replace", no_argument, NULL, 'r' },
		{ "job", required_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	const char *name = NULL, *job = NULL, *group = NULL, *min = NULL;
	uint8_t uuid[UUID_BYTES];
	char *end, *copy;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'n': name = optarg; break;
		case 'g': group = optarg; break;
		case 'm': min = optarg; break;
		case 'j': job = optarg; break;
		case 'w': p->wait = true; break;
		case 'r': p->replace = true; break;
		default: return CMD_USAGE;
		}
	}
	if (argc - optind != 1)
		return cmd_usage("put takes one FILE, not %d", argc - optind);
	p->path = argv[optind];
	if (job && uuid_parse(job, uuid))
		return cmd_usage("--job \"%s\" is not a UUID", job);
	snprintf(p->job, sizeof(p->job), "%s", job ?: "");
	if (group) {
		unsigned long id = strtoul(group, &end, 10);

		p->o.group = *group && !*end ? network_group(&p->o.net, id) : NULL;
		if (!p->o.group)
			return cmd_usage("--group %s is not in the network description",
					 group);
	}
	if (min) {
		p->min_confirmed = strtoul(min, &end, 10);
		if (!*min || *end || p->min_confirmed < p->o.group->k ||
		    p->min_confirmed > p->o.group->n)
			return cmd_usage("--min-confirmed wants a number from k to n (%u to %u), not %s",
					 p->o.group->k, p->o.group->n, min);
	}
	if (name) {
		p->name = owner_name(name);
	} else {
		copy = strdup(p->path);
		p->name = copy ? owner_name(basename(copy)) : NULL;
		free(copy);
	}
	return p->name ? CMD_OK : CMD_FAILED;
}

static int run(int argc, char **argv, const struct cmd_ctx *ctx)
{
	struct put p = { .fd = -1 };
	int ret;

	ret = owner_open(&p.o, ctx);
	if (ret)
		return ret;
	ret = put_options(&p, argc, argv);
	ret = ret ?: put_file(&p);
	ret = ret ?: owner_connect(&p.o);
	ret = ret ?: put_next(&p);
	if (!ret) {
		progress_begin(&p.bar, "put", p.st.st_size, ctx->json);
		ret = put_once(&p);
		progress_end(&p.bar);
		if (ret < 0)
			ret = put_outcome(&p);
	}
	if (!ret)
		ret = put_show(&p);
	json_decref(p.answer);
	json_decref(p.name);
	if (p.fd >= 0)
		close(p.fd);
	owner_close(&p.o);
	return ret;
}

static const struct cmd put = {
	.verb = "put",
	.args = "FILE [--name N] [--group G] [--wait] [--min-confirmed W] [--replace] [--job UUID]",
	.help = "store a file as shares; done when every shareholder has it on disk",
	.run = run,
};
CMD_REGISTER(put);
