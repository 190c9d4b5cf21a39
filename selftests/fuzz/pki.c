// SPDX-License-Identifier: GPL-2.0
/*
 * Certificates and signatures of others: user/lib/pki.c. Of what no key of ours
 * signed nothing may be taken; and of certificates that are the CA's, only those
 * with one name ssn://domain/role/node.
 *
 * Input: {"cert": PEM, "data": TEXT, "sig": BASE64}, or
 * {"names": [TEXT...]} for a certificate that the CA makes with these names, in
 * which each DEL stands for a NUL.
 *
 * runs: 5000
 */
#include "fuzz_ca.h"
#include "json_mutate.h"

/* What is signed by whom; the other one's CA is another. */
static const struct { uint8_t key; const char *uri, *text; } known[] = {
	{ 2, "ssn://test/owner/1", "delete 0b0b0b0b-0000-4000-8000-000000000001 1" },
	{ 3, "ssn://test/ssa/2", "{}" },
};

static struct pki *pki;

static void signature(const json_t *in)
{
	const char *cert = json_string_value(json_object_get(in, "cert"));
	const char *data = json_string_value(json_object_get(in, "data"));
	const char *sig = json_string_value(json_object_get(in, "sig"));
	struct err err = { "" };
	struct pki_id who, want;
	json_t *text;
	size_t i;

	if (!cert || !data || !sig)
		return;
	if (pki_verify(pki, cert, data, strlen(data), sig, &who, &err)) {
		text = json_string(err.text);
		must(text && *err.text, "what is said is no UTF-8, or nothing");
		json_decref(text);
		return;
	}
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		must(!pki_id_parse(known[i].uri, &want), "%s", known[i].uri);
		if (!strcmp(known[i].text, data) && pki_id_equal(&who, &want))
			return;
	}
	must(false, "%s %u never signed %s", who.role, who.node, data);
}

static void names(const json_t *list)
{
	static const char text[] = "signed";
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	struct pki_id who, want, id;
	int ours = 0, good = 0, ret;
	struct err err = { "" };
	uint8_t sig[64];
	size_t i, j, len = sizeof(sig);
	EVP_PKEY *key = ca_key(2);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char *pem, b64[96];
	json_t *one;

	json_array_foreach(list, i, one) {
		char *uri = input_text(json_string_value(one) ?: "",
				       json_string_length(one));

		for (j = 0; uri[j]; j++)
			if (uri[j] == 0x7f)
				uri[j] = '\0';
		ca_uri(names, uri, json_string_length(one));
		if (json_string_length(one) >= 6 && !memcmp(uri, "ssn://", 6)) {
			ours++;
			if (strlen(uri) == json_string_length(one) &&
			    !pki_id_parse(uri, &id)) {
				good++;
				want = id;
			}
		}
		free(uri);
	}
	pem = ca_pem(ca_cert(2, 1, names));
	must(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	     EVP_DigestSign(ctx, sig, &len, (uint8_t *)text, strlen(text)) == 1,
	     "not signed");
	EVP_EncodeBlock((uint8_t *)b64, sig, len);
	ret = pki_verify(pki, pem, text, strlen(text), b64, &who, &err);
	must(!ret == (ours == 1 && good == 1), "%d names, %d of them good: %d", ours,
	     good, ret);
	must(ret || pki_id_equal(&who, &want), "it is another's");
	must(!ret || *err.text, "nothing is said");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	free(pem);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	pki = ca_open(4, "ssn://test/shareholder/11");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *in = json_loadb((const char *)data, size, 0, NULL);
	const json_t *list = json_object_get(in, "names");

	if (json_array_size(list) && json_array_size(list) < 8)
		names(list);
	else
		signature(in);
	json_decref(in);
	return 0;
}
