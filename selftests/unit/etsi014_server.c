// SPDX-License-Identifier: GPL-2.0
/*
 * qkdsim as an SAE sees it: three KMEs on loopback, ETSI GS QKD 014 V1.1.1 by the
 * letter. Site a has two SAEs.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "https.h"
#include "pki_ca.h"
#include "util.h"

#define HOST	"https://127.0.0.1:"

static const char *const port[] = { "19421", "19422", "19423" };	/* no ephemeral ones */
static const char *const site[] = { "a", "b", "c" };
static pid_t pid[3];
static struct event_base *base;
static struct https_client *sae_a, *sae_a2, *sae_b, *sae_c, *ssa;

static struct { int done, status; json_t *body; char why[200]; } got;

static void done(int status, const json_t *body, const char *why, void *arg)
{
	got.done = 1;
	got.status = status;
	got.body = json_deep_copy(body);
	snprintf(got.why, sizeof(got.why), "%s", why ?: "");
	event_base_loopbreak(base);
}

/* Takes @body's reference. */
static int call(struct https_client *c, int at, const char *method, const char *path,
		json_t *body)
{
	char url[512];

	json_decref(got.body);
	memset(&got, 0, sizeof(got));
	snprintf(url, sizeof(url), HOST "%s/api/v1/keys/%s", port[at], path);
	if (!https_call(c, method, url, body, 5000, 4 << 20, NULL, done, NULL))
		bail("no memory");
	json_decref(body);
	while (!got.done)
		event_base_dispatch(base);
	return got.status;
}

static const char *message(void)
{
	return json_string_value(json_object_get(got.body, "message")) ?: got.why;
}

static size_t number(void)
{
	return json_array_size(json_object_get(got.body, "keys"));
}

static const char *key(size_t i, const char *what)
{
	return json_string_value(json_object_get(
		json_array_get(json_object_get(got.body, "keys"), i), what));
}

static json_t *ids(const json_t *container)
{
	json_t *list = json_array(), *k;
	size_t i;

	json_array_foreach(json_object_get(container, "keys"), i, k)
		json_array_append_new(list, json_pack("{s:O}", "key_ID",
						      json_object_get(k, "key_ID")));
	return json_pack("{s:o}", "key_IDs", list);
}

static void test_status(void)
{
	static const char *const texts[] = { "source_KME_ID", "target_KME_ID",
					     "master_SAE_ID", "slave_SAE_ID" };
	static const char *const figures[] = { "key_size", "stored_key_count",
		"max_key_count", "max_key_per_request", "max_key_size", "min_key_size",
		"max_SAE_ID_count" };
	size_t i, wrong = 0;

	is_int(call(sae_a, 0, "GET", "b/status", NULL), 200, "status");
	for (i = 0; i < 4; i++)
		wrong += !json_is_string(json_object_get(got.body, texts[i]));
	for (i = 0; i < 7; i++)
		wrong += !json_is_integer(json_object_get(got.body, figures[i]));
	is_int(wrong, 0, "all of its fields, each of its type");
	ok(!strcmp("KME-a", json_string_value(json_object_get(got.body, texts[0]))) &&
	   !strcmp("KME-b", json_string_value(json_object_get(got.body, texts[1]))) &&
	   !strcmp("a", json_string_value(json_object_get(got.body, texts[2]))) &&
	   !strcmp("b", json_string_value(json_object_get(got.body, texts[3]))),
	   "and who is who");
}

