// SPDX-License-Identifier: GPL-2.0
/*
 * Rate and stock of the link to a KME: keys are drawn when they are asked for, but
 * no more of them than a real link would have made by then.
 */
#include "qkdsim.h"

#include <errno.h>

static void bucket_fill(struct sim_kme *kme)
{
	uint64_t now = monotonic_ms();

	if (sim.rate) {
		kme->stock += (double)sim.rate * (now - kme->filled_ms) / 1000;
		if (kme->stock > sim.stock)
			kme->stock = sim.stock;
	} else {
		kme->stock = sim.stock;		/* no limit but that of one moment */
	}
	kme->filled_ms = now;
}

int bucket_take(struct sim_kme *kme, double bits)
{
	bucket_fill(kme);
	if (kme->stock < bits)
		return -EAGAIN;
	kme->stock -= bits;
	return 0;
}

double bucket_level(struct sim_kme *kme)
{
	bucket_fill(kme);
	return kme->stock;
}
