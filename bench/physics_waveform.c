/* SPDX-License-Identifier: Apache-2.0
 *
 * The cavity that listens to recordings: its derivatives are exact, its energies those of the wave
 * equation.
 *
 * The derivatives are tested in double precision on a small grid that has everything: a map of
 * speeds, rigid cells, a damping wall, absorbing strips on three sides, membranes where asked. */
#include "physics.h"

#include "sim/kernels/wave_adjoint.h"

#include <etalon/array.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NX = 36, NY = 30, STEPS = 150, PROBES = 3, SOURCE_X = 11, SOURCE_Y = 14 };
enum { REGION_X = 14, REGION_Y = 9, REGION_NX = 12, REGION_NY = 12 };
enum { REGION = REGION_NX * REGION_NY };

static const size_t probes[PROBES][2] = {{27, 12}, {20, 25}, {12, 20}};

struct model {
    double courant2[NX * NY], beta[NX * NY];
    uint16_t membrane[NX * NY];
    struct et__wave_plan plan;
    struct et__wave_field field;
    struct et__wave_adjoint adjoint;
    double *history; /* [STEPS + 2][size] U[-1] ... U[STEPS] */
    double sound[STEPS], trace[STEPS][PROBES];
    double dsound[STEPS], dgain[REGION];
};

/* A number in [-1, 1), the same in every run. */
static double number(uint32_t salt, size_t i)
{
    return 2 * (double)et_rng_uniform(7, ET_STREAM_USER, salt, i) - 1;
}

static void fill(struct model *m, bool nonlinear)
{
    for (size_t i = 0; i < NX * NY; i++) {
        size_t x = i % NX, y = i / NX;
        bool inside = x >= 8 && x < NX - 5 && y >= 6;
        m->courant2[i] = inside ? 0.3 + 0.08 * number(0, i) : 0.3;
        if (y == NY - 1) m->beta[i] = 0.1;
        if (inside && (x - 22) * (x - 22) + (y - 24) * (y - 24) < 5) m->courant2[i] = 0;
        if (nonlinear && x >= 16 && x < 24 && y >= 10 && y < 19) m->membrane[i] = 1;
    }
    for (size_t t = 0; t < STEPS; t++)
        m->sound[t] = number(1, t);
}

static enum et_status replan(struct model *m)
{
    static const struct et__wave_membrane membranes[] = {{0.05, 0.4, 1.5}};
    struct et__wave_medium medium = {.precision = ET__WAVE_DOUBLE,
                                     .order = 2,
                                     .nx = NX,
                                     .ny = NY,
                                     .courant2 = m->courant2,
                                     .beta = m->beta,
                                     .membrane = m->membrane,
                                     .membranes = membranes,
                                     .n_membranes = 1,
                                     .strip = {7, 4, 5, 0},
                                     .pml_courant = sqrt(0.3),
                                     .pml_reflection = {1e-6, 1e-6, 1e-6, 1e-6}};
    et__wave_plan_destroy(&m->plan);
    return et__wave_plan_create(&m->plan, &medium);
}

static void destroy(struct model *m)
{
    if (!m) return;
    et__wave_field_destroy(&m->field);
    et__wave_adjoint_destroy(&m->adjoint);
    et__wave_plan_destroy(&m->plan);
    et_free(m->history);
    et_free(m);
}

static enum et_status create(bool nonlinear, struct model **model)
{
    struct model *m = *model = et_alloc(1, sizeof *m);
    if (!m) return ET_NOMEM;
    fill(m, nonlinear);
    ET_TRY(replan(m));
    ET_TRY(et__wave_field_create(&m->field, &m->plan, 1));
    ET_TRY(et__wave_adjoint_create(&m->adjoint, &m->plan, &m->field));
    m->history = et_alloc((STEPS + 2) * m->field.size, sizeof *m->history);
    return m->history ? ET_OK : ET_NOMEM;
}

