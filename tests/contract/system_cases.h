/* SPDX-License-Identifier: Apache-2.0
 *
 * One small valid configuration (or more) of every registered system, and types of the test's own:
 * the contract test refuses to pass while a registered type is missing here. */
#ifndef ETALON_TESTS_SYSTEM_CASES_H
#define ETALON_TESTS_SYSTEM_CASES_H

#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* FOLDER stands for the folder of recorded pairs. */
#define PAIRS "x: FOLDER/x.csv, y: FOLDER/y.csv"
#define SMALL_CAVITY                                                                               \
    "width: 0.12, height: 0.1, walls: {spacing: 0.01}, scatterers: {count: 1}, "                   \
    "surfaces: [{x: 0.01, y: 0.01, width: 0.02, height: 0.08, ny: 5}], "                           \
    "transmitters: [{x: 0.1, y: 0.02}, {x: 0.1, y: 0.07}], receivers: [{x: 0.06, y: 0.03}]"
static const struct {
    const char *type, *yaml;
} system_cases[] = {
    {"linear", "{type: linear, n_in: 5, n_out: 3}"},
    {"linear", "{type: linear, n_in: 2, n_out: 4, init: gaussian, gain: 2, tunable: true}"},
    {"random", "{type: random, n_in: 5, n_out: 7, gain: 1.5}"},
    {"identity", "{type: identity, n_in: 4, n_out: 6}"},
    {"zeros", "{type: zeros, n_in: 4, n_out: 2}"},
    {"acoustic", "{type: acoustic}"},
    {"acoustic", "{type: acoustic, noise: 0.01}"},
    {"medium", "{type: medium, n_in: 6, n_out: 9}"},
    {"medium", "{type: medium, n_in: 9, n_out: 5, kind: haar, order: 12, encoding: phase, "
               "detection: magnitude, mask: true, drift: {rate: 0.1, age: 1000}}"},
    {"medium", "{type: medium, n_in: 5, n_out: 9, kind: haar, encoding: binary, "
               "frame_rate: 1000, power: 30, camera: {kind: cmos}}"},
    {"medium", "{type: medium, n_in: 5, n_out: 3, encoding: signed, mask: true, camera: {kind: "
               "cmos, full_well: 1000, bits: 0, saturation: 5}}"},
    {"medium", "{type: medium, n_in: 3, n_out: 4, encoding: phase, detection: quadratures}"},
    {"medium", "{type: medium, n_in: 3, n_out: 9, detection: homodyne, drift: {rate: 1}}"},
#if ET_HAS_SDE
    {"sde", "{type: sde, variables: [{name: x, initial: u0, rate: -x}], samples: 2}"},
    {"sde", "{type: sde, n_in: 2, segments: 2, refine: 1, constants: [{name: k, value: 2, tunable: "
            "true}], variables: [{name: x, rate: u0 - k*x, noise: [0.3]}, {name: y, rate: x*u1, "
            "noise: [0, 0.1*y]}], outputs: [x + y], samples: 3}"},
#endif
#if ET_HAS_ODE
    {"ode", "{type: ode, variables: [{name: x, initial: u0, rate: -x}], samples: 2, segments: 3}"},
    {"ode", "{type: ode, solver: explicit, constants: [{name: k, value: 2, tunable: true}], "
            "variables: [{name: x, rate: v}, {name: v, initial: u0, rate: -k*x + k/10}]}"},
    {"ode", "{type: ode, solver: adams, variables: [{name: x, initial: u0, rate: -x^3}]}"},
#endif
    {"oscillators", "{type: oscillators, n: 6, frequency_spread: 0.5, tunable: both}"},
    {"oscillators", "{type: oscillators, n: 9, topology: grid, columns: 3, input: phase, noise: "
                    "0.1, output: order, settle: 1, duration: 2, tunable: couplings}"},
    {"oscillators", "{type: oscillators, model: pendulum, n: 6, coupling_spread: 1, input: phase, "
                    "output: phase, duration: 0.5, dt: 0.1, tunable: both, precision: double}"},
    {"balanced-network", "{type: balanced-network, n: 200, connectivity: 0.1, n_in: 3, n_out: 7, "
                         "duration: 0.03, current: 0.02}"},
    {"balanced-network", "{type: balanced-network, model: cuba, n: 90, inputs_each: fixed, "
                         "connectivity: 0.1, n_out: 9, delay: 3, settle: 0.01, duration: 0.04, "
                         "input: poisson, precision: double}"},
    {"spiking", "{type: spiking, steps: 6, input: {n: 5}, layers: [{n: 8, gain: 2}, {n: 3}]}"},
    {"spiking", "{type: spiking, steps: 8, integrator: euler, input: {n: 6, encoding: poisson}, "
                "layers: [{n: 9, gain: 3, recurrent: true, neuron: alif, delay: 2, refractory: "
                "1e-3, bias: true}, {n: 4, neuron: cuba-li, synapse: sparse, density: 0.5}], "
                "readout: membrane}"},
    {"spiking", "{type: spiking, steps: 9, input: {channels: 2, height: 5, width: 4, encoding: "
                "latency}, layers: [{synapse: conv, channels: 3, padding: 1, gain: 4, bias: true}, "
                "{synapse: pool, kernel: 2, stride: 2, neuron: relay}, {synapse: one, neuron: if, "
                "gain: 0.6}, {n: 4, neuron: cuba-lif, gain: 3}], readout: first}"},
    {"spiking",
     "{type: spiking, steps: 20, dt: 1e-3, integrator: euler, input: {n: 3, encoding: "
     "frames}, layers: [{n: 4, neuron: izhikevich, gain: 200}, {n: 2, neuron: adex, gain: "
     "1e-9}], readout: last}"},
    {"spiking", "{type: spiking, file: examples/nir-lif.nir, dt: 1e-3, time_unit: s, integrator: "
                "euler, steps: 7, nir: {current: kick, reset: soft}}"},
    {"acoustic", "{type: acoustic, precision: double, order: 4}"},
    {"acoustic", "{type: acoustic, order: 4, walls: {left: {kind: pml}}}"},
    {"acoustic-waveform", "{type: acoustic-waveform, samples: 30}"},
    {"acoustic-waveform", "{type: acoustic-waveform, samples: 30, tail: 0.002, windows: 2, "
                          "output: level, walls: {left: {kind: pml}, top: {kind: pml}}, design: "
                          "{width: 0.4, block: 3, spread: 0.3, blur: 0.05, sharpness: 4}}"},
    {"acoustic-waveform", "{type: acoustic-waveform, samples: 30, output: energy, source: 30, "
                          "design: {width: 0.3, spread: 0.4}, membranes: {regions: "
                          "[{x: 0.6, y: 0.4, width: 0.3, height: 0.3}]}}"},
    {"diffraction", "{type: diffraction}"},
    {"diffraction", "{type: diffraction, slm: {nx: 4, ny: 3, modulation: amplitude, fill: 0.8, "
                    "gap: 0.3}, light: {profile: gaussian, waist: 1e-4}, window: {nx: 24, ny: 20}, "
                    "layers: [{distance: 2e-3, mask: phase, nx: 3, ny: 2, samples: 4}, "
                    "{mask: aperture, diameter: 1e-4}, {distance: 2e-3, mask: phase, samples: 4, "
                    "init: random}, {distance: 1e-3}], sensor: {binning: 3, nx: 4, ny: 4, "
                    "time: 1e-3}, camera: {kind: cmos, full_well: 300, bits: 0, saturation: 3}}"},
    {"diffraction", "{type: diffraction, slm: {nx: 3, ny: 4, bits: 16}, layers: [{mask: lens, "
                    "focal: -9e-3}, {distance: 4e-3, mask: phase, samples: 4, bits: 16, "
                    "init: random}, {distance: 3e-3}], sensor: {regions: "
                    "[{x: 0, y: 0, width: 4e-5, height: 3e-5}, {x: 2e-5, y: 1e-5, width: 4e-5, "
                    "height: 4e-5}]}}"},
    {"medium", "{type: medium, kind: fibre, n_in: 9, n_out: 16, gain: 3, fibre: {radius: 5e-6, "
               "sections: 2}}"},
    {"medium", "{type: medium, kind: file, file: FOLDER/t.npy, encoding: signed}"},
    {"medium", "{type: medium, kind: fibre, n_in: 6, n_out: 8, encoding: phase, fibre: {profile: "
               "graded, radius: 9e-6, in_columns: 3, out_columns: 4}}"},
    {"metasurface", "{type: metasurface, " SMALL_CAVITY "}"},
    {"metasurface",
     "{type: metasurface, frequencies: [4.9e9, 5.1e9], noise: 0.3, tuning: grey, " SMALL_CAVITY
     "}"},
    {"metasurface", "{type: metasurface, frequencies: [5e9], tuning: grey, detection: quadratures, "
                    "calibrate: false, " SMALL_CAVITY "}"},
    {"chain", "{type: chain, systems: [{type: linear, n_in: 5, n_out: 3, tunable: true}, "
              "{type: random, n_in: 3, n_out: 6}, {type: linear, n_in: 6, n_out: 2, "
              "tunable: true}]}"},
    {"chain", "{type: chain, clip: true, systems: [{type: random, n_in: 5, n_out: 20, gain: 2}, "
              "{type: acoustic}]}"},
    {"chain", "{type: chain, systems: [{type: leaky}, {type: random, n_in: 3, n_out: 2}]}"},
    {"converters", "{type: converters, dac_range: [-1, 1], system: {type: random, n_in: 3, "
                   "n_out: 5}}"},
    {"converters", "{type: converters, dac_bits: 0, adc_bits: 0, dac_range: [-1, 1], "
                   "adc_range: [-3, 3], clip: false, system: {type: linear, n_in: 3, n_out: 5, "
                   "tunable: true}}"},
    {"disturb", "{type: disturb, input: {noise: 0.01, gain_mismatch: 0.1}, output: "
                "{noise_relative: 0.02, noise_multiplicative: 0.03, drift: wander, "
                "crosstalk: 0.1}, system: {type: random, n_in: 6, n_out: 5}}"},
    {"disturb", "{type: disturb, input: {dead: [1], offset_mismatch: 0.2, crosstalk_random: 0.1}, "
                "output: {dead_fraction: 0.2, gain_mismatch: 0.1, crosstalk: -0.1}, "
                "system: {type: linear, n_in: 6, n_out: 5, tunable: true}}"},
    {"cache", "{type: cache, system: {type: random, n_in: 3, n_out: 5}}"},
    {"cache", "{type: cache, memory_MB: 0.01, system: {type: linear, n_in: 3, n_out: 5, "
              "tunable: true}}"},
    {"measured", "{type: measured, " PAIRS ", epochs: 2, hidden: [6, 5]}"},
    {"measured", "{type: measured, " PAIRS ", epochs: 1, hidden: [], clip: true, batch: 7}"},
    {"measured", "{type: measured, " PAIRS ", fit: nearest, neighbours: 3}"},
    {"bnn-layer", "{type: bnn-layer, n_in: 7, n_out: 5}"},
    {"bnn-layer", "{type: bnn-layer, n_in: 20, n_out: 6, in_bits: 2, device: 'model:config=8x16'}"},
    {"bnn-layer", "{type: bnn-layer, n_in: 9, n_out: 10, in_bits: 3, encoding: unsigned}"},
    {"crossbar", "{type: crossbar, n_in: 5, n_out: 3, cell: ideal, dac: {bits: 0}, "
                 "adc: {bits: 0}}"},
    {"crossbar", "{type: crossbar, n_in: 3, n_out: 3, weights: [-0.9, 0.7, -0.4, 0.5, -0.8, 0.3, "
                 "0.6, 0.9, -0.7], array: {rows: 2, cols: 2}, age: 3600, compensation: global, "
                 "input_scaling: abs-max, dac: {bits: 0}, adc: {bits: 20, noise: 0.01}}"},
    {"crossbar", "{type: crossbar, n_in: 2, n_out: 3, cell: reram, weights: [-0.9, 0.7, -0.4, "
                 "0.5, 0.8, 0.2], age: 3e4, noise: {white: 0.01}, stuck_on: 0.2, dac: {bits: 0}, "
                 "adc: {bits: 0}}"},
    {"crossbar", "{type: crossbar, n_in: 4, n_out: 3, weights: [-0.9, 0.7, -0.4, 0.5, 0.8, 0.2, "
                 "0.3, -0.6, 0.9, -0.5, 0.7, -0.8], noise: {when: held}, array: {rows: 3, "
                 "cols: 2, wire: 2000, driver: 500}, dac: {bits: 0}, adc: {bits: 0}}"},
    {"mesh", "{type: mesh, n: 5}"},
    {"mesh", "{type: mesh, n: 4, topology: reck, input: phase, phase_span: 0.3, "
             "output: magnitude, crosstalk: 0.02, crosstalk_along: 0.05, phase_bits: 20, "
             "coupler_error: 0.05, loss_dB: 0.3}"},
    {"mesh", "{type: mesh, n: 3, input: polar, output: quadratures, phase_noise: 0.05, "
             "coupler_error: 0.1, loss_dB: 0.2}"},
    {"mesh", "{type: mesh, block: svd, n: 4, n_out: 3, input: signed, output: real, "
             "detector_noise: 0.01, correction: local, coupler_error: 0.05, matrix: [1, 2, 3, 4, "
             "0, -1, 2, 0.5, 0.3, 0.2, 0.1, -0.4]}"},
    {"mesh", "{type: mesh, block: svd, n: 2, n_out: 5, phase_noise: 0.02, topology: reck}"},
    {"hyperbolic",
     "{type: hyperbolic, input: {n: 4}, layers: [{kind: fc, n: 4}, {kind: mlr, n: 3}], "
     "learn_curvature: true}"},
    {"hyperbolic", "{type: hyperbolic, curvature: 0.5, input: {n: 3}, layers: [{kind: fc, n: 5, "
                   "init: normal}, {kind: norm}, {kind: prototypes, n: 2, spread: 0.4}]}"},
    {"hyperbolic", "{type: hyperbolic, input: {channels: 2, height: 4, width: 3}, layers: [{kind: "
                   "conv, channels: 3, size: 2, stride: 2}, {kind: norm}, {kind: pool, size: 2, "
                   "stride: 1}, {kind: fc, n: 2}]}"},
    {"hyperbolic", "{type: hyperbolic, geometry: euclidean, input: {n: 1}, layers: [{kind: "
                   "embedding, n: 4, dim: 3}, {kind: norm}, {kind: mlr, n: 2}]}"},
    {"leaky", "{type: leaky}"},
    {"amplifier", "{type: amplifier, n_in: 5, n_out: 4}"},
};
enum { N_CASES = sizeof system_cases / sizeof *system_cases };

