// SPDX-License-Identifier: GPL-2.0
#include "pki.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "util.h"

struct pki {
	struct pki_id id;
	X509 *cert;
	EVP_PKEY *key;
	X509_STORE *trust;
	char *pem;
	SSL_CTX *server, *client;
};

/*
 * 256-bit keys only, as keys of the network pass here. AES first: every server
 * processor has instructions for it, and even an emulated one that offers them
 * spends half of what ChaCha20 takes.
 */
static const char tls_suites[] =
	"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

static const char *const pki_roles[] = {
	"owner", "ssa", "shareholder", "controller", "manager", "kme", "keyd",
};

/* OpenSSL's oldest error of this thread as text; the queue is empty after it. */
static const char *ssl_why(void)
{
	static _Thread_local char text[160];
	unsigned long e = ERR_get_error();

	ERR_clear_error();
	if (!e)
		return "no reason given";
	snprintf(text, sizeof(text), "%s",
		 ERR_reason_error_string(e) ?: "unknown error");
	return text;
}

/**
 * pki_id_parse - take "ssn://domain/role/node" apart
 * @uri:	the name; node is decimal without leading zeros, 1 to 2^32-1
 * @id:		filled in
 *
 * Return: 0, or -EINVAL where any part is missing, unknown or too long.
 */
int pki_id_parse(const char *uri, struct pki_id *id)
{
	const char *domain, *role, *node, *c;
	unsigned long long n = 0;
	size_t i;

	memset(id, 0, sizeof(*id));
	if (strncmp(uri, "ssn://", 6))
		return -EINVAL;
	domain = uri + 6;
	role = strchr(domain, '/');
	if (!role || role == domain ||
	    (size_t)(role - domain) >= sizeof(id->domain))
		return -EINVAL;
	for (c = domain; c < role; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
			return -EINVAL;
	memcpy(id->domain, domain, role - domain);
	role++;
	node = strchr(role, '/');
	if (!node || (size_t)(node - role) >= sizeof(id->role))
		return -EINVAL;
	memcpy(id->role, role, node - role);
	for (i = 0; i < sizeof(pki_roles) / sizeof(*pki_roles); i++)
		if (!strcmp(id->role, pki_roles[i]))
			break;
	if (i == sizeof(pki_roles) / sizeof(*pki_roles))
		return -EINVAL;
	node++;
	if (*node < '1' || *node > '9')
		return -EINVAL;
	for (c = node; *c; c++) {
		if (*c < '0' || *c > '9' || c - node >= 10)
			return -EINVAL;
		n = n * 10 + (*c - '0');
	}
	if (n > UINT32_MAX)
		return -EINVAL;
	id->node = n;
	return 0;
}

int pki_id_equal(const struct pki_id *a, const struct pki_id *b)
{
	return a->node == b->node && !strcmp(a->role, b->role) &&
	       !strcmp(a->domain, b->domain);
}

/* Exactly one ssn:// name: a certificate that speaks for two nodes is refused. */
static int cert_id(X509 *cert, struct pki_id *id, struct err *err)
{
	GENERAL_NAMES *names;
	int i, found = 0, ret = 0;

	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
		const char *uri;
		int len;

		if (n->type != GEN_URI)
			continue;
		uri = (const char *)ASN1_STRING_get0_data(n->d.uniformResourceIdentifier);
		len = ASN1_STRING_length(n->d.uniformResourceIdentifier);
		if (len < 6 || memcmp(uri, "ssn://", 6))
			continue;
		if (strlen(uri) != (size_t)len || pki_id_parse(uri, id))
			ret = err_set(err, -EINVAL,
				      "certificate's name ssn://... is malformed: want ssn://domain/role/node");
		found++;
	}
	GENERAL_NAMES_free(names);
	if (ret)
		return ret;
	if (found != 1)
		return err_set(err, -EINVAL,
			       "certificate has %d names ssn://domain/role/node: want one",
			       found);
	return 0;
}

static int load_pem(const char *path, X509 **cert, EVP_PKEY **key, struct err *err)
{
	BIO *bio = BIO_new_file(path, "r");

	if (!bio) {
		ERR_clear_error();
		return err_set(err, -ENOENT, "%s: %s", path, strerror(errno));
	}
	if (cert)
		*cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	else
		*key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (cert ? !*cert : !*key)
		return err_set(err, -EINVAL, "%s: not a PEM %s: %s", path,
			       cert ? "certificate" : "private key", ssl_why());
	return 0;
}

enum validity { VALID_TODAY, VALID_ONCE };

