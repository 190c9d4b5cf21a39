// SPDX-License-Identifier: GPL-2.0
#include "qkdsim.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "daemon.h"
#include "log.h"

/* The largest request comes over the link: keys, with IDs and names. */
#define MAX_BODY	(SIM_BITS / 8 + (1 << 20))



static void sim_release(struct sim *s)
{
	https_close(s->server);
	https_client_free(s->client);
	if (s->sweep)
		event_free(s->sweep);
	store_clear();
	pki_free(s->pki);
	free(s->kme);
	free(s->sae);
	network_free(&s->net);
	memset(s, 0, sizeof(*s));
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	uint64_t now = monotonic_ms(), hold = sim.hold_s * 1000;

	if (now > hold)
		store_sweep(now - hold);
	log_debug("issued %llu, delivered %llu, refused %llu, expired %llu",
		  (unsigned long long)sim.issued, (unsigned long long)sim.delivered,
		  (unsigned long long)sim.refused, (unsigned long long)sim.expired);
}

static int sim_start(struct event_base *base, const json_t *config, struct err *err)
{
	const struct timeval tick = { .tv_sec = 10 };
	int ret;

	/*
	 * What the libraries free is overwritten. Large pieces stay in the heap: to get
	 * them from the kernel page by page costs more than all the rest.
	 */
	mallopt(M_PERTURB, 0xa5);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_warn("keys may be swapped out: mlockall: %s", strerror(errno));
	sim.base = base;
	ret = sim_configure(&sim, config, err);
	if (ret)
		goto err_release;
	ret = https_client_new(base, sim.pki, NULL, &sim.client, err);
	if (ret)
		goto err_release;
	ret = https_listen(base, sim.pki, sim.self->addr, MAX_BODY, api_handle, NULL,
			   &sim.server, err);
	if (ret)
		goto err_release;
	sim.sweep = event_new(base, -1, EV_PERSIST, on_sweep, NULL);
	if (!sim.sweep || event_add(sim.sweep, &tick)) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto err_release;
	}
	log_info("%s on %s, %zu KMEs in the network", sim.self->id, sim.self->addr,
		 sim.kmes);
	return 0;
err_release:
	sim_release(&sim);
	return ret;
}

/* Faults come and go while it runs; everything else needs a restart. */
static int sim_reload(const json_t *config, struct err *err)
{
	struct sim_faults faults;
	int ret = sim_parse_faults(json_object_get(config, "faults"), &faults, err);

	if (!ret)
		sim.faults = faults;
	return ret;
}

static void sim_stop(void)
{
	sim_release(&sim);
}

static int sim_check(const json_t *config, struct err *err)
{
	int ret = sim_configure(&sim, config, err);

	sim_release(&sim);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.name = "qkdsim",
		.about = "One KME of a simulated QKD network (ETSI GS QKD 014).",
		.config = "/etc/ssn/qkdsim.json",
		.check = sim_check,
		.start = sim_start,
		.reload = sim_reload,
		.stop = sim_stop,
	};

	return daemon_main(argc, argv, &ops);
}