/* Plays the sound; keeps all fields and the trace. */
static void play(struct model *m)
{
    size_t size = m->field.size, source = et__wave_at(&m->field, SOURCE_X, SOURCE_Y);
    double gain =
        et__wave_get(ET__WAVE_DOUBLE, m->plan.gain, et__wave_map_at(&m->plan, SOURCE_X, SOURCE_Y));
    et__wave_field_clear(&m->field);
    memset(m->history, 0, 2 * size * sizeof *m->history);
    for (size_t t = 0; t < STEPS; t++) {
        et__wave_step(&m->plan, &m->field);
        double *now = m->field.now;
        now[source] += gain * m->sound[t];
        memcpy(m->history + (t + 2) * size, now, size * sizeof *now);
        for (size_t p = 0; p < PROBES; p++)
            m->trace[t][p] = now[et__wave_at(&m->field, probes[p][0], probes[p][1])];
    }
}

/* From what J owes the trace to what it owes sound and gains. */
static void play_back(struct model *m, double (*dtrace)[PROBES])
{
    size_t size = m->field.size, source = et__wave_at(&m->field, SOURCE_X, SOURCE_Y);
    double gain =
        et__wave_get(ET__WAVE_DOUBLE, m->plan.gain, et__wave_map_at(&m->plan, SOURCE_X, SOURCE_Y));
    et__wave_adjoint_clear(&m->adjoint);
    memset(m->dgain, 0, sizeof m->dgain);
    for (size_t t = STEPS; t-- > 0;) {
        const double *before = m->history + t * size, *u = before + size;
        double *next = m->adjoint.next;
        for (size_t p = 0; p < PROBES; p++)
            next[et__wave_at(&m->field, probes[p][0], probes[p][1])] += dtrace[t][p];
        m->dsound[t] = gain * next[source];
        et__wave_adjoint_gain(&m->plan, &m->adjoint, u, REGION_X, REGION_Y, REGION_NX, REGION_NY,
                              m->dgain);
        et__wave_adjoint_step(&m->plan, &m->adjoint, u, before);
    }
}

/* <y, A x> = <A^T y, x>: the trace is linear in the sound. */
static enum et_status linear_product(double *error)
{
    struct model *m;
    static double y[STEPS][PROBES];
    double forth = 0, back = 0;
    enum et_status status = create(false, &m);
    if (status != ET_OK) goto out;
    for (size_t t = 0; t < STEPS; t++)
        for (size_t p = 0; p < PROBES; p++)
            y[t][p] = number(2, t * PROBES + p);
    play(m);
    play_back(m, y);
    for (size_t t = 0; t < STEPS; t++) {
        back += m->dsound[t] * m->sound[t];
        for (size_t p = 0; p < PROBES; p++)
            forth += y[t][p] * m->trace[t][p];
    }
    *error = fabs(forth - back) / fabs(forth);
out:
    destroy(m);
    return status;
}

/* J = sum of trace^2 / 2 over probes and steps. */
static double objective(struct model *m)
{
    double sum = 0;
    play(m);
    for (size_t t = 0; t < STEPS; t++)
        for (size_t p = 0; p < PROBES; p++)
            sum += 0.5 * m->trace[t][p] * m->trace[t][p];
    return sum;
}

/* Moves the sound by h times a direction. */
static void move_sound(struct model *m, double h)
{
    for (size_t t = 0; t < STEPS; t++)
        m->sound[t] += h * number(3, t);
}

/* The tangent along a direction by central differences at h, h/2, h/4, extrapolated twice, against
 * <dJ/dsound, direction>.  Truncation is of order h^6, rounding about 1e-16 / h. */
static enum et_status nonlinear_product(double *error)
{
    struct model *m;
    double difference[3], exact = 0, h = 8e-3;
    enum et_status status = create(true, &m);
    if (status != ET_OK) goto out;
    objective(m);
    play_back(m, m->trace);
    for (size_t t = 0; t < STEPS; t++)
        exact += m->dsound[t] * number(3, t);
    for (size_t k = 0; k < 3; k++, h /= 2) {
        move_sound(m, h);
        double above = objective(m);
        move_sound(m, -2 * h);
        difference[k] = (above - objective(m)) / (2 * h);
        move_sound(m, h);
    }
    for (size_t k = 0; k < 2; k++)
        difference[k] = (4 * difference[k + 1] - difference[k]) / 3;
    *error = fabs((16 * difference[1] - difference[0]) / 15 - exact) / fabs(exact);
out:
    destroy(m);
    return status;
}

