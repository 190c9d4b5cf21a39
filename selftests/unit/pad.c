// SPDX-License-Identifier: GPL-2.0
/* One-time pad: the sum is right, the pad is gone, nothing beside is touched */
#include <stdlib.h>
#include <string.h>
#include "pad.h"
#include "tap.h"

int main(void)
{
	u8 buf[3][300], was[3][300];
	unsigned int len, ad, i, bad_sum = 0, left = 0, beside = 0, bad_in = 0;

	for (len = 0; len <= 257; len++)
		for (ad = 0; ad < 9; ad++) {
			u8 *dst = buf[0] + 8 + ad, *pad = buf[2] + 16 - ad;
			u8 *src = buf[1] + 8 + ad / 2;

			for (i = 0; i < 900; i++)
				buf[i / 300][i % 300] = rand() | 1;
			memcpy(was, buf, sizeof(buf));
			ssn_pad_xor_wipe(dst, src, pad, len);
			for (i = 0; i < len; i++) {
				bad_sum += dst[i] !=
					(was[1][src - buf[1] + i] ^
					 was[2][pad - buf[2] + i]);
				left += !!pad[i];
			}
			memcpy(dst, was[0] + (dst - buf[0]), len);
			memcpy(pad, was[2] + (pad - buf[2]), len);
			beside += !!memcmp(buf, was, sizeof(buf));

			memcpy(buf, was, sizeof(buf));
			ssn_pad_xor_wipe(src, src, pad, len);
			for (i = 0; i < len; i++)
				bad_in += src[i] !=
					(was[1][src - buf[1] + i] ^
					 was[2][pad - buf[2] + i]);
		}
	is_int(bad_sum, 0, "sum, lengths 0..257 at nine alignments");
	is_int(left, 0, "the pad is zero afterwards");
	is_int(beside, 0, "nothing beside is touched");
	is_int(bad_in, 0, "in place");
	return tap_done();
}
