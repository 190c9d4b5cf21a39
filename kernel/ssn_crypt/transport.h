/* SPDX-License-Identifier: GPL-2.0 */
/* What carries sealed bytes between nodes: a table, TCP behind it. */
#ifndef _SSN_TRANSPORT_H
#define _SSN_TRANSPORT_H

#include <linux/socket.h>
#include <linux/types.h>
#include <linux/uio.h>

struct bio_vec;
struct net;
struct ssn_pipe;	/* one byte stream */
struct ssn_listener;	/* where they come in */

/* Something happened: look again. Any context, must only queue work. */
typedef void ssn_kick_t(void *arg);

/**
 * struct ssn_transport - an underlay
 * @connect:	begin a stream; -EINPROGRESS is no error: @ready tells. The
 *		stream holds no reference to the namespace: its user frees it
 *		before the namespace goes
 * @ready:	1 established, 0 not yet, negative errno: it failed
 * @watch:	from now on @kick(@arg) is called, and nobody where it is NULL
 * @send:	bytes taken, -EAGAIN, or another negative errno; never waits. @more:
 *		more comes at once
 * @send_pages:	the same for pages, which the stream holds as long as it needs
 *		them: what is in them must not change afterwards
 * @recv:	bytes got, 0 at the end of the stream, -EAGAIN, or errno
 * @finish:	nothing more will be sent
 * @free:	give the stream up, at once if @abort; no @kick runs afterwards
 * @listen:	begin to listen
 * @accept:	the next incoming stream and its source, or ERR_PTR(-EAGAIN)
 * @unlisten:	stop; no @kick runs afterwards
 */
struct ssn_transport {
	const char *name;
	struct ssn_pipe *(*connect)(struct net *net,
				    const struct sockaddr_storage *addr);
	int (*ready)(struct ssn_pipe *pipe);
	void (*watch)(struct ssn_pipe *pipe, ssn_kick_t *kick, void *arg);
	int (*send)(struct ssn_pipe *pipe, void *bytes, size_t len, bool more);
	int (*send_pages)(struct ssn_pipe *pipe, struct bio_vec *vec,
			  unsigned int n, size_t len, bool more);
	int (*recv)(struct ssn_pipe *pipe, void *to, size_t len);
	void (*finish)(struct ssn_pipe *pipe);
	bool (*over)(struct ssn_pipe *pipe);
	void (*free)(struct ssn_pipe *pipe, bool abort);
	struct ssn_listener *(*listen)(struct net *net,
				       const struct sockaddr_storage *addr,
				       ssn_kick_t *kick, void *arg);
	struct ssn_pipe *(*accept)(struct ssn_listener *l,
				   struct sockaddr_storage *from);
	void (*unlisten)(struct ssn_listener *l);
};

extern const struct ssn_transport ssn_tcp;

#endif /* _SSN_TRANSPORT_H */
