// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptions of keys: PEER:DIR:KIND:UUID[:PROVENANCE].
 */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "block.h"

#define QKD_PROVENANCE_ALL	(QKD_PROVENANCE_PATH_OTP | \
				 QKD_PROVENANCE_AK_INSIDE | \
				 QKD_PROVENANCE_ID_INDEPENDENT)

/* Takes what stands before the next colon; true if there was one. */
static bool next_field(const char **text, const char **field, size_t *len)
{
	const char *colon = strchrnul(*text, ':');

	*field = *text;
	*len = colon - *text;
	*text = *colon ? colon + 1 : colon;
	return *colon;
}

static bool field_is(const char *field, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(field, word, len);
}

/* One spelling for each number: no sign, no leading zero. */
static int parse_number(const char *field, size_t len, unsigned int base,
			u32 *number)
{
	char digits[sizeof("4294967295")];
	size_t i;

	if (!len || len >= sizeof(digits))
		return -EINVAL;
	if (field[0] == '0' && len > 1)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!isdigit(field[i]) &&
		    !(base == 16 && field[i] >= 'a' && field[i] <= 'f'))
			return -EINVAL;
	memcpy(digits, field, len);
	digits[len] = '\0';
	return kstrtou32(digits, base, number) ? -EINVAL : 0;
}

static int parse_id(const char *field, size_t len, uuid_t *id)
{
	char text[UUID_STRING_LEN + 1];
	size_t i;

	if (len != UUID_STRING_LEN)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (isupper(field[i]))
			return -EINVAL;
	memcpy(text, field, len);
	text[len] = '\0';
	return uuid_parse(text, id);
}

/**
 * qkd_desc_parse - read a key's description
 * @text:	PEER:DIR:KIND:UUID[:PROVENANCE], in exactly one spelling: PEER
 *		decimal, 1 to 2^32 - 1; DIR tx, rx or local; KIND payload or tag;
 *		UUID the block id in lower case; PROVENANCE flags of enum
 *		qkd_provenance in lower-case hexadecimal, 0 if left out. Local
 *		blocks have peer 0 and kind payload.
 * @desc:	where it goes; undefined after an error
 *
 * Return: 0 or -EINVAL.
 */
int qkd_desc_parse(const char *text, struct qkd_desc *desc)
{
	const char *field;
	bool more;
	size_t len;

	if (!next_field(&text, &field, &len) ||
	    parse_number(field, len, 10, &desc->peer))
		return -EINVAL;

	if (!next_field(&text, &field, &len))
		return -EINVAL;
	if (field_is(field, len, "tx"))
		desc->dir = QKD_DIR_TX;
	else if (field_is(field, len, "rx"))
		desc->dir = QKD_DIR_RX;
	else if (field_is(field, len, "local"))
		desc->dir = QKD_DIR_LOCAL;
	else
		return -EINVAL;

	if (!next_field(&text, &field, &len))
		return -EINVAL;
	if (field_is(field, len, "payload"))
		desc->kind = QKD_KIND_PAYLOAD;
	else if (field_is(field, len, "tag"))
		desc->kind = QKD_KIND_TAG;
	else
		return -EINVAL;

	more = next_field(&text, &field, &len);
	if (parse_id(field, len, &desc->id))
		return -EINVAL;

	desc->provenance = 0;
	if (more) {
		if (next_field(&text, &field, &len) ||
		    parse_number(field, len, 16, &desc->provenance) ||
		    desc->provenance & ~QKD_PROVENANCE_ALL)
			return -EINVAL;
	}

	if ((desc->dir == QKD_DIR_LOCAL) != !desc->peer)
		return -EINVAL;
	if (desc->dir == QKD_DIR_LOCAL && desc->kind != QKD_KIND_PAYLOAD)
		return -EINVAL;
	return 0;
}
