// SPDX-License-Identifier: GPL-2.0
#include "owner.h"

#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ssnsock.h"
#include "util.h"

#define CONNECT_MS	15000
#define NAME_MAX_BYTES	1024

static int owner_configure(struct owner *o, const json_t *config, const char *path,
			   struct err *err)
{
	static const char *const keys[] = { "network", "self", "ssa", "group", "pki",
					    "timeout_ms", NULL };
	const char *network, *self, *ssa;
	const struct network_node *node;
	int64_t group, timeout;
	int ret;

	ret = config_only(config, path, keys, err) ?:
	      config_str(config, path, "network", NULL, &network, err) ?:
	      config_str(config, path, "self", NULL, &self, err) ?:
	      config_str(config, path, "ssa", NULL, &ssa, err) ?:
	      config_int(config, path, "group", 1, UINT32_MAX, 0, &group, err) ?:
	      config_int(config, path, "timeout_ms", 1000, 3600000, 120000,
			 &timeout, err) ?:
	      network_load(network, 0, &o->net, err);
	if (ret)
		return ret;
	o->timeout_ms = timeout;
	node = network_find(&o->net, self);
	if (!node || node->role != SSN_ROLE_OWNER)
		return err_set(err, -EINVAL, "%s: self: \"%s\" is no owner in %s",
			       path, self, network);
	o->net.self = node->id;
	node = network_find(&o->net, ssa);
	if (!node || node->role != SSN_ROLE_SSA)
		return err_set(err, -EINVAL, "%s: ssa: \"%s\" is no SSA in %s", path,
			       ssa, network);
	o->ssa = node->id;
	o->group = network_group(&o->net, group);
	if (!o->group)
		return err_set(err, -EINVAL, "%s: group: %lld is not in %s", path,
			       (long long)group, network);
	return pki_open(json_object_get(config, "pki"), path, &o->pki, err);
}

int owner_open(struct owner *o, const struct cmd_ctx *ctx)
{
	struct err err = { "" };
	json_t *config;
	int ret;

	memset(o, 0, sizeof(*o));
	o->fd = -1;
	o->ctx = ctx;
	o->buf = malloc(SSN_MSG_MAX);
	if (!o->buf)
		return cmd_error("no memory");
	ret = config_load(ctx->config, &config, &err);
	if (!ret) {
		ret = owner_configure(o, config, ctx->config, &err);
		json_decref(config);
	}
	if (!ret)
		return CMD_OK;
	owner_close(o);
	return cmd_error("%s", err.text);
}

void owner_close(struct owner *o)
{
	owner_disconnect(o);
	if (o->pki)
		pki_free(o->pki);
	network_free(&o->net);
	if (o->buf)
		explicit_bzero(o->buf, SSN_MSG_MAX);
	free(o->buf);
	memset(o, 0, sizeof(*o));
	o->fd = -1;
}

int owner_connect(struct owner *o)
{
	const struct network_node *ssa = network_node(&o->net, o->ssa);

	o->fd = ssn_connect_link(o->ssa, SSN_SERVICE_U, CONNECT_MS);
	if (o->fd >= 0)
		return CMD_OK;
	return cmd_error("SSA %s (node %u): %s", ssa->name, o->ssa,
			 ssn_strerror(o->fd));
}

void owner_disconnect(struct owner *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

int owner_send(struct owner *o, json_t *req)
{
	int ret = req ? ssn_send_json(o->fd, 0, req) : -ENOMEM;

	json_decref(req);
	return ret;
}

ssize_t owner_recv(struct owner *o, unsigned int timeout_ms, json_t **msg)
{
	struct pollfd p = { .fd = o->fd, .events = POLLIN };
	struct ssn_share share = { 0 };
	ssize_t len;
	int ret, has;

	*msg = NULL;
	do {
		ret = poll(&p, 1, timeout_ms ? (int)timeout_ms : -1);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	if (!ret)
		return -ETIMEDOUT;
	len = ssn_recv(o->fd, &share, &has, o->buf, SSN_MSG_MAX);
	if (len > 0 && has && share.flags & SSN_SHARE_CONTROL) {
		*msg = ssn_parse_json(o->buf, len);
		if (!*msg)
			return -EPROTO;
	}
	return len;
}

const char *json_text(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key)) ?: "";
}

