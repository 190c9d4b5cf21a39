/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSN_PAD_H
#define _SSN_PAD_H

#include <linux/types.h>

void ssn_pad_xor(u8 *dst, const u8 *src, const u8 *pad, size_t len);
void ssn_pad_xor_wipe(u8 *dst, const u8 *src, u8 *pad, size_t len);

#endif /* _SSN_PAD_H */
