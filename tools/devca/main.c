// SPDX-License-Identifier: GPL-2.0
/*
 * devca: a certificate authority for development and for the demo.
 *
 *	devca init DIR DOMAIN
 *	devca issue DIR ROLE NODE NAME [SAN...]
 *	devca issue DIR -
 *
 * init makes DIR/ca.crt and DIR/ca.key. issue makes DIR/NAME.crt, DIR/NAME.key
 * for ssn://DOMAIN/ROLE/NODE; each SAN is an IP address or a DNS name. With "-" it
 * reads lines of "ROLE NODE NAME [SAN...]" from standard input. Ed25519
 * throughout: keys and signatures cost next to nothing, also in an emulated
 * CPU. The manager's CA takes this tool's place in production.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include "pki.h"

#define CA_DAYS		3650
#define CERT_DAYS	825

static const char usage[] =
	"usage: devca init DIR DOMAIN\n"
	"       devca issue DIR ROLE NODE NAME [IP|DNS...]\n"
	"       devca issue DIR -	(reads lines of ROLE NODE NAME [IP|DNS...])\n"
	"roles: owner ssa shareholder controller manager kme keyd\n";

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "devca: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(1);
}

/* A new file that nobody else may read while it is being written. */
static FILE *create(const char *dir, const char *name, const char *ext, mode_t mode)
{
	char path[4096];
	FILE *f;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s.%s", dir, name, ext) >=
	    (int)sizeof(path))
		die("%s: name too long", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		die("%s: %s%s", path, strerror(errno),
		    errno == EEXIST ? " (remove it to issue it again)" : "");
	f = fdopen(fd, "w");
	if (!f)
		die("%s: %s", path, strerror(errno));
	return f;
}

static void finish(FILE *f, int wrote, const char *name)
{
	if (!wrote || fflush(f) || fsync(fileno(f)) || fclose(f))
		die("%s: cannot be written: %s", name, strerror(errno));
}

static X509 *read_cert(const char *dir)
{
	char path[4096];
	X509 *cert;
	FILE *f;

	snprintf(path, sizeof(path), "%s/ca.crt", dir);
	f = fopen(path, "r");
	if (!f)
		die("%s: %s (devca init makes it)", path, strerror(errno));
	cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (!cert)
		die("%s: not a PEM certificate", path);
	return cert;
}

static EVP_PKEY *read_key(const char *dir)
{
	char path[4096];
	EVP_PKEY *key;
	FILE *f;

	snprintf(path, sizeof(path), "%s/ca.key", dir);
	f = fopen(path, "r");
	if (!f)
		die("%s: %s", path, strerror(errno));
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	if (!key)
		die("%s: not a PEM key", path);
	return key;
}

static void add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!ext || X509_add_ext(cert, ext, -1) != 1)
		die("extension %s '%s' refused: %s", OBJ_nid2sn(nid), value,
		    ERR_reason_error_string(ERR_peek_error()) ?: "no reason given");
	X509_EXTENSION_free(ext);
}

static X509 *new_cert(EVP_PKEY *key, const char *name, int days)
{
	unsigned char serial[16];
	X509 *cert = X509_new();
	BIGNUM *bn;

	if (!cert || RAND_bytes(serial, sizeof(serial)) != 1)
		die("no random numbers, or no memory");
	serial[0] &= 0x7f;
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	if (!bn || !BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) ||
	    !X509_set_version(cert, X509_VERSION_3) ||
	    /* an hour back: the clocks of two machines differ */
	    !X509_gmtime_adj(X509_getm_notBefore(cert), -3600) ||
	    !X509_gmtime_adj(X509_getm_notAfter(cert), days * 86400L) ||
	    !X509_set_pubkey(cert, key) ||
	    !X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
					MBSTRING_UTF8, (const void *)name, -1, -1, 0))
		die("certificate for %s cannot be made", name);
	BN_free(bn);
	return cert;
}

