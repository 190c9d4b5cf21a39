// SPDX-License-Identifier: GPL-2.0
/* ssad: the secret sharing agent (Y.3808 10.1). */
#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"
#include "session.h"
#include "ssad.h"
#include "ssnsock.h"

#define BACKLOG	16

static struct ssad ssad = { .rebuild = PTHREAD_MUTEX_INITIALIZER,
			    .recovery = RECOVERY_INIT };

static struct listener {
	unsigned int service;
	const struct session_kind *kind;
	int fd;
	struct event *ev;
} listeners[] = {
	{ SSN_SERVICE_U, &session_owners, -1, NULL },
	{ SSN_SERVICE_COORD, &session_coordinators, -1, NULL },
};

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	const struct listener *l = arg;

	session_accept(&ssad, fd, l->kind);
}

static int listener_start(struct event_base *base, struct listener *l,
			  struct err *err)
{
	l->fd = ssn_listen(l->service, BACKLOG);
	if (l->fd < 0)
		return err_set(err, l->fd, "service %u: %s", l->service,
			       ssn_strerror(l->fd));
	l->ev = event_new(base, l->fd, EV_READ | EV_PERSIST, on_accept, l);
	/* a connection that is gone again by then must not hold up the loop */
	if (!l->ev || evutil_make_socket_nonblocking(l->fd) ||
	    event_add(l->ev, NULL))
		return err_set(err, -ENOMEM, "no memory");
	return 0;
}

static void ssad_stop(void)
{
	size_t i;

	for (i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		struct listener *l = &listeners[i];

		if (l->ev)
			event_free(l->ev);
		l->ev = NULL;
		if (l->fd >= 0)
			close(l->fd);
		l->fd = -1;
	}
	sessions_stop();
	recovery_stop(&ssad);
	reserve_close(ssad.res);
	nl_close(ssad.qkd);
	catalogue_close(ssad.cat);
	pki_free(ssad.pki);
	network_free(&ssad.net);
}

static void on_recovery(evutil_socket_t fd, short what, void *arg)
{
	int ret = recovery_start(&ssad);

	if (ret)
		log_err("no thread to make the catalogue again: %s; ssnctl index rebuild does it",
			strerror(-ret));
}

static int ssad_check(const json_t *config, struct err *err)
{
	const char *data;
	int apply, ret;

	ret = ssad_configure(&ssad, config, &data, &apply, err);
	if (ret)
		return ret;
	pki_free(ssad.pki);
	network_free(&ssad.net);
	return 0;
}

static int ssad_start(struct event_base *base, const json_t *config, struct err *err)
{
	const char *data;
	int apply, ret;
	size_t i;

	json_object_seed(0);		/* before there are threads */
	ret = ssad_configure(&ssad, config, &data, &apply, err);
	if (ret)
		return ret;
	if (apply)
		ret = network_apply(&ssad.net, err);
	ret = ret ?: nl_open(&ssad.qkd, QKD_FAMILY_NAME, err) ?:
	      catalogue_open(&ssad.cat, data, err);
	if (!ret) {
		ret = reserve_open(&ssad.res, reserve_pools, ssad.qkd);
		if (ret)
			err_set(err, ret, "no memory");
	}
	for (i = 0; i < sizeof(listeners) / sizeof(listeners[0]) && !ret; i++)
		ret = listener_start(base, &listeners[i], err);
	if (ret) {
		ssad_stop();
		return ret;
	}
	if (!catalogue_lost(ssad.cat))
		return 0;
	log_warn("the catalogue in %s is new: it is made again from the shareholders; until then jobs from before are \"lost\", not aborted",
		 data);
	/* as the "user" that we are once the loop runs */
	if (event_base_once(base, -1, EV_TIMEOUT, on_recovery, NULL, NULL)) {
		ssad_stop();
		return err_set(err, -ENOMEM, "no memory");
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.name = "ssad",
		.about = "Secret sharing agent: stores objects of data owners as shares",
		.config = "/etc/ssn/ssad.json",
		.check = ssad_check,
		.start = ssad_start,
		.stop = ssad_stop,
	};

	return daemon_main(argc, argv, &ops);
}
