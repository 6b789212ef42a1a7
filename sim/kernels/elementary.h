/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementary functions as arithmetic without branches or calls, which compilers turn into vectors;
 * for one type of number.  The includer defines REAL, and SINGLE as 1 for float and 0 for double.
 *
 * Relative errors, tested against libm: at most ELEMENTARY_ERROR. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#if SINGLE
#define WORD             uint32_t
#define MANTISSA         23          /* bits of a fraction */
#define WHOLE            0x1.8p23F   /* adding it rounds to a whole number */
#define ROOT_HALF        0x3f3504f3U /* the bits of sqrt(1/2) */
#define LN2_HIGH         0x1.63p-1F  /* ln 2 in two parts: whole numbers times this one are exact */
#define LN2_LOW          -0x1.bd0106p-13F
#define SINH_TERMS       4
#define SQUARE_ROOT      sqrtf
#define ELEMENTARY_ERROR 3e-7
#else
#define WORD             uint64_t
#define MANTISSA         52
#define WHOLE            0x1.8p52
#define ROOT_HALF        0x3fe6a09e667f3bcdU
#define LN2_HIGH         0x1.62e42fefa38p-1
#define LN2_LOW          0x1.ef35793c7673p-45
#define LOG_TERMS        11 /* of the series */
#define SINH_TERMS       7
#define SQUARE_ROOT      sqrt
#define ELEMENTARY_ERROR 1e-15
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE WORD bits_of(REAL x)
{
    WORD word;
    memcpy(&word, &x, sizeof word);
    return word;
}

INLINE REAL from_bits(WORD word)
{
    REAL x;
    memcpy(&x, &word, sizeof x);
    return x;
}

/* ln(1 + f), sqrt(1/2) <= 1 + f <= sqrt 2, less f. */
INLINE REAL ln_rest(REAL f)
{
#if SINGLE
    /* f^2 (-1/2 + f P(f)), P fitted: 4e-8 of the logarithm.  Without a division. */
    static const REAL p[] = {0.0850736126F, -0.1419634521F, 0.1495026648F, -0.1658807397F,
                             0.1996068954F, -0.2500096560F, 0.3333396912F};
    REAL sum = p[0];
    for (int term = 1; term < 7; term++)
        sum = sum * f + p[term];
    return f * f * (sum * f - (REAL)0.5);
#else
    /* 2 artanh(s), s = f/(2 + f), by its series in s^2 <= 0.03; 2 s - f = -s f. */
    const REAL s = f / (2 + f), s2 = s * s;
    REAL sum = 0;
    for (int term = LOG_TERMS - 1; term > 0; term--)
        sum = s2 * ((REAL)1 / (REAL)(2 * term + 1) + sum);
    return 2 * s * sum - s * f;
#endif
}

/* ln(1 + x), x >= 0.  1 + x = 2^k (1 + f), what rounding took from 1 + x being given back to f. */
INLINE REAL ln_one_plus(REAL x)
{
    const REAL y = 1 + x, lost = x - (y - 1);
    const WORD k = (bits_of(y) - ROOT_HALF) >> MANTISSA;
    const REAL down =
        from_bits((((WORD)1 << (8 * sizeof(REAL) - 2 - MANTISSA)) - 1 - k) << MANTISSA);
    /* k as a number: its bits under those of 2^MANTISSA. */
    const REAL two_to = (REAL)((WORD)1 << MANTISSA),
               whole = from_bits(bits_of(two_to) | k) - two_to;
    const REAL f = (from_bits(bits_of(y) - (k << MANTISSA)) - 1) + lost * down;
    return whole * LN2_HIGH + (f + (ln_rest(f) + whole * LN2_LOW));
}

INLINE REAL with_sign(REAL size, REAL sign)
{
    const WORD top = (WORD)1 << (8 * sizeof(REAL) - 1);
    return from_bits(bits_of(size) | (bits_of(sign) & top));
}

INLINE REAL size_of(REAL x)
{
    return from_bits(bits_of(x) & ~((WORD)1 << (8 * sizeof(REAL) - 1)));
}

/* |x| <= 1e18 */
INLINE REAL fast_asinh(REAL x)
{
    const REAL a = size_of(x), a2 = a * a;
    return with_sign(ln_one_plus(a + a2 / (1 + SQUARE_ROOT(1 + a2))), x);
}

/* |x| <= 87.  x = k ln 2 + r: with C = cosh r and S = r + ... = sinh r by their series
 *     sinh x = (2^k - 2^-k)/2 C + (2^k + 2^-k)/2 S */
INLINE REAL fast_sinh(REAL x)
{
    static const REAL even[] = {(REAL)1,
                                (REAL)(1. / 2),
                                (REAL)(1. / 24),
                                (REAL)(1. / 720),
                                (REAL)(1. / 40320),
                                (REAL)(1. / 3628800),
                                (REAL)(1. / 479001600)};
    static const REAL odd[] = {(REAL)1,
                               (REAL)(1. / 6),
                               (REAL)(1. / 120),
                               (REAL)(1. / 5040),
                               (REAL)(1. / 362880),
                               (REAL)(1. / 39916800),
                               (REAL)(1. / 6227020800)};
    const REAL shifted = x * (REAL)1.44269504088896340736 + WHOLE, k = shifted - WHOLE;
    const REAL r = (x - k * LN2_HIGH) - k * LN2_LOW, r2 = r * r;
    const WORD exponent = (bits_of(shifted) - bits_of(WHOLE)) << MANTISSA;
    const REAL up = (REAL)0.5 * from_bits(bits_of(1) + exponent);
    const REAL down = (REAL)0.5 * from_bits(bits_of(1) - exponent);
    REAL c = even[SINH_TERMS - 1], s = odd[SINH_TERMS - 1];
    for (int term = SINH_TERMS - 2; term > 0; term--) {
        c = c * r2 + even[term];
        s = s * r2 + odd[term];
    }
    return (up - down) * (1 + r2 * c) + (up + down) * (r + r * r2 * s);
}
