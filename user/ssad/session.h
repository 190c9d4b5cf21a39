/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session: one accepted connection, in a thread of its own that may block. The
 * event loop only accepts; a session that waits keeps nobody else waiting.
 */
#ifndef SSAD_SESSION_H
#define SSAD_SESSION_H

#include <jansson.h>
#include <linux/ssn.h>
#include "ssad.h"

struct session;

#define SESSIONS_MAX	64	/* connections served at once, of all kinds */

/**
 * struct session_kind - what a service's connections are
 * @serve:	one of them, in a thread of its own
 * @role:	that the peer must have
 * @most:	of this kind at once: others have the rest of SESSIONS_MAX
 * @each:	of one peer
 */
struct session_kind {
	const char *name;
	void (*serve)(struct session *s);
	enum ssn_role role;
	unsigned int most, each;
};

/* SSN_SERVICE_U and SSN_SERVICE_COORD */
extern const struct session_kind session_owners, session_coordinators;

struct session {
	struct ssad *ssad;
	int fd;
	struct ssn_peer_info peer;	/* authenticated */
	uint8_t *buf;			/* SSN_MSG_MAX bytes */
	const struct session_kind *kind;
	struct session *next;
};

/*
 * Accept from @fd and serve it in a thread; or say why not, and close it: nobody
 * holds a thread who has not the role, or has enough of them.
 */
void session_accept(struct ssad *ssad, int fd, const struct session_kind *kind);
/* End all of them and wait until they are gone. */
void sessions_stop(void);

/*
 * The next message: bytes, 0 at the end of the stream, or -errno (-ETIMEDOUT
 * after @timeout_ms; 0 waits for ever). *@control: it is a control message.
 */
ssize_t session_recv(struct session *s, unsigned int timeout_ms, int *control);
/* Has the other end gone, as far as can be told without reading? */
int session_gone(struct session *s);
int session_send(struct session *s, json_t *msg);	/* takes @msg */
/*
 * Read and drop what comes until the other end closes, some seconds at most: so
 * that it reads our last word before it sees the connection end.
 */
void session_drain(struct session *s);
/*
 * The error answer to @op: errno symbol, @err's text, and what to do. Returns 0
 * or -errno of sending.
 */
int session_error(struct session *s, const char *op, int code, const struct err *err);

/*
 * Operations: 0 when the connection can go on, negative when it must end. They
 * answer for themselves.
 */
int session_put(struct session *s, const json_t *req);
int session_get(struct session *s, const json_t *req);
int session_ls(struct session *s, const json_t *req);
int session_stat(struct session *s, const json_t *req);
int session_rm(struct session *s, const json_t *req);
int session_rebuild(struct session *s, const json_t *req);

#endif
