// SPDX-License-Identifier: GPL-2.0
/*
 * One request in flight for each SAE at the other end; whole-request time limits;
 * a breaker that opens when the KME itself is out of order.
 */
#include "kme.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "https.h"
#include "keyd.h"
#include "log.h"

#define AK_PORT		5810
#define KEYS_MAX	1024		/* in one request */
#define BREAKER_AFTER	5		/* failures in a row */
#define BREAKER_MS	10000

struct kme {
	struct event_base *base;
	struct https_client *client;
	char url[256];
	struct pki_id id;
	int check_id;			/* a KME of our own PKI: by its identity */
	int64_t max_bits, max_keys, timeout_ms;
	unsigned int failures;
	uint64_t closed_until;		/* monotonic ms; 0: the breaker is closed */
	int odd_said;
	struct request *first;
};

struct request {
	struct kme *kme;
	struct request *next;
	char sae[64];
	int dec;
	size_t bytes, bits;
	struct block *block;
	struct etsi_ids *ids;
	size_t at;			/* dec: that many of them have come */
	kme_done *done;
	void *arg;
	void *call;			/* on its way */
};

static void next_of(struct kme *kme, const char *sae);

static void unlink_request(struct request *r)
{
	struct request **p = &r->kme->first;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
}

static void breaker(struct kme *kme, int failed, const char *why)
{
	if (!failed) {
		if (kme->closed_until)
			log_info("KME %s answers again", kme->url);
		kme->failures = 0;
		kme->closed_until = 0;
		alarm_clear(ALARM_KME_DOWN);
		return;
	}
	counts.kme_errors++;
	if (++kme->failures < BREAKER_AFTER)
		return;
	if (kme->failures == BREAKER_AFTER)
		alarm_raise(ALARM_KME_DOWN, "KME %s: %s", kme->url, why);
	kme->closed_until = monotonic_ms() + BREAKER_MS;
}

unsigned int kme_wait(const struct kme *kme)
{
	uint64_t now = monotonic_ms();

	return kme->closed_until > now ? kme->closed_until - now : 0;
}

static void finish(struct request *r, enum etsi_verdict v, const char *why)
{
	struct kme *kme = r->kme;
	char sae[64];

	switch (v) {
	case ETSI_AUTH:
		alarm_raise(ALARM_KME_AUTH, "KME %s: %s", kme->url, why);
		break;
	case ETSI_LEAK:
		alarm_raise(ALARM_KEY_ID_LEAK, "KME %s: %s", kme->url, why);
		break;
	case ETSI_SHARED:
		alarm_raise(ALARM_KEY_SHARED, "KME %s: %s", kme->url, why);
		break;
	case ETSI_ODD:
		alarm_raise(ALARM_KME_ODD, "KME %s: %s", kme->url, why);
		break;
	case ETSI_OK:
		alarm_clear(ALARM_KME_AUTH);
		alarm_clear(ALARM_KME_ODD);
		break;
	default:
		break;
	}
	unlink_request(r);
	strcpy(sae, r->sae);
	r->done(v, why, r->arg);
	free(r);
	next_of(kme, sae);
}

/* Libcurl's words for a handshake that did not succeed. */
static int is_tls_trouble(const char *why)
{
	return strstr(why, "certificate") || strstr(why, "SSL") || strstr(why, "alert");
}

static int start(struct request *r);

/* dec: those of the IDs that go into the next request. */
static struct etsi_ids slice(const struct request *r)
{
	size_t left = r->ids->n - r->at, most = r->kme->max_keys;

	return (struct etsi_ids){ .n = left < most ? left : most,
				  .id = r->ids->id + r->at };
}

static enum etsi_verdict keys_of(struct request *r, const void *data, size_t len,
				 struct err *err)
{
	struct etsi_ids part = slice(r);
	enum etsi_verdict v;
	int odd = 0;

	v = etsi_keys(data, len, r->dec ? &part : r->ids, r->dec, r->bits, r->block,
		      &odd, err);
	if (odd && !r->kme->odd_said++)
		log_warn("KME %s gives keys of other sizes than asked for", r->kme->url);
	if (r->dec)
		r->at += part.n;
	return v;
}

