/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball in single precision. */
#include "kernels/poincare.h"

#include <float.h>

#define REAL        float
#define NAME(op)    et__##op##_f32
#define LARGEST     ((double)FLT_MAX)
#define WORD        uint32_t
#define MANTISSA    23
#define WHOLE       0x1.8p23F
#define ROOT_HALF   0x3f3504f3U
#define LN2_HIGH    0x1.63p-1F
#define LN2_LOW     -0x1.bd0106p-13F
#define LOG_TERMS   5
#define EXP_TERMS   7
#define SQUARE_ROOT sqrtf
#define LANES       16
#define SINGLE      1
#include "kernels/poincare_ops.h"

#include "kernels/poincare_mean.h"

#include "kernels/poincare_planes.h"

#include "kernels/poincare_norm.h"
