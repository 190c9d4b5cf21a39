// SPDX-License-Identifier: GPL-2.0
/*
 * The server: evhttp over bufferevent_openssl.
 *
 * evhttp's own time limit starts anew with each byte, so that a slow sender
 * could hold a connection for ever. Here a timer of the connection limits the
 * time until a request is whole: handshake, headers and body. It hangs on the
 * SSL object, which lives exactly as long as the connection does.
 */
#include "https.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "log.h"

#define HTTPS_HEADERS	8192		/* bytes of request line and headers */
#define HTTPS_BURST	(256 << 10)	/* bytes for one connection before the next */

struct https_server {
	struct event_base *base;
	struct pki *pki;
	struct evhttp *http;
	struct evconnlistener *listener;
	https_handler *fn;
	void *arg;
	unsigned int conns;
	unsigned int limit_ms;		/* until a request is whole */
	int closing;
};

struct conn {
	struct https_server *server;
	struct bufferevent *bev;
	struct event *limit;
};

static int conn_index = -1;

static void conn_late(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	/* evhttp sees the end of the stream and frees the connection */
	shutdown(bufferevent_getfd(c->bev), SHUT_RDWR);
}

static void conn_arm(struct conn *c)
{
	struct timeval tv = {
		.tv_sec = c->server->limit_ms / 1000,
		.tv_usec = c->server->limit_ms % 1000 * 1000,
	};

	event_add(c->limit, &tv);
}

/* Connections end some time after https_close(): the last one takes the rest along. */
static void server_put(struct https_server *s)
{
	if (s->closing && !s->conns)
		free(s);
}

static void conn_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
		      void *argp)
{
	struct conn *c = ptr;

	if (!c)
		return;
	event_free(c->limit);
	if (c->server->conns-- >= HTTPS_CONNECTIONS && !c->server->closing)
		evconnlistener_enable(c->server->listener);
	server_put(c->server);
	free(c);
}


/*
 * evhttp goes on in clear text if it gets no bufferevent: on_request() refuses a
 * connection without TLS.
 */
static struct bufferevent *conn_new(struct event_base *base, void *arg)
{
	struct https_server *s = arg;
	struct conn *c = calloc(1, sizeof(*c));
	SSL *ssl = SSL_new(pki_server_ctx(s->pki));
	struct bufferevent *bev;

	if (!c || !ssl)
		goto err_free;
	c->limit = evtimer_new(base, conn_late, c);
	if (!c->limit)
		goto err_free;
	bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
					     BEV_OPT_CLOSE_ON_FREE |
					     BEV_OPT_DEFER_CALLBACKS);
	if (!bev)
		goto err_free;
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	bufferevent_set_max_single_read(bev, HTTPS_BURST);
	bufferevent_set_max_single_write(bev, HTTPS_BURST);
	c->server = s;
	c->bev = bev;
	SSL_set_ex_data(ssl, conn_index, c);
	conn_arm(c);
	if (++s->conns >= HTTPS_CONNECTIONS)
		evconnlistener_disable(s->listener);
	return bev;
err_free:
	log_err("https: no memory for a connection");
	if (c && c->limit)
		event_free(c->limit);
	free(c);
	SSL_free(ssl);
	return NULL;
}

static struct conn *request_conn(struct evhttp_request *req, SSL **ssl)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct bufferevent *bev = evcon ? evhttp_connection_get_bufferevent(evcon)
					: NULL;

	*ssl = bev ? bufferevent_openssl_get_ssl(bev) : NULL;
	return *ssl ? SSL_get_ex_data(*ssl, conn_index) : NULL;
}

static void reply_error(struct evhttp_request *req, int status, const char *text)
{
	json_t *body = json_pack("{s:s}", "message", text);

	https_reply(req, status, body);
	json_decref(body);
}

