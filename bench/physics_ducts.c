/* SPDX-License-Identifier: Apache-2.0
 *
 * Walls and membranes of the wave kernel at the ends and in the way of plane waves. */
#include "physics.h"
#include "wave_tank.h"

#include <math.h>

/* A plane pulse travels along a duct into a wall of specific admittance Y and comes back times
 * R = (1 - Y) / (1 + Y); its area shows R. */
static enum et_status wall_reflection(double *error)
{
    static const double admittances[] = {0, 0.2, 0.5, 1, 3};
    enum { NX = 400, NY = 4 };
    double courant = 0.6, width = 12;
    *error = 0;
    for (size_t i = 0; i < sizeof admittances / sizeof *admittances; i++) {
        double y = admittances[i], want = (1 - y) / (1 + y), sum = 0;
        struct tank t;
        enum et_status status = make_tank(&t, NX, NY, courant, 2, ET__WAVE_SINGLE);
        for (size_t row = 0; status == ET_OK && row < NY; row++)
            t.beta[row * NX + NX - 1] = 0.5 * y * courant;
        if (status == ET_OK) status = start_tank(&t);
        for (size_t x = 0; status == ET_OK && x < NX; x++)
            for (size_t row = 0; row < NY; row++) {
                double at = ((double)x - 200) / width, from = ((double)x + courant - 200) / width;
                set(&t, x, row, exp(-at * at), exp(-from * from));
            }
        if (status == ET_OK) {
            advance(&t, (size_t)(NX / courant));
            for (size_t x = 0; x < NX; x++)
                sum += now(&t, x, 1);
            *error = fmax(*error, fabs(sum / (width * sqrt(M_PI)) - want));
            *error = fmax(*error, 0.1 * fabs(now(&t, 199, 1) - want)); /* the shape, to a tenth */
        }
        free_tank(&t);
        ET_TRY(status);
    }
    return ET_OK;
}

/* A tone of 30 cells a wavelength runs along a duct through a membrane into an open end. */
enum { DUCT = 900, ENTRY = 100, PERIOD = 60, FIRST = 140, LAST = 780, LISTEN = 40 * PERIOD };

struct tone {
    double fundamental[2], third; /* amplitudes at FIRST and LAST; third harmonic at LAST */
};

static enum et_status run_duct(double amplitude, const struct et__wave_membrane *membrane,
                               struct tone *tone)
{
    double courant = 0.5, re[3] = {0}, im[3] = {0};
    struct tank t;
    enum et_status status = make_tank(&t, DUCT, 3, courant, 4, ET__WAVE_DOUBLE);
    if (status == ET_OK) {
        t.membrane = *membrane;
        t.medium.strip[ET__WAVE_LEFT] = t.medium.strip[ET__WAVE_RIGHT] = 20;
        for (size_t side = 0; side < ET__WAVE_SIDES; side++)
            t.medium.pml_reflection[side] = 1e-10;
        for (size_t i = 0; i < t.nx * t.ny; i++)
            t.membranes[i] = i % t.nx >= ENTRY && i % t.nx < 820;
        status = start_tank(&t);
    }
    size_t steps = 60 * PERIOD + LISTEN;
    for (size_t step = 0; status == ET_OK && step < steps; step++) {
        double w = 2 * M_PI / PERIOD, rise = (double)step / (10 * PERIOD);
        double ramp = rise < 1 ? 0.5 * (1 - cos(M_PI * rise)) : 1;
        advance(&t, 1);
        /* a sheet that radiates cos(w t) of this amplitude to both sides */
        double drive = 2 * courant * amplitude * w * ramp * -sin(w * (double)step);
        for (size_t y = 0; y < t.ny; y++)
            add(&t, 50, y, drive);
        const double heard[] = {now(&t, FIRST, 1), now(&t, LAST, 1), now(&t, LAST, 1)};
        for (size_t i = 0; step + LISTEN >= steps && i < 3; i++) {
            double turn = (i == 2 ? 3 : 1) * w * (double)step;
            re[i] += heard[i] * cos(turn) * 2 / LISTEN;
            im[i] += heard[i] * sin(turn) * 2 / LISTEN;
        }
    }
    tone->fundamental[0] = hypot(re[0], im[0]);
    tone->fundamental[1] = hypot(re[1], im[1]);
    tone->third = hypot(re[2], im[2]);
    free_tank(&t);
    return status;
}

/* Absorption b_0 / (1 + (u / u_sat)^2) of a tone of amplitude a u_sat, averaged over its period,
 * makes da/dx = -2 k (s - 1) / a with s = sqrt(1 + a^2) and k = b_0 / c, hence
 *     s + ln(s - 1) + 2 k x = constant. */
static enum et_status saturable_absorber(double *error)
{
    static const double amplitudes[] = {0.05, 0.5, 1.5, 4};
    struct et__wave_membrane membrane = {.beta = 5e-4, .inverse_saturation2 = 1};
    *error = 0;
    for (size_t i = 0; i < sizeof amplitudes / sizeof *amplitudes; i++) {
        struct tone tone;
        ET_TRY(run_duct(amplitudes[i], &membrane, &tone));
        double s = sqrt(1 + pow(tone.fundamental[0], 2));
        double want = s + log(s - 1) - 2 * membrane.beta / 0.5 * (LAST - FIRST);
        double low = 1, high = s; /* s + ln(s - 1) grows with s */
        for (int halving = 0; halving < 100; halving++) {
            double middle = 0.5 * (low + high);
            if (middle + log(middle - 1) < want)
                low = middle;
            else
                high = middle;
        }
        double expected = sqrt(low * low - 1);
        *error = fmax(*error, fabs(tone.fundamental[1] / expected - 1));
    }
    return ET_OK;
}

/* Distance of the exponent with which the third harmonic grows from 3. */
static enum et_status third_harmonic(double *error)
{
    struct et__wave_membrane membrane = {.stiffening = 0.3, .inverse_saturation2 = 1};
    struct tone weak, strong;
    ET_TRY(run_duct(0.003, &membrane, &weak));
    ET_TRY(run_duct(0.006, &membrane, &strong));
    double slope =
        log(strong.third / weak.third) / log(strong.fundamental[0] / weak.fundamental[0]);
    *error = fabs(slope - 3);
    return ET_OK;
}

const struct et__physics_check et__physics_ducts[] = {
    {"acoustic", "wall of admittance Y: R = (1 - Y) / (1 + Y)", "1", 2e-3, wall_reflection},
    {"acoustic", "saturable absorber: s + ln(s - 1) + 2 b0 x / c = const", "1", 1e-2,
     saturable_absorber},
    {"acoustic", "third harmonic of a stiffening membrane: slope 3", "1", 0.01, third_harmonic},
    {0},
};
