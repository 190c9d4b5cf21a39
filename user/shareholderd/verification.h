/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The holder's own salted digest of a share (Y.3808: share verification).
 * Nobody else ever sees it: without the salt it would be a function of the
 * share that lets a guess be checked (PROTOCOL 4).
 */
#ifndef SHAREHOLDERD_VERIFICATION_H
#define SHAREHOLDERD_VERIFICATION_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#define VERIFICATION_SALT	64
#define VERIFICATION_DIGEST	32

struct verification { EVP_MD_CTX *ctx; };

/* -ENOMEM; then verification_end() or verification_drop() frees it. */
int verification_begin(struct verification *v,
		       const uint8_t salt[VERIFICATION_SALT]);
int verification_add(struct verification *v, const void *data, size_t len);
int verification_end(struct verification *v,
		     uint8_t digest[VERIFICATION_DIGEST]);
void verification_drop(struct verification *v);

#endif
