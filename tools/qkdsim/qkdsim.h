/* SPDX-License-Identifier: GPL-2.0 */
/*
 * qkdsim: one KME of a simulated QKD network (Documentation/qkdsim.rst).
 *
 * The KME to which a master SAE turns draws true random keys and hands the copy
 * to the slave's KME over a link that stands for quantum channel and key relay
 * (link.c): everything else is as with a real one.
 */
#ifndef QKDSIM_H
#define QKDSIM_H

#include "https.h"
#include "network.h"
#include "util.h"

#define SIM_SLAVES	8	/* SAEs for which one key may be issued */
#define SIM_REQUEST	1024	/* keys in one request, at most */
#define SIM_BITS	(128LL << 20)	/* and bits in all of them */

/* One KME of the network; [0] is not special, sim->self is. */
struct sim_kme {
	char id[80];
	char addr[128];		/* host:port */
	uint32_t node;		/* in its certificate: ssn://domain/kme/node */
	/* towards this KME: token bucket, in bits */
	double stock;
	uint64_t filled_ms;
};

struct sim_sae {
	const struct network_node *node;
	struct sim_kme *kme;
};

/* What real servers were seen to do, on demand; all off by default. */
struct sim_faults {
	int64_t size;		/* bits: this size, whatever was asked for */
	int64_t fewer;		/* keys less than asked for */
	int64_t empty;		/* status of an empty store, always: 400, 404, 503 */
	int html;		/* errors have HTML bodies */
	int odd_types;		/* numbers as strings, strings as numbers, in status */
	int zero_limits;	/* limits reported as 0 */
	int hang_enc, hang_dec;	/* never answer */
	int lost_dec;		/* keys leave the store, the answer does not arrive */
	int wrong_key;		/* the two sides' copies differ in one bit */
	int repeat_id;		/* issue the key IDs of the last request again */
	char id_hash[16];	/* key_ID from md5, sha1, sha256, uuid5 of the key */
};

struct sim {
	struct event_base *base;
	struct pki *pki;
	struct network net;
	struct sim_kme *kme, *self;
	size_t kmes;
	struct sim_sae *sae;
	size_t saes;
	struct https_server *server;
	struct https_client *client;
	struct event *sweep;
	struct sim_faults faults;
	int64_t key_size, min_size, max_size;	/* bits */
	int64_t max_keys, max_slaves;		/* per request */
	int64_t rate, stock;			/* bits per second, bits; rate 0: no limit */
	int64_t hold_s, hold_bytes;		/* keys that nobody fetches */
	int path_otp, refuse_optional;
	uint64_t issued, delivered, refused, expired;
};

extern struct sim sim;

/* config.c */
int sim_configure(struct sim *s, const json_t *cfg, struct err *err);
int sim_parse_faults(const json_t *cfg, struct sim_faults *f, struct err *err);
const struct sim_sae *sim_sae(const char *id);
const struct sim_sae *sim_caller(const struct pki_id *peer);	/* NULL: not attached here */

/* api.c: ETSI GS QKD 014 */
void api_handle(struct https_request *req, void *arg);
void api_error(void *reply_to, int status, const char *message, const char *detail);

/* enc.c, dec.c */
void enc_keys(const struct sim_sae *master, const struct sim_sae *slave,
	      struct https_request *req, const json_t *params);
void dec_keys(const struct sim_sae *slave, const struct sim_sae *master,
	      struct https_request *req, const json_t *params);

/* store.c: keys that wait for their slave SAE. Bytes are wiped when they leave. */
struct stored_key {
	struct stored_key *next;
	uint8_t id[UUID_BYTES];
	uint32_t master, slave;		/* nodes */
	uint64_t stored_ms;
	size_t len;
	uint8_t bytes[];
};
int store_put(const uint8_t id[UUID_BYTES], uint32_t master, uint32_t slave,
	      const uint8_t *bytes, size_t len);	/* -EEXIST, -ENOSPC, -ENOMEM */
/* @named: was any key of this ID and master kept, for whomever? */
struct stored_key *store_find(const uint8_t id[UUID_BYTES], uint32_t master,
			      uint32_t slave, int *named);
void store_remove(struct stored_key *key);
void store_sweep(uint64_t older_than_ms);
void store_clear(void);

/* container.c: {"keys":[{"key_ID","key"}]} in malloc'd memory */
struct container { char *text; size_t len, size; unsigned int keys; };
int container_begin(struct container *c, unsigned int keys, size_t key_len);
void container_add(struct container *c, const uint8_t id[UUID_BYTES],
		   const uint8_t *bytes, size_t len);
void container_reply(struct container *c, void *reply_to);
void container_drop(struct container *c);

/* link.c: KME to KME */
typedef void link_done(int ok, void *arg);
/* Hand @n keys of @size bytes each to @to, for @slaves (SAEs there). */
int link_send(struct sim_kme *to, const struct sim_sae *master,
	      const struct sim_sae *const *slaves, unsigned int nslaves,
	      const uint8_t (*ids)[UUID_BYTES], const uint8_t *bytes, size_t n,
	      size_t size, link_done *done, void *arg);
void link_handle(struct https_request *req);

/* bucket.c: rate and stock of the quantum link to a KME */
int bucket_take(struct sim_kme *kme, double bits);	/* 0 or -EAGAIN */
double bucket_level(struct sim_kme *kme);

#endif
