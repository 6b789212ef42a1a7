/* SPDX-License-Identifier: Apache-2.0
 *
 * Every compiled variant of the wave kernel gives the reference's bits: in both precisions and
 * orders, in any number of lanes, step by step or in blocks of steps, on any number of threads. */
#include "sim/kernels/wave_sweep.h"
#include "wave_rig.h"

#include <etalon/parallel.h>

#include <float.h>

enum { NX = 61, NY = 40, STEPS = 80 };

enum medium { UNIFORM, SPEED_MAP, OBSTACLES, MEMBRANES, N_MEDIA };

/* Cells near the strips are open and linear. */
static struct rig make_medium(enum medium medium, size_t nx, size_t ny, size_t strip)
{
    struct rig rig = rig_make(nx, ny, 0.53);
    rig.membranes[0] =
        (struct et__wave_membrane){.beta = 0.3, .stiffening = 0.3, .inverse_saturation2 = 2};
    for (size_t i = 0; i < nx * ny; i++) {
        size_t x = i % nx, y = i / nx;
        size_t keep = strip > 0 ? strip + ET__WAVE_SIDES : 0;
        bool in_strip = x < keep || y < keep || x + keep >= nx || y + keep >= ny;
        bool edge = x == 0 || y == 0 || x == nx - 1 || y == ny - 1;
        if (in_strip) continue;
        if (medium == SPEED_MAP) rig.courant2[i] = 0.22 + 0.06 * (double)rig_random(i);
        if (medium >= OBSTACLES && edge) rig.beta[i] = 0.06;
        if (medium >= OBSTACLES && rig_random(i) > 0.96F) rig.courant2[i] = 0;
        if (medium == MEMBRANES && x > 12 && x < 30 && y < 25 && rig.courant2[i] > 0)
            rig.membrane[i] = 1;
    }
    for (size_t side = 0; side < ET__WAVE_SIDES; side++)
        rig.strip[side] = strip > 0 ? strip + side : 0;
    return rig;
}

/* Lane l holds the random field times 1 + l/4. */
static void excite(struct rig *rig)
{
    et__wave_field_clear(&rig->field);
    for (size_t y = 0; y < rig->ny; y++)
        for (size_t x = 0; x < rig->nx; x++)
            for (size_t lane = 0; lane < rig->lanes && rig_open(rig, x, y); lane++) {
                double u = (double)rig_random(y * rig->nx + x) * (1 + 0.25 * (double)lane);
                rig_set(rig, x, y, lane, u, u);
            }
}

/* Where sound enters and is heard, with one cell twice and one in both lists. */
enum { SOURCES = 5, PROBES = 4 };

struct sound {
    struct et__wave_ports ports;
    void *signal, *trace; /* STEPS steps */
    size_t trace_bytes;
};

static struct sound make_sound(const struct rig *rig)
{
    struct sound sound = {0};
    size_t sources[SOURCES][2], probes[PROBES][2], found = 0;
    for (size_t i = 0; found < SOURCES + PROBES; i++) {
        size_t x = (i * 2654435761U) % rig->nx, y = (i * 40503U + found * 7) % rig->ny;
        if (!rig_open(rig, x, y) || rig->membrane[y * rig->nx + x] != 0) continue;
        size_t *place = found < SOURCES ? sources[found] : probes[found - SOURCES];
        place[0] = x;
        place[1] = y;
        found++;
    }
    memcpy(sources[1], sources[0], sizeof *sources);
    memcpy(probes[0], sources[2], sizeof *probes);
    assert_ok(et__wave_ports_create(&sound.ports, &rig->plan, (const size_t(*)[2])sources, SOURCES,
                                    (const size_t(*)[2])probes, PROBES));
    size_t number = rig->lanes * rig->field.real;
    sound.signal = malloc(STEPS * SOURCES * number);
    sound.trace_bytes = STEPS * PROBES * number;
    sound.trace = calloc(1, sound.trace_bytes);
    ck_assert(sound.signal && sound.trace);
    for (size_t i = 0; i < STEPS * SOURCES * rig->lanes; i++)
        et__wave_put(rig->precision, sound.signal, i, (double)rig_random(i + 77));
    return sound;
}

static void free_sound(struct sound *sound)
{
    et__wave_ports_destroy(&sound->ports);
    free(sound->signal);
    free(sound->trace);
}

/* All that a run leaves behind. */
struct outcome {
    void *bytes;
    size_t size;
};

static struct outcome collect(const struct rig *rig, const struct sound *sound)
{
    const struct et__wave_field *f = &rig->field;
    const struct {
        const void *data;
        size_t bytes;
    } parts[] = {{f->now, f->size * f->real},
                 {f->previous, f->size * f->real},
                 {f->phi_x, f->n_phi_x * f->real},
                 {f->phi_y, f->n_phi_y * f->real},
                 {sound->trace, sound->trace_bytes}};
    struct outcome outcome = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        outcome.size += parts[i].bytes;
    outcome.bytes = malloc(outcome.size);
    ck_assert(outcome.bytes);
    char *to = outcome.bytes;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].bytes > 0) memcpy(to, parts[i].data, parts[i].bytes);
        to += parts[i].bytes;
    }
    return outcome;
}

