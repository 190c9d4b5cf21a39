/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the data owner's commands share: the configuration, the connection to the
 * SSA (SSN-U), errors. Configuration, JSON:
 *
 *	{ "network": FILE, "self": NAME, "ssa": NAME, "group": ID,
 *	  "pki": { "ca": FILE, "cert": FILE, "key": FILE },
 *	  "timeout_ms": 120000 }
 */
#ifndef SSNCTL_OWNER_H
#define SSNCTL_OWNER_H

#include <jansson.h>
#include <stdint.h>
#include "cmd.h"
#include "network.h"
#include "output.h"
#include "pki.h"

#define OWNER_MESSAGE	((1U << 20) - 65536U)	/* bytes in a data message */

struct owner {
	const struct cmd_ctx *ctx;
	struct network net;
	struct pki *pki;
	uint32_t ssa;
	const struct network_group *group;
	unsigned int timeout_ms;	/* for an answer */
	int fd;
	uint8_t *buf;			/* SSN_MSG_MAX bytes */
};

/* Each returns CMD_OK, or what to exit with after saying what was wrong. */
int owner_open(struct owner *o, const struct cmd_ctx *ctx);	/* no connection yet */
void owner_close(struct owner *o);
int owner_connect(struct owner *o);
void owner_disconnect(struct owner *o);

/* Send a request; takes @req. 0 or -errno. */
int owner_send(struct owner *o, json_t *req);
/*
 * The next message: a control message in *@msg (the caller's), or data in o->buf
 * and *@msg NULL. Its bytes, 0 at the end of the stream, or -errno.
 */
ssize_t owner_recv(struct owner *o, unsigned int timeout_ms, json_t **msg);
/* "done" to a request that has no data, over @progress if there is some. */
int owner_ask(struct owner *o, const char *what, json_t *req, json_t **answer,
	      void (*progress)(const json_t *msg, void *arg), void *arg);

/* An answer with status "error", printed; CMD_FAILED. */
int owner_refused(const char *what, const json_t *msg);
/* The connection's end as an error; CMD_FAILED. */
int owner_broken(const struct owner *o, const char *what, ssize_t ret);

const char *json_text(const json_t *obj, const char *key);	/* "" if missing */
uint64_t json_number(const json_t *obj, const char *key);	/* 0 if missing */
/* As "2026-11-20 20:31:23" in text, as it is in JSON. */
void owner_time(struct out *o, const char *key, uint64_t seconds);
int owner_out_end(struct out *o);
/* A name as JSON text, or NULL after saying that it is not UTF-8 or too long. */
json_t *owner_name(const char *name);
/* A fresh UUID. 0 or CMD_FAILED. */
int owner_uuid(char text[37]);
/* The object that @job makes: the same job, repeated, makes no other one. */
int owner_object(const char *job, char text[37]);

#endif
