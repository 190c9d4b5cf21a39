/* SPDX-License-Identifier: GPL-2.0 */
/*
 * keyd: the key agent of a node (Documentation/keyd.rst). It moves keys from the
 * QKD network into the kernel's keyring and sees to it that both ends load the
 * same ones; it is the only process that ever sees key material.
 */
#ifndef KEYD_H
#define KEYD_H

#include <linux/qkd_genl.h>
#include "https.h"
#include "network.h"
#include "nl.h"
#include "util.h"
#include "block.h"
#include "etsi014.h"
#include "kernel.h"
#include "ledger.h"

#define KEYD_PEERS	256

struct fill;
struct kme;

/* A pool that this node sends with, towards one peer: led here. */
struct stock {
	int64_t low, high;	/* watermarks, bytes */
	int64_t block;		/* size of a new block, bytes */
	int filling;		/* between low and high */
};

struct peer {
	const struct network_node *node;
	struct pki_id id;		/* its keyd's */
	char ax[160];			/* "https://host:port" */
	struct stock stock[2];		/* by enum qkd_kind */
	struct fill *fill[2];		/* blocks in the making, by enum qkd_kind */
	struct event *timer;		/* next look at the stock */
	unsigned int failures;		/* in a row: the backoff's exponent */
	int reached;			/* the last call over Ax was answered */
	void *telling;			/* a POST void on its way */
};

struct keyd {
	struct event_base *base;
	struct pki *pki;
	struct network net;
	const struct network_node *self;
	struct kme *kme;
	struct ledger *ledger;
	struct kernel *kernel;
	struct https_server *server;
	struct https_client *ax;
	struct peer *peer;
	size_t peers;
	uint32_t provenance;		/* what the operator states */
	unsigned int backoff_min, backoff_max;	/* ms */
	unsigned int confirm_ms;	/* how long a loaded block waits */
	unsigned int retire_ms;		/* from spent here to retired at the peer */
	char state[512], listen[128];
	struct event *housekeeping;
};

extern struct keyd keyd;

/* config.c */
int keyd_configure(struct keyd *k, const json_t *cfg, struct err *err);
void keyd_release(struct keyd *k);
struct peer *keyd_peer(uint32_t node);	/* NULL: nobody we share pads with */

/* keyd.c */
extern const struct daemon_ops keyd_ops;
/*
 * Named points between two steps. A test that links the library sets the hook to
 * end the process there; nothing else does.
 */
extern void (*keyd_step_hook)(const char *step);
static inline void keyd_step(const char *step)
{
	if (keyd_step_hook)
		keyd_step_hook(step);
}

/* stock.c: which block is made next, and when */
int stock_start(struct err *err);
void stock_stop(void);
void stock_kick(struct peer *peer);		/* something changed: look now */
void stock_low(const struct nl_pool *pool);	/* the kernel's event */
void stock_failed(struct peer *peer);		/* back off */
unsigned int stock_backoff(struct peer *peer);	/* the same, ms; the timer is the caller's */
void stock_made(struct peer *peer);

/* lead.c: a block of a pool that we send with */
int lead_begin(struct peer *peer, enum qkd_kind kind, size_t size);
/* Its block waits for the peer, or for keys: nothing happens for a while. */
int lead_waits(const struct peer *peer, enum qkd_kind kind);
void lead_abandon(struct peer *peer, enum qkd_kind kind, const char *why);
/* The peer voids what we are making. */
void lead_voided(struct peer *peer, const uint8_t id[UUID_BYTES]);

/* follow.c: a block that a peer sends with */
void follow_block(struct peer *peer, const json_t *msg, void *reply_to);
void follow_confirm(struct peer *peer, const json_t *msg, void *reply_to);
void follow_void(struct peer *peer, const json_t *msg, void *reply_to);
void follow_retire(struct peer *peer, const json_t *msg, void *reply_to);
void follow_expire(void);
void follow_stop(void);

/* ax.c: the server, and what both sides say */
int ax_start(struct err *err);
void *ax_call(struct peer *peer, const char *path, const json_t *msg,
	      unsigned int timeout_ms, https_done *done, void *arg);
void ax_error(void *reply_to, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
json_t *ax_tag_pack(const uint8_t block[UUID_BYTES], const struct kernel_tag *tag);
int ax_tag_parse(const json_t *msg, struct kernel_tag *tag);
int ax_uuid(const json_t *msg, const char *key, uint8_t id[UUID_BYTES]);

/* recover.c: what a crash, a reboot or a lost answer left behind */
int recover_start(struct err *err);
/* Void here, and tell the peer until it has answered. */
void recover_void(uint32_t peer, const uint8_t id[UUID_BYTES]);
void recover_tell(struct peer *peer);
void recover_event(const struct kernel_block *block);
void recover_check(void);	/* events may have been lost */

/* alarm.c: what a person must know; also in the status file */
enum alarm {
	ALARM_PAD_MISMATCH,	/* the two ends' keys differ */
	ALARM_KEY_ID_LEAK,	/* a key ID computed from the key */
	ALARM_KEY_REUSE,	/* a key ID seen before */
	ALARM_KEY_SHARED,	/* keys that a third SAE has too */
	ALARM_KME_AUTH,		/* the KME refuses our certificate, or we its */
	ALARM_KME_DOWN,		/* breaker open */
	ALARM_KME_ODD,		/* answers that the standard does not know */
	ALARM_PEER_AUTH,	/* a peer's certificate is not what it must be */
	ALARM_LEDGER,		/* cannot be written: nothing moves */
	ALARM_KERNEL,		/* the kernel refuses keys */
	ALARMS
};
void alarm_raise(enum alarm alarm, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void alarm_clear(enum alarm alarm);
json_t *alarm_json(void);

/* status.c */
struct keyd_counts {
	uint64_t made, followed, voided, mismatched, keys, kme_errors, ax_errors;
};
extern struct keyd_counts counts;
void status_write(void);

#endif