static struct outcome run_plain(struct rig *rig, struct sound *sound)
{
    excite(rig);
    et__wave_run_reference(&rig->plan, &rig->field, &sound->ports, STEPS, sound->signal,
                           sound->trace);
    double energy = 0;
    for (size_t i = 0; i < rig->field.size; i++)
        energy += pow(et__wave_get(rig->precision, rig->field.now, i), 2);
    ck_assert_msg(energy > 1e-3 && energy < 1e6, "energy %g", energy);
    return collect(rig, sound);
}

/* Runs a schedule and compares; `what` describes it. */
static void compare(struct rig *rig, struct sound *sound, const struct et__wave_schedule *schedule,
                    const struct outcome *want)
{
    excite(rig);
    memset(sound->trace, 0, sound->trace_bytes);
    et__wave_run_schedule(&rig->plan, &rig->field, &sound->ports, STEPS, sound->signal,
                          sound->trace, schedule);
    struct outcome got = collect(rig, sound);
    ck_assert_msg(got.size == want->size && memcmp(got.bytes, want->bytes, want->size) == 0,
                  "variant %s, %zu steps in %zu bands differs from the reference",
                  schedule->variant->name, schedule->depth, schedule->tiles);
    free(got.bytes);
}

static void set_up(struct rig *rig, int i, size_t lanes)
{
    rig->precision = i % 2 ? ET__WAVE_DOUBLE : ET__WAVE_SINGLE;
    rig->order = i / 2 % 2 ? 4 : 2;
    rig_start(rig, lanes);
}

START_TEST(test_variants_match_reference)
{
    enum medium medium = (enum medium)(_i / 16);
    size_t strip = _i / 4 % 2 ? 6 : 0, lanes = _i / 8 % 2 ? ET__WAVE_LANES : 1;
    struct rig rig = make_medium(medium, NX, NY, strip);
    set_up(&rig, _i, lanes);
    struct sound sound = make_sound(&rig);
    struct outcome want = run_plain(&rig, &sound);
    struct et__wave_schedule schedule = {.depth = 1, .tiles = 1};
    size_t n = 0;
    for (; (schedule.variant = et__wave_variant(rig.precision, n)) != NULL; n++)
        compare(&rig, &sound, &schedule, &want);
    ck_assert_uint_ge(n, 1);
    free(want.bytes);
    free_sound(&sound);
    rig_end(&rig);
}
END_TEST

/* Odd sizes; blocks of any depth that the bands allow. */
START_TEST(test_blocks_match_reference)
{
    static const struct {
        size_t nx, ny, strip;
    } grids[] = {{61, 97, 6}, {40, 131, 0}, {203, 64, 9}, {33, 180, 3}};
    static const struct {
        size_t depth, tiles;
    } cuts[] = {{1, 3}, {2, 1}, {5, 2}, {7, 1}, {9, 2}, {13, 1}, {32, 1}, {3, 5}, {10, 1}};
    enum medium medium = (enum medium)(_i / 16);
    size_t g = (size_t)_i / 4 % 4;
    struct rig rig = make_medium(medium, grids[g].nx, grids[g].ny, grids[g].strip);
    set_up(&rig, _i, 1);
    struct sound sound = make_sound(&rig);
    struct outcome want = run_plain(&rig, &sound);
    struct et__wave_schedule schedule;
    for (size_t v = 0; (schedule.variant = et__wave_variant(rig.precision, v)) != NULL; v++)
        for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
            schedule.depth = cuts[c].depth;
            schedule.tiles = cuts[c].tiles;
            size_t needed = 2 * et__wave_skew(&rig.plan) * schedule.depth;
            if (schedule.tiles > 1 && rig.ny / schedule.tiles < needed) continue;
            for (size_t threads = 1; threads <= 2; threads++) {
                et_parallel_set_threads(threads);
                compare(&rig, &sound, &schedule, &want);
            }
        }
    free(want.bytes);
    free_sound(&sound);
    rig_end(&rig);
}
END_TEST

/* A grid beyond the cache is cut into blocks without being asked, and nobody can tell. */
START_TEST(test_large_grids_are_blocked)
{
    struct rig rig = make_medium(MEMBRANES, 1201, 501, 8);
    set_up(&rig, _i, 1);
    struct sound sound = make_sound(&rig);
    et_parallel_set_threads(2);
    struct et__wave_schedule schedule = et__wave_schedule(&rig.plan, &rig.field, STEPS);
    ck_assert_uint_gt(schedule.depth, 1);
    ck_assert_uint_gt(schedule.tiles, 1);
    schedule.depth = schedule.tiles = 1;
    excite(&rig);
    et__wave_run(&rig.plan, &rig.field, &sound.ports, STEPS, sound.signal, sound.trace);
    struct outcome want = collect(&rig, &sound);
    compare(&rig, &sound, &schedule, &want);
    free(want.bytes);
    free_sound(&sound);
    rig_end(&rig);
}
END_TEST

