/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows times a large constant matrix, nearly as fast as a BLAS, with bits that depend on neither
 * the thread count nor the cut of a batch (which et_gemm cannot promise).
 *
 * The matrix is packed once, in panels of ET__PANEL columns, so no pass packs it again.  Element
 * (r, c) of the product is the chain s <- fma(x[r][i], m[i][c], s) over i in rising order from
 * s = 0, in every compiled variant. */
#ifndef ETALON_SIM_PANELS_H
#define ETALON_SIM_PANELS_H

#include <etalon/array.h>

enum { ET__PANEL = 16 };

struct et__panels {
    size_t k, n_panels;
    float *data; /* [n_panels][k][ET__PANEL] */
};

/* Makes k x (ET__PANEL n_panels) zeros; *panels must be empty.  Errors: ET_NOMEM. */
enum et_status et__panels_create(struct et__panels *panels, size_t k, size_t n_panels) ET_CHECKED;
/* Accepts empty panels. */
void et__panels_destroy(struct et__panels *panels);

/* The ET__PANEL numbers of row i in a panel. */
static inline float *et__panels_row(const struct et__panels *panels, size_t panel, size_t i)
{
    return panels->data + (panel * panels->k + i) * ET__PANEL;
}

/* y = x m: x [rows][k] in, y [rows][ET__PANEL n_panels] out, not overlapping. */
void et__panels_multiply(const struct et__panels *panels, struct et_view x, struct et_view y);
/* The same, written plainly. */
void et__panels_multiply_reference(const struct et__panels *panels, struct et_view x,
                                   struct et_view y);

#endif
