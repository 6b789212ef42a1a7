/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball in double precision. */
#include "kernels/poincare.h"

#include <float.h>

#define REAL        double
#define NAME(op)    et__##op##_f64
#define LARGEST     DBL_MAX
#define WORD        uint64_t
#define MANTISSA    52
#define WHOLE       0x1.8p52
#define ROOT_HALF   0x3fe6a09e667f3bcdU
#define LN2_HIGH    0x1.62e42fefa38p-1
#define LN2_LOW     0x1.ef35793c7673p-45
#define LOG_TERMS   11
#define EXP_TERMS   13
#define SQUARE_ROOT sqrt
#define LANES       8
#define SINGLE      0
#include "kernels/poincare_ops.h"

#include "kernels/poincare_mean.h"

#include "kernels/poincare_planes.h"

#include "kernels/poincare_norm.h"
