/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A CA and certificates that are the same each time: Ed25519 keys made of one
 * byte, and signatures without a random number in them.
 */
#ifndef SELFTESTS_FUZZ_CA_H
#define SELFTESTS_FUZZ_CA_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "fuzz.h"
#include "pki.h"

static inline EVP_PKEY *ca_key(uint8_t byte)
{
	uint8_t raw[32];
	EVP_PKEY *key;

	memset(raw, byte, sizeof(raw));
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, sizeof(raw));
	must(key, "no key");
	return key;
}

static inline void ca_uri(GENERAL_NAMES *names, const char *uri, size_t len)
{
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	must(ASN1_STRING_set(text, uri, len) == 1, "no memory");
	GENERAL_NAME_set0_value(name, GEN_URI, text);
	sk_GENERAL_NAME_push(names, name);
}

/* A certificate of the key of @byte, signed by that of @signer. Takes @names. */
static inline X509 *ca_cert(uint8_t byte, uint8_t signer, GENERAL_NAMES *names)
{
	EVP_PKEY *key = ca_key(byte), *by = ca_key(signer);
	X509_NAME *name = X509_NAME_new();
	X509 *cert = X509_new();
	BASIC_CONSTRAINTS basic = { .ca = byte == signer ? 0xff : 0 };

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (uint8_t *)"test", -1, -1,
				   0);
	must(X509_set_version(cert, X509_VERSION_3) &&
	     ASN1_INTEGER_set(X509_get_serialNumber(cert), byte) &&
	     X509_set_issuer_name(cert, name), "no certificate");
	if (byte != signer)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (uint8_t *)"node",
					   -1, -1, 0);
	X509_set_subject_name(cert, name);
	ASN1_TIME_set_string(X509_getm_notBefore(cert), "20000101000000Z");
	ASN1_TIME_set_string(X509_getm_notAfter(cert), "99991231235959Z");
	X509_set_pubkey(cert, key);
	must(X509_add1_ext_i2d(cert, NID_basic_constraints, &basic, 1, 0) == 1,
	     "no extension");
	if (names)
		must(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1,
		     "no names");
	must(X509_sign(cert, by, NULL), "not signed");
	GENERAL_NAMES_free(names);
	X509_NAME_free(name);
	EVP_PKEY_free(key);
	EVP_PKEY_free(by);
	return cert;
}

/* Frees @cert; malloc'd. */
static inline char *ca_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long len;

	must(PEM_write_bio_X509(bio, cert), "no PEM");
	len = BIO_get_mem_data(bio, &data);
	text = input_text(data, len);
	BIO_free(bio);
	X509_free(cert);
	return text;
}

/* A certificate by the CA, whose key is that of byte 1. */
static inline char *ca_issue(uint8_t byte, const char *uri)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	ca_uri(names, uri, strlen(uri));
	return ca_pem(ca_cert(byte, 1, names));
}

/* The identity of such a certificate, that trusts this CA. */
static inline struct pki *ca_open(uint8_t byte, const char *uri)
{
	char *ca = ca_pem(ca_cert(1, 1, NULL)), *cert = ca_issue(byte, uri), path[300];
	EVP_PKEY *key = ca_key(byte);
	struct err err = { "" };
	json_t *cfg = json_object();
	struct pki *pki;
	FILE *f;

	json_object_set_new(cfg, "ca", json_string(fuzz_file("ca", ca, strlen(ca))));
	json_object_set_new(cfg, "cert",
			    json_string(fuzz_file("cert", cert, strlen(cert))));
	snprintf(path, sizeof(path), "%s/key", fuzz_dir());
	f = fopen(path, "we");
	must(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), "no key");
	fclose(f);
	json_object_set_new(cfg, "key", json_string(path));
	must(!pki_open(cfg, "test", &pki, &err), "%s", err.text);
	json_decref(cfg);
	EVP_PKEY_free(key);
	free(cert);
	free(ca);
	return pki;
}

#endif
