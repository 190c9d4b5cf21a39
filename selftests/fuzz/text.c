// SPDX-License-Identifier: GPL-2.0
/*
 * Short texts that mean something: UUIDs, hexadecimal, base64, addresses, names
 * in certificates. What is taken has one spelling, or at least comes out again as
 * what it went in.
 *
 * Input: a byte that says which, and the text.
 *
 * max_len: 300
 * runs: 40000
 */
#include <ctype.h>
#include "fuzz.h"
#include "https.h"
#include "network.h"
#include "pki.h"
#include "util.h"

static void uuid(const char *text)
{
	uint8_t bytes[UUID_BYTES];
	char again[UUID_TEXT];

	if (uuid_parse(text, bytes))
		return;
	uuid_format(bytes, again);
	must(!strcmp(again, text), "%s is %s", text, again);
}

static void hex(const char *text)
{
	size_t len = strlen(text) / 2, i;
	uint8_t *bytes = malloc(len);
	char *again = malloc(2 * len + 1);

	if (!hex_decode(text, bytes, len)) {
		hex_encode(bytes, len, again);
		for (i = 0; i <= 2 * len; i++)
			must(again[i] == tolower((unsigned char)text[i]), "%s is %s",
			     text, again);
	}
	must(hex_decode(text, bytes, len ? len - 1 : 1), "%s has another length", text);
	free(again);
	free(bytes);
}

static void base64(const char *text)
{
	char *again;
	void *bytes;
	size_t len;

	if (base64_decode(text, &bytes, &len))
		return;
	again = base64_encode(bytes, len);
	must(!strcmp(again, text), "%s is %s", text, again);
	free(again);
	free(bytes);
}

static void address(const char *text)
{
	struct sockaddr_storage addr, again;
	char out[NETWORK_ADDR_TEXT];

	if (network_addr_parse(text, &addr))
		return;
	must(network_addr_len(&addr), "%s has no length", text);
	network_addr_format(&addr, out);
	must(!network_addr_parse(out, &again) && !memcmp(&addr, &again, sizeof(addr)),
	     "%s is %s", text, out);
}

static void hostport(const char *text)
{
	const char *port = strrchr(text, ':');
	char host[16], out[320];
	uint16_t n;

	if (https_hostport(text, host, sizeof(host), &n))
		return;
	port++;
	must(port[strspn(port, "0123456789")] == '\0' && *port && n == atoi(port),
	     "the port of %s is %u", text, n);
	snprintf(out, sizeof(out), *text == '[' ? "[%s]:%s" : "%s:%s", host, port);
	must(!strcmp(text, out), "%s is %s", text, out);
}

static void identity(const char *text)
{
	struct pki_id id, again;
	char out[128];

	if (pki_id_parse(text, &id))
		return;
	snprintf(out, sizeof(out), "ssn://%s/%s/%u", id.domain, id.role, id.node);
	must(!strcmp(out, text), "%s is %s", text, out);
	must(!pki_id_parse(out, &again) && pki_id_equal(&id, &again), "%s", out);
}

static void role(const char *text)
{
	enum ssn_role r = network_role(text);

	must(!r || !strcmp(network_role_name(r), text), "%s is role %u", text, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(const char *text) = {
		uuid, hex, base64, address, hostport, identity, role,
	};
	char *text;

	if (!size)
		return 0;
	text = input_text(data + 1, size - 1);
	kinds[*data % (sizeof(kinds) / sizeof(*kinds))](text);
	free(text);
	return 0;
}
