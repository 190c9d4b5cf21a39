/* SPDX-License-Identifier: GPL-2.0 */
/* The node's KME, as a client of ETSI GS QKD 014 (etsi014.h has the words). */
#ifndef KEYD_KME_H
#define KEYD_KME_H

#include <event2/event.h>
#include "block.h"
#include "etsi014.h"
#include "pki.h"

struct kme;

/*
 * @verdict: ETSI_OK, and the keys are at the end of the block's pad and their IDs
 * in its list; or why not, with @why.
 */
typedef void kme_done(enum etsi_verdict verdict, const char *why, void *arg);

/* @cfg: the configuration's "kme"; @host: where it is by default; @self: our node. */
int kme_open(struct event_base *base, struct pki *pki, const json_t *cfg,
	     const char *host, struct kme **kme, struct err *err);
void kme_close(struct kme *kme);

/* Milliseconds until the breaker lets a request pass: 0 is now. */
unsigned int kme_wait(const struct kme *kme);

/*
 * Get keys of @bytes in all for @sae, or less; @block and @ids stay the caller's
 * until @done; @ids has fewer than ETSI_KEYS_MAX. One request for each SAE is on its
 * way, others wait their turn. Returns a handle for kme_cancel(), or NULL when out of
 * memory.
 */
void *kme_enc(struct kme *kme, const char *sae, size_t bytes, struct block *block,
	      struct etsi_ids *ids, kme_done *done, void *arg);
/* Get exactly the keys @ids that @sae was issued, in as many requests as it takes. */
void *kme_dec(struct kme *kme, const char *sae, struct block *block,
	      struct etsi_ids *ids, kme_done *done, void *arg);
void kme_cancel(void *request);

#endif
