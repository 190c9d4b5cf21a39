/* SPDX-License-Identifier: GPL-2.0 */
/*
 * HTTPS with mutual TLS on the event loop (libevent; libcurl as client). Bodies
 * are JSON, or bytes where the caller says so.
 */
#ifndef SSN_HTTPS_H
#define SSN_HTTPS_H

#include <event2/event.h>
#include <event2/http.h>
#include <jansson.h>
#include "pki.h"

/* Whatever a peer does, a request is read whole within this time (seconds). */
#define HTTPS_REQUEST_TIME	20
#define HTTPS_CONNECTIONS	256	/* per server */

struct https_server;
struct https_request {
	const struct pki_id *peer;	/* authenticated */
	enum evhttp_cmd_type method;
	const char *path;		/* decoded, without query */
	const char *raw_path;		/* as it came: '/' and %2F differ here */
	const char *query;		/* raw, or NULL */
	const json_t *body;		/* NULL when there was none */
	const void *data;		/* application/octet-stream; else NULL */
	size_t len;
	void *reply_to;			/* for https_reply() */
};
/*
 * Called once for each request; answer now or later with https_reply(), always
 * exactly once, also when the client has gone. What @req points to is gone when
 * the handler returns, but for reply_to.
 */
typedef void https_handler(struct https_request *req, void *arg);

/*
 * Bodies over @max_body bytes get 413, other than JSON 400, certificates of other
 * domains 403, without calling @fn.
 */
int https_listen(struct event_base *base, struct pki *pki, const char *hostport,
		 size_t max_body, https_handler *fn, void *arg,
		 struct https_server **server, struct err *err);
/* Another limit than HTTPS_REQUEST_TIME, for connections from now on. */
void https_limit(struct https_server *server, unsigned int ms);
void https_close(struct https_server *server);
/* @body may be NULL; a reference stays the caller's. */
void https_reply(void *reply_to, int status, const json_t *body);
/* @data is malloc'd and handed over; wiped and freed once it is sent or lost. */
void https_reply_data(void *reply_to, int status, const char *type, void *data,
		      size_t len);

struct https_client;	/* libcurl multi on the event loop */
/* @status: HTTP status, or 0 with @why naming the transport's error; @body is
 * NULL when it was empty or no JSON. */
typedef void https_done(int status, const json_t *body, const char *why, void *arg);
/* The same with the body as it came: @len bytes, wiped when the call returns. */
typedef void https_done_data(int status, const void *data, size_t len,
			     const char *why, void *arg);

/*
 * @tls_cfg: NULL, or {"ca","cert","key"} to be somebody else than @pki, and to
 * trust somebody else; "tls": "1.2" to go down to that. Servers called without
 * @peer must then show the name or address of the URL in their certificate.
 */
int https_client_new(struct event_base *base, struct pki *pki, const json_t *tls_cfg,
		     struct https_client **client, struct err *err);
/* Calls that run are cancelled. Not from within a done function. */
void https_client_free(struct https_client *client);
/*
 * Whole-request time limit; response capped at @max_body bytes. Returns a handle
 * for https_cancel(), valid until @done is called, or NULL when out of memory.
 * @peer: identity that the server must show, or NULL. @done is never called
 * from within https_call().
 */
void *https_call(struct https_client *client, const char *method, const char *url,
		 const json_t *body, unsigned int timeout_ms, size_t max_body,
		 const struct pki_id *peer, https_done *done, void *arg);
/* @data is malloc'd and handed over, wiped when sent; NULL: no body. @type: of
 * @data. */
void *https_call_data(struct https_client *client, const char *method,
		      const char *url, const char *type, void *data, size_t len,
		      unsigned int timeout_ms, size_t max_body,
		      const struct pki_id *peer, https_done_data *done, void *arg);
void https_cancel(void *call);	/* @done is not called */

/* Split "host:port" or "[v6]:port"; -EINVAL. */
int https_hostport(const char *text, char *host, size_t host_size, uint16_t *port);

#endif