static const char *status_text(int status)
{
	static const struct { int status; const char *text; } texts[] = {
		{ 200, "OK" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 409, "Conflict" }, { 410, "Gone" },
		{ 412, "Precondition Failed" }, { 413, "Payload Too Large" },
		{ 500, "Internal Server Error" }, { 503, "Service Unavailable" },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Status";
}

static void wipe_free(const void *data, size_t len, void *arg)
{
	explicit_bzero((void *)data, len);
	free((void *)data);
}

/**
 * https_reply_data - answer a request with bytes
 * @reply_to:	from struct https_request; used up
 * @status:	HTTP status
 * @type:	content type
 * @data:	body, malloc'd, handed over; wiped when sent, or lost. May be NULL
 * @len:	its length
 */
void https_reply_data(void *reply_to, int status, const char *type, void *data,
		      size_t len)
{
	struct evhttp_request *req = reply_to;
	struct conn *c;
	SSL *ssl;

	/* until the next request is whole, or the client has gone */
	c = request_conn(req, &ssl);
	if (c)
		conn_arm(c);
	if (data) {
		if (evbuffer_add_reference(evhttp_request_get_output_buffer(req), data,
					   len, wipe_free, NULL)) {
			wipe_free(data, len, NULL);
			status = 500;
		} else {
			evhttp_add_header(evhttp_request_get_output_headers(req),
					  "Content-Type", type);
		}
	}
	evhttp_send_reply(req, status, status_text(status), NULL);
}

void https_reply(void *reply_to, int status, const json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	if (body && !text)
		status = 500;
	https_reply_data(reply_to, status, "application/json", text,
			 text ? strlen(text) : 0);
}

static int is_octets(struct evhttp_request *req)
{
	const char *type = evhttp_find_header(evhttp_request_get_input_headers(req),
					      "Content-Type");

	return type && !strcasecmp(type, "application/octet-stream");
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct https_server *s = arg;
	struct https_request r = { .reply_to = req };
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	json_t *body = NULL;
	struct pki_id peer;
	struct conn *c;
	char *path;
	SSL *ssl;

	c = request_conn(req, &ssl);
	if (!c) {
		evhttp_send_error(req, 403, "Forbidden");
		return;
	}
	event_del(c->limit);
	/* else the last segment of an answer waits for the peer's acknowledgement */
	setsockopt(bufferevent_getfd(c->bev), IPPROTO_TCP, TCP_NODELAY, &(int){ 1 },
		   sizeof(int));
	if (pki_peer_id(ssl, &peer, &(struct err){ "" }) ||
	    strcmp(peer.domain, pki_self(s->pki)->domain)) {
		reply_error(req, 403,
			    "the certificate has no name ssn://<this domain>/role/node");
		return;
	}
	r.raw_path = uri ? evhttp_uri_get_path(uri) : NULL;
	path = r.raw_path ? evhttp_uridecode(r.raw_path, 0, NULL) : NULL;
	if (!path) {
		reply_error(req, 400, "the path cannot be read");
		return;
	}
	r.peer = &peer;
	r.method = evhttp_request_get_command(req);
	r.path = path;
	r.query = evhttp_uri_get_query(uri);
	r.len = evbuffer_get_length(in);
	if (r.len) {
		r.data = evbuffer_pullup(in, -1);
		if (!r.data) {
			reply_error(req, 500, "out of memory");
			goto out;
		}
	}
	if (r.len && !is_octets(req)) {
		json_error_t why;

		body = json_loadb(r.data, r.len, JSON_REJECT_DUPLICATES, &why);
		if (!body) {
			struct err err;

			err_set(&err, 0, "the body is no JSON: %s (byte %d)",
				why.text, why.position);
			reply_error(req, 400, err.text);
			goto out;
		}
		r.body = body;
		r.data = NULL;
		r.len = 0;
	}
	s->fn(&r, s->arg);
out:
	json_decref(body);
	free(path);
}

int https_hostport(const char *text, char *host, size_t host_size, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	const char *start = text, *end = colon;
	unsigned long n;
	size_t digits;

	if (!colon || colon == text)
		return -EINVAL;
	if (*text == '[') {
		if (colon[-1] != ']')
			return -EINVAL;
		start++;
		end--;
	}
	digits = strspn(colon + 1, "0123456789");	/* strtoul() takes signs */
	n = strtoul(colon + 1, NULL, 10);
	if (!digits || colon[1 + digits] || n > 65535 ||
	    (size_t)(end - start) >= host_size)
		return -EINVAL;
	memcpy(host, start, end - start);
	host[end - start] = '\0';
	*port = n;
	return 0;
}

static int parse_addr(const char *hostport, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in6 *in6 = (void *)ss;
	struct sockaddr_in *in = (void *)ss;
	uint16_t port;
	char host[64];

	memset(ss, 0, sizeof(*ss));
	if (https_hostport(hostport, host, sizeof(host), &port))
		return -EINVAL;
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*len = sizeof(*in);
	} else if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		*len = sizeof(*in6);
	} else {
		return -EINVAL;
	}
	return 0;
}

