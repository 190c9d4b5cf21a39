/* SPDX-License-Identifier: GPL-2.0 */
/* Connections of SSN-As on the event loop: AF_SSN sockets to struct exchange. */
#ifndef SHAREHOLDERD_SESSION_H
#define SHAREHOLDERD_SESSION_H

#include <event2/event.h>

#include "exchange.h"

#define SESSION_MAX	256	/* connections at once */

struct session_server;

/* Listen for SSAs; connections use @env. */
int session_listen(struct event_base *base, struct exchange_env *env,
		   struct session_server **server, struct err *err);
void session_close(struct session_server *server);

#endif
