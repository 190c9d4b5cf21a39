// SPDX-License-Identifier: GPL-2.0
#include "ssad.h"

#include <errno.h>
#include <string.h>

#include "scheme.h"
#include "segment.h"

static const char *const coeff_names[] = {
	[SSN_COEFF_PAD] = "pad", [SSN_COEFF_LOCAL] = "local",
	[SSN_COEFF_CRNG] = "crng",
};

const char *coeff_name(int coeff)
{
	return coeff_names[coeff];
}

int coeff_parse(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(coeff_names) / sizeof(coeff_names[0]); i++)
		if (coeff_names[i] && !strcmp(name, coeff_names[i]))
			return i;
	return -EINVAL;
}

const char *ssad_node_name(uint32_t node, void *arg)
{
	const struct ssad *ssad = arg;
	const struct network_node *n = network_node(&ssad->net, node);

	return n ? n->name : "?";
}

static bool pad_possible(const struct network_group *group)
{
	return ssn_scheme_find(group->scheme)->fill_weights;
}

int ssad_coeff(const struct ssad *ssad, const struct network_group *group)
{
	if (ssad->coeff)
		return ssad->coeff;
	return pad_possible(group) ? SSN_COEFF_PAD : SSN_COEFF_CRNG;
}

/* What was asked for has to be possible in each group */
static int coeff_check(const struct ssad *ssad, struct err *err)
{
	const struct network_group *group;
	size_t i;

	for (i = 0; ssad->coeff == SSN_COEFF_PAD && i < ssad->net.groups; i++) {
		group = &ssad->net.group[i];
		if (!pad_possible(group))
			return err_set(err, -EINVAL,
				       "ssad: coefficients: \"pad\" cannot be in group %u, whose scheme is %s: leave it out, or take \"local\" or \"crng\"",
				       group->id, network_scheme_name(group->scheme));
	}
	return 0;
}

int ssad_configure(struct ssad *ssad, const json_t *config, const char **data,
		   int *apply, struct err *err)
{
	static const char *const keys[] = {
		"network", "self", "data", "pki", "coefficients", "segment_bytes",
		"group_timeout_ms", "owner_timeout_ms", "apply_network", "user", NULL
	};
	const char *network, *self, *coefficients;
	int64_t segment, group_ms, owner_ms;
	const struct network_node *node;
	int ret;

	ret = config_only(config, "ssad", keys, err) ?:
	      config_str(config, "ssad", "network", NULL, &network, err) ?:
	      config_str(config, "ssad", "self", NULL, &self, err) ?:
	      config_str(config, "ssad", "data", NULL, data, err) ?:
	      config_str(config, "ssad", "coefficients", "pad", &coefficients, err) ?:
	      config_int(config, "ssad", "segment_bytes", SEGMENT_MIN, SEGMENT_MAX,
			 SEGMENT_DEFAULT, &segment, err) ?:
	      config_int(config, "ssad", "group_timeout_ms", 100, 600000, 15000,
			 &group_ms, err) ?:
	      config_int(config, "ssad", "owner_timeout_ms", 1000, 3600000, 120000,
			 &owner_ms, err) ?:
	      config_bool(config, "ssad", "apply_network", 1, apply, err);
	if (ret)
		return ret;
	ssad->coeff = coeff_parse(coefficients);
	if (ssad->coeff < 0)
		return err_set(err, -EINVAL,
			       "ssad: coefficients: \"%s\" is none of \"pad\", \"local\", \"crng\"",
			       coefficients);
	if (!json_object_get(config, "coefficients"))
		ssad->coeff = 0;
	ssad->segment_bytes = segment;
	ssad->group_timeout_ms = group_ms;
	ssad->owner_timeout_ms = owner_ms;
	ret = network_load(network, 0, &ssad->net, err);
	if (ret)
		return ret;
	ret = coeff_check(ssad, err);
	if (ret)
		goto err_net;
	node = network_find(&ssad->net, self);
	if (!node || node->role != SSN_ROLE_SSA) {
		ret = err_set(err, -EINVAL, "ssad: self: \"%s\" is %s in %s", self,
			      node ? "not an SSA" : "no node", network);
		goto err_net;
	}
	ssad->net.self = node->id;
	ret = pki_open(json_object_get(config, "pki"), "ssad: pki", &ssad->pki, err);
	if (ret)
		goto err_net;
	if (strcmp(pki_self(ssad->pki)->role, "ssa") ||
	    pki_self(ssad->pki)->node != node->id) {
		ret = err_set(err, -EINVAL,
			      "ssad: pki: the certificate is that of %s %u, not of ssa %u",
			      pki_self(ssad->pki)->role, pki_self(ssad->pki)->node,
			      node->id);
		goto err_pki;
	}
	return 0;

err_pki:
	pki_free(ssad->pki);
	ssad->pki = NULL;
err_net:
	network_free(&ssad->net);
	return ret;
}