static void test_keys(void)
{
	json_t *enc, *want;
	char path[128];
	size_t i;

	is_int(call(sae_a, 0, "GET", "b/enc_keys", NULL), 200, "GET enc_keys");
	ok(number() == 1 && strlen(key(0, "key")) == 44 && strlen(key(0, "key_ID")) == 36,
	   "gives one key of 256 bits");
	enc = json_incref(got.body);
	snprintf(path, sizeof(path), "a/dec_keys?key_ID=%s", key(0, "key_ID"));
	is_int(call(sae_b, 1, "GET", path, NULL), 200, "GET dec_keys");
	ok(json_equal(enc, got.body), "gives the other site the same key");
	is_int(call(sae_b, 1, "GET", path, NULL), 400, "each key is delivered once");
	is_str(message(), "one or more keys specified are not found on KME", "as the standard says it");
	json_decref(enc);

	is_int(call(sae_a, 0, "GET", "b/enc_keys?number=3&size=64", NULL), 200, "GET with number and size");
	ok(number() == 3 && strlen(key(2, "key")) == 12, "gives three of 64 bits");
	is_int(call(sae_a, 0, "POST", "b/enc_keys", json_pack("{s:i, s:i}", "number", 4,
							      "size", 8355840)),
	       0, "four keys of a mebibyte exceed this client's limit");
	is_int(call(sae_a, 0, "POST", "b/enc_keys", json_pack("{s:i, s:i}", "number", 2,
							      "size", 8355840)), 200,
	       "POST: two keys of a mebibyte");
	enc = json_incref(got.body);
	want = ids(enc);
	json_array_append_new(json_object_get(want, "key_IDs"),
			      json_pack("{s:s}", "key_ID", "00000000-0000-4000-8000-000000000000"));
	is_int(call(sae_b, 1, "POST", "a/dec_keys", want), 400, "one unknown ID among them");
	is_int(call(sae_b, 1, "POST", "a/dec_keys", ids(enc)), 200,
	       "takes none of them out of the store");
	ok(json_equal(enc, got.body), "they are the same");
	json_decref(enc);

	call(sae_a, 0, "POST", "b/enc_keys", NULL);
	is_int(got.status, 200, "POST without a body");
	enc = json_incref(got.body);
	want = ids(enc);
	json_array_append(json_object_get(want, "key_IDs"),
			  json_array_get(json_object_get(want, "key_IDs"), 0));
	is_int(call(sae_b, 1, "POST", "a/dec_keys", want), 400, "an ID twice in one request");
	is_int(call(sae_c, 2, "POST", "a/dec_keys", ids(enc)), 400, "another site knows nothing of it");
	is_int(call(sae_b, 1, "POST", "a/dec_keys", ids(enc)), 200, "the right one does");
	json_decref(enc);

	for (i = 0; i < 2; i++) {	/* to the own site, and back */
		is_int(call(i ? sae_a2 : sae_a, 0, "GET", i ? "a/enc_keys" : "a2/enc_keys",
			    NULL), 200, "two SAEs of one site");
		enc = json_incref(got.body);
		is_int(call(i ? sae_a : sae_a2, 0, "POST", i ? "a2/dec_keys" : "a/dec_keys",
			    ids(enc)), 200, "have keys too");
		ok(json_equal(enc, got.body), "the same ones");
		json_decref(enc);
	}
}

static void test_several(void)
{
	json_t *enc;

	is_int(call(sae_b, 1, "POST", "a/enc_keys",
		    json_pack("{s:[s]}", "additional_slave_SAE_IDs", "c")), 200,
	       "a key for two slaves");
	enc = json_incref(got.body);
	is_int(call(sae_a2, 0, "POST", "b/dec_keys", ids(enc)), 401,
	       "an SAE that was not named gets 401");
	ok(!got.body, "without a body");
	is_int(call(sae_a, 0, "POST", "b/dec_keys", ids(enc)), 200, "the first slave");
	ok(json_equal(enc, got.body), "has it");
	is_int(call(sae_c, 2, "POST", "b/dec_keys", ids(enc)), 200, "the second slave");
	ok(json_equal(enc, got.body), "has it");
	json_decref(enc);
	is_int(call(sae_b, 1, "POST", "a/enc_keys",
		    json_pack("{s:[s]}", "additional_slave_SAE_IDs", "nobody")), 400,
	       "not for an SAE that does not exist");
}