/**
 * https_listen - serve requests
 * @base:	event loop
 * @pki:	own identity; outlives the server
 * @hostport:	"address:port" or "[address]:port"
 * @max_body:	largest request body in bytes
 * @fn:		called for each whole request of an authenticated peer
 * @arg:	passed to @fn
 * @server:	result, for https_close()
 * @err:	what was wrong
 *
 * Return: 0, -EINVAL, -ENOMEM, or what bind(2) said.
 */
int https_listen(struct event_base *base, struct pki *pki, const char *hostport,
		 size_t max_body, https_handler *fn, void *arg,
		 struct https_server **server, struct err *err)
{
	struct sockaddr_storage ss;
	struct https_server *s;
	socklen_t len;

	*server = NULL;
	if (parse_addr(hostport, &ss, &len))
		return err_set(err, -EINVAL, "%s: expected address:port", hostport);
	if (conn_index < 0)
		conn_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, conn_free);
	s = calloc(1, sizeof(*s));
	if (!s || conn_index < 0)
		goto err_free;
	s->base = base;
	s->pki = pki;
	s->fn = fn;
	s->arg = arg;
	s->limit_ms = HTTPS_REQUEST_TIME * 1000;
	s->http = evhttp_new(base);
	if (!s->http)
		goto err_free;
	evhttp_set_bevcb(s->http, conn_new, s);
	evhttp_set_gencb(s->http, on_request, s);
	evhttp_set_max_headers_size(s->http, HTTPS_HEADERS);
	evhttp_set_max_body_size(s->http, max_body);
	evhttp_set_timeout(s->http, HTTPS_REQUEST_TIME);
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST |
				   EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE);
	s->listener = evconnlistener_new_bind(base, NULL, NULL,
					      LEV_OPT_CLOSE_ON_FREE |
					      LEV_OPT_CLOSE_ON_EXEC |
					      LEV_OPT_REUSEABLE, 128,
					      (struct sockaddr *)&ss, len);
	if (!s->listener) {
		int e = errno;

		evhttp_free(s->http);
		free(s);
		return err_set(err, -e, "cannot listen on %s: %s", hostport,
			       strerror(e));
	}
	if (!evhttp_bind_listener(s->http, s->listener)) {
		evconnlistener_free(s->listener);
		goto err_free;
	}
	*server = s;
	return 0;
err_free:
	if (s && s->http)
		evhttp_free(s->http);
	free(s);
	return err_set(err, -ENOMEM, "out of memory");
}

void https_limit(struct https_server *server, unsigned int ms)
{
	server->limit_ms = ms;
}

void https_close(struct https_server *server)
{
	if (!server)
		return;
	server->closing = 1;
	server->conns++;
	evhttp_free(server->http);	/* the listener and all connections too */
	server->conns--;
	server_put(server);
}
