/* SPDX-License-Identifier: GPL-2.0 */
/* The key type "qkd" and the keyring ".qkd". */
#ifndef _QKD_KEY_H
#define _QKD_KEY_H

struct key;

struct key *qkd_ring_alloc(void);
void qkd_ring_free(struct key *ring);

int qkd_key_init(void);
void qkd_key_exit(void);

#endif /* _QKD_KEY_H */