static void test_refused(void)
{
	static const struct { const char *body, *message; } cases[] = {
		{ "{\"size\":100}", "size shall be a multiple of 8" },
		{ "{\"size\":8}", "parameter out of range" },
		{ "{\"size\":16777216}", "parameter out of range" },
		{ "{\"number\":0}", "parameter out of range" },
		{ "{\"number\":129}", "parameter out of range" },
		{ "{\"number\":\"1\"}", "parameter out of range" },
		{ "{\"number\":128,\"size\":8388608}", "parameter out of range" },
		{ "{\"extension_mandatory\":[{\"acme_route\":\"x\"}]}",
		  "not all extension_mandatory parameters are supported" },
		{ "{\"extension_mandatory\":[{\"qkdsim_path_otp\":true}]}",
		  "not all extension_mandatory request options could be met" },
		{ "{\"extension_optional\":7}", "not all extension_optional request options handled" },
		{ "[]", "the body is no JSON object" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		is_int(call(sae_a, 0, "POST", "b/enc_keys", json_loads(cases[i].body, 0, NULL)),
		       400, "400 for %s", cases[i].body);
		is_str(message(), cases[i].message, "says why");
	}
	is_int(call(sae_a, 0, "POST", "b/enc_keys",
		    json_loads("{\"extension_mandatory\":[{\"qkdsim_path_otp\":false}],"
			       "\"extension_optional\":[{\"acme_x\":1}]}", 0, NULL)), 200,
	       "an extension that can be met, and an optional one that nobody knows");
	is_int(call(sae_a, 0, "GET", "b/enc_keys?number=x", NULL), 400, "a number that is none");
	is_int(call(sae_a, 0, "GET", "b/enc_keys?colour=1", NULL), 400, "an unknown parameter");
	is_int(call(sae_a, 0, "GET", "b/dec_keys", NULL), 400, "dec_keys without an ID");
	is_int(call(sae_a, 0, "GET", "nobody/status", NULL), 400, "an SAE that does not exist");
	is_int(call(sae_a, 0, "GET", "a/status", NULL), 400, "oneself");
	is_int(call(sae_a, 0, "GET", "b/other", NULL), 404, "an unknown method");
	is_int(call(sae_a, 0, "DELETE", "b/enc_keys", NULL), 405, "an unknown verb");
	is_int(call(sae_b, 0, "GET", "a/enc_keys", NULL), 401, "an SAE of another site");
	is_int(call(ssa, 0, "GET", "b/enc_keys", NULL), 401, "a certificate that is no SAE's");
}

/* KME c has a stock of 1024 bits and makes 3000 bits per second. */
static void test_rate(void)
{
	uint64_t start;
	int tries = 0;

	is_int(call(sae_c, 2, "GET", "a/enc_keys?number=4&size=256", NULL), 200, "all of a small stock");
	start = monotonic_ms();
	while (call(sae_c, 2, "GET", "a/enc_keys?number=4&size=256", NULL) == 503 &&
	       monotonic_ms() - start < 30000)
		tries++;
	ok(got.status == 200 && tries, "503 until the link has made more (%d times)", tries);
	is_int(call(sae_c, 2, "GET", "a/enc_keys?number=5&size=256", NULL), 503,
	       "never more than the stock holds");
	is_str(message(), "not enough keys", "which it says");
}

static void test_other_down(void)
{
	kill(pid[1], SIGKILL);
	waitpid(pid[1], NULL, 0);
	pid[1] = 0;
	is_int(call(sae_a, 0, "GET", "b/enc_keys", NULL), 503, "no keys with a site that is down");
	is_int(call(sae_a, 0, "GET", "c/enc_keys", NULL), 200, "but with others");
}

static void write_configs(void)
{
	char path[128];
	FILE *f;
	int i;

	snprintf(path, sizeof(path), "%s/net.json", ca_dir);
	f = fopen(path, "w");
	fprintf(f, "{\"domain\":\"test\",\"groups\":[],\"nodes\":[");
	for (i = 0; i < 4; i++)
		fprintf(f, "%s{\"id\":%d,\"name\":\"%s\",\"role\":\"shareholder\","
			"\"addr\":\"127.0.0.1:5%03d\",\"ax\":\"127.0.0.1:6%03d\",\"sae\":\"%s\"}",
			i ? "," : "", i + 1, i < 3 ? site[i] : "a2", i, i, i < 3 ? site[i] : "a2");
	fprintf(f, "]}");
	fclose(f);
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s.json", ca_dir, site[i]);
		f = fopen(path, "w");
		fprintf(f, "{\"network\":\"%s/net.json\",\"self\":\"%s\",%s\"kmes\":["
			"{\"id\":\"KME-a\",\"addr\":\"127.0.0.1:%s\",\"node\":\"a\",\"saes\":[\"a\",\"a2\"]},"
			"{\"id\":\"KME-b\",\"addr\":\"127.0.0.1:%s\",\"node\":\"b\",\"saes\":[\"b\"]},"
			"{\"id\":\"KME-c\",\"addr\":\"127.0.0.1:%s\",\"node\":\"c\",\"saes\":[\"c\"]}],"
			"\"pki\":{\"ca\":\"%s/a/ca.crt\",\"cert\":\"%s/a/kme-%s.crt\","
			"\"key\":\"%s/a/kme-%s.key\"}}", ca_dir, site[i],
			i == 2 ? "\"stock_bits\":1024,\"rate_bits_per_s\":3000," : "",
			port[0], port[1], port[2], ca_dir, ca_dir, site[i], ca_dir, site[i]);
		fclose(f);
	}
}