/* The worked example of docs/add-a-system.md, compiled into this test. */
extern const struct et_system_type et_system_amplifier;

/* ------------------------------------------------------------- a STATEFUL type of a program -- */

enum { LEAKY_CHANNELS = 3 };

struct leaky {
    float memory[LEAKY_CHANNELS];
};

static enum et_status leaky_open(void *state, const struct et_config *config, uint64_t seed)
{
    (void)state;
    (void)config;
    (void)seed;
    return ET_OK;
}

static void leaky_describe(const void *state, struct et_system_info *info)
{
    (void)state;
    info->n_in = info->n_out = LEAKY_CHANNELS;
    info->in_min = -2;
    info->in_max = 2;
    info->in_unit = info->out_unit = "V";
    info->latency_s = 1e-3;
    info->energy_J = 1e-6;
    info->traits = ET_STATEFUL;
}

static enum et_status leaky_forward(void *state, const struct et_step *step, struct et_view x,
                                    struct et_view y)
{
    (void)step;
    struct leaky *s = state;
    for (size_t r = 0; r < x.rows; r++)
        for (size_t c = 0; c < LEAKY_CHANNELS; c++) {
            s->memory[c] = 0.5F * s->memory[c] + x.data[r * LEAKY_CHANNELS + c];
            y.data[r * LEAKY_CHANNELS + c] = s->memory[c];
        }
    return ET_OK;
}

