/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SSN-As as a shareholder speaks it (Documentation/protocol/ssn-as.rst), one
 * struct exchange for each connection. Knows messages and share heads, and
 * nothing of sockets or of the event loop: whoever has a connection calls
 * exchange_receive() with what came and exchange_run() when there is something
 * to do. Memory of a connection: one message, and the record of one job.
 */
#ifndef SHAREHOLDERD_EXCHANGE_H
#define SHAREHOLDERD_EXCHANGE_H

#include <jansson.h>
#include <linux/ssn.h>
#include <stdint.h>
#include <sys/types.h>

#include "network.h"
#include "pki.h"
#include "storage.h"

struct exchange_counters {
	uint64_t requests, refused;	/* refused: answered with an error */
	uint64_t shares_in, bytes_in;	/* segments made durable */
	uint64_t shares_out, bytes_out;
	uint64_t committed, aborted, deleted;
	uint64_t stray;			/* data that no segment asked for */
	uint64_t malformed;		/* messages that ended a connection */
	uint64_t rotten;		/* shares that failed their digest */
};

/**
 * struct exchange_env - what all connections of a shareholder have in common
 * @net:	may be exchanged for a newer one between two calls
 * @discarded:	called when there is something in the trash; may be NULL
 */
struct exchange_env {
	struct storage *storage;
	struct pki *pki;
	const struct network *net;
	struct exchange_counters counters;
	void (*discarded)(void *arg);
	void *arg;
};

/*
 * Bytes, or -errno; -EAGAIN (window) and -ENOKEY (pad): not now, exchange_run()
 * will try again, until nothing has gone for EXCHANGE_PATIENCE_MS.
 */
#define EXCHANGE_PATIENCE_MS	120000
typedef ssize_t exchange_send(void *arg, const struct ssn_share *head,
			      const void *buf, size_t len);

/* A segment that is coming in. */
struct put {
	struct job *job;		/* of the last op that named one */
	int active;			/* @segment to @messages are meant */
	int open;			/* @writer is */
	uint32_t segment, next, messages;
	uint64_t deal, length;
	struct record rec;		/* borrows from @job */
	struct sharefile_writer writer;
};

/* A segment that is going out. */
enum serve_state { SERVE_IDLE, SERVE_VERIFYING, SERVE_SENDING };
struct serve {
	enum serve_state state;
	struct sharefile file;
	json_int_t req;
	uint32_t next;
	uint8_t *buf;			/* one message, while sending */
	ssize_t len;			/* of the message in it; 0: none */
};

struct exchange {
	struct exchange_env *env;
	struct ssn_peer_info peer;
	exchange_send *send;
	void *arg;
	char *out;			/* an answer that is not sent yet */
	uint64_t blocked;		/* monotonic_ms() since when; 0: it is not */
	struct put put;
	struct serve serve;
};

struct exchange *exchange_new(struct exchange_env *env,
			      const struct ssn_peer_info *peer,
			      exchange_send *send, void *arg);
void exchange_free(struct exchange *x);

/*
 * One message; @head is NULL when it had none. Only when exchange_run() said
 * EXCHANGE_IDLE. 0, or -errno when the connection is to end.
 */
int exchange_receive(struct exchange *x, const struct ssn_share *head,
		     const void *buf, size_t len);

enum {
	EXCHANGE_IDLE,		/* give me the next message */
	EXCHANGE_BLOCKED,	/* call again when the connection can send */
	EXCHANGE_MORE,		/* call again when others have had their turn */
};
int exchange_run(struct exchange *x);	/* or -errno: the connection is to end */

/* --- for put.c and serve.c */

/*
 * Send: 0; EXCHANGE_BLOCKED; or -errno, also of what it was blocked by for too
 * long.
 */
int exchange_out(struct exchange *x, const struct ssn_share *head,
		 const void *buf, size_t len);

/* One answer to a request. */

/* @answer is consumed; "re", and of "job", "req", "segment", "deal" what the
 * request has, are added. 0 or -ENOMEM. */
int exchange_answer(struct exchange *x, const json_t *request, json_t *answer);
int exchange_refuse(struct exchange *x, const json_t *request, int err,
		    const char *text);

#endif
