/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of the crossbar.  The defaults are PCM cells as published, arrays of 256 x 256,
 * converters of 7 and 9 bits and ideal wires. */
#include "crossbar/crossbar.h"

#include <etalon/rng.h>

#include <math.h>

/* clang-format off */
static const struct et_param noise_params[] = {
    {.name = "programming", .kind = ET_PARAM_REAL, .initial = "1", .min = 0, .max = 100,
     .doc = "Factor on the published spread of programming (and of ReRAM's relaxation)."},
    {.name = "drift", .kind = ET_PARAM_REAL, .initial = "1", .min = 0, .max = 100,
     .doc = "Factor on the drift exponents (pcm)."},
    {.name = "read", .kind = ET_PARAM_REAL, .initial = "1", .min = 0, .max = 100,
     .doc = "Factor on the 1/f read noise (pcm)."},
    {.name = "white", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1, .unit = "gmax",
     .doc = "Standard deviation of a white read noise of each cell."},
    {.name = "when", .kind = ET_PARAM_CHOICE, .initial = "pass", .choices = "off|pass|held",
     .doc = "Read noise: none, drawn for each pass of each sample, or drawn once and held."},
    {0},
};

static const struct et_param verify_params[] = {
    {.name = "writes", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 255,
     .doc = "Most writes of a cell; 1 = no verification (pcm: its published spread is already "
            "that of an iterative programming)."},
    {.name = "tolerance", .kind = ET_PARAM_REAL, .initial = "0.5", .min = 1e-6, .max = 1e6,
     .unit = "uS", .doc = "A cell is written again while it is further than this from its target."},
    {0},
};

static const struct et_param array_params[] = {
    {.name = "rows", .kind = ET_PARAM_INT, .initial = "256", .min = 1, .max = 65536,
     .doc = "Word lines of an array; more inputs go to further arrays, summed digitally."},
    {.name = "cols", .kind = ET_PARAM_INT, .initial = "256", .min = 1, .max = 65536,
     .doc = "Bit lines of an array."},
    {.name = "wire", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6, .unit = "ohm",
     .doc = "Resistance of a wire from cell to cell; 0 = ideal wires."},
    {.name = "driver", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6, .unit = "ohm",
     .doc = "Output resistance of a word line's driver, in series with one wire segment."},
    {.name = "amplifier", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6,
     .unit = "ohm",
     .doc = "Input resistance of a bit line's amplifier, in series with one wire segment."},
    {.name = "tolerance", .kind = ET_PARAM_REAL, .initial = "1e-9", .min = 1e-14, .max = 0.01,
     .doc = "Currents that the solution of the wires may leave unbalanced, share of all."},
    {.name = "sweeps", .kind = ET_PARAM_INT, .initial = "1000", .min = 1, .max = 1000000,
     .doc = "Most sweeps of the solver."},
    {0},
};

static const struct et_param dac_params[] = {
    {.name = "bits", .kind = ET_PARAM_INT, .initial = "7", .min = 0, .max = 24, .unit = "bit",
     .doc = "Resolution of the inputs, 2^bits - 1 levels symmetric about 0; 0 = ideal, 1 is none."},
    {.name = "range", .kind = ET_PARAM_REAL, .initial = "1", .min = 1e-6, .max = 1e6,
     .doc = "Largest input."},
    {0},
};

static const struct et_param adc_params[] = {
    {.name = "bits", .kind = ET_PARAM_INT, .initial = "9", .min = 0, .max = 24, .unit = "bit",
     .doc = "Resolution of each array's outputs; 0 = ideal, 1 is none."},
    {.name = "range", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e9,
     .doc = "Largest output of an array, in weights times inputs; 0 = from the weights, see margin."},
    {.name = "margin", .kind = ET_PARAM_REAL, .initial = "4", .min = 0.01, .max = 1000,
     .doc = "Range in standard deviations of the array's largest output under inputs uniform over "
            "the range of the DAC."},
    {.name = "noise", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6,
     .doc = "Standard deviation of the noise in front of each ADC, in weights times inputs."},
    {0},
};