static enum et_status leaky_reset(void *state)
{
    *(struct leaky *)state = (struct leaky){0};
    return ET_OK;
}

static const struct et_param no_params[] = {{0}};

static const struct et_system_type leaky_type = {
    .name = "leaky",
    .summary = "A leaky integrator that belongs to the test.",
    .state_size = sizeof(struct leaky),
    .params = no_params,
    .open = leaky_open,
    .describe = leaky_describe,
    .forward = leaky_forward,
    .reset = leaky_reset,
};

/* -------------------------------------------------------------------------- recorded pairs -- */

static char pairs_folder[] = "/tmp/etalon-pairs-XXXXXX";

static void write_table(const char *name, const float *data, size_t rows, size_t cols)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", pairs_folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) exit(EXIT_FAILURE);
    for (size_t i = 0; i < rows * cols; i++)
        fprintf(file, "%.9g%c", (double)data[i], (i + 1) % cols == 0 ? '\n' : ',');
    fclose(file);
}

/* A 4 x 3 matrix of complex numbers. */
static void write_matrix(void)
{
    static const char header[] = "{'descr': '<c8', 'fortran_order': False, 'shape': (4, 3), }";
    char path[64];
    float parts[24];
    for (size_t i = 0; i < 24; i++)
        parts[i] = cosf((float)(i * i));
    snprintf(path, sizeof path, "%s/t.npy", pairs_folder);
    FILE *file = fopen(path, "wb");
    if (file == NULL) exit(EXIT_FAILURE);
    fwrite("\x93NUMPY\x01\x00", 1, 8, file);
    fputc(sizeof header - 1, file);
    fputc(0, file);
    fwrite(header, 1, sizeof header - 1, file);
    fwrite(parts, 1, sizeof parts, file);
    fclose(file);
}