/* Is @cert issued by our CA, and valid today, where that is asked? */
static int cert_check(struct pki *pki, X509 *cert, enum validity when,
		      struct err *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int ret = 0;

	if (!ctx || X509_STORE_CTX_init(ctx, pki->trust, cert, NULL) != 1) {
		ret = err_set(err, -ENOMEM, "certificate check: %s", ssl_why());
		goto out;
	}
	if (when == VALID_ONCE)
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
	if (X509_verify_cert(ctx) != 1)
		ret = err_set(err, -EKEYREJECTED, "certificate refused: %s",
			      X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
out:
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return ret;
}

static char *cert_to_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem = NULL;
	long len;

	if (bio && PEM_write_bio_X509(bio, cert)) {
		len = BIO_get_mem_data(bio, &data);
		pem = strndup(data, len);
	}
	BIO_free(bio);
	return pem;
}

/**
 * pki_setup_ctx - give a TLS context our certificate, key and trust
 * @pki:	identity; keeps its references
 * @ctx:	context, made by us or by libcurl
 *
 * Return: 0 or -EIO.
 */
int pki_setup_ctx(struct pki *pki, SSL_CTX *ctx)
{
	SSL_CTX_set1_cert_store(ctx, pki->trust);
	if (SSL_CTX_use_certificate(ctx, pki->cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, pki->key) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, tls_suites) != 1)
		return -EIO;
	/* a session of its own for every connection: nothing to steal or resume */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return 0;
}

static SSL_CTX *tls_ctx(struct pki *pki, const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    pki_setup_ctx(pki, ctx)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   NULL);
	return ctx;
}

/**
 * pki_open - read an identity
 * @cfg:	object with "ca", "cert", "key": paths of PEM files
 * @where:	names @cfg in errors
 * @pki:	result, for pki_free()
 * @err:	what was wrong
 *
 * The certificate must carry exactly one ssn:// name, be the CA's, be valid
 * today, and belong to the key. Privileges may be dropped afterwards: the files
 * are not opened again.
 *
 * Return: 0, -EINVAL, -ENOENT, -EKEYREJECTED, -ENOMEM.
 */
int pki_open(const json_t *cfg, const char *where, struct pki **pki, struct err *err)
{
	static const char *const keys[] = { "ca", "cert", "key", NULL };
	const char *ca_path, *cert_path, *key_path;
	X509 *ca = NULL;
	struct pki *p;
	int ret;

	*pki = NULL;
	if (!json_is_object(cfg))
		return err_set(err, -EINVAL,
			       "%s: expected an object with \"ca\", \"cert\", \"key\"",
			       where);
	ret = config_only(cfg, where, keys, err);
	if (!ret)
		ret = config_str(cfg, where, "ca", NULL, &ca_path, err);
	if (!ret)
		ret = config_str(cfg, where, "cert", NULL, &cert_path, err);
	if (!ret)
		ret = config_str(cfg, where, "key", NULL, &key_path, err);
	if (ret)
		return ret;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	ret = load_pem(ca_path, &ca, NULL, err);
	if (!ret)
		ret = load_pem(cert_path, &p->cert, NULL, err);
	if (!ret)
		ret = load_pem(key_path, NULL, &p->key, err);
	if (ret)
		goto err_free;
	p->trust = X509_STORE_new();
	p->pem = cert_to_pem(p->cert);
	if (!p->trust || !p->pem || X509_STORE_add_cert(p->trust, ca) != 1) {
		ret = err_set(err, -ENOMEM, "%s: %s", ca_path, ssl_why());
		goto err_free;
	}
	ret = cert_id(p->cert, &p->id, err);
	if (!ret)
		ret = cert_check(p, p->cert, VALID_TODAY, err);
	if (!ret && X509_check_private_key(p->cert, p->key) != 1) {
		ERR_clear_error();
		ret = err_set(err, -EINVAL, "the key in %s is another one", key_path);
	}
	if (ret) {
		char why[sizeof(err->text)];

		memcpy(why, err->text, sizeof(why));
		err_set(err, ret, "%.200s: %.300s", cert_path, why);
		goto err_free;
	}
	p->server = tls_ctx(p, TLS_server_method());
	p->client = tls_ctx(p, TLS_client_method());
	if (!p->server || !p->client) {
		ret = err_set(err, -ENOMEM, "TLS: %s", ssl_why());
		goto err_free;
	}
	X509_free(ca);
	*pki = p;
	return 0;
err_free:
	X509_free(ca);
	pki_free(p);
	return ret;
}

void pki_free(struct pki *pki)
{
	if (!pki)
		return;
	SSL_CTX_free(pki->server);
	SSL_CTX_free(pki->client);
	X509_STORE_free(pki->trust);
	EVP_PKEY_free(pki->key);
	X509_free(pki->cert);
	free(pki->pem);
	free(pki);
}

const struct pki_id *pki_self(const struct pki *pki)
{
	return &pki->id;
}

const char *pki_cert_pem(const struct pki *pki)
{
	return pki->pem;
}

