// SPDX-License-Identifier: GPL-2.0
/* HTTPS: who may speak, what is too much, and what a slow peer gets. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include "https.h"
#include "log.h"
#include "pki_ca.h"
#include "util.h"

#define PORT	"127.0.0.1:39281"
#define URL	"https://" PORT

static struct event_base *base;
static struct {
	int calls, done, status;
	uint32_t node;
	char path[64], query[64], why[256], message[256];
	size_t len;
	void *held;
} seen;

static void serve(struct https_request *req, void *arg)
{
	json_t *body;

	seen.calls++;
	seen.node = req->peer->node;
	snprintf(seen.path, sizeof(seen.path), "%s", req->path);
	snprintf(seen.query, sizeof(seen.query), "%s", req->query ?: "");
	seen.len = req->len;
	if (!strcmp(req->path, "/hold")) {
		seen.held = req->reply_to;
		return;
	}
	if (!strcmp(req->path, "/big")) {
		https_reply_data(req->reply_to, 200, "text/html",
				 memset(malloc(1 << 20), 'x', 1 << 20), 1 << 20);
		return;
	}
	body = json_pack("{s:O?}", "message", json_object_get(req->body, "text"));
	https_reply(req->reply_to, 200, body);
	json_decref(body);
}

static void done(int status, const json_t *body, const char *why, void *arg)
{
	seen.done++;
	seen.status = status;
	snprintf(seen.why, sizeof(seen.why), "%s", why ?: "");
	snprintf(seen.message, sizeof(seen.message), "%s",
		 json_string_value(json_object_get(body, "message")) ?: "");
	event_base_loopbreak(base);
}

static void done_data(int status, const void *data, size_t len, const char *why,
		      void *arg)
{
	done(status, NULL, why, arg);
	seen.len = len;
}

static int call(struct https_client *c, const char *method, const char *path,
		const json_t *body, unsigned int ms, size_t max,
		const struct pki_id *peer)
{
	char url[256];

	memset(&seen, 0, sizeof(seen));
	snprintf(url, sizeof(url), URL "%s", path);
	if (!https_call(c, method, url, body, ms, max, peer, done, NULL))
		bail("no memory");
	while (!seen.done)
		event_base_dispatch(base);
	return seen.status;
}

static struct https_client *client(struct pki *pki, const json_t *tls)
{
	struct err err = { "" };
	struct https_client *c;

	if (https_client_new(base, pki, tls, &c, &err))
		bail("%s", err.text);
	return c;
}

static int raw_connect(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(39281) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)))
		bail("connect: %s", strerror(errno));
	return fd;
}

static void stop(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(base);
}

/* A byte of the request each 100 ms: evhttp alone would wait for ever. */
static SSL *drip_ssl;
static const char drip_text[] = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n";
static size_t drip_pos;

static void drip(evutil_socket_t fd, short what, void *arg)
{
	int ret = 0;

	if (!SSL_is_init_finished(drip_ssl)) {
		ret = SSL_do_handshake(drip_ssl);
		if (ret == 1 || SSL_get_error(drip_ssl, ret) == SSL_ERROR_WANT_READ)
			return;
	} else {
		char c = drip_pos < sizeof(drip_text) - 1 ? drip_text[drip_pos] : ' ';
		char in[64];

		drip_pos++;
		ret = SSL_write(drip_ssl, &c, 1);
		if (ret == 1) {
			ret = SSL_read(drip_ssl, in, sizeof(in));
			if (ret > 0 ||
			    SSL_get_error(drip_ssl, ret) == SSL_ERROR_WANT_READ)
				return;
		}
	}
	event_base_loopbreak(base);
}

static void test_slow(struct pki *pki)
{
	struct timeval tick = { .tv_usec = 100000 }, limit = { .tv_sec = 15 };
	struct event *ev, *end = evtimer_new(base, stop, NULL);
	uint64_t start = monotonic_ms(), took;
	int fd = raw_connect();

	evutil_make_socket_nonblocking(fd);
	drip_ssl = SSL_new(pki_client_ctx(pki));
	SSL_set_fd(drip_ssl, fd);
	SSL_set_connect_state(drip_ssl);
	ev = event_new(base, -1, EV_PERSIST, drip, NULL);
	event_add(ev, &tick);
	event_add(end, &limit);
	event_base_dispatch(base);
	took = monotonic_ms() - start;
	ok(drip_pos > 1 && took >= 900 && took < 10000,
	   "a request that comes drop by drop is cut off (%llu ms, %zu bytes)",
	   (unsigned long long)took, drip_pos);
	event_free(ev);
	event_free(end);
	SSL_free(drip_ssl);
	close(fd);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	char c;

	*(int *)arg = recv(fd, &c, 1, 0) <= 0;
	event_base_loopbreak(base);
}

static void test_silent(void)
{
	struct event *end = evtimer_new(base, stop, NULL), *ev;
	struct timeval limit = { .tv_sec = 15 };
	int fd = raw_connect(), gone = 0;

	ev = event_new(base, fd, EV_READ, on_readable, &gone);
	event_add(ev, NULL);
	event_add(end, &limit);
	event_base_dispatch(base);
	ok(gone, "a connection that says nothing is cut off");
	event_free(ev);
	event_free(end);
	close(fd);
}