/* 60 pairs of a smooth map from [0, 1]^3 to two outputs. */
static void write_pairs(void)
{
    enum { PAIRS_MADE = 60 };
    float x[PAIRS_MADE][3], y[PAIRS_MADE][2];
    if (mkdtemp(pairs_folder) == NULL) exit(EXIT_FAILURE);
    for (size_t i = 0; i < PAIRS_MADE; i++) {
        for (size_t k = 0; k < 3; k++)
            x[i][k] = fmodf((float)i * (0.618F + 0.13F * (float)k), 1.0F);
        y[i][0] = sinf(3 * x[i][0]) * x[i][1];
        y[i][1] = x[i][2] * x[i][2] - 0.5F * x[i][0];
    }
    write_table("x.csv", &x[0][0], PAIRS_MADE, 3);
    write_table("y.csv", &y[0][0], PAIRS_MADE, 2);
    write_matrix();
}

static void remove_pairs(void)
{
    char path[64];
    snprintf(path, sizeof path, "%s/x.csv", pairs_folder);
    remove(path);
    snprintf(path, sizeof path, "%s/y.csv", pairs_folder);
    remove(path);
    snprintf(path, sizeof path, "%s/t.npy", pairs_folder);
    remove(path);
    rmdir(pairs_folder);
}

/* Case i with FOLDER replaced. */
static const char *case_yaml(size_t i)
{
    static char text[1024];
    const char *from = system_cases[i].yaml;
    size_t length = 0;
    while (*from != '\0') {
        if (strncmp(from, "FOLDER", 6) == 0) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%s", pairs_folder);
            from += 6;
        } else {
            text[length++] = *from++;
        }
    }
    text[length] = '\0';
    return text;
}

#endif
