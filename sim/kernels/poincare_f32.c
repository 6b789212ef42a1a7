/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball in single precision. */
#include "kernels/poincare.h"

#include <float.h>

#define REAL     float
#define NAME(op) et__##op##_f32
/* clang gives the dispatcher of a static clone external linkage: the names differ by precision. */
#define OWN(op) poincare_##op##_f32
#define LARGEST ((double)FLT_MAX)
#define LANES   16
#define SINGLE  1
#include "kernels/poincare_ops.h"

#include "kernels/poincare_mean.h"

#include "kernels/poincare_planes.h"

#include "kernels/poincare_norm.h"
