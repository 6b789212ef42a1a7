/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of rows with a matrix, with bits that depend on neither the thread count nor the cut of
 * a batch (which et_gemm cannot promise: a BLAS treats edge rows differently). */
#ifndef ETALON_SIM_AFFINE_H
#define ETALON_SIM_AFFINE_H

#include <etalon/array.h>

/* y = x m + bias.
 *
 * m     [n_in][n_out]  in
 * bias  [n_out]        in, or NULL for 0
 * x     [batch][n_in]  in, contiguous
 * y     [batch][n_out] out, contiguous; must not overlap x
 *
 * Element (r, o) is the sum over k in rising order, whatever the batch. */
void et__affine(const float *m, const float *bias, struct et_view x, struct et_view y);

/* dx = dy m^T: element (r, k) is a dot product summed in eight lanes of fixed order. */
void et__affine_back(const float *m, struct et_view dy, struct et_view dx);

/* dm[k][o] = sum over r of x[r][k] dy[r][o], in rising order of r. */
void et__affine_outer(struct et_view x, struct et_view dy, float *dm);

#endif
