/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench pml`: reflection of the absorbing layer by thickness, in dB, against the limit that
 * the documentation promises (-60 dB near normal from 10 cells, grazing from 20). */
#include "bench.h"
#include "pml_reflection.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum et_status et_bench_pml(struct et_bench *bench)
{
    static const size_t cells[] = {5, 8, 10, 15, 20, 40};
    static const struct {
        const char *name;
        double residual;
    } layers[] = {{"default R0 = 1e-10", 1e-10}, {"R0 = 1e-3", 1e-3}};
    static const double promised = -60;
    for (size_t l = 0; l < sizeof layers / sizeof *layers; l++) {
        for (size_t c = 0; c < sizeof cells / sizeof *cells; c++) {
            for (int path = ET__PML_NEAR_NORMAL; path <= ET__PML_GRAZING; path++) {
                size_t from = path == ET__PML_GRAZING ? 20 : 10;
                bool promise = l == 0 && cells[c] >= from;
                char name[96];
                double decibel;
                ET_TRY(et__pml_reflection((enum et__pml_path)path, cells[c], layers[l].residual,
                                          &decibel));
                snprintf(name, sizeof name, "%zu cells, %s, %s", cells[c],
                         path == ET__PML_GRAZING ? "grazing (79 degrees)"
                                                 : "near normal (9 degrees)",
                         layers[l].name);
                et_bench_add(bench, name, decibel, "dB", promise ? promised : NAN,
                             promise ? decibel / promised : NAN, promise ? 1 : NAN);
            }
        }
    }
    return ET_OK;
}
