// SPDX-License-Identifier: GPL-2.0
#include "keyd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "log.h"

static const char *const alarm_name[ALARMS] = {
	[ALARM_PAD_MISMATCH] = "pad-mismatch",
	[ALARM_KEY_ID_LEAK] = "key-id-leak",
	[ALARM_KEY_REUSE] = "key-reuse",
	[ALARM_KEY_SHARED] = "key-shared",
	[ALARM_KME_AUTH] = "kme-auth",
	[ALARM_KME_DOWN] = "kme-down",
	[ALARM_KME_ODD] = "kme-odd",
	[ALARM_PEER_AUTH] = "peer-auth",
	[ALARM_LEDGER] = "ledger",
	[ALARM_KERNEL] = "kernel",
};

static struct {
	int on;
	uint64_t count;
	time_t since;
	char text[256];
} state[ALARMS];

/* Each time in the log; the last text stays in the status file. */
void alarm_raise(enum alarm alarm, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(state[alarm].text, sizeof(state[alarm].text), fmt, ap);
	va_end(ap);
	if (!state[alarm].on)
		state[alarm].since = time(NULL);
	state[alarm].on = 1;
	state[alarm].count++;
	log_err("alarm %s: %s", alarm_name[alarm], state[alarm].text);
}

/* Security alarms are never cleared: a person has to look. */
void alarm_clear(enum alarm alarm)
{
	if (state[alarm].on)
		log_info("alarm %s is over", alarm_name[alarm]);
	state[alarm].on = 0;
}

json_t *alarm_json(void)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < ALARMS; i++)
		if (state[i].count)
			json_array_append_new(list, json_pack("{s:s, s:b, s:I, s:I, s:s}",
				"alarm", alarm_name[i], "on", state[i].on,
				"count", (json_int_t)state[i].count,
				"since", (json_int_t)state[i].since,
				"text", state[i].text));
	return list;
}