uint64_t json_number(const json_t *obj, const char *key)
{
	return json_integer_value(json_object_get(obj, key));
}

/* What others wrote goes to the terminal without its control characters. */
static void plain(char *to, size_t size, const char *text)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < size; i++)
		to[i] = (unsigned char)text[i] < ' ' || text[i] == 127 ? '?' : text[i];
	to[i] = 0;
}

int owner_refused(const char *what, const json_t *msg)
{
	char name[64], message[600], hint[300];

	plain(name, sizeof(name), json_text(msg, "errno"));
	plain(message, sizeof(message), json_text(msg, "message"));
	plain(hint, sizeof(hint), json_text(msg, "hint"));
	return cmd_error("%s: %s: %s%s%s%s", what, name, message,
			 *hint ? " (" : "", hint, *hint ? ")" : "");
}

int owner_broken(const struct owner *o, const char *what, ssize_t ret)
{
	const struct network_node *ssa = network_node(&o->net, o->ssa);

	return cmd_error("%s: the connection to SSA %s ended: %s", what, ssa->name,
			 ret ? ssn_strerror(ret) : "closed by the SSA");
}

int owner_ask(struct owner *o, const char *what, json_t *req, json_t **answer,
	      void (*progress)(const json_t *msg, void *arg), void *arg)
{
	const char *status;
	ssize_t len;

	*answer = NULL;
	len = owner_send(o, req);
	if (len)
		return owner_broken(o, what, len);
	for (;;) {
		len = owner_recv(o, o->timeout_ms, answer);
		if (len <= 0)
			return owner_broken(o, what, len);
		status = json_text(*answer, "status");
		if (!strcmp(status, "done"))
			return CMD_OK;
		if (!strcmp(status, "error")) {
			owner_refused(what, *answer);
			break;
		}
		if (strcmp(status, "progress")) {
			cmd_error("%s: the SSA gave an answer that was not expected",
				  what);
			break;
		}
		if (progress)
			progress(*answer, arg);
		json_decref(*answer);
	}
	json_decref(*answer);
	*answer = NULL;
	return CMD_FAILED;
}

void owner_time(struct out *o, const char *key, uint64_t seconds)
{
	time_t t = seconds;
	char text[32];
	struct tm tm;

	if (o->json) {
		out_u64(o, key, seconds);
		return;
	}
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", localtime_r(&t, &tm));
	out_str(o, key, text);
}

int owner_out_end(struct out *o)
{
	int ret = out_end(o);

	return ret ? cmd_error("the result cannot be written: %s", strerror(-ret)) :
		     CMD_OK;
}

json_t *owner_name(const char *name)
{
	json_t *json;

	if (!*name || strlen(name) > NAME_MAX_BYTES) {
		cmd_error("a name has 1 to %d bytes, this has %zu", NAME_MAX_BYTES,
			  strlen(name));
		return NULL;
	}
	json = json_string(name);
	if (!json)
		cmd_error("the name is not UTF-8: give another one (put --name)");
	return json;
}

int owner_uuid(char text[UUID_TEXT])
{
	uint8_t uuid[UUID_BYTES];
	int ret = uuid_random(uuid);

	if (ret)
		return cmd_error("no random bytes: %s", strerror(-ret));
	uuid_format(uuid, text);
	return CMD_OK;
}

int owner_object(const char *job, char text[UUID_TEXT])
{
	static const char what[] = "ssnctl object of job";
	uint8_t bytes[sizeof(what) + UUID_BYTES], hash[32];

	memcpy(bytes, what, sizeof(what));
	if (uuid_parse(job, bytes + sizeof(what)) ||
	    EVP_Digest(bytes, sizeof(bytes), hash, NULL, EVP_sha256(), NULL) != 1)
		return cmd_error("no object id can be made");
	hash[6] = (hash[6] & 0x0f) | 0x80;	/* RFC 9562, 5.8 */
	hash[8] = (hash[8] & 0x3f) | 0x80;
	uuid_format(hash, text);
	return CMD_OK;
}
