// SPDX-License-Identifier: GPL-2.0
/*
 * The client: libcurl's multi interface, its sockets and its timer on the event
 * loop. The server's identity is checked on each request, before the request
 * leaves, so that a connection kept open for one identity serves no other.
 */
#include "https.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"

#define HTTPS_CONNECT_MS	5000

struct https_client {
	struct event_base *base;
	struct pki *pki;	/* our certificate towards these servers */
	struct pki *own;	/* the same, if it is ours to free */
	long tls;
	CURLM *multi;
	struct event *timer;
	struct call *calls;
};

struct call {
	struct https_client *client;
	struct call *next, **prev;
	CURL *easy;
	struct curl_slist *headers;
	struct pki_id peer;
	int check_peer;
	char *send;
	size_t send_len;
	char *got;
	size_t got_len, got_size, max_body;
	char why[CURL_ERROR_SIZE];	/* libcurl's words */
	char reason[CURL_ERROR_SIZE];	/* ours, which come first */
	https_done *done;
	https_done_data *done_data;
	void *arg;
};

static void wipe(char *data, size_t len)
{
	if (data)
		explicit_bzero(data, len);
	free(data);
}

static void call_free(struct call *call)
{
	*call->prev = call->next;
	if (call->next)
		call->next->prev = call->prev;
	if (call->easy) {
		curl_multi_remove_handle(call->client->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	curl_slist_free_all(call->headers);
	wipe(call->send, call->send_len);
	wipe(call->got, call->got_size);
	free(call);
}

static void call_done(struct call *call, CURLcode code)
{
	const char *why = NULL;
	json_t *body = NULL;
	long status = 0;

	if (code == CURLE_OK)
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!status)
		why = call->reason[0] ? call->reason :
		      call->why[0] ? call->why : curl_easy_strerror(code);
	/* a new easy handle each time: this one may not be used by its callback */
	curl_multi_remove_handle(call->client->multi, call->easy);
	if (call->done_data) {
		call->done_data(status, status ? call->got : NULL,
				status ? call->got_len : 0, why, call->arg);
	} else {
		if (status && call->got_len)
			body = json_loadb(call->got, call->got_len,
					  JSON_REJECT_DUPLICATES, NULL);
		call->done(status, body, why, call->arg);
		json_decref(body);
	}
	call_free(call);
}

static void client_check(struct https_client *client)
{
	struct call *call;
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(client->multi, &left))) {
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		call_done(call, code);
	}
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct https_client *client = arg;
	int running;

	curl_multi_socket_action(client->multi, fd,
				 (what & EV_READ ? CURL_CSELECT_IN : 0) |
				 (what & EV_WRITE ? CURL_CSELECT_OUT : 0), &running);
	client_check(client);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct https_client *client = arg;
	int running;

	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	client_check(client);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sockp)
{
	struct https_client *client = arg;
	struct event *ev = sockp;

	if (ev)
		event_free(ev);
	ev = NULL;
	if (what != CURL_POLL_REMOVE) {
		ev = event_new(client->base, fd, EV_PERSIST |
			       (what & CURL_POLL_IN ? EV_READ : 0) |
			       (what & CURL_POLL_OUT ? EV_WRITE : 0),
			       on_socket, client);
		if (!ev || event_add(ev, NULL))
			return -1;
	}
	curl_multi_assign(client->multi, fd, ev);
	return 0;
}

static int watch_timer(CURLM *multi, long ms, void *arg)
{
	struct https_client *client = arg;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (ms < 0)
		event_del(client->timer);
	else
		event_add(client->timer, &tv);
	return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	size_t len = size * n, want = call->got_len + len;
	curl_off_t announced = -1;
	char *more;

	if (want > call->max_body) {
		snprintf(call->reason, sizeof(call->reason),
			 "the answer is longer than %zu bytes", call->max_body);
		return 0;
	}
	if (want > call->got_size) {
		size_t room = call->got_size ? call->got_size * 2 : 4096;

		curl_easy_getinfo(call->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
				  &announced);
		if (announced > (curl_off_t)room)
			room = announced;
		if (room > call->max_body)
			room = call->max_body;
		if (room < want)
			room = want;
		more = malloc(room);
		if (!more) {
			snprintf(call->reason, sizeof(call->reason), "out of memory");
			return 0;
		}
		if (call->got_len)
			memcpy(more, call->got, call->got_len);
		wipe(call->got, call->got_size);
		call->got = more;
		call->got_size = room;
	}
	memcpy(call->got + call->got_len, data, len);
	call->got_len = want;
	return len;
}

static CURLcode on_ctx(CURL *easy, void *ctx, void *arg)
{
	struct https_client *client = arg;

	return pki_setup_ctx(client->pki, ctx) ? CURLE_SSL_CERTPROBLEM : CURLE_OK;
}

/* The connection is up, its certificate verified, and nothing has been sent. */
static int on_connected(void *arg, char *ip, char *local, int port, int local_port)
{
	struct call *call = arg;
	const struct curl_tlssessioninfo *tls = NULL;
	struct err err = { "" };
	struct pki_id id;

	if (!call->check_peer)
		return CURL_PREREQFUNC_OK;
	if (curl_easy_getinfo(call->easy, CURLINFO_TLS_SSL_PTR, &tls) || !tls ||
	    tls->backend != CURLSSLBACKEND_OPENSSL || !tls->internals) {
		snprintf(call->reason, sizeof(call->reason), "no TLS on this connection");
		return CURL_PREREQFUNC_ABORT;
	}
	if (pki_peer_id(tls->internals, &id, &err)) {
		snprintf(call->reason, sizeof(call->reason), "%.200s", err.text);
		return CURL_PREREQFUNC_ABORT;
	}
	if (!pki_id_equal(&id, &call->peer)) {
		snprintf(call->reason, sizeof(call->reason),
			 "certificate of ssn://%s/%s/%u where that of %s %u is expected",
			 id.domain, id.role, id.node, call->peer.role,
			 call->peer.node);
		return CURL_PREREQFUNC_ABORT;
	}
	return CURL_PREREQFUNC_OK;
}

