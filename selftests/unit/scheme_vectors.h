/* SPDX-License-Identifier: GPL-2.0 */
/* Made by selftests/unit/vectors.py, which shares no code with what is tested. */
static const struct {
	unsigned int scheme, k, x, len, coeffs;
	unsigned long long hash;
} vectors[] = {
	{ 1, 1, 9, 5000, 0, 0x51aa520947c5eeabULL },
	{ 1, 3, 200, 9001, 18002, 0x57090cc6fb70f374ULL },
	{ 2, 2, 1, 4096, 4096, 0x5f99de73f4550c55ULL },
	{ 2, 2, 17, 4095, 4095, 0x0e2d141787fb620bULL },
	{ 2, 3, 5, 4097, 8450, 0xf370a9ff3dcd96efULL },
	{ 2, 3, 2, 9001, 18564, 0xc694e1fb05fa93eeULL },
	{ 2, 5, 11, 8229, 34458, 0xf965d63c7fa03fa4ULL },
	{ 2, 17, 16, 4133, 69998, 0xed84dbe68b122c16ULL },
};
