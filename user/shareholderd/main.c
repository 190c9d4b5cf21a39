// SPDX-License-Identifier: GPL-2.0
/* shareholderd: keeps shares (Y.3808 clause 10, SSN shareholder). */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"
#include "network.h"
#include "pki.h"
#include "resolve.h"
#include "session.h"
#include "storage.h"

struct settings {
	const char *network, *self, *data;
	const json_t *pki;
	int64_t resolve_after, quota;
	int apply_network;
};

static struct shareholder {
	struct exchange_env env;
	struct network net;
	struct session_server *server;
	struct resolver *resolver;
	struct event *trash;
} shareholder;

#define WHERE	"configuration"

static int settings_read(const json_t *config, struct settings *s,
			 struct err *err)
{
	static const char *const keys[] = {
		"network", "self", "data", "pki", "resolve_after", "quota",
		"apply_network", "user", NULL
	};
	int ret;

	ret = config_only(config, WHERE, keys, err) ?:
	      config_str(config, WHERE, "network", NULL, &s->network, err) ?:
	      config_str(config, WHERE, "self", NULL, &s->self, err) ?:
	      config_str(config, WHERE, "data", NULL, &s->data, err) ?:
	      config_int(config, WHERE, "resolve_after", 1, 86400, 30,
			 &s->resolve_after, err) ?:
	      config_int(config, WHERE, "quota", 0, INT64_MAX, 0, &s->quota,
			 err) ?:
	      config_bool(config, WHERE, "apply_network", 1, &s->apply_network,
			  err);
	if (ret)
		return ret;
	s->pki = json_object_get(config, "pki");
	if (!json_is_object(s->pki))
		return err_set(err, -EINVAL,
			       WHERE ": pki: expected {ca, cert, key}");
	return 0;
}

static int settings_network(const struct settings *s, struct network *net,
			    struct err *err)
{
	const struct network_node *node;
	int ret;

	ret = network_load(s->network, 0, net, err);
	if (ret)
		return ret;
	node = network_find(net, s->self);
	if (node && node->role == SSN_ROLE_SHAREHOLDER) {
		net->self = node->id;
		return 0;
	}
	ret = err_set(err, -EINVAL,
		      WHERE ": self: %s is no shareholder in %s", s->self,
		      s->network);
	network_free(net);
	return ret;
}

static int settings_pki(const struct settings *s, const struct network *net,
			struct pki **pki, struct err *err)
{
	const struct pki_id *id;
	int ret = pki_open(s->pki, WHERE ": pki", pki, err);

	if (ret)
		return ret;
	id = pki_self(*pki);
	if (!strcmp(id->role, "shareholder") && id->node == net->self &&
	    !strcmp(id->domain, net->domain))
		return 0;
	ret = err_set(err, -EINVAL,
		      WHERE ": pki: the certificate is that of %s %u of %s, not of shareholder %u of %s",
		      id->role, id->node, id->domain, net->self, net->domain);
	pki_free(*pki);
	return ret;
}

static int shareholder_check(const json_t *config, struct err *err)
{
	struct settings s;
	struct network net;
	struct pki *pki;
	int ret;

	ret = settings_read(config, &s, err) ?: settings_network(&s, &net, err);
	if (ret)
		return ret;
	ret = settings_pki(&s, &net, &pki, err);
	if (!ret)
		pki_free(pki);
	network_free(&net);
	return ret;
}

/* --- the trash is emptied when there is nothing else to do */

static void trash_run(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon = { 0, 0 };

	if (storage_trash_step(shareholder.env.storage))
		event_add(shareholder.trash, &soon);
}

static void trash_wake(void *arg)
{
	static const struct timeval soon = { 0, 0 };

	event_add(shareholder.trash, &soon);
}

/* --- */

static int shareholder_start(struct event_base *base, const json_t *config,
			     struct err *err)
{
	struct shareholder *sh = &shareholder;
	struct settings s;
	int ret;

	ret = settings_read(config, &s, err) ?:
	      settings_network(&s, &sh->net, err);
	if (ret)
		return ret;
	sh->env.net = &sh->net;
	ret = settings_pki(&s, &sh->net, &sh->env.pki, err);
	if (ret)
		goto err_network;
	if (s.apply_network) {
		ret = network_apply(&sh->net, err);
		if (ret)
			goto err_pki;
	}
	ret = storage_open(s.data, s.quota, &sh->env.storage, err);
	if (ret)
		goto err_pki;
	sh->trash = evtimer_new(base, trash_run, NULL);
	if (!sh->trash) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto err_storage;
	}
	sh->env.discarded = trash_wake;
	trash_wake(NULL);
	ret = session_listen(base, &sh->env, &sh->server, err);
	if (ret)
		goto err_trash;
	ret = resolve_start(base, &sh->env, s.resolve_after, &sh->resolver,
			    err);
	if (ret)
		goto err_session;
	log_info("node %u (%s) keeps shares in %s", sh->net.self, s.self,
		 s.data);
	return 0;

err_session:
	session_close(sh->server);
err_trash:
	event_free(sh->trash);
err_storage:
	storage_close(sh->env.storage);
err_pki:
	pki_free(sh->env.pki);
err_network:
	network_free(&sh->net);
	return ret;
}

/* The network description may change while it runs; the rest wants a restart. */
static int shareholder_reload(const json_t *config, struct err *err)
{
	struct shareholder *sh = &shareholder;
	struct settings s;
	struct network net;
	int ret;

	ret = settings_read(config, &s, err) ?: settings_network(&s, &net, err);
	if (ret)
		return ret;
	if (net.self != sh->net.self)
		ret = err_set(err, -EINVAL, "node %u became node %u: restart",
			      sh->net.self, net.self);
	if (!ret && s.apply_network)
		ret = network_apply(&net, err);
	if (ret == -EPERM && geteuid())	/* become "user", it may not any more */
		err_set(err, ret, "%s; or do ssnctl node apply, and then this again",
			err->text);
	if (ret) {
		network_free(&net);
		return ret;
	}
	network_free(&sh->net);
	sh->net = net;
	return 0;
}

static void shareholder_stop(void)
{
	const struct exchange_counters *c = &shareholder.env.counters;

	resolve_stop(shareholder.resolver);
	session_close(shareholder.server);
	event_free(shareholder.trash);
	storage_close(shareholder.env.storage);
	pki_free(shareholder.env.pki);
	network_free(&shareholder.net);
	log_info("requests %llu refused %llu shares in %llu (%llu bytes) out %llu (%llu bytes) committed %llu aborted %llu deleted %llu stray %llu malformed %llu rotten %llu",
		 (unsigned long long)c->requests,
		 (unsigned long long)c->refused,
		 (unsigned long long)c->shares_in,
		 (unsigned long long)c->bytes_in,
		 (unsigned long long)c->shares_out,
		 (unsigned long long)c->bytes_out,
		 (unsigned long long)c->committed,
		 (unsigned long long)c->aborted,
		 (unsigned long long)c->deleted,
		 (unsigned long long)c->stray,
		 (unsigned long long)c->malformed,
		 (unsigned long long)c->rotten);
}

int main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.name = "shareholderd",
		.about = "Keeps shares of objects, and gives them to whom their policy names.",
		.config = "/etc/ssn/shareholderd.json",
		.check = shareholder_check,
		.start = shareholder_start,
		.reload = shareholder_reload,
		.stop = shareholder_stop,
	};

	return daemon_main(argc, argv, &ops);
}