const struct et_param et__crossbar_params[] = {
    {.name = "n_in", .kind = ET_PARAM_INT, .min = 1, .max = 65536, .doc = "Number of inputs."},
    {.name = "n_out", .kind = ET_PARAM_INT, .min = 1, .max = 65536, .doc = "Number of outputs."},
    {.name = "cell", .kind = ET_PARAM_CHOICE, .initial = "pcm", .choices = "ideal|pcm|reram",
     .doc = "Memory cell: exact, phase-change memory, or resistive memory."},
    {.name = "gmax", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6, .unit = "uS",
     .doc = "Largest conductance; 0 = that of the published model (25, ReRAM 40)."},
    {.name = "gmin", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6, .unit = "uS",
     .doc = "Smallest conductance that programming asks for."},
    {.name = "weights", .kind = ET_PARAM_REALS, .initial = "[]",
     .doc = "Weights in [-1, 1], n_out rows of n_in numbers; empty = made from the seed."},
    {.name = "spread", .kind = ET_PARAM_REAL, .initial = "0.5", .min = 0, .max = 1,
     .doc = "Seeded weights are uniform between minus and plus this."},
    {.name = "programming", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1e9,
     .doc = "Number of the programming: another number is another attempt to write the same "
            "weights, with noise of its own."},
    {.name = "redraw", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Let a cell's noise depend on its target too, as if each new weight were written anew; "
            "otherwise a cell errs in the same way again."},
    {.name = "age", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e10, .unit = "s",
     .doc = "Time since programming: 3600 is an hour, 2.592e6 a month."},
    {.name = "compensation", .kind = ET_PARAM_CHOICE, .initial = "none", .choices = "none|global",
     .doc = "global: scale each array's outputs by (sum of all its conductances after programming) "
            "/ (the same now)."},
    {.name = "noise", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = noise_params,
     .doc = "How much the cells err."},
    {.name = "verify", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = verify_params,
     .doc = "Write-verify programming."},
    {.name = "stuck_off", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1,
     .doc = "Fraction of cells that stay at gmin."},
    {.name = "stuck_on", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1,
     .doc = "Fraction of cells that stay at gmax."},
    {.name = "array", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = array_params,
     .doc = "Size of the arrays and resistance of their wires."},
    {.name = "dac", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = dac_params,
     .doc = "Converters of the inputs."},
    {.name = "adc", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = adc_params,
     .doc = "Converters of each array's outputs."},
    {.name = "input_scaling", .kind = ET_PARAM_CHOICE, .initial = "none",
     .choices = "none|abs-max",
     .doc = "abs-max: divide each sample by its largest input and multiply its outputs again, so "
            "that any input is legal and the DAC is used in full."},
    {0},
};
/* clang-format on */

static enum et_status read_bits(const struct et_config *config, int64_t *bits)
{
    *bits = et_config_int(config, "bits");
    if (*bits == 1)
        return et_config_error(config, "bits", "bits = 1 leaves one level, 0: use 2 or more, or 0");
    return ET_OK;
}

static enum et_status read_cell(struct et__crossbar *s, const struct et_config *config)
{
    struct et__cell *cell = &s->cell;
    const struct et_config *noise = et_config_at(config, "noise", 0);
    const struct et_config *verify = et_config_at(config, "verify", 0);
    cell->kind = (enum et__cell_kind)et_config_choice(config, "cell");
    cell->gmax = et_config_real(config, "gmax");
    cell->gmin = et_config_real(config, "gmin");
    if (cell->gmax <= 0) cell->gmax = et__cell_reference(cell->kind);
    if (cell->gmin >= cell->gmax)
        return et_config_error(config, "gmin", "gmin = %g uS is not below gmax = %g uS", cell->gmin,
                               cell->gmax);
    cell->age = et_config_real(config, "age");
    double oldest = et__cell_age_max(cell->kind);
    if (cell->age > oldest)
        return et_config_error(config, "age", "age = %g s is beyond %g s, the last measurement",
                               cell->age, oldest);
    cell->programming = et_config_real(noise, "programming");
    cell->drift = et_config_real(noise, "drift");
    cell->read = et_config_real(noise, "read");
    cell->white = et_config_real(noise, "white");
    s->read_noise = (enum et__read_noise)et_config_choice(noise, "when");
    if (s->read_noise == ET__READ_OFF) cell->read = cell->white = 0;
    bool quiet = cell->white <= 0 && (cell->kind != ET__CELL_PCM || cell->read <= 0);
    if (quiet) s->read_noise = ET__READ_OFF;
    cell->writes = (size_t)et_config_int(verify, "writes");
    cell->tolerance = et_config_real(verify, "tolerance");
    s->stuck_off = et_config_real(config, "stuck_off");
    s->stuck_on = et_config_real(config, "stuck_on");
    if (s->stuck_off + s->stuck_on > 1)
        return et_config_error(config, "stuck_on", "stuck_off + stuck_on = %g is above 1",
                               s->stuck_off + s->stuck_on);
    return ET_OK;
}

