/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Identities: X.509 certificates whose URI SAN is ssn://<domain>/<role>/<node>
 * (role: owner, ssa, shareholder, controller, manager, kme, keyd). Certificates,
 * keys and signatures are OpenSSL's.
 */
#ifndef SSN_PKI_H
#define SSN_PKI_H

#include <stddef.h>
#include <stdint.h>
#include <openssl/ssl.h>
#include "config.h"

struct pki_id { char domain[64]; char role[16]; uint32_t node; };

struct pki;	/* own certificate and key, the CA's certificate */

/* @cfg: object with "ca", "cert", "key": paths of PEM files. */
int pki_open(const json_t *cfg, const char *where, struct pki **pki, struct err *err);
void pki_free(struct pki *pki);
const struct pki_id *pki_self(const struct pki *pki);
const char *pki_cert_pem(const struct pki *pki);	/* own certificate */

/* TLS 1.3, both sides authenticated against the CA. One context per pki. */
SSL_CTX *pki_server_ctx(struct pki *pki);
SSL_CTX *pki_client_ctx(struct pki *pki);
/* Give a context that somebody else made (libcurl) our credentials and trust. */
int pki_setup_ctx(struct pki *pki, SSL_CTX *ctx);
/* Who is at the other end? Only for a handshake that verified. */
int pki_peer_id(SSL *ssl, struct pki_id *id, struct err *err);
int pki_id_equal(const struct pki_id *a, const struct pki_id *b);
/* "ssn://domain/role/node", and the other way; -EINVAL. */
int pki_id_parse(const char *uri, struct pki_id *id);

/* Sign @data; @b64 is malloc'd. */
int pki_sign(struct pki *pki, const void *data, size_t len, char **b64, struct err *err);
/*
 * Is @b64 a signature over @data by @cert_pem, that certificate the CA's, valid
 * today, and whose? _stored: of what was accepted once; the day does not matter.
 */
int pki_verify(struct pki *pki, const char *cert_pem, const void *data, size_t len,
	       const char *b64, struct pki_id *who, struct err *err);
int pki_verify_stored(struct pki *pki, const char *cert_pem, const void *data,
		      size_t len, const char *b64, struct pki_id *who,
		      struct err *err);

#endif