static int client_tls(struct https_client *c, const json_t *cfg, struct err *err)
{
	const char *tls;
	json_t *creds;
	int ret;

	ret = config_str(cfg, "tls", "tls", "1.3", &tls, err);
	if (ret)
		return ret;
	if (!strcmp(tls, "1.2"))
		c->tls = CURL_SSLVERSION_TLSv1_2;
	else if (strcmp(tls, "1.3"))
		return err_set(err, -EINVAL, "tls: expected \"1.2\" or \"1.3\"");
	if (!json_object_get(cfg, "ca"))
		return 0;
	creds = json_copy((json_t *)cfg);
	if (!creds)
		return err_set(err, -ENOMEM, "out of memory");
	json_object_del(creds, "tls");
	ret = pki_open(creds, "tls", &c->own, err);
	json_decref(creds);
	if (!ret)
		c->pki = c->own;
	return ret;
}

/**
 * https_client_new - somebody who calls servers
 * @base:	event loop
 * @pki:	own identity; outlives the client
 * @tls_cfg:	see https.h; may be NULL
 * @client:	result, for https_client_free()
 * @err:	what was wrong
 *
 * Return: 0, -ENOMEM, or what pki_open() said.
 */
int https_client_new(struct event_base *base, struct pki *pki, const json_t *tls_cfg,
		     struct https_client **client, struct err *err)
{
	static int ready;
	struct https_client *c;
	int ret;

	*client = NULL;
	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT))
		return err_set(err, -ENOMEM, "libcurl cannot start");
	ready = 1;
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(err, -ENOMEM, "out of memory");
	c->base = base;
	c->pki = pki;
	c->tls = CURL_SSLVERSION_TLSv1_3;
	ret = tls_cfg ? client_tls(c, tls_cfg, err) : 0;
	if (ret) {
		free(c);
		return ret;
	}
	c->timer = evtimer_new(base, on_timer, c);
	c->multi = curl_multi_init();
	if (!c->timer || !c->multi) {
		https_client_free(c);
		return err_set(err, -ENOMEM, "out of memory");
	}
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, watch_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	*client = c;
	return 0;
}

void https_client_free(struct https_client *client)
{
	if (!client)
		return;
	while (client->calls)
		call_free(client->calls);
	if (client->multi)
		curl_multi_cleanup(client->multi);
	if (client->timer)
		event_free(client->timer);
	pki_free(client->own);
	free(client);
}

static int call_setup(struct call *call, const char *method, const char *url,
		      const char *type, unsigned int timeout_ms)
{
	struct https_client *client = call->client;
	CURL *e = call->easy;
	char header[128];

	/* curl would read the system's CA files otherwise: ours is the only one */
	curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_ctx);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, client);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, client->tls);
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, call->check_peer ? 0L : 2L);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 256L << 10);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
			 timeout_ms < HTTPS_CONNECT_MS ? (long)timeout_ms
						       : HTTPS_CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->why);
	curl_easy_setopt(e, CURLOPT_PRIVATE, call);
	curl_easy_setopt(e, CURLOPT_URL, url);
	if (!strcmp(method, "POST")) {
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->send ?: "");
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)call->send_len);
		snprintf(header, sizeof(header), "Content-Type: %s", type);
		call->headers = curl_slist_append(NULL, header);
		if (call->headers)	/* no round trip before the body */
			curl_slist_append(call->headers, "Expect:");
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers);
	} else if (strcmp(method, "GET")) {
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	}
	return curl_multi_add_handle(client->multi, e) == CURLM_OK ? 0 : -ENOMEM;
}

static struct call *call_new(struct https_client *client, const char *method,
			     const char *url, const char *type, char *data, size_t len,
			     unsigned int timeout_ms, size_t max_body,
			     const struct pki_id *peer)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call) {
		wipe(data, len);
		return NULL;
	}
	call->client = client;
	call->send = data;
	call->send_len = len;
	call->max_body = max_body;
	call->check_peer = !!peer;
	if (peer)
		call->peer = *peer;
	call->next = client->calls;
	call->prev = &client->calls;
	if (call->next)
		call->next->prev = &call->next;
	client->calls = call;
	call->easy = curl_easy_init();
	if (!call->easy || call_setup(call, method, url, type, timeout_ms)) {
		call_free(call);
		return NULL;
	}
	return call;
}

/**
 * https_call_data - send a request with a body of bytes
 *
 * See https.h. Return: a handle, valid until @done is called or the call is
 * cancelled; NULL when out of memory.
 */
void *https_call_data(struct https_client *client, const char *method,
		      const char *url, const char *type, void *data, size_t len,
		      unsigned int timeout_ms, size_t max_body,
		      const struct pki_id *peer, https_done_data *done, void *arg)
{
	struct call *call = call_new(client, method, url, type, data, len, timeout_ms,
				     max_body, peer);

	if (call) {
		call->done_data = done;
		call->arg = arg;
	}
	return call;
}

void *https_call(struct https_client *client, const char *method, const char *url,
		 const json_t *body, unsigned int timeout_ms, size_t max_body,
		 const struct pki_id *peer, https_done *done, void *arg)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct call *call;

	if (body && !text)
		return NULL;
	call = call_new(client, method, url, "application/json", text,
			text ? strlen(text) : 0, timeout_ms, max_body, peer);
	if (call) {
		call->done = done;
		call->arg = arg;
	}
	return call;
}

void https_cancel(void *call)
{
	call_free(call);
}
