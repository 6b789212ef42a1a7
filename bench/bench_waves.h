/* SPDX-License-Identifier: Apache-2.0
 *
 * Simulations that `etalon bench waves` times, shared with the part that runs the peers. */
#ifndef ETALON_BENCH_WAVES_H
#define ETALON_BENCH_WAVES_H

#include "bench.h"

#include "sim/kernels/wave.h"

#include <stdbool.h>

/* A square grid. */
struct et_bench_wave_case {
    size_t n; /* cells along each side, strips included */
    enum et__wave_precision precision;
    int order;
    bool pml, nonlinear;
    bool sponge;  /* damping that grows towards the sides, in 20 cells */
    size_t steps; /* of a run */
};

struct et_bench_wave {
    struct et__wave_plan plan;
    struct et__wave_field field;
    struct et__wave_ports ports;
    void *signal, *trace;
    size_t steps;
};

/* A random medium with a random field; free it also after a failure.  Errors: ET_NOMEM. */
enum et_status et_bench_wave_make(struct et_bench_wave *wave, const struct et_bench_wave_case *c);
void et_bench_wave_free(struct et_bench_wave *wave);

/* Million cell updates per second of one run of its steps on all threads together, by processor
 * time and, if wanted, by the clock. */
double et_bench_wave_rate(struct et_bench_wave *wave, size_t threads, double *by_clock);

/* Adds the rows beside other programs. */
enum et_status et_bench_wave_peers(struct et_bench *bench);

#endif
