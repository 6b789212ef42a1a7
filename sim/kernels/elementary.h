/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementary functions as arithmetic without branches or calls, which compilers turn into vectors;
 * for one type of number.  The includer defines REAL, WORD              the number, and an unsigned
 * integer of its size MANTISSA                bits of its fraction WHOLE                   1.5
 * 2^MANTISSA: adding it rounds to a whole number ROOT_HALF               the bits of sqrt(1/2)
 *     LN2_HIGH, LN2_LOW       ln 2 in two parts, of which whole numbers times the first are exact
 *     SQUARE_ROOT             sqrtf or sqrt
 *     LOG_TERMS, EXP_TERMS    of the series
 * Errors are relative, tested against libm: ELEMENTARY_ERROR. */
#include <math.h>
#include <stdint.h>
#include <string.h>

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

/* ln(1 + x), x >= 0.  1 + x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt 2), what rounding took from
 * 1 + x being given back to f; ln(1 + f) = 2 artanh(f/(2 + f)) by its series in (f/(2 + f))^2 <=
 * 0.03. */
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
    const REAL s = f / (2 + f), s2 = s * s;
    REAL sum = 0;
    for (int term = LOG_TERMS - 1; term > 0; term--)
        sum = s2 * ((REAL)1 / (REAL)(2 * term + 1) + sum);
    return whole * LN2_HIGH + ((2 * s + 2 * s * sum) + whole * LN2_LOW);
}

/* exp(x) - 1, 0 <= x <= 87: x = k ln 2 + r, Taylor's series of r. */
INLINE REAL exp_less_one(REAL x)
{
    const REAL shifted = x * (REAL)1.44269504088896340736 + WHOLE, k = shifted - WHOLE;
    const REAL r = (x - k * LN2_HIGH) - k * LN2_LOW;
    const REAL power = from_bits(((bits_of(shifted) - bits_of(WHOLE)) << MANTISSA) + bits_of(1));
    REAL sum = 0;
    for (int term = EXP_TERMS; term > 1; term--)
        sum = (1 + sum) * (r * ((REAL)1 / (REAL)term));
    return power * (r + r * sum) + (power - 1);
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

/* |x| <= 87 */
INLINE REAL fast_sinh(REAL x)
{
    const REAL e = exp_less_one(size_of(x));
    return with_sign((REAL)0.5 * (e + e / (1 + e)), x);
}