/* Lane l of a batched field is the single simulation with that lane's start. */
START_TEST(test_lanes_are_independent)
{
    size_t strip = _i / 4 ? 6 : 0;
    struct rig lanes = make_medium(MEMBRANES, NX, NY, strip),
               single = make_medium(MEMBRANES, NX, NY, strip);
    set_up(&lanes, _i, ET__WAVE_LANES);
    set_up(&single, _i, 1);
    excite(&lanes);
    rig_steps(&lanes, STEPS);
    for (size_t lane = 0; lane < ET__WAVE_LANES; lane++) {
        et__wave_field_clear(&single.field);
        for (size_t y = 0; y < NY; y++)
            for (size_t x = 0; x < NX; x++) {
                double u = (double)rig_random(y * NX + x) * (1 + 0.25 * (double)lane);
                if (rig_open(&single, x, y)) rig_set(&single, x, y, 0, u, u);
            }
        rig_steps(&single, STEPS);
        for (size_t y = 0; y < NY; y++)
            for (size_t x = 0; x < NX; x++) {
                size_t a = et__wave_at(&single.field, x, y), b = et__wave_at(&lanes.field, x, y);
                ck_assert_msg(et__wave_get(single.precision, single.field.now, a) ==
                                  et__wave_get(lanes.precision, lanes.field.now, b + lane),
                              "lane %zu differs at (%zu, %zu)", lane, x, y);
            }
    }
    rig_end(&lanes);
    rig_end(&single);
}
END_TEST

/* A linear wave may cross a medium of several kinds of spans; a field at rest stays at rest, and a
 * constant one is constant to the last bit. */
START_TEST(test_rest_and_constant_stay)
{
    struct rig rig = make_medium(OBSTACLES, NX, NY, 0);
    set_up(&rig, _i, 1);
    rig_steps(&rig, 50);
    for (size_t i = 0; i < rig.field.size; i++)
        ck_assert(et__wave_get(rig.precision, rig.field.now, i) == 0);
    double level = (double)0.7F;
    for (size_t y = 0; y < NY; y++)
        for (size_t x = 0; x < NX; x++)
            if (rig_open(&rig, x, y)) rig_set(&rig, x, y, 0, level, level);
    rig_steps(&rig, 500);
    for (size_t y = 0; y < NY; y++)
        for (size_t x = 0; x < NX; x++)
            ck_assert(et__wave_get(rig.precision, rig.field.now, et__wave_at(&rig.field, x, y)) ==
                      (rig_open(&rig, x, y) ? level : 0));
    rig_end(&rig);
}
END_TEST

#if defined __x86_64__ || defined __aarch64__
/* A whisper just above the smallest normal number leaves nothing below it: step by step, in blocks,
 * and in the plain version. */
START_TEST(test_denormals_count_as_zero)
{
    static const struct et__wave_schedule schedules[] = {{.depth = 1, .tiles = 1},
                                                         {.depth = 5, .tiles = 2}};
    for (size_t how = 0; how < 3; how++) {
        struct rig rig = make_medium(SPEED_MAP, NX, NY, 0);
        set_up(&rig, _i, 1);
        double whisper = 1.5 * (rig.precision == ET__WAVE_SINGLE ? (double)FLT_MIN : DBL_MIN);
        rig_set(&rig, NX / 2, NY / 2, 0, whisper, whisper);
        struct et__wave_schedule schedule = schedules[how % 2];
        schedule.variant = et__wave_variant(rig.precision, 0);
        if (how < 2)
            et__wave_run_schedule(&rig.plan, &rig.field, NULL, 10, NULL, NULL, &schedule);
        else
            et__wave_run_reference(&rig.plan, &rig.field, NULL, 10, NULL, NULL);
        for (size_t i = 0; i < rig.field.size; i++)
            ck_assert(rig.precision == ET__WAVE_SINGLE
                          ? fpclassify(((const float *)rig.field.now)[i]) != FP_SUBNORMAL
                          : fpclassify(((const double *)rig.field.now)[i]) != FP_SUBNORMAL);
        rig_end(&rig);
    }
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("wave kernel");
    TCase *tests = tcase_create("bits");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_variants_match_reference, 0, 16 * N_MEDIA);
    tcase_add_loop_test(tests, test_blocks_match_reference, 0, 16 * N_MEDIA);
    tcase_add_loop_test(tests, test_large_grids_are_blocked, 0, 4);
    tcase_add_loop_test(tests, test_lanes_are_independent, 0, 8);
    tcase_add_loop_test(tests, test_rest_and_constant_stay, 0, 4);
#if defined __x86_64__ || defined __aarch64__
    tcase_add_loop_test(tests, test_denormals_count_as_zero, 0, 4);
#endif
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
