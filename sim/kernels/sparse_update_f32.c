/* SPDX-License-Identifier: Apache-2.0
 *
 * Updates of a sparse network in single precision. */
#define REAL      float
#define WORD      uint32_t
#define PRECISION et__net_f32
/* Adding it leaves a whole number in the low bits of the mantissa. */
#define WHOLE    0x1.8p23F
#define FRACTION 23
#define LOWEST   (-87.0F)
#define LOG2E    0x1.715476p+0F
#define LN2_HIGH 0x1.62e4p-1F
#define LN2_LOW  0x1.7f7d1cp-20F
/* First term left out: (ln 2 / 2)^8 / 8! = 5e-9. */
#define EXP_TERMS 8
#include "sparse_update_body.h"
