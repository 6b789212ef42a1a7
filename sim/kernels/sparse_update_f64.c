/* SPDX-License-Identifier: Apache-2.0
 *
 * Updates of a sparse network in double precision. */
#define REAL      double
#define WORD      uint64_t
#define PRECISION et__net_f64
#define WHOLE     0x1.8p52
#define FRACTION  52
#define LOWEST    (-708.0)
#define LOG2E     0x1.71547652b82fep+0
#define LN2_HIGH  0x1.62e42feep-1
#define LN2_LOW   0x1.a39ef35793c76p-33
/* First term left out: (ln 2 / 2)^14 / 14! = 4e-18. */
#define EXP_TERMS 14
#include "sparse_update_body.h"
