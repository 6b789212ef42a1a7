/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball in double precision. */
#include "kernels/poincare.h"

#include <float.h>

#define REAL     double
#define NAME(op) et__##op##_f64
/* clang gives the dispatcher of a static clone external linkage: the names differ by precision. */
#define OWN(op) poincare_##op##_f64
#define LARGEST DBL_MAX
#define LANES   8
#define SINGLE  0
#include "kernels/poincare_ops.h"

#include "kernels/poincare_mean.h"

#include "kernels/poincare_planes.h"

#include "kernels/poincare_norm.h"
