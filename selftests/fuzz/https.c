// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of an authenticated peer: the server of user/lib/https.c, over TLS on
 * the loopback. evhttp takes HTTP apart; what it makes of it is handed on, and
 * every request that is handed on is answered once.
 *
 * Input: what the client sends after the handshake.
 *
 * max_len: 2000
 * runs: 300
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "fuzz_ca.h"
#include "https.h"

#define MAX_BODY	1500

static struct event_base *base;
static struct pki *server_pki, *client_pki;
static struct https_server *server;
static struct sockaddr_in addr;
static unsigned int calls;

static void handle(struct https_request *req, void *arg)
{
	json_t *body;

	calls++;
	must(req->peer->node == 2 && !strcmp(req->peer->role, "ssa"), "another peer");
	must(req->path && req->raw_path, "no path");
	must(strlen(req->path) <= strlen(req->raw_path), "the path grew");
	must(!req->data || !req->body, "two bodies");
	must(!req->data == !req->len && req->len <= MAX_BODY, "%zu bytes", req->len);
	must(req->method == EVHTTP_REQ_GET || req->method == EVHTTP_REQ_POST ||
	     req->method == EVHTTP_REQ_PUT || req->method == EVHTTP_REQ_DELETE,
	     "method %d", req->method);
	if (req->len % 3 == 1) {
		char *data = input_text(req->data, req->len);

		https_reply_data(req->reply_to, 200, "application/octet-stream", data,
				 req->len);
		return;
	}
	body = json_pack("{s:s*, s:O*}", "path", req->path, "body",
			 (json_t *)req->body);
	https_reply(req->reply_to, 200, body);
	json_decref(body);
}

/* The listening socket that was not there before. */
static void find_addr(void)
{
	socklen_t len;
	int fd, on;

	for (fd = 3; fd < 64; fd++) {
		len = sizeof(on);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) || !on)
			continue;
		len = sizeof(addr);
		if (!getsockname(fd, (struct sockaddr *)&addr, &len) &&
		    addr.sin_family == AF_INET)
			return;
	}
	must(false, "nobody listens");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err = { "" };

	server_pki = ca_open(2, "ssn://test/shareholder/1");
	client_pki = ca_open(3, "ssn://test/ssa/2");
	base = event_base_new();
	must(!https_listen(base, server_pki, "127.0.0.1:0", MAX_BODY, handle, NULL,
			   &server, &err), "%s", err.text);
	find_addr();
	return 0;
}

/* Lets the server work until @ssl can go on. */
static bool again(SSL *ssl, int ret)
{
	int why = SSL_get_error(ssl, ret);

	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		return false;
	event_base_loop(base, EVLOOP_NONBLOCK);
	return true;
}

static int client_connect(void)
{
	const struct linger reset = { .l_onoff = 1 };	/* no port stays in use */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)), "%s",
	     strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* What is refused is refused with a reason. */
static void must_say_why(const char *text)
{
	const char *at = text, *head;

	while ((at = strstr(at, "HTTP/1.1 4"))) {
		head = strstr(at, "\r\n\r\n");
		must(!head || !memmem(at, head - at, "\r\nContent-Length: 0\r", 20),
		     "nothing is said: %.40s", at);
		at++;
	}
}

/* All that the server says, while it has something to do; how many answers. */
static unsigned int client_read(SSL *ssl)
{
	static char text[1 << 20];
	unsigned int answers = 0, idle = 0;
	size_t len = 0;
	const char *at;
	int ret;

	while (idle < 8) {
		ret = SSL_read(ssl, text + len, sizeof(text) - 1 - len);
		if (ret > 0) {
			len += ret;
			idle = 0;
		} else if (!again(ssl, ret)) {
			break;
		} else {
			idle++;
		}
	}
	text[len] = '\0';
	must_say_why(text);
	for (at = text; (at = memmem(at, text + len - at, "HTTP/", 5)); at++)
		answers++;
	return answers;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = client_connect(), ret;
	SSL *ssl = SSL_new(pki_client_ctx(client_pki));
	unsigned int answers;

	calls = 0;
	SSL_set_fd(ssl, fd);
	do {
		ret = SSL_connect(ssl);
	} while (ret != 1 && again(ssl, ret));
	must(ret == 1, "no handshake");
	while (size) {
		ret = SSL_write(ssl, data, size);
		if (ret > 0)
			data += ret, size -= ret;
		else if (!again(ssl, ret))
			break;		/* it has heard enough */
	}
	answers = client_read(ssl);
	must(answers >= calls, "%u requests, %u answers", calls, answers);
	SSL_free(ssl);
	close(fd);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_loop(base, EVLOOP_NONBLOCK);
	return 0;
}
