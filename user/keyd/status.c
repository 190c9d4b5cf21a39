// SPDX-License-Identifier: GPL-2.0
/* STATE/status.json: what an operator or a collector of metrics reads. Levels only. */
#include "keyd.h"

#include <stdio.h>
#include <unistd.h>
#include "kme.h"
#include "log.h"

struct keyd_counts counts;

static json_t *pool_json(struct peer *p, enum qkd_kind kind)
{
	struct stock *s = &p->stock[kind];
	struct nl_pool tx, rx;

	if (kernel_level(keyd.kernel, p->node->id, QKD_DIR_TX, kind, &tx, NULL) ||
	    kernel_level(keyd.kernel, p->node->id, QKD_DIR_RX, kind, &rx, NULL))
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:b, s:I, s:I, s:I, s:I}",
			 "kind", kind == QKD_KIND_TAG ? "tag" : "payload",
			 "low", (json_int_t)s->low, "high", (json_int_t)s->high,
			 "filling", s->filling,
			 "tx_usable", (json_int_t)tx.usable,
			 "tx_pending", (json_int_t)tx.pending,
			 "rx_usable", (json_int_t)rx.usable,
			 "rx_pending", (json_int_t)rx.pending);
}

void status_write(void)
{
	char path[sizeof(keyd.state) + 16], tmp[sizeof(path)];
	json_t *root, *peers = json_array();
	size_t i;

	for (i = 0; i < keyd.peers; i++) {
		struct peer *p = &keyd.peer[i];

		json_array_append_new(peers, json_pack("{s:s, s:I, s:b, s:i, s:[o, o]}",
			"peer", p->node->name, "node", (json_int_t)p->node->id,
			"reached", p->reached, "failures", (int)p->failures,
			"pools", pool_json(p, QKD_KIND_TAG),
			pool_json(p, QKD_KIND_PAYLOAD)));
	}
	root = json_pack("{s:s, s:I, s:i, s:o, s:o, s:{s:I,s:I,s:I,s:I,s:I,s:I,s:I}}",
			 "node", keyd.self->name, "pid", (json_int_t)getpid(),
			 "kme_wait_ms", (int)kme_wait(keyd.kme),
			 "alarms", alarm_json(), "peers", peers, "counts",
			 "made", (json_int_t)counts.made,
			 "followed", (json_int_t)counts.followed,
			 "voided", (json_int_t)counts.voided,
			 "mismatched", (json_int_t)counts.mismatched,
			 "keys", (json_int_t)counts.keys,
			 "kme_errors", (json_int_t)counts.kme_errors,
			 "ax_errors", (json_int_t)counts.ax_errors);
	snprintf(path, sizeof(path), "%s/status.json", keyd.state);
	snprintf(tmp, sizeof(tmp), "%s/status.tmp", keyd.state);
	if (!root || json_dump_file(root, tmp, JSON_INDENT(1)) || rename(tmp, path))
		log_debug("%s cannot be written", path);
	json_decref(root);
}
