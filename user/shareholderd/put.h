/* SPDX-License-Identifier: GPL-2.0 */
/* Requests of a put (SSN-As). Each returns 0, or -errno to end the connection. */
#ifndef SHAREHOLDERD_PUT_H
#define SHAREHOLDERD_PUT_H

#include "exchange.h"

int put_begin(struct exchange *x, const json_t *msg);
int put_segment(struct exchange *x, const json_t *msg);
int put_abandon(struct exchange *x, const json_t *msg);
int put_prepared(struct exchange *x, const json_t *msg);
int put_commit(struct exchange *x, const json_t *msg);
int put_abort(struct exchange *x, const json_t *msg);
/* A message of shares. */
int put_data(struct exchange *x, const struct ssn_share *head, const void *buf,
	     size_t len);
/* The connection ends: what came only in part is dropped. */
void put_end(struct exchange *x);

#endif
