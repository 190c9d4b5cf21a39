// SPDX-License-Identifier: GPL-2.0
/* rm: deletion is proven when n-k+1 holders confirmed (PROTOCOL 4). */
#include "remove.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "policy.h"
#include "record.h"
#include "session.h"
#include "ssnsock.h"

int remove_version(struct dealer *d, const char *job, const char *object,
		   uint32_t version, const char *sig, const char *cert,
		   unsigned int *confirmed)
{
	json_t *msg;
	int ret;

	msg = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "op", "delete",
			"job", job, "object", object, "version",
			(json_int_t)version, "sig", sig, "cert", cert);
	ret = dealer_ask(d, msg, 0, NULL, NULL);
	json_decref(msg);
	*confirmed = ret < 0 ? 0 : ret;
	return ret < 0 ? ret : 0;
}

struct rm {
	const char *job, *sig, *cert;
	json_t *json;
	struct record rec;
	struct policy policy;
	const struct network_group *group;
};

/* Who asks, for what, and is it allowed? */
static int rm_check(struct session *s, const json_t *req, struct rm *rm,
		    struct err *err)
{
	struct ssad *ssad = s->ssad;
	uint8_t job[UUID_BYTES];
	const json_t *name = json_object_get(req, "name");
	struct pki_id who;
	int64_t version;
	char text[96];
	int ret;

	ret = name_check(name, err) ?:
	      config_str(req, "rm", "job", NULL, &rm->job, err) ?:
	      config_str(req, "rm", "sig", NULL, &rm->sig, err) ?:
	      config_str(req, "rm", "owner_cert", NULL, &rm->cert, err) ?:
	      config_int(req, "rm", "version", 1, UINT32_MAX, 0, &version, err);
	if (ret)
		return ret;
	if (uuid_parse(rm->job, job))
		return err_set(err, -EINVAL, "rm: job: not a UUID");
	ret = catalogue_find(ssad->cat, s->peer.node, json_string_value(name),
			     &rm->json);
	if (ret == -ENOENT)
		return recovery_wait(ssad, 0, err) ?:
		       err_set(err, ret, "no object of this name");
	if (ret)
		return err_set(err, ret, "the catalogue cannot be read");
	ret = record_read(rm->json, &rm->rec, err) ?:
	      policy_parse(rm->rec.policy, &rm->policy, err);
	if (ret)
		return ret;
	if (rm->rec.id.version != version)
		return err_set(err, -ESTALE, "version %u is stored, not %lld",
			       rm->rec.id.version, (long long)version);
	snprintf(text, sizeof(text), "delete %s %u", rm->rec.object,
		 rm->rec.id.version);
	ret = pki_verify(ssad->pki, rm->cert, text, strlen(text), rm->sig, &who, err);
	if (ret)
		return ret;
	if (strcmp(who.role, "owner") || who.node != s->peer.node)
		return err_set(err, -EACCES,
			       "the signature is that of %s %u, not of owner %u",
			       who.role, who.node, s->peer.node);
	if (rm->policy.retain_until > (uint64_t)time(NULL))
		return err_set(err, -EACCES,
			       "the policy retains it until %llu (seconds since 1970)",
			       (unsigned long long)rm->policy.retain_until);
	rm->group = network_group(&ssad->net, rm->rec.group);
	if (!rm->group)
		return err_set(err, -EHOSTUNREACH, "group %u is not known",
			       rm->rec.group);
	return 0;
}

int session_rm(struct session *s, const json_t *req)
{
	struct ssad *ssad = s->ssad;
	struct rm rm = { .json = NULL };
	struct err err = { "" };
	struct dealer *d = NULL;
	unsigned int confirmed;
	bool proven;
	int ret;

	ret = rm_check(s, req, &rm, &err);
	if (!ret)
		ret = dealer_open(&d, &ssad->net, rm.group, ssad->group_timeout_ms,
				  false, 0, 1, &err);
	if (!ret) {
		ret = catalogue_remove(ssad->cat, rm.rec.object,
				       rm.rec.id.version);
		if (ret == -ESTALE)
			err_set(&err, ret, "version %u was replaced or deleted just now",
				rm.rec.id.version);
		else if (ret)
			err_set(&err, ret, "the catalogue cannot be written: %s",
				strerror(-ret));
	}
	if (!ret) {
		ret = remove_version(d, rm.job, rm.rec.object, rm.rec.id.version,
				     rm.sig, rm.cert, &confirmed);
		if (ret)
			err_set(&err, ret, "group %u: %s", rm.rec.group,
				ssn_strerror(ret));
	}
	if (!ret) {
		proven = confirmed >= rm.rec.n - rm.rec.k + 1;
		if (proven)
			catalogue_delete(ssad->cat, rm.rec.object,
					 rm.rec.id.version);
		ret = session_send(s, json_pack("{s:s, s:s, s:i, s:b}", "re", "rm",
						"status", "done", "confirmed",
						(int)confirmed, "proven", proven));
	} else {
		ret = session_error(s, "rm", ret, &err);
	}
	dealer_close(d);
	json_decref(rm.json);
	return ret;
}