/* Changes C^2 in the region along a direction. */
static enum et_status move_speeds(struct model *m, double h)
{
    for (size_t i = 0; i < REGION; i++)
        m->courant2[(REGION_Y + i / REGION_NX) * NX + REGION_X + i % REGION_NX] +=
            h * 0.1 * number(4, i);
    return replan(m);
}

/* J(c + h d) - J(c) - h <g, d> shrinks with h^2: how far from 2 is the slope? */
static enum et_status taylor(bool nonlinear, double *error)
{
    struct model *m;
    double rest[2], slope = 0, h = 1e-2, first;
    enum et_status status = create(nonlinear, &m);
    if (status != ET_OK) goto out;
    first = objective(m);
    play_back(m, m->trace);
    for (size_t i = 0; i < REGION; i++)
        slope += m->dgain[i] * 0.1 * number(4, i);
    for (size_t k = 0; k < 2 && status == ET_OK; k++, h /= 4) {
        status = move_speeds(m, h);
        if (status == ET_OK) rest[k] = objective(m) - first - h * slope;
        if (status == ET_OK) status = move_speeds(m, -h);
    }
    if (status == ET_OK) *error = fabs(log(fabs(rest[0] / rest[1])) / log(4) - 2);
out:
    destroy(m);
    return status;
}

static enum et_status linear_taylor(double *error)
{
    return taylor(false, error);
}

static enum et_status nonlinear_taylor(double *error)
{
    return taylor(true, error);
}

/* ------------------------------------------------------------------------------ the system -- */

/* Energy that a system with one microphone hears of a recording. */
static enum et_status listen(const char *yaml, const float *x, size_t n, double *energy)
{
    struct et_system *system;
    struct et_step step = {.seed = 1};
    float y = 0;
    ET_TRY(et_system_open_text(yaml, 1, &system));
    float *copy = et_alloc(n, sizeof *copy);
    enum et_status status = copy ? ET_OK : ET_NOMEM;
    if (copy) memcpy(copy, x, n * sizeof *copy);
    if (copy)
        status = et_system_forward(system, &step, et_view_of(copy, 1, n), et_view_of(&y, 1, 1));
    et_free(copy);
    et_system_close(system);
    *energy = (double)y;
    return status;
}

/* A pulse in a closed box, one step per sample, against the plain kernel. */
static enum et_status plain_kernel(double *error)
{
    enum { N = 400, BOX_X = 48, BOX_Y = 36 };
    static const char yaml[] =
        "{type: acoustic-waveform, rate: 24000, samples: 400, output: energy, scatterers: "
        "{count: 0}, walls: {left: {kind: rigid}, right: {kind: rigid}, bottom: {kind: rigid}, "
        "top: {kind: rigid}}, speakers: [{x: 0.2205, y: 0.3675}], microphone_arrays: [], "
        "microphones: [{x: 0.6825, y: 0.5775}]}";
    static double courant2[BOX_X * BOX_Y], beta[BOX_X * BOX_Y];
    static const size_t speaker[1][2] = {{10, 17}}, microphone[1][2] = {{32, 27}};
    struct et__wave_medium medium = {.order = 2, .nx = BOX_X, .ny = BOX_Y};
    struct et__wave_plan plan = {0};
    struct et__wave_field field = {0};
    struct et__wave_ports ports = {0};
    static float x[N], trace[N];
    double courant = 343 / (24000 * 0.021), energy = 0, heard = 0;
    for (size_t i = 0; i < BOX_X * BOX_Y; i++)
        courant2[i] = courant * courant;
    for (size_t i = 0; i < N; i++)
        x[i] = expf(-0.02F * ((float)i - 20) * ((float)i - 20)) * cosf(0.5F * ((float)i - 20));
    medium.courant2 = courant2;
    medium.beta = beta;
    enum et_status status = et__wave_plan_create(&plan, &medium);
    if (status == ET_OK) status = et__wave_field_create(&field, &plan, 1);
    if (status == ET_OK) status = et__wave_ports_create(&ports, &plan, speaker, 1, microphone, 1);
    if (status == ET_OK) {
        et__wave_run_reference(&plan, &field, &ports, N, x, trace);
        status = listen(yaml, x, N, &heard);
    }
    for (size_t i = 0; i < N; i++)
        energy += (double)trace[i] * (double)trace[i] / 24000;
    *error = fabs(heard - energy) / energy;
    et__wave_ports_destroy(&ports);
    et__wave_field_destroy(&field);
    et__wave_plan_destroy(&plan);
    return status;
}

