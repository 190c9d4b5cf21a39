/* SPDX-License-Identifier: GPL-2.0 */
/* Multicasts of the family "qkd". */
#ifndef _QKD_EVENT_H
#define _QKD_EVENT_H

struct qkd_block;
struct qkd_pool;

void qkd_event_pool(struct qkd_pool *pool, u8 cmd);
void qkd_event_void(struct qkd_block *block);

#endif /* _QKD_EVENT_H */
