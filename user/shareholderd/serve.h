/* SPDX-License-Identifier: GPL-2.0 */
/* Read, list, delete (SSN-As). Each returns 0, or -errno to end the connection. */
#ifndef SHAREHOLDERD_SERVE_H
#define SHAREHOLDERD_SERVE_H

#include "exchange.h"

int serve_read(struct exchange *x, const json_t *msg);
int serve_list(struct exchange *x, const json_t *msg);
int serve_delete(struct exchange *x, const json_t *msg);

/* Go on with a read: as exchange_run(); EXCHANGE_IDLE when there is none. */
int serve_run(struct exchange *x);
void serve_end(struct exchange *x);

#endif