static void answered(int status, const void *data, size_t len, const char *why, void *arg)
{
	struct request *r = arg;
	struct err err = { "" };
	enum etsi_verdict v;
	char text[200];

	r->call = NULL;
	v = r->dec ? etsi_dec_status(status) : etsi_enc_status(status);
	if (v == ETSI_DOWN) {
		if (is_tls_trouble(why))
			v = ETSI_AUTH;
		breaker(r->kme, 1, why);
		snprintf(err.text, sizeof(err.text), "%s", why);
	} else if (v != ETSI_OK) {
		etsi_message(data, len, text, sizeof(text));
		err_set(&err, -EIO, "status %d %s", status, text);
		/* that it has no key now says nothing against the KME */
		breaker(r->kme, 0, NULL);
	} else {
		breaker(r->kme, 0, NULL);
		v = keys_of(r, data, len, &err);
		if (v == ETSI_OK && r->dec && r->at < r->ids->n) {
			if (!start(r))
				return;
			v = ETSI_DOWN;
		}
	}
	finish(r, v, err.text);
}

/* Two thirds of a base64 text are key; and room for what surrounds it. */
static size_t answer_limit(const struct request *r, size_t keys)
{
	return r->block->room / 3 * 4 + 512 * (keys + 8) + 65536;
}

/*
 * How many keys of how many bits: as large as this KME was seen to make them for
 * the block, and no more than a request, or a block, may have.
 */
static size_t enc_number(struct request *r)
{
	size_t want = r->bytes * 8, given = r->ids->last * 8, number, most;

	r->bits = want < (size_t)r->kme->max_bits ? want : (size_t)r->kme->max_bits;
	if (given && given < r->bits)
		r->bits = given;
	if (given < r->bits)
		given = r->bits;
	number = (want + given - 1) / given;
	most = ETSI_KEYS_MAX - r->ids->n;
	if (most > (size_t)r->kme->max_keys)
		most = r->kme->max_keys;
	return number < most ? number : most;
}

static int start(struct request *r)
{
	struct kme *kme = r->kme;
	char *path, *url = NULL, *text;
	struct etsi_ids part;
	size_t number, limit;
	json_t *body;

	if (r->dec) {
		part = slice(r);
		path = etsi_dec_path(r->sae);
		body = etsi_dec_body(&part);
		number = part.n;
	} else {
		number = enc_number(r);
		path = etsi_enc_path(r->sae);
		body = etsi_enc_body(number, r->bits);
	}
	limit = answer_limit(r, number);
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	if (path && text && asprintf(&url, "%s%s", kme->url, path) < 0)
		url = NULL;
	if (url) {
		r->call = https_call_data(kme->client, "POST", url, "application/json", text,
					  strlen(text), kme->timeout_ms, limit,
					  kme->check_id ? &kme->id : NULL, answered, r);
		text = NULL;	/* handed over */
	}
	free(text);
	free(url);
	free(path);
	json_decref(body);
	return r->call ? 0 : -ENOMEM;
}

/* The first that waits for this SAE, if none is on its way. */
static void next_of(struct kme *kme, const char *sae)
{
	struct request *r, *next = NULL;

	for (r = kme->first; r; r = r->next) {
		if (strcmp(r->sae, sae))
			continue;
		if (r->call)
			return;
		next = r;	/* the list has the newest in front */
	}
	if (next && start(next))
		finish(next, ETSI_DOWN, "out of memory");
}

static void *request(struct kme *kme, const char *sae, int dec, size_t bytes,
		     struct block *block, struct etsi_ids *ids, kme_done *done, void *arg)
{
	struct request *r = calloc(1, sizeof(*r)), *other;

	if (!r)
		return NULL;
	r->kme = kme;
	snprintf(r->sae, sizeof(r->sae), "%s", sae);
	r->dec = dec;
	r->bytes = bytes;
	r->block = block;
	r->ids = ids;
	r->done = done;
	r->arg = arg;
	r->next = kme->first;
	kme->first = r;
	for (other = r->next; other; other = other->next)
		if (!strcmp(other->sae, sae))
			return r;	/* its turn comes: next_of() */
	if (start(r)) {
		unlink_request(r);
		free(r);
		return NULL;
	}
	return r;
}

