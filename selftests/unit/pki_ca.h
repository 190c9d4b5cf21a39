/* SPDX-License-Identifier: GPL-2.0 */
/* A CA in a folder of its own, for tests; made by devca, removed at the end. */
#ifndef SELFTESTS_PKI_CA_H
#define SELFTESTS_PKI_CA_H

#include <libgen.h>
#include <limits.h>
#include <unistd.h>
#include "pki.h"
#include "tap.h"

static char ca_dir[64], ca_devca[PATH_MAX + 32];

static inline void ca_remove(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", ca_dir);
	if (system(cmd))
		diag("%s stays behind", ca_dir);
}

__attribute__((format(printf, 1, 2)))
static inline int ca_run(const char *fmt, ...)
{
	char cmd[PATH_MAX + 512];
	va_list ap;
	int n;

	n = snprintf(cmd, sizeof(cmd), "%s ", ca_devca);
	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof(cmd) - n, fmt, ap);
	va_end(ap);
	return system(cmd);
}

/* devca is where the runner says, or in build/bin, seen from the test. */
static inline void ca_make(void)
{
	const char *bin = getenv("SSN_BIN");
	char self[PATH_MAX], *slash;
	ssize_t n;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		bail("/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	slash = strstr(self, "/selftests/unit/");
	if (slash)
		*slash = '\0';
	snprintf(ca_devca, sizeof(ca_devca), "%s%s/devca", bin ? bin : self,
		 bin ? "" : "/bin");
	if (access(ca_devca, X_OK))
		bail("%s is not built", ca_devca);
	strcpy(ca_dir, "/tmp/test-ca.XXXXXX");
	if (!mkdtemp(ca_dir))
		bail("/tmp: %s", strerror(errno));
	atexit(ca_remove);
	if (ca_run("init %s/a test && %s init %s/b test", ca_dir, ca_devca, ca_dir))
		bail("devca init failed");
}

static inline json_t *ca_cfg(const char *ca, const char *name)
{
	json_t *ca_file = json_sprintf("%s/%s/ca.crt", ca_dir, ca);

	return json_pack("{s:o, s:o, s:o}", "ca", ca_file,
			 "cert", json_sprintf("%s/%s/%s.crt", ca_dir, ca, name),
			 "key", json_sprintf("%s/%s/%s.key", ca_dir, ca, name));
}

static inline struct pki *ca_open(const char *ca, const char *name)
{
	json_t *cfg = ca_cfg(ca, name);
	struct err err = { "" };
	struct pki *pki;

	if (pki_open(cfg, "test", &pki, &err))
		bail("%s", err.text);
	json_decref(cfg);
	return pki;
}

#endif
