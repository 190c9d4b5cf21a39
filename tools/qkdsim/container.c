// SPDX-License-Identifier: GPL-2.0
/*
 * The key container, written straight into one buffer: a JSON library would leave
 * copies of the keys behind.
 */
#include "qkdsim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#define PER_KEY		128	/* {"key_ID":"","key":""}, and the ID */

static void put(struct container *c, const char *text)
{
	size_t len = strlen(text);

	memcpy(c->text + c->len, text, len);
	c->len += len;
}

/* Room for @keys keys of at most @key_len bytes. */
int container_begin(struct container *c, unsigned int keys, size_t key_len)
{
	memset(c, 0, sizeof(*c));
	c->size = keys * (PER_KEY + (key_len + 2) / 3 * 4) + PER_KEY;
	c->text = malloc(c->size);
	if (!c->text)
		return -ENOMEM;
	put(c, "{\"keys\":[");
	return 0;
}

void container_add(struct container *c, const uint8_t id[UUID_BYTES],
		   const uint8_t *bytes, size_t len)
{
	char text[UUID_TEXT];

	uuid_format(id, text);
	put(c, c->keys++ ? ",{\"key_ID\":\"" : "{\"key_ID\":\"");
	put(c, text);
	put(c, "\",\"key\":\"");
	c->len += EVP_EncodeBlock((uint8_t *)c->text + c->len, bytes, len);
	put(c, "\"}");
}

void container_reply(struct container *c, void *reply_to)
{
	put(c, "]}");
	https_reply_data(reply_to, 200, "application/json", c->text, c->len);
}

void container_drop(struct container *c)
{
	if (c->text)
		explicit_bzero(c->text, c->len);
	free(c->text);
}