void *kme_enc(struct kme *kme, const char *sae, size_t bytes, struct block *block,
	      struct etsi_ids *ids, kme_done *done, void *arg)
{
	return request(kme, sae, 0, bytes, block, ids, done, arg);
}

void *kme_dec(struct kme *kme, const char *sae, struct block *block,
	      struct etsi_ids *ids, kme_done *done, void *arg)
{
	return request(kme, sae, 1, 0, block, ids, done, arg);
}

void kme_cancel(void *request)
{
	struct request *r = request;

	if (r->call)
		https_cancel(r->call);
	unlink_request(r);
	free(r);
}

/**
 * kme_open - get ready to ask a KME
 * @base:	event loop
 * @pki:	our identity, unless @cfg has another for this KME
 * @cfg:	"kme" of the configuration, or NULL
 * @host:	its host where @cfg has no "url": a KME of our own PKI, then, whose
 *		certificate is for role kme and our own node
 * @kme:	result, for kme_close()
 * @err:	what was wrong
 *
 * Return: 0 or a negative errno.
 */
int kme_open(struct event_base *base, struct pki *pki, const json_t *cfg,
	     const char *host, struct kme **kme, struct err *err)
{
	static const char *const keys[] = {
		"url", "identity", "ca", "cert", "key", "tls", "max_key_bits", "max_keys",
		"timeout_ms", NULL
	};
	static const char *const tls_keys[] = { "ca", "cert", "key", "tls", NULL };
	json_t *empty = json_object(), *tls = json_object();
	const char *url, *identity, *const *t;
	struct kme *k = calloc(1, sizeof(*k));
	int ret;

	*kme = NULL;
	if (!cfg)
		cfg = empty;
	if (!k || !empty || !tls) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	ret = config_only(cfg, "kme", keys, err) ?:
	      config_str(cfg, "kme", "url", "", &url, err) ?:
	      config_str(cfg, "kme", "identity", "", &identity, err) ?:
	      config_int(cfg, "kme", "max_key_bits", 8, 8 << 20, BLOCK_MAX * 8,
			 &k->max_bits, err) ?:
	      config_int(cfg, "kme", "max_keys", 1, KEYS_MAX, 128, &k->max_keys, err) ?:
	      config_int(cfg, "kme", "timeout_ms", 100, 600000, 20000, &k->timeout_ms, err);
	if (ret)
		goto out;
	if (k->max_bits % 8) {
		ret = err_set(err, -EINVAL, "kme: max_key_bits: want a multiple of 8");
		goto out;
	}
	if (*url && (strncmp(url, "https://", 8) || url[strlen(url) - 1] == '/' ||
		     strlen(url) >= sizeof(k->url))) {
		ret = err_set(err, -EINVAL,
			      "kme: url: expected https://host:port without a slash at the end");
		goto out;
	}
	if (*url)
		strcpy(k->url, url);
	else
		snprintf(k->url, sizeof(k->url),
			 strchr(host, ':') ? "https://[%.200s]:%d" : "https://%.200s:%d",
			 host, AK_PORT);
	if (*identity) {
		if (pki_id_parse(identity, &k->id)) {
			ret = err_set(err, -EINVAL,
				      "kme: identity: expected ssn://domain/kme/node");
			goto out;
		}
		k->check_id = 1;
	} else if (!*url) {
		k->id = *pki_self(pki);
		strcpy(k->id.role, "kme");
		k->check_id = 1;
	}
	for (t = tls_keys; *t; t++)
		json_object_set(tls, *t, json_object_get(cfg, *t));
	ret = https_client_new(base, pki, tls, &k->client, err);
	if (ret)
		goto out;
	k->base = base;
	*kme = k;
	k = NULL;
out:
	json_decref(empty);
	json_decref(tls);
	free(k);
	return ret;
}

/* Requests that are left are dropped without a word. */
void kme_close(struct kme *kme)
{
	if (!kme)
		return;
	while (kme->first)
		kme_cancel(kme->first);
	https_client_free(kme->client);
	free(kme);
}