static enum et_status read_array(struct et__crossbar *s, const struct et_config *config)
{
    const struct et_config *array = et_config_at(config, "array", 0);
    s->rows = (size_t)et_config_int(array, "rows");
    s->cols = (size_t)et_config_int(array, "cols");
    if (s->rows > s->n_in) s->rows = s->n_in;
    if (s->cols > s->n_out) s->cols = s->n_out;
    s->n_row_tiles = (s->n_in + s->rows - 1) / s->rows;
    s->n_col_tiles = (s->n_out + s->cols - 1) / s->cols;
    s->wire = et_config_real(array, "wire");
    s->driver = et_config_real(array, "driver");
    s->amplifier = et_config_real(array, "amplifier");
    s->tolerance = et_config_real(array, "tolerance");
    s->sweeps = (size_t)et_config_int(array, "sweeps");
    if (s->wire <= 0 && (s->driver > 0 || s->amplifier > 0))
        return et_config_error(array, s->driver > 0 ? "driver" : "amplifier",
                               "%g ohm has no effect with ideal wires: give wire as well",
                               s->driver > 0 ? s->driver : s->amplifier);
    return ET_OK;
}

enum et_status et__crossbar_read(struct et__crossbar *s, const struct et_config *config)
{
    const double most = 0x1p28; /* weights: a cell has 31 bits of the random numbers' index */
    s->n_in = (size_t)et_config_int(config, "n_in");
    s->n_out = (size_t)et_config_int(config, "n_out");
    if ((double)s->n_in * (double)s->n_out > most)
        return et_config_error(config, "n_in", "n_in n_out = %g weights are more than %g",
                               (double)s->n_in * (double)s->n_out, most);
    ET_TRY(read_cell(s, config));
    ET_TRY(read_array(s, config));
    s->redraw = et_config_bool(config, "redraw");
    s->compensate = et_config_choice(config, "compensation") == 1;
    s->abs_max = et_config_choice(config, "input_scaling") == 1;
    const struct et_config *dac = et_config_at(config, "dac", 0);
    const struct et_config *adc = et_config_at(config, "adc", 0);
    int64_t bits;
    ET_TRY(read_bits(dac, &bits));
    et__converter_set(&s->dac, bits, et_config_real(dac, "range"));
    ET_TRY(read_bits(adc, &s->adc_bits));
    s->adc_range = et_config_real(adc, "range");
    s->adc_margin = et_config_real(adc, "margin");
    s->adc_noise = (float)et_config_real(adc, "noise");
    return ET_OK;
}

enum et_status et__crossbar_weights(struct et__crossbar *s, const struct et_config *config,
                                    uint64_t seed)
{
    size_t n = s->n_in * s->n_out, given = et_config_count(config, "weights");
    if (given == 0) {
        float spread = (float)et_config_real(config, "spread");
        et_rng_fill_uniform(seed, ET_STREAM_INIT, 0, 0, -spread, spread, s->weight, n);
        return ET_OK;
    }
    if (given != n)
        return et_config_error(config, "weights", "weights has %zu numbers, not n_out * n_in = %zu",
                               given, n);
    const double *weights = et_config_reals(config, "weights");
    const struct et__cell *cell = &s->cell;
    for (size_t i = 0; i < n; i++) {
        double g = cell->gmin + fabs(weights[i]) * (cell->gmax - cell->gmin);
        if (fabs(weights[i]) > 1)
            return et_config_error(config, "weights",
                                   "weight %zu = %.9g asks for %.9g uS, above gmax = %g uS", i,
                                   weights[i], g, cell->gmax);
        s->weight[i] = (float)weights[i];
    }
    return ET_OK;
}