/* The CA's own name holds the domain: "DOMAIN development CA". */
static void init(const char *dir, const char *domain)
{
	char name[128], uri[128];
	struct pki_id id;
	EVP_PKEY *key;
	X509 *cert;
	FILE *f;

	snprintf(uri, sizeof(uri), "ssn://%s/kme/1", domain);
	if (strlen(domain) > 40 || pki_id_parse(uri, &id))
		die("'%s' is no domain: letters, digits, '-', '.', at most 40", domain);
	if (mkdir(dir, 0755) && errno != EEXIST)
		die("%s: %s", dir, strerror(errno));
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!key)
		die("no key: OpenSSL has no Ed25519");
	snprintf(name, sizeof(name), "%s development CA", domain);
	cert = new_cert(key, name, CA_DAYS);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	add_ext(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
	add_ext(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_ext(cert, cert, NID_subject_key_identifier, "hash");
	if (!X509_sign(cert, key, NULL))
		die("the CA cannot sign");
	f = create(dir, "ca", "key", 0600);
	finish(f, PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), "ca.key");
	f = create(dir, "ca", "crt", 0644);
	finish(f, PEM_write_X509(f, cert), "ca.crt");
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int ca_domain(X509 *ca, char *domain, size_t size)
{
	char name[128], *end;

	if (X509_NAME_get_text_by_NID(X509_get_subject_name(ca), NID_commonName,
				      name, sizeof(name)) <= 0)
		return -EINVAL;
	end = strstr(name, " development CA");
	if (!end || (size_t)(end - name) >= size)
		return -EINVAL;
	*end = '\0';
	strcpy(domain, name);
	return 0;
}

static void issue(const char *dir, const char *role, const char *node,
		  const char *name, char **sans)
{
	char domain[64], uri[160], san[4096];
	unsigned char addr[16];
	EVP_PKEY *key, *ca_key;
	struct pki_id id;
	X509 *cert, *ca;
	size_t len;
	FILE *f;

	if (!*name || strlen(name) > 63 ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		die("'%s' is no name: want [a-z0-9-]{1,63}", name);
	ca = read_cert(dir);
	ca_key = read_key(dir);
	if (ca_domain(ca, domain, sizeof(domain)))
		die("%s/ca.crt was not made by devca init", dir);
	snprintf(uri, sizeof(uri), "ssn://%s/%s/%s", domain, role, node);
	if (pki_id_parse(uri, &id))
		die("'%s' is no identity: check role and node id", uri);
	len = snprintf(san, sizeof(san), "URI:%s", uri);
	for (; *sans && len < sizeof(san); sans++) {
		int ip = inet_pton(AF_INET, *sans, addr) == 1 ||
			 inet_pton(AF_INET6, *sans, addr) == 1;

		if (strpbrk(*sans, ",\n "))
			die("'%s' is neither an address nor a name", *sans);
		len += snprintf(san + len, sizeof(san) - len, ",%s:%s",
				ip ? "IP" : "DNS", *sans);
	}
	if (len >= sizeof(san))
		die("too many names");
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!key)
		die("no key: OpenSSL has no Ed25519");
	cert = new_cert(key, name, CERT_DAYS);
	X509_set_issuer_name(cert, X509_get_subject_name(ca));
	add_ext(cert, ca, NID_basic_constraints, "critical,CA:FALSE");
	add_ext(cert, ca, NID_key_usage, "critical,digitalSignature");
	add_ext(cert, ca, NID_ext_key_usage, "serverAuth,clientAuth");
	add_ext(cert, ca, NID_subject_key_identifier, "hash");
	add_ext(cert, ca, NID_authority_key_identifier, "keyid");
	add_ext(cert, ca, NID_subject_alt_name, san);
	if (!X509_sign(cert, ca_key, NULL))
		die("the CA cannot sign");
	f = create(dir, name, "key", 0600);
	finish(f, PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), name);
	f = create(dir, name, "crt", 0644);
	finish(f, PEM_write_X509(f, cert), name);
	X509_free(cert);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
}

#define LINE_WORDS	64

static void issue_lines(const char *dir, FILE *from)
{
	char line[4096], *word[LINE_WORDS + 1], *rest;
	unsigned int number = 0, n;

	while (fgets(line, sizeof(line), from)) {
		number++;
		if (!strchr(line, '\n') && !feof(from))
			die("line %u: longer than %zu bytes", number, sizeof(line) - 2);
		n = 0;
		for (word[0] = strtok_r(line, " \t\n", &rest); word[n] && n < LINE_WORDS;
		     word[n] = strtok_r(NULL, " \t\n", &rest))
			n++;
		if (word[n])
			die("line %u: more than %d words", number, LINE_WORDS);
		if (!n)
			continue;
		if (n < 3)
			die("line %u: want ROLE NODE NAME [IP|DNS...]", number);
		issue(dir, word[0], word[1], word[2], word + 3);
	}
	if (ferror(from))
		die("standard input: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	umask(022);
	if (argc == 4 && !strcmp(argv[1], "init")) {
		init(argv[2], argv[3]);
	} else if (argc == 4 && !strcmp(argv[1], "issue") && !strcmp(argv[3], "-")) {
		issue_lines(argv[2], stdin);
	} else if (argc >= 6 && !strcmp(argv[1], "issue")) {
		issue(argv[2], argv[3], argv[4], argv[5], argv + 6);
	} else if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
	} else {
		fputs(usage, stderr);
		return 2;
	}
	return 0;
}
