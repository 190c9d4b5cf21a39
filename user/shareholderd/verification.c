// SPDX-License-Identifier: GPL-2.0
#include "verification.h"

#include <errno.h>

int verification_begin(struct verification *v,
		       const uint8_t salt[VERIFICATION_SALT])
{
	v->ctx = EVP_MD_CTX_new();
	if (!v->ctx)
		return -ENOMEM;
	if (EVP_DigestInit_ex(v->ctx, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(v->ctx, salt, VERIFICATION_SALT) == 1)
		return 0;
	verification_drop(v);
	return -ENOMEM;
}

int verification_add(struct verification *v, const void *data, size_t len)
{
	return EVP_DigestUpdate(v->ctx, data, len) == 1 ? 0 : -ENOMEM;
}

int verification_end(struct verification *v,
		     uint8_t digest[VERIFICATION_DIGEST])
{
	int ret = EVP_DigestFinal_ex(v->ctx, digest, NULL) == 1 ? 0 : -ENOMEM;

	verification_drop(v);
	return ret;
}

void verification_drop(struct verification *v)
{
	EVP_MD_CTX_free(v->ctx);	/* wipes its state */
	v->ctx = NULL;
}
