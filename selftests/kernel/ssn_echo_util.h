/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Members that send back whatever comes, as it came: threads of this process,
 * one for each connection. They go on after any error that a connection
 * survives.
 */
#ifndef SSN_ECHO_UTIL_H
#define SSN_ECHO_UTIL_H

#include <pthread.h>

#include "ssn_share_util.h"

static bool echo_no_head(const struct ssn_share *head)
{
	static const struct ssn_share none;

	return !memcmp(head, &none, sizeof(none));
}

static bool echo_again(void)
{
	return errno == EAGAIN || errno == EINTR || errno == ENOKEY ||
	       errno == ENOMEM || errno == ENOBUFS;
}

static void *echo_conn(void *arg)
{
	int fd = (intptr_t)arg;
	char *buf = malloc(SSN_MSG_MAX);
	struct ssn_share head;
	ssize_t len, n;

	for (;;) {
		len = take(fd, &head, buf, SSN_MSG_MAX, 0);
		if (len < 0 && echo_again())
			continue;
		if (len < 0 || (!len && echo_no_head(&head)))
			break;
		do
			n = put(fd, echo_no_head(&head) ? NULL : &head, buf,
				len, 0);
		while (n < 0 && echo_again());
	}
	free(buf);
	close(fd);
	return NULL;
}

struct echo {
	int ns, service, ready[2];
};

static void *echo_listen(void *arg)
{
	struct echo e = *(struct echo *)arg;
	struct sockaddr_ssn addr = {
		.ssn_family = family, .ssn_service = e.service,
	};
	pthread_attr_t attr;
	pthread_t t;
	int fd, conn;

	ns_enter(e.ns);
	fd = share_socket(SSNPROTO_LINK);
	if (bind(fd, (void *)&addr, sizeof(addr)) || listen(fd, 32))
		bail("echo: %s", strerror(errno));
	if (write(e.ready[1], "", 1) != 1)
		bail("echo: %s", strerror(errno));
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (;;) {
		conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (conn < 0 && !echo_again())
			break;
		if (conn >= 0 && (errno = pthread_create(&t, &attr, echo_conn,
						(void *)(intptr_t)conn)))
			bail("a thread of the echo: %s", strerror(errno));
	}
	return NULL;
}

/* In a namespace, at a service; it listens when this returns. */
static UNUSED void echo_start(int ns, int service)
{
	struct echo e = { .ns = ns, .service = service };
	pthread_t t;
	char byte;

	if (pipe(e.ready) || pthread_create(&t, NULL, echo_listen, &e) ||
	    read(e.ready[0], &byte, 1) != 1)
		bail("echo: %s", strerror(errno));
	pthread_detach(t);
	close(e.ready[0]);
	close(e.ready[1]);
}

#endif