/* The pulse of the test below: no step, no constant, below 1.2 kHz. */
static double pulse(double t)
{
    const double middle = 4e-3, width = 6e-4, omega = 2 * 3.141592653589793 * 600;
    double s = (t - middle) / width;
    return exp(-0.5 * s * s) * sin(omega * (t - middle));
}

/* u(t) = 1/(2 pi) int S(t') / sqrt((t - t')^2 - (r/c)^2) dt'.  With t - t' = (r/c) cosh q the root
 * cancels: u = 1/(2 pi) int_0^inf S(t - (r/c) cosh q) dq. */
static double open_space(double t, double delay)
{
    const double dq = 2e-3, two_pi = 2 * 3.141592653589793;
    double sum = 0;
    if (t <= delay) return 0;
    for (double q = 0.5 * dq; delay * cosh(q) < t; q += dq)
        sum += pulse(t - delay * cosh(q));
    return sum * dq / two_pi;
}

/* Energy half a metre from a loudspeaker in open space: Green's function of the plane. */
static enum et_status green(double *error)
{
    enum { N = 80, FINE = 10 };
    static const char yaml[] =
        "{type: acoustic-waveform, rate: 8000, samples: 80, cell: 0.01, width: 0.8, height: 0.4, "
        "output: energy, scatterers: {count: 0}, walls: {left: {kind: pml, cells: 20}, right: "
        "{kind: pml, cells: 20}, bottom: {kind: pml, cells: 20}, top: {kind: pml, cells: 20}}, "
        "speakers: [{x: 0.155, y: 0.205}], microphone_arrays: [], microphones: [{x: 0.655, "
        "y: 0.205}]}";
    float x[N];
    double heard, energy = 0, dt = 1.0 / (8000 * FINE);
    for (size_t i = 0; i < N; i++)
        x[i] = (float)pulse((double)i / 8000);
    ET_TRY(listen(yaml, x, N, &heard));
    for (size_t i = 0; i < N * FINE; i++) {
        double u = open_space((double)i * dt, 0.5 / 343);
        energy += u * u * dt;
    }
    *error = fabs(heard - energy) / energy;
    return ET_OK;
}

const struct et__physics_check et__physics_waveform[] = {
    {"acoustic-waveform", "adjoint, linear, with layer: <y, A x> = <A^T y, x>, f64", "1", 1e-12,
     linear_product},
    {"acoustic-waveform", "adjoint, nonlinear: extrapolated differences of the sound, f64", "1",
     1e-10, nonlinear_product},
    {"acoustic-waveform", "speed map, linear: Taylor remainder has slope 2, f64", "1", 0.05,
     linear_taylor},
    {"acoustic-waveform", "speed map, nonlinear: Taylor remainder has slope 2, f64", "1", 0.05,
     nonlinear_taylor},
    {"acoustic-waveform", "energy of a pulse in a box: plain kernel", "1", 1e-6, plain_kernel},
    {"acoustic-waveform", "energy of a pulse in open space: Green's function in 2-D", "1", 1e-2,
     green},
    {0},
};
