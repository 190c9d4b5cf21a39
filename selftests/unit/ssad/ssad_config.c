// SPDX-License-Identifier: GPL-2.0
/* The agent's configuration: where coefficients come from, and in which groups. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "ssad.h"
#include "tap.h"

static char path[] = "/tmp/ssad_config.XXXXXX";

/* Group 1 of shamir, group 2 of @scheme */
static void network_write(const char *scheme)
{
	FILE *f = fopen(path, "w");
	int i;

	if (!f)
		bail("%s: %s", path, strerror(errno));
	fprintf(f, "{ \"domain\": \"example\", \"nodes\": [ { \"id\": 2, \"name\": \"ssa\", "
		"\"role\": \"ssa\", \"addr\": \"10.8.0.2:5808\" }");
	for (i = 1; i <= 3; i++)
		fprintf(f, ", { \"id\": 1%d, \"name\": \"sh%d\", \"role\": \"shareholder\", "
			"\"addr\": \"10.8.0.1%d:5808\" }", i, i, i);
	fprintf(f, "], \"groups\": [");
	for (i = 1; i <= 2; i++)
		fprintf(f, "%s { \"id\": %d, \"generation\": 1, \"scheme\": \"%s\", \"k\": 2, "
			"\"n\": 3, \"members\": [ { \"node\": 11, \"x\": 1 }, "
			"{ \"node\": 12, \"x\": 2 }, { \"node\": 13, \"x\": 3 } ] }",
			i > 1 ? "," : "", i, i > 1 ? scheme : "shamir");
	fprintf(f, "] }");
	if (fclose(f))
		bail("%s: %s", path, strerror(errno));
}

/*
 * There are no certificates here, so it ends there at the latest, with nothing of
 * the network left: 0 if it got that far, -1 if coefficients were refused.
 */
static int configure(struct ssad *ssad, const char *coefficients, struct err *err)
{
	json_t *config = json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s}}",
		"network", path, "self", "ssa", "data", "/nonexistent",
		"pki", "ca", "/nonexistent/ca", "cert", "/nonexistent/cert",
		"key", "/nonexistent/key");
	const char *data;
	int apply, ret;

	memset(ssad, 0, sizeof(*ssad));
	if (coefficients)
		json_object_set_new(config, "coefficients", json_string(coefficients));
	ret = ssad_configure(ssad, config, &data, &apply, err);
	json_decref(config);
	if (!ret)
		bail("certificates that are not there were read");
	return strstr(err->text, "coefficients") ? -1 : 0;
}

static const struct {
	const char *scheme, *coefficients;
	int ret, shamir, xor;
} cases[] = {
	{ "shamir", NULL, 0, SSN_COEFF_PAD, 0 },
	{ "shamir", "pad", 0, SSN_COEFF_PAD, 0 },
	{ "xor", NULL, 0, SSN_COEFF_PAD, SSN_COEFF_CRNG },
	{ "xor", "crng", 0, SSN_COEFF_CRNG, SSN_COEFF_CRNG },
	{ "xor", "local", 0, SSN_COEFF_LOCAL, SSN_COEFF_LOCAL },
	{ "xor", "pad", -1, 0, 0 },
	{ "xor", "", -1, 0, 0 },
	{ "shamir", "qrng", -1, 0, 0 },
};

int main(void)
{
	const struct network_group shamir = { .scheme = SSN_SCHEME_SHAMIR };
	const struct network_group xor = { .scheme = SSN_SCHEME_XOR };
	struct ssad ssad;
	struct err err;
	size_t i;
	int fd = mkstemp(path);

	if (fd < 0)
		bail("mkstemp: %s", strerror(errno));
	close(fd);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		network_write(cases[i].scheme);
		is_int(configure(&ssad, cases[i].coefficients, &err), cases[i].ret,
		       "coefficients %s where a group is %s",
		       cases[i].coefficients ? cases[i].coefficients : "left out",
		       cases[i].scheme);
		if (cases[i].shamir)
			is_int(ssad_coeff(&ssad, &shamir), cases[i].shamir,
			       "... in the group of shamir");
		if (cases[i].xor)
			is_int(ssad_coeff(&ssad, &xor), cases[i].xor,
			       "... in the group of xor");
	}
	network_write("xor");
	configure(&ssad, "pad", &err);
	ok(strstr(err.text, "group 2") && strstr(err.text, "xor") &&
	   strstr(err.text, "\"local\" or \"crng\""), "the group is named, and what to do");
	unlink(path);
	return tap_done();
}