static int listening(const char *at)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(atoi(at)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ret = connect(fd, (struct sockaddr *)&in, sizeof(in));
	close(fd);
	return !ret;
}

static void start_kmes(void)
{
	char program[sizeof(ca_devca) + 8], path[128];
	uint64_t end = monotonic_ms() + 20000;
	int i;

	strcpy(program, ca_devca);
	strcpy(strrchr(program, '/') + 1, "qkdsim");
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s.json", ca_dir, site[i]);
		pid[i] = fork();
		if (!pid[i]) {
			execl(program, program, "-c", path, NULL);
			_exit(127);
		}
	}
	for (i = 0; i < 3; i++)
		while (!listening(port[i]))
			if (monotonic_ms() > end || waitpid(pid[i], NULL, WNOHANG) > 0)
				bail("qkdsim %s does not listen", site[i]);
}

static void stop_kmes(void)
{
	int i;

	for (i = 0; i < 3; i++)
		if (pid[i] > 0) {
			kill(pid[i], SIGTERM);
			waitpid(pid[i], NULL, 0);
		}
}

static struct https_client *client(struct pki **pki, const char *name)
{
	struct https_client *c;
	struct err err = { "" };

	*pki = ca_open("a", name);
	if (https_client_new(base, *pki, NULL, &c, &err))
		bail("%s", err.text);
	return c;
}

int main(void)
{
	struct pki *pki[5];
	int i;

	signal(SIGPIPE, SIG_IGN);
	ca_make();
	for (i = 0; i < 3; i++)
		if (ca_run("issue %s/a kme %d kme-%s 127.0.0.1", ca_dir, i + 1, site[i]) ||
		    ca_run("issue %s/a keyd %d %s", ca_dir, i + 1, site[i]))
			bail("devca failed");
	if (ca_run("issue %s/a keyd 4 a2", ca_dir) || ca_run("issue %s/a ssa 1 ssa", ca_dir))
		bail("devca failed");
	base = event_base_new();
	sae_a = client(&pki[0], "a");
	sae_b = client(&pki[1], "b");
	sae_c = client(&pki[2], "c");
	sae_a2 = client(&pki[3], "a2");
	ssa = client(&pki[4], "ssa");
	write_configs();
	atexit(stop_kmes);
	start_kmes();

	test_status();
	test_keys();
	test_several();
	test_refused();
	test_rate();
	test_other_down();

	json_decref(got.body);
	https_client_free(sae_a);
	https_client_free(sae_a2);
	https_client_free(sae_b);
	https_client_free(sae_c);
	https_client_free(ssa);
	for (i = 0; i < 5; i++)
		pki_free(pki[i]);
	event_base_free(base);
	return tap_done();
}
