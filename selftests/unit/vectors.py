#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Makes selftests/unit/{shamir,amd,kurihara,scheme}_vectors.h, bit by bit from the definitions
# and from nothing else in the tree:
#
#	selftests/unit/vectors.py shamir > selftests/unit/shamir_vectors.h
#	selftests/unit/vectors.py amd > selftests/unit/amd_vectors.h
#	selftests/unit/vectors.py kurihara > selftests/unit/kurihara_vectors.h
#	selftests/unit/vectors.py scheme > selftests/unit/scheme_vectors.h
#
# Not run by the build. Inputs are SHA-256 in counter mode of the names given; those of
# scheme, which are long, come from a generator that the test has too.

import hashlib
import sys


def stream(name, n):
    out = b''
    i = 0
    while len(out) < n:
        out += hashlib.sha256(b'%s %d' % (name.encode(), i)).digest()
        i += 1
    return out[:n]


def mul(a, b, poly, bits):
    """Product of two polynomials over GF(2), long division by poly."""
    p = 0
    for i in range(bits):
        if b >> i & 1:
            p ^= a << i
    for i in range(2 * bits - 1, bits - 1, -1):
        if p >> i & 1:
            p ^= poly << (i - bits)
    return p


def power(a, e, poly, bits):
    r = 1
    for _ in range(e):
        r = mul(r, a, poly, bits)
    return r


def mul8(a, b):
    return mul(a, b, 0x11b, 8)


def mul128(a, b):
    return mul(a, b, 1 << 128 | 0x87, 128)


def c_bytes(data):
    return '"' + ''.join('\\x%02x' % b for b in data) + '"'


def head():
    print('/* SPDX-License-Identifier: GPL-2.0 */')
    print('/* Made by selftests/unit/vectors.py, which shares no code with'
          ' what is tested. */')


def shamir():
    head()
    print('static const struct {\n\tunsigned int k, n, len;\n'
          '\tconst char *secret, *coeff, *x, *share;\n} vectors[] = {')
    for k, xs, ln in ((1, [7], 5), (2, [1, 2, 3], 16), (3, [1, 2, 3, 4, 5], 33),
                      (3, [255, 17, 128, 99, 2], 9), (5, [9, 8, 7, 6, 5, 4], 8),
                      (7, [200, 201, 202, 203, 204, 205, 206, 1], 3)):
        tag = 'shamir %d %s %d' % (k, xs, ln)
        s = stream(tag + ' secret', ln)
        a = [stream(tag + ' a%d' % i, ln) for i in range(1, k)]
        shares = b''
        for x in xs:
            for j in range(ln):
                v = s[j]
                for i in range(1, k):
                    v ^= mul8(a[i - 1][j], power(x, i, 0x11b, 8))
                shares += bytes([v])
        print('\t{ %d, %d, %d,\n\t  %s,\n\t  %s,\n\t  %s,\n\t  %s },' % (
            k, len(xs), ln, c_bytes(s), c_bytes(b''.join(a)),
            c_bytes(bytes(xs)), c_bytes(shares)))
    print('};')


def amd_t(r, obj, version, segment, olen, data):
    m = obj + version.to_bytes(4, 'big') + segment.to_bytes(4, 'big')
    m += len(data).to_bytes(8, 'big') + olen.to_bytes(8, 'big') + b'SSN AMD1'
    m += data
    m += bytes(-len(m) % 16)
    if len(m) // 16 % 2 == 0:
        m += bytes(16)
    d = len(m) // 16
    r = int.from_bytes(r, 'little')
    t = power(r, d + 2, 1 << 128 | 0x87, 128)
    for i in range(d):
        b = int.from_bytes(m[16 * i:16 * i + 16], 'little')
        t ^= mul128(b, power(r, d - i, 1 << 128 | 0x87, 128))
    return t.to_bytes(16, 'little')


def amd():
    head()
    print('static const struct {\n\tconst char *a, *b, *ab;\n} products[] = {')
    elems = [stream('elem %d' % i, 16) for i in range(6)]
    elems += [b'\xff' * 16, b'\x01' + bytes(15), bytes(15) + b'\x80',
              b'\x02' + bytes(15), bytes(8) + b'\xff' * 8, b'\xff' * 8 + bytes(8)]
    for i, a in enumerate(elems):
        for b in elems[i:]:
            p = mul128(int.from_bytes(a, 'little'), int.from_bytes(b, 'little'))
            print('\t{ %s,\n\t  %s,\n\t  %s },' % (
                c_bytes(a), c_bytes(b), c_bytes(p.to_bytes(16, 'little'))))
    print('};\n')
    print('static const struct {\n\tunsigned int version, segment, len;\n'
          '\tunsigned long long object_len;\n'
          '\tconst char *object, *r, *data, *t;\n} vectors[] = {')
    for ln in (0, 1, 15, 16, 17, 31, 32, 33, 48, 127, 128, 129, 255, 256, 400):
        r = stream('r %d' % ln, 16)
        obj = stream('object %d' % ln, 16)
        data = stream('data %d' % ln, ln)
        t = amd_t(r, obj, ln + 1, ln * 3, ln + 2**40, data)
        print('\t{ %d, %d, %d, %dULL,\n\t  %s,\n\t  %s,\n\t  %s,\n\t  %s },' % (
            ln + 1, ln * 3, ln, ln + 2**40, c_bytes(obj), c_bytes(r),
            c_bytes(data), c_bytes(t)))
    print('};')