SSL_CTX *pki_server_ctx(struct pki *pki)
{
	return pki->server;
}

SSL_CTX *pki_client_ctx(struct pki *pki)
{
	return pki->client;
}

int pki_peer_id(SSL *ssl, struct pki_id *id, struct err *err)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);

	memset(id, 0, sizeof(*id));
	if (!cert || SSL_get_verify_result(ssl) != X509_V_OK)
		return err_set(err, -EKEYREJECTED, "the peer showed no valid certificate");
	return cert_id(cert, id, err);
}

/* Ed25519 and Ed448 hash by themselves. */
static const EVP_MD *key_digest(EVP_PKEY *key)
{
	int type = EVP_PKEY_get_base_id(key);

	return type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448 ? NULL
								  : EVP_sha256();
}

/**
 * pki_sign - sign with the own key
 * @pki:	identity
 * @data:	what is signed, @len bytes
 * @len:	length
 * @b64:	signature in base64, the caller's to free()
 * @err:	what was wrong
 *
 * Return: 0, -ENOMEM or -EIO.
 */
int pki_sign(struct pki *pki, const void *data, size_t len, char **b64, struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[1024];
	size_t sig_len = sizeof(sig);
	int ret = 0;

	*b64 = NULL;
	if (!ctx ||
	    EVP_DigestSignInit(ctx, NULL, key_digest(pki->key), NULL, pki->key) != 1 ||
	    EVP_DigestSign(ctx, sig, &sig_len, data, len) != 1) {
		ret = err_set(err, -EIO, "signing failed: %s", ssl_why());
		goto out;
	}
	*b64 = malloc((sig_len + 2) / 3 * 4 + 1);
	if (!*b64) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	EVP_EncodeBlock((unsigned char *)*b64, sig, sig_len);
out:
	EVP_MD_CTX_free(ctx);
	return ret;
}

static int verify(struct pki *pki, const char *cert_pem, enum validity when,
		  const void *data, size_t len, const char *b64,
		  struct pki_id *who, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(cert_pem, -1);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	EVP_MD_CTX *ctx = NULL;
	unsigned char sig[1024];
	int sig_len, ret;
	EVP_PKEY *key;

	BIO_free(bio);
	memset(who, 0, sizeof(*who));
	if (!cert)
		return err_set(err, -EINVAL, "signer's certificate is not PEM: %s",
			       ssl_why());
	ret = cert_check(pki, cert, when, err);
	if (!ret)
		ret = cert_id(cert, who, err);
	if (ret)
		goto out;
	sig_len = strlen(b64) / 4 * 3 > sizeof(sig) ? -EINVAL :
		  base64_read(b64, strlen(b64), sig);
	if (sig_len <= 0) {
		ret = err_set(err, -EINVAL, "signature is not base64");
		goto out;
	}
	key = X509_get0_pubkey(cert);
	ctx = EVP_MD_CTX_new();
	if (!ctx || !key ||
	    EVP_DigestVerifyInit(ctx, NULL, key_digest(key), NULL, key) != 1) {
		ret = err_set(err, -ENOMEM, "signature check: %s", ssl_why());
		goto out;
	}
	if (EVP_DigestVerify(ctx, sig, sig_len, data, len) != 1)
		ret = err_set(err, -EKEYREJECTED,
			      "the signature does not fit: not signed by %s %u, or changed since",
			      who->role, who->node);
	ERR_clear_error();
out:
	EVP_MD_CTX_free(ctx);
	X509_free(cert);
	return ret;
}

/**
 * pki_verify - check a signature and its signer's certificate, today
 * @pki:	whose CA decides
 * @cert_pem:	the signer's certificate
 * @data:	what was signed, @len bytes
 * @len:	length
 * @b64:	signature as pki_sign() makes it
 * @who:	filled in with the signer's identity
 * @err:	what was wrong
 *
 * Return: 0; -EKEYREJECTED when the certificate is not the CA's or not valid
 * today, or the signature is wrong; -EINVAL when something is malformed; -ENOMEM.
 */
int pki_verify(struct pki *pki, const char *cert_pem, const void *data, size_t len,
	       const char *b64, struct pki_id *who, struct err *err)
{
	return verify(pki, cert_pem, VALID_TODAY, data, len, b64, who, err);
}

/**
 * pki_verify_stored - the same, of what was accepted once and kept since
 *
 * As pki_verify(), whatever day it is: a certificate that has expired meanwhile
 * makes nothing wrong that was signed under it. Only for what pki_verify()
 * accepted when it came, and what nobody can have put in its place.
 */
int pki_verify_stored(struct pki *pki, const char *cert_pem, const void *data,
		      size_t len, const char *b64, struct pki_id *who,
		      struct err *err)
{
	return verify(pki, cert_pem, VALID_ONCE, data, len, b64, who, err);
}
