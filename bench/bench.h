/* SPDX-License-Identifier: Apache-2.0
 *
 * Benchmarks: each is a function that adds rows to a table.
 *
 * A number alone says little on a shared machine, so a row puts it beside a limit or a peer that
 * was measured in the same rounds. */
#ifndef ETALON_BENCH_H
#define ETALON_BENCH_H

#include <etalon/error.h>

#include <stddef.h>

struct et_bench; /* collects rows */

typedef enum et_status et_bench_fn(struct et_bench *bench);

/* Adds a row; NAN = none.
 *
 * name    the case, e.g. "4096x4096 nonlinear, 2 threads"; copied
 * value   measured, in unit
 * limit   the roof or the peer, in unit, measured in the same rounds
 * ratio   value / limit for rates, limit / value for times: larger is better
 * target  the ratio that the documentation promises
 *
 * A row that finds no memory makes the whole benchmark fail with ET_NOMEM when the function
 * returns. */
void et_bench_add(struct et_bench *bench, const char *name, double value, const char *unit,
                  double limit, double ratio, double target);

/* The middle one of n values, which are sorted on the way. */
double et_bench_median(double *value, size_t n);

/* Runs a script of bench/peers/ ("name.py --option ...") and reads the numbers that follow
 * "key[i]": in what it prints; NAN for all of them when it fails, as it does when the peer is not
 * installed. */
void et_bench_peer(const char *script, const char *const *keys, double *values, size_t n);

/* The benchmarks, one bench_<name>.c and one line of bench/CMakeLists.txt each. */
et_bench_fn et_bench_waves;    /* cell updates of the wave kernel against limits and peers */
et_bench_fn et_bench_mesh;     /* light through interferometers against its arithmetic */
et_bench_fn et_bench_physics;  /* systems against analytic solutions */
et_bench_fn et_bench_waveform; /* passes of recordings and their derivatives */
et_bench_fn et_bench_dynamics; /* oscillators, equations as text */
et_bench_fn et_bench_pml;      /* reflection of the absorbing layer by number of cells */
et_bench_fn et_bench_crossbar; /* passes against et_gemm, wires against exact analysis */
et_bench_fn et_bench_optics;   /* a stretch of free space against a pair of transforms */
et_bench_fn et_bench_medium;   /* passes through a scatterer against et_gemm */
et_bench_fn et_bench_gemm;     /* matrix product */
et_bench_fn et_bench_binary;   /* products of packed bits against the AVX2 bound and sgemm */
et_bench_fn et_bench_rtl;      /* the Verilated accelerator: speed, use of array and bus */
et_bench_fn et_bench_spiking;  /* training steps of spiking networks, their memory */
et_bench_fn et_bench_train;    /* local-ce samples per second against PyTorch */
/* layers of the Poincare ball against their product and PyTorch */
et_bench_fn et_bench_hyperbolic;

/* ------------------------------------------------------------------------- for the program -- */

struct et_bench_row {
    char *name;
    const char *unit; /* static */
    double value, limit, ratio, target;
};

struct et_bench_entry {
    const char *name, *summary;
    et_bench_fn *run;
};

/* Entry i of the table of benchmarks, NULL past the last. */
const struct et_bench_entry *et_bench_entries(size_t i);

/* Runs an entry; *bench is the caller's, also after a failure (NULL when there was no memory). */
enum et_status et_bench_run(const struct et_bench_entry *entry, struct et_bench **bench) ET_CHECKED;

/* The rows in the order of their making; borrowed until close. */
const struct et_bench_row *et_bench_rows(const struct et_bench *bench, size_t *n);

/* Accepts NULL. */
void et_bench_close(struct et_bench *bench);

/* Seconds of a monotonic clock, for intervals. */
double et_bench_now(void);

#endif
