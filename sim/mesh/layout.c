/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the cells of a mesh are, and how Haar matrices distribute their splittings.
 *
 * Clements: n columns of alternating parity.  Reck: column c holds the modes m = c, c - 2, ... of
 * rows r = (c - m) / 2; row r ends at mode n - 2 - r.  Both have n (n - 1) / 2 cells.
 *
 * Haar exponent.  The last row of a Haar unitary is uniform on the sphere of C^n, its |u_j|^2 are
 * Dirichlet(1, ..., 1).  The row's cells of a Reck mesh gather the power of modes 0 ... m + 1 one
 * after the other, so sin^2(theta/2) = |u_{m+1}|^2 / sum_{j <= m+1} |u_j|^2 is Beta(1, m + 1), and
 * what remains is Haar again.  m + 1 is the number of inputs that reach the cell plus the number of
 * outputs that it reaches minus n + 1, and in that form it holds for Clements' mesh too (Russell et
 * al. 2017, Pai et al. 2019). */
#include "mesh/mesh.h"

#include <etalon/array.h>
#include <etalon/rng.h>

#include <math.h>

static const double pi = 3.14159265358979323846;

enum et_status et__mesh_layout_create(struct et__mesh_layout *layout,
                                      enum et__mesh_topology topology, size_t n)
{
    size_t cells = n * (n - 1) / 2, at = 0;
    size_t columns = topology == ET__MESH_CLEMENTS ? n : 2 * n - 3;
    layout->n = n;
    layout->n_cells = cells;
    layout->n_columns = columns;
    layout->topology = topology;
    if (!(layout->mode = et_alloc(cells, sizeof *layout->mode))) return ET_NOMEM;
    if (!(layout->column = et_alloc(cells, sizeof *layout->column))) return ET_NOMEM;
    if (!(layout->start = et_alloc(columns + 1, sizeof *layout->start))) return ET_NOMEM;
    for (size_t c = 0; c < columns; c++) {
        layout->start[c] = at;
        for (size_t m = c % 2; m + 1 < n; m += 2) {
            bool inside = topology == ET__MESH_CLEMENTS || (m <= c && (c - m) / 2 + m + 2 <= n);
            if (!inside) continue;
            layout->mode[at] = (uint16_t)m;
            layout->column[at++] = (uint16_t)c;
        }
    }
    layout->start[columns] = at;
    return ET_OK;
}

void et__mesh_layout_destroy(struct et__mesh_layout *layout)
{
    et_free(layout->mode);
    et_free(layout->column);
    et_free(layout->start);
    *layout = (struct et__mesh_layout){0};
}

/* Adds to rank the number of modes that are connected with each cell on one side of it. */
static void reach(const struct et__mesh_layout *layout, bool backward, uint16_t *low,
                  uint16_t *high, uint16_t *rank)
{
    for (size_t w = 0; w < layout->n; w++)
        low[w] = high[w] = (uint16_t)w;
    for (size_t k = 0; k < layout->n_cells; k++) {
        size_t i = backward ? layout->n_cells - 1 - k : k, m = layout->mode[i];
        uint16_t least = low[m] < low[m + 1] ? low[m] : low[m + 1];
        uint16_t most = high[m] > high[m + 1] ? high[m] : high[m + 1];
        low[m] = low[m + 1] = least;
        high[m] = high[m + 1] = most;
        rank[i] = (uint16_t)(rank[i] + most - least + 1);
    }
}

enum et_status et__mesh_layout_ranks(const struct et__mesh_layout *layout, uint16_t *rank)
{
    uint16_t *low = et_alloc(2 * layout->n, sizeof *low);
    if (!low) return ET_NOMEM;
    for (size_t i = 0; i < layout->n_cells; i++)
        rank[i] = 0;
    reach(layout, false, low, low + layout->n, rank);
    reach(layout, true, low, low + layout->n, rank);
    for (size_t i = 0; i < layout->n_cells; i++)
        rank[i] = (uint16_t)(rank[i] - layout->n - 1);
    et_free(low);
    return ET_OK;
}

enum et_status et__mesh_haar_phases(const struct et__mesh_layout *layout, uint64_t seed,
                                    uint32_t stream, double *phases)
{
    size_t cells = layout->n_cells;
    uint16_t *rank = et_alloc(cells, sizeof *rank);
    if (!rank) return ET_NOMEM;
    enum et_status status = et__mesh_layout_ranks(layout, rank);
    for (size_t i = 0; status == ET_OK && i < cells; i++) {
        /* Centred in its cell of 2^-24, so that neither end is reached. */
        double u = (double)et_rng_uniform(seed, stream, 0, 2 * i) + 0x1p-25;
        phases[2 * i] = 2 * acos(pow(u, 0.5 / rank[i]));
        phases[2 * i + 1] = 2 * pi * (double)et_rng_uniform(seed, stream, 0, 2 * i + 1);
    }
    for (size_t w = 0; w < layout->n; w++)
        phases[2 * cells + w] = 2 * pi * (double)et_rng_uniform(seed, stream, 0, 2 * cells + w);
    et_free(rank);
    return status;
}

enum et_status et__mesh_identity_phases(const struct et__mesh_layout *layout, double *phases)
{
    size_t n = layout->n;
    double complex *u = et_alloc(n * n, sizeof *u);
    if (!u) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        u[i * n + i] = 1;
    enum et_status status = et__mesh_decompose(layout, u, phases);
    et_free(u);
    return status;
}