def kurihara_share(p, k, x, secret, coeff):
    """The table of section 3.2 of the paper, index by index."""
    ln = len(secret)
    b = ln // (p - 1)
    rest = ln % (p - 1)
    s = {0: bytes(b)}
    for m in range(1, p):
        s[m] = secret[(m - 1) * b:m * b]
    r = {}
    at = 0
    for h in range(k - 1):
        for j in range(p if h else p - 1):
            r[h, j] = coeff[at:at + b]
            at += b
    share = b''
    i = x - 1
    for j in range(p - 1):
        w = int.from_bytes(s[(j - i) % p], 'big')
        for h in range(k - 1):
            w ^= int.from_bytes(r[h, (h * i + j) % p], 'big')
        share += w.to_bytes(b, 'big')
    for j in range(rest):
        v = secret[b * (p - 1) + j]
        for h in range(1, k):
            v ^= mul8(coeff[at + (h - 1) * rest + j], power(x, h, 0x11b, 8))
        share += bytes([v])
    return share


def kurihara_coeffs(p, k, ln):
    return ln // (p - 1) * ((k - 1) * p - 1) + ln % (p - 1) * (k - 1)


def kurihara():
    head()
    print('static const struct {\n\tunsigned int p, k, n, len;\n'
          '\tconst char *secret, *coeff, *x, *share;\n} vectors[] = {')
    for p, k, xs, ln in ((5, 3, [1, 2, 3, 4, 5], 12), (5, 2, [5, 3], 4),
                         (17, 2, [1, 2, 3], 16), (17, 3, [1, 2, 3, 4, 5], 32),
                         (17, 3, [17, 4, 9], 53), (17, 5, [3, 1, 4, 15, 9, 2], 48),
                         (17, 17, list(range(1, 18)), 17), (17, 4, [2, 7, 1, 8], 15)):
        tag = 'kurihara %d %d %s %d' % (p, k, xs, ln)
        secret = stream(tag + ' secret', ln)
        coeff = stream(tag + ' coeff', kurihara_coeffs(p, k, ln))
        shares = b''.join(kurihara_share(p, k, x, secret, coeff) for x in xs)
        print('\t{ %d, %d, %d, %d,\n\t  %s,\n\t  %s,\n\t  %s,\n\t  %s },' % (
            p, k, len(xs), ln, c_bytes(secret), c_bytes(coeff),
            c_bytes(bytes(xs)), c_bytes(shares)))
    print('};')


def long_bytes(seed, n):
    out = bytearray()
    for _ in range(n):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(seed >> 56)
    return bytes(out)


def fnv(data):
    h = 0xcbf29ce484222325
    for b in data:
        h = (h ^ b) * 0x100000001b3 % 2**64
    return h


def shamir_share(k, x, secret, coeff):
    ln = len(secret)
    to = [[mul8(a, power(x, i, 0x11b, 8)) for a in range(256)] for i in range(k)]
    out = bytearray(secret)
    for i in range(1, k):
        for j in range(ln):
            out[j] ^= to[i][coeff[(i - 1) * ln + j]]
    return bytes(out)


def xor_share(k, x, secret, coeff):
    """Each 4096 bytes by themselves, with coefficients of their own."""
    out = b''
    at = 0
    for off in range(0, len(secret), 4096):
        piece = secret[off:off + 4096]
        need = kurihara_coeffs(17, k, len(piece))
        out += kurihara_share(17, k, x, piece, coeff[at:at + need])
        at += need
    return out


def scheme():
    head()
    print('static const struct {\n\tunsigned int scheme, k, x, len, coeffs;\n'
          '\tunsigned long long hash;\n} vectors[] = {')
    for number, k, x, ln in ((1, 1, 9, 5000), (1, 3, 200, 9001), (2, 2, 1, 4096),
                             (2, 2, 17, 4095), (2, 3, 5, 4097), (2, 3, 2, 9001),
                             (2, 5, 11, 8229), (2, 17, 16, 4133)):
        if number == 1:
            coeffs = (k - 1) * ln
        else:
            coeffs = sum(kurihara_coeffs(17, k, min(4096, ln - o))
                         for o in range(0, ln, 4096))
        share = (shamir_share, xor_share)[number - 1](
            k, x, long_bytes(1, ln), long_bytes(2, coeffs))
        print('\t{ %d, %d, %d, %d, %d, 0x%016xULL },' % (
            number, k, x, ln, coeffs, fnv(share)))
    print('};')


{'shamir': shamir, 'amd': amd, 'kurihara': kurihara,
 'scheme': scheme}[sys.argv[1]]()
