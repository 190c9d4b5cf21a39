/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An SSA for fuzz targets: node 2, with owner 1 and group 1 of the nodes 11, 12, 13
 * (x = 3, 1, 2; k = 2). Certificates and signatures are words: that of owner 1 is
 * "owner 1", and it signs with that. Wraps pki_verify, pki_verify_stored, pki_sign,
 * pki_cert_pem.
 */
#ifndef SELFTESTS_FUZZ_AGENT_H
#define SELFTESTS_FUZZ_AGENT_H

#include <fcntl.h>
#include "gather.h"
#include "session.h"
#include "ssnsock.h"
#include "still.h"

int __wrap_pki_verify(struct pki *pki, const char *cert, const void *data, size_t len,
		      const char *sig, struct pki_id *who, struct err *err);
int __wrap_pki_verify_stored(struct pki *pki, const char *cert, const void *data,
			     size_t len, const char *sig, struct pki_id *who,
			     struct err *err);
int __wrap_pki_sign(struct pki *pki, const void *data, size_t len, char **b64,
		    struct err *err);
const char *__wrap_pki_cert_pem(const struct pki *pki);

static struct ssad ssad = {
	.rebuild = PTHREAD_MUTEX_INITIALIZER, .recovery = RECOVERY_INIT,
	.coeff = SSN_COEFF_CRNG,
	.segment_bytes = SEGMENT_MIN, .group_timeout_ms = 1000, .owner_timeout_ms = 1000,
};
static struct session session = { .ssad = &ssad };
static uint64_t pad;		/* bytes in every pool */

int __wrap_pki_verify(struct pki *pki, const char *cert, const void *data, size_t len,
		      const char *sig, struct pki_id *who, struct err *err)
{
	memset(who, 0, sizeof(*who));
	strcpy(who->domain, "test");
	if (sscanf(cert, "%15[a-z] %u", who->role, &who->node) != 2 || strcmp(sig, cert))
		return err_set(err, -EKEYREJECTED, "\"%.40s\" did not sign", cert);
	return 0;
}

int __wrap_pki_verify_stored(struct pki *pki, const char *cert, const void *data,
			     size_t len, const char *sig, struct pki_id *who,
			     struct err *err)
{
	return __wrap_pki_verify(pki, cert, data, len, sig, who, err);
}

int __wrap_pki_sign(struct pki *pki, const void *data, size_t len, char **b64,
		    struct err *err)
{
	*b64 = strdup("ssa 2");
	return 0;
}

const char *__wrap_pki_cert_pem(const struct pki *pki)
{
	return "ssa 2";
}

static int agent_level(uint32_t peer, enum qkd_dir dir, enum qkd_kind kind,
		       uint64_t *bytes, void *arg)
{
	*bytes = pad;
	return 0;
}

/* Once. */
static void agent_make(void)
{
	static const char description[] =
	"{\"domain\":\"test\",\"nodes\":["
	"{\"id\":1,\"name\":\"owner\",\"role\":\"owner\",\"addr\":\"10.0.0.1:5808\"},"
	"{\"id\":2,\"name\":\"ssa\",\"role\":\"ssa\",\"addr\":\"10.0.0.2:5808\"},"
	"{\"id\":11,\"name\":\"sh1\",\"role\":\"shareholder\",\"addr\":\"10.0.0.11:5808\"},"
	"{\"id\":12,\"name\":\"sh2\",\"role\":\"shareholder\",\"addr\":\"10.0.0.12:5808\"},"
	"{\"id\":13,\"name\":\"sh3\",\"role\":\"shareholder\",\"addr\":\"10.0.0.13:5808\"}],"
	"\"groups\":[{\"id\":1,\"generation\":6,\"scheme\":\"shamir\",\"k\":2,\"n\":3,"
	"\"members\":[{\"node\":11,\"x\":3},{\"node\":12,\"x\":1},{\"node\":13,\"x\":2}]}]}";
	json_t *root = json_loads(description, 0, NULL);
	struct err err = { "" };

	must(!network_parse(root, "test", 2, &ssad.net, &err), "%s", err.text);
	json_decref(root);
	session.buf = malloc(SSN_MSG_MAX);
	session.fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);	/* always readable */
}

/* For each input. */
static void agent_open(void)
{
	pad = 1ULL << 40;
	must(!reserve_open(&ssad.res, agent_level, NULL), "no memory");
}

#endif
