/* SPDX-License-Identifier: Apache-2.0
 *
 * The wave kernel beside other programs on the same grid, one thread each, in turns.
 *
 * Meep (bench/peers/meep_wave.py) steps three fields in double precision where ours is one, so its
 * rows say what a pressure field costs beside a full 2-D Maxwell solver.  PyTorch
 * (bench/peers/torch_wave.py) steps the same equation in single precision, with damping in 20 cells
 * at the sides.  Ours has sources and probes, beside Meep also strips of 20 cells. */
#include "bench_waves.h"

#include <math.h>
#include <stdio.h>

enum { ROUNDS = 3 };

struct row {
    const char *name, *key;
    enum et__wave_precision precision;
    double target;
};

/* A script and the rows that its numbers give. */
struct peer {
    const char *name, *script;
    size_t n, steps;
    bool pml; /* strips, else damping at the sides */
    const struct row *rows;
    size_t n_rows;
};

static enum et_status our_rate(const struct peer *peer, const struct row *row, double *rate)
{
    struct et_bench_wave_case c = {.n = peer->n,
                                   .precision = row->precision,
                                   .order = 2,
                                   .pml = peer->pml,
                                   .sponge = !peer->pml,
                                   .steps = peer->steps};
    struct et_bench_wave wave;
    enum et_status status = et_bench_wave_make(&wave, &c);
    if (status == ET_OK) {
        et_bench_wave_rate(&wave, 1, NULL); /* touches the memory */
        *rate = et_bench_wave_rate(&wave, 1, NULL);
    }
    et_bench_wave_free(&wave);
    return status;
}

static enum et_status bench_peer(struct et_bench *bench, const struct peer *peer)
{
    enum { ROWS_MAX = 3 };
    double ours[ROWS_MAX][ROUNDS], theirs[ROWS_MAX][ROUNDS], ratio[ROWS_MAX][ROUNDS];
    const char *keys[ROWS_MAX];
    char name[96];
    for (size_t i = 0; i < peer->n_rows; i++)
        keys[i] = peer->rows[i].key;
    for (size_t r = 0; r < ROUNDS; r++) {
        double found[ROWS_MAX];
        et_bench_peer(peer->script, keys, found, peer->n_rows);
        if (isnan(found[0])) {
            snprintf(name, sizeof name, "%s is not installed", peer->name);
            et_bench_add(bench, name, NAN, "Mcells/s", NAN, NAN, NAN);
            return ET_OK;
        }
        for (size_t i = 0; i < peer->n_rows; i++) {
            ET_TRY(our_rate(peer, &peer->rows[i], &ours[i][r]));
            theirs[i][r] = found[i];
            ratio[i][r] = ours[i][r] / found[i];
        }
    }
    for (size_t i = 0; i < peer->n_rows; i++)
        et_bench_add(bench, peer->rows[i].name, et_bench_median(ours[i], ROUNDS), "Mcells/s",
                     et_bench_median(theirs[i], ROUNDS), et_bench_median(ratio[i], ROUNDS),
                     peer->rows[i].target);
    return ET_OK;
}

enum et_status et_bench_wave_peers(struct et_bench *bench)
{
    static const struct row meep_1024[] = {
        {"1024x1024 single, against Meep", "mcells_per_s", ET__WAVE_SINGLE, 15},
        {"1024x1024 double, against Meep", "mcells_per_s", ET__WAVE_DOUBLE, 8},
    };
    static const struct row meep_4096[] = {
        {"4096x4096 single, against Meep", "mcells_per_s", ET__WAVE_SINGLE, 15},
        {"4096x4096 double, against Meep", "mcells_per_s", ET__WAVE_DOUBLE, 8},
    };
    static const struct row torch[] = {
        {"256x256 single, against PyTorch, convolution", "convolution_mcells_per_s",
         ET__WAVE_SINGLE, 40},
        {"256x256 single, against PyTorch, slices", "slices_mcells_per_s", ET__WAVE_SINGLE, 15},
        {"256x256 single, against PyTorch, in place", "in_place_mcells_per_s", ET__WAVE_SINGLE,
         NAN},
    };
    static const struct peer peers[] = {
        {"Meep", "meep_wave.py --cells 1024 --seconds 1", 1024, 128, true, meep_1024, 2},
        {"Meep", "meep_wave.py --cells 4096 --seconds 2", 4096, 25, true, meep_4096, 2},
        {"PyTorch", "torch_wave.py --cells 256 --seconds 0.5", 256, 4000, false, torch, 3},
    };
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        ET_TRY(bench_peer(bench, &peers[i]));
    return ET_OK;
}