/* Let things happen until @what is set, or for @ms. */
static void pump(void **what, unsigned int ms)
{
	uint64_t end = monotonic_ms() + ms;

	while ((!what || !*what) && monotonic_ms() < end)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Two requests at once, the first not answered yet; then the client goes. */
static void test_pipelined(struct pki *pki)
{
	static const char two[] = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
				  "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
	SSL *ssl = SSL_new(pki_client_ctx(pki));
	int fd = raw_connect(), ret;

	memset(&seen, 0, sizeof(seen));
	evutil_make_socket_nonblocking(fd);
	SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	while ((ret = SSL_do_handshake(ssl)) != 1 &&
	       SSL_get_error(ssl, ret) == SSL_ERROR_WANT_READ)
		event_base_loop(base, EVLOOP_NONBLOCK);
	SSL_write(ssl, two, sizeof(two) - 1);
	pump(&seen.held, 5000);
	SSL_write(ssl, two, sizeof(two) - 1);
	pump(NULL, 100);
	is_int(seen.calls, 1, "a second request waits for the first one's answer");
	SSL_free(ssl);
	close(fd);
	pump(NULL, 100);
	if (seen.held)
		https_reply(seen.held, 200, NULL);
	pump(NULL, 100);
	ok(1, "an answer to a client that has gone is dropped");
}

int main(void)
{
	const struct pki_id sh1 = { "test", "keyd", 11 }, ssa = { "test", "keyd", 2 };
	struct pki *srv, *cli, *foreign;
	struct https_client *c, *f, *o;
	struct https_server *s;
	struct err err = { "" };
	json_t *body, *tls, *big;

	signal(SIGPIPE, SIG_IGN);
	ca_make();
	if (ca_run("issue %s/a keyd 2 srv 127.0.0.1", ca_dir) ||
	    ca_run("issue %s/a keyd 11 cli", ca_dir) ||
	    ca_run("issue %s/b keyd 11 cli", ca_dir))
		bail("devca failed");
	base = event_base_new();
	srv = ca_open("a", "srv");
	cli = ca_open("a", "cli");
	foreign = ca_open("b", "cli");
	if (https_listen(base, srv, PORT, 4096, serve, NULL, &s, &err))
		bail("%s", err.text);
	is_int(https_listen(base, srv, "nonsense", 1, serve, NULL, &(struct https_server *){ 0 },
			    &err), -EINVAL, "an address that is none is refused");
	c = client(cli, NULL);

	body = json_pack("{s:s}", "text", "hello");
	is_int(call(c, "POST", "/a%20b?x=1", body, 5000, 4096, &ssa), 200, "a request is answered");
	is_str(seen.message, "hello", "with what was sent");
	is_str(seen.path, "/a b", "the path is decoded");
	is_str(seen.query, "x=1", "the query is raw");
	is_int(seen.node, 11, "the server knows who called");
	is_int(call(c, "GET", "/", NULL, 5000, 4096, NULL), 200, "the certificate has the address");

	is_int(call(c, "POST", "/", body, 5000, 4096, &sh1), 0, "another identity than expected: no request");
	ok(strstr(seen.why, "keyd/2") && !seen.calls, "the server never saw it: %s", seen.why);
	f = client(foreign, NULL);
	is_int(call(f, "POST", "/", body, 5000, 4096, &ssa), 0, "a server of another CA: no request");
	is_int(seen.calls, 0, "the server never saw it");
	/* trusts the server's CA, shows a certificate of its own */
	tls = ca_cfg("b", "cli");
	json_object_set_new(tls, "ca", json_sprintf("%s/a/ca.crt", ca_dir));
	is_int(https_client_new(base, cli, tls, &o, &err), -EKEYREJECTED,
	       "an own certificate must be its CA's");
	json_decref(tls);

	is_int(call(c, "GET", "/big", NULL, 5000, 1 << 20, &ssa), 200, "a body as long as allowed");
	is_int(call(c, "GET", "/big", NULL, 5000, (1 << 20) - 1, &ssa), 0, "a longer one is refused");
	ok(strstr(seen.why, "longer"), "and it says so: %s", seen.why);
	big = json_pack("{s:o}", "text", json_sprintf("%05000d", 1));
	call(c, "POST", "/", big, 5000, 4096, &ssa);
	ok(seen.status == 413 || !seen.status, "a request over the limit is refused (%d)", seen.status);
	is_int(seen.calls, 0, "before anybody sees it");
	is_int(call(c, "GET", "/hold", NULL, 300, 4096, &ssa), 0, "an answer that does not come in time");
	ok(strstr(seen.why, "ime"), "is a timeout: %s", seen.why);
	if (seen.held)
		https_reply(seen.held, 200, NULL);
	memset(&seen, 0, sizeof(seen));
	if (!https_call_data(c, "POST", URL "/", "application/json", strdup("{\"a\":"), 5,
			     5000, 4096, &ssa, done_data, NULL))
		bail("no memory");
	while (!seen.done)
		event_base_dispatch(base);
	is_int(seen.status, 400, "half a JSON is refused");
	is_int(seen.calls, 0, "before anybody sees it");
	memset(&seen, 0, sizeof(seen));
	https_cancel(https_call(c, "GET", URL "/", NULL, 5000, 4096, &ssa, done, NULL));
	is_int(call(c, "GET", "/", NULL, 5000, 4096, &ssa), 200, "a call after a cancelled one");
	is_int(seen.done, 1, "which never says it is done");

	https_limit(s, 1000);
	test_slow(cli);
	test_silent();
	test_pipelined(cli);
	is_int(call(c, "GET", "/", NULL, 5000, 4096, &ssa), 200, "after all that it still serves");

	json_decref(body);
	json_decref(big);
	https_client_free(c);
	https_client_free(f);
	https_close(s);
	event_base_free(base);
	pki_free(srv);
	pki_free(cli);
	pki_free(foreign);
	return tap_done();
}
