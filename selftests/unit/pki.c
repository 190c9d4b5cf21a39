// SPDX-License-Identifier: GPL-2.0
/* Identities, signatures, and what the development CA makes. */
#include <sys/stat.h>
#include "clock.h"
#include "pki_ca.h"

static void test_names(void)
{
	static const char *const bad[] = {
		"ssn://example/ssa/0", "ssn://example/ssa/01", "ssn://example/ssa/",
		"ssn://example/ssa", "ssn:///ssa/1", "ssn://example/king/1",
		"ssn://example/ssa/4294967296", "ssn://example/ssa/1/", "",
		"ssn://example/ssa/-1", "http://example/ssa/1", "ssn://a b/ssa/1",
		"ssn://example/ssa/99999999999999999999",
	};
	struct pki_id id;
	size_t i;

	is_int(pki_id_parse("ssn://example.org/shareholder/4294967295", &id), 0,
	       "a name is read");
	ok(!strcmp(id.domain, "example.org") && !strcmp(id.role, "shareholder") &&
	   id.node == UINT32_MAX, "into its parts");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(pki_id_parse(bad[i], &id), -EINVAL, "no name: '%s'", bad[i]);
}

static void test_open(void)
{
	struct err err = { "" };
	json_t *cfg = ca_cfg("a", "ssa");
	struct pki *pki;
	char path[128];
	struct stat st;

	is_int(pki_open(cfg, "test", &pki, &err), 0, "an identity opens");
	ok(pki_self(pki)->node == 2 && !strcmp(pki_self(pki)->role, "ssa"), "and is the right one");
	pki_free(pki);
	json_object_set_new(cfg, "ca", json_sprintf("%s/b/ca.crt", ca_dir));
	is_int(pki_open(cfg, "test", &pki, &err), -EKEYREJECTED, "not under another CA");
	json_decref(cfg);
	cfg = ca_cfg("a", "ssa");
	json_object_set_new(cfg, "key", json_sprintf("%s/a/sh1.key", ca_dir));
	is_int(pki_open(cfg, "test", &pki, &err), -EINVAL, "not with another's key");
	json_object_set_new(cfg, "key", json_string("/nowhere"));
	is_int(pki_open(cfg, "test", &pki, &err), -ENOENT, "not without a key");
	ok(strstr(err.text, "/nowhere"), "the error names the file");
	json_object_set_new(cfg, "kee", json_true());
	is_int(pki_open(cfg, "test", &pki, &err), -EINVAL, "a misspelt word is refused");
	json_decref(cfg);
	snprintf(path, sizeof(path), "%s/a/ssa.key", ca_dir);
	ok(!stat(path, &st) && (st.st_mode & 0777) == 0600, "a key is its owner's only");
	ok(ca_run("issue %s/a ssa 2 ssa 2>/dev/null", ca_dir), "no name twice");
	ok(ca_run("issue %s/a king 2 king 2>/dev/null", ca_dir), "no unknown role");
}

static void test_sign(void)
{
	struct pki *a = ca_open("a", "ssa"), *b = ca_open("b", "ssa");
	struct err err = { "" };
	struct pki_id who;
	char *sig;

	is_int(pki_sign(a, "policy", 6, &sig, &err), 0, "a signature is made");
	is_int(pki_verify(a, pki_cert_pem(a), "policy", 6, sig, &who, &err), 0,
	       "and verifies");
	ok(pki_id_equal(&who, pki_self(a)), "and says whose");
	is_int(pki_verify(a, pki_cert_pem(a), "Policy", 6, sig, &who, &err),
	       -EKEYREJECTED, "not over other data");
	is_int(pki_verify(b, pki_cert_pem(a), "policy", 6, sig, &who, &err),
	       -EKEYREJECTED, "not by a signer of another CA");
	later = 100 * 365 * 86400L;
	is_int(pki_verify(a, pki_cert_pem(a), "policy", 6, sig, &who, &err),
	       -EKEYREJECTED, "not when the certificate has expired");
	is_int(pki_verify_stored(a, pki_cert_pem(a), "policy", 6, sig, &who, &err),
	       0, "unless it was accepted before");
	is_int(pki_verify_stored(b, pki_cert_pem(a), "policy", 6, sig, &who, &err),
	       -EKEYREJECTED, "which another CA's never was");
	is_int(pki_verify_stored(a, pki_cert_pem(a), "Policy", 6, sig, &who, &err),
	       -EKEYREJECTED, "nor other data");
	later = 0;
	sig[5] = sig[5] == 'A' ? 'B' : 'A';
	is_int(pki_verify(a, pki_cert_pem(a), "policy", 6, sig, &who, &err),
	       -EKEYREJECTED, "not when it was changed");
	is_int(pki_verify(a, pki_cert_pem(a), "policy", 6, "!!", &who, &err), -EINVAL,
	       "not when it is no base64");
	is_int(pki_verify(a, "no pem", "policy", 6, sig, &who, &err), -EINVAL,
	       "not with a certificate that is none");
	free(sig);
	pki_free(a);
	pki_free(b);
}

/* Certificates by lines, as a network's are made */
static void test_lines(void)
{
	struct pki *pki;

	is_int(ca_run("issue %s/a - <<END\n"
		      "keyd 2 ssa-keyd 10.58.0.2\n"
		      "\n"
		      "kme 2 ssa-kme 10.58.0.2 kme.example\n"
		      "END", ca_dir), 0, "devca issues what lines say");
	pki = ca_open("a", "ssa-kme");
	ok(!strcmp(pki_self(pki)->role, "kme") && pki_self(pki)->node == 2,
	   "each with its identity");
	pki_free(pki);
	pki = ca_open("a", "ssa-keyd");
	ok(!strcmp(pki_self(pki)->role, "keyd"), "the first one, too");
	pki_free(pki);
	ok(ca_run("issue %s/a - 2>&1 <<END | grep -q 'line 2: want ROLE NODE NAME'\n"
		  "kme 3 sh1-kme 10.58.0.11\n"
		  "kme 3\n"
		  "END", ca_dir) == 0, "a line that lacks words is named");
}

int main(void)
{
	ca_make();
	if (ca_run("issue %s/a ssa 2 ssa", ca_dir) ||
	    ca_run("issue %s/a shareholder 11 sh1", ca_dir) ||
	    ca_run("issue %s/b ssa 2 ssa", ca_dir))
		bail("devca issue failed");
	test_names();
	test_open();
	test_sign();
	test_lines();
	return tap_done();
}
