/* SPDX-License-Identifier: Apache-2.0
 *
 * The wave kernel against what is known in closed form. */
#include "wave_rig.h"

/* -------------------------------------------------------------------------- standing modes -- */

/* Starts mode (kx, ky), in radians per cell, at phase 0 of a frequency w in radians per step. */
static void start_mode(struct rig *rig, double kx, double ky, double w)
{
    for (size_t y = 0; y < rig->ny; y++)
        for (size_t x = 0; x < rig->nx; x++) {
            double mode = cos(kx * ((double)x + 0.5)) * cos(ky * ((double)y + 0.5));
            *rig_now(rig, x, y) = (float)mode;
            *rig_before(rig, x, y) = (float)(mode * cos(w));
        }
}

/* Amplitude of the mode in the field now. */
static double project(struct rig *rig, double kx, double ky)
{
    double sum = 0, norm = 0;
    for (size_t y = 0; y < rig->ny; y++)
        for (size_t x = 0; x < rig->nx; x++) {
            double mode = cos(kx * ((double)x + 0.5)) * cos(ky * ((double)y + 0.5));
            sum += mode * (double)*rig_now(rig, x, y);
            norm += mode * mode;
        }
    return sum / norm;
}

static double grid_frequency(double courant, double kx, double ky)
{
    double s2 = pow(sin(0.5 * kx), 2) + pow(sin(0.5 * ky), 2);
    return 2 * asin(courant * sqrt(s2));
}

/* sin^2(w dt / 2) = C^2 (sin^2(kx h / 2) + sin^2(ky h / 2)): an eigenvector of the rigid box keeps
 * its shape and turns by exactly this w per step. */
START_TEST(test_discrete_dispersion)
{
    static const struct {
        size_t nx, ny, m, n;
        double courant;
    } cases[] = {
        {48, 24, 3, 1, 0.6}, {33, 50, 7, 12, 0.7}, {64, 64, 1, 0, 0.5}, {20, 20, 19, 19, 0.7}};
    size_t nx = cases[_i].nx, ny = cases[_i].ny, steps = 400;
    double kx = M_PI * (double)cases[_i].m / (double)nx,
           ky = M_PI * (double)cases[_i].n / (double)ny;
    double courant = sqrt((double)(float)(cases[_i].courant * cases[_i].courant));
    double w = grid_frequency(courant, kx, ky);
    struct rig rig = rig_make(nx, ny, cases[_i].courant);
    rig_start(&rig, 1);
    start_mode(&rig, kx, ky, w);
    for (size_t step = 1; step <= steps; step++) {
        rig_steps(&rig, 1);
        assert_near(project(&rig, kx, ky), cos(w * (double)step), 1e-5);
    }
    for (size_t y = 0; y < ny; y++)
        for (size_t x = 0; x < nx; x++)
            assert_near((double)*rig_now(&rig, x, y),
                        cos(kx * ((double)x + 0.5)) * cos(ky * ((double)y + 0.5)) *
                            cos(w * (double)steps),
                        2e-5);
    rig_end(&rig);
}
END_TEST

/* Error of the mode after one period of the continuous problem, on n x n cells. */
static double mode_error(size_t n)
{
    double courant = 0.6, k = M_PI / (double)n, w = courant * k * sqrt(2.0);
    size_t steps = 2 * n;
    struct rig rig = rig_make(n, n, courant);
    rig_start(&rig, 1);
    start_mode(&rig, k, k, w);
    rig_steps(&rig, steps);
    double error = fabs(project(&rig, k, k) - cos(w * (double)steps));
    rig_end(&rig);
    return error;
}

START_TEST(test_second_order)
{
    double coarse = mode_error(12), middle = mode_error(24), fine = mode_error(48);
    assert_near(log2(coarse / middle), 2.0, 0.05);
    assert_near(log2(middle / fine), 2.0, 0.05);
}
END_TEST

/* ----------------------------------------------------------------------- energy and reversal -- */

/* Box with rigid bodies, two speeds, and a random field. */
static struct rig make_busy_box(void)
{
    struct rig rig = rig_make(53, 41, 0.65);
    for (size_t i = 0; i < rig.nx * rig.ny; i++) {
        if (i % rig.nx > 30) rig.courant2[i] = 0.2;
        if (rig_random(i) > 0.9F) rig.courant2[i] = 0;
    }
    rig_start(&rig, 1);
    for (size_t y = 0; y < rig.ny; y++)
        for (size_t x = 0; x < rig.nx; x++)
            if (rig_open(&rig, x, y))
                *rig_now(&rig, x, y) = *rig_before(&rig, x, y) = rig_random(7919 + y * rig.nx + x);
    return rig;
}

/* E = 1/2 sum (du)^2 / C^2 + 1/2 sum over open faces of the product of both times' differences. */
static double energy(struct rig *rig)
{
    double sum = 0;
    for (size_t y = 0; y < rig->ny; y++)
        for (size_t x = 0; x < rig->nx; x++) {
            if (!rig_open(rig, x, y)) continue;
            double u1 = (double)*rig_now(rig, x, y), u0 = (double)*rig_before(rig, x, y);
            sum += 0.5 * (u1 - u0) * (u1 - u0) / (double)(float)rig->courant2[y * rig->nx + x];
            if (rig_open(rig, x + 1, y))
                sum += 0.5 * ((double)*rig_now(rig, x + 1, y) - u1) *
                       ((double)*rig_before(rig, x + 1, y) - u0);
            if (rig_open(rig, x, y + 1))
                sum += 0.5 * ((double)*rig_now(rig, x, y + 1) - u1) *
                       ((double)*rig_before(rig, x, y + 1) - u0);
        }
    return sum;
}

START_TEST(test_energy_is_conserved)
{
    struct rig rig = make_busy_box();
    double start = energy(&rig);
    ck_assert(start > 100);
    for (size_t i = 0; i < 20; i++) {
        rig_steps(&rig, 500);
        assert_near(energy(&rig) / start, 1.0, 1e-5);
    }
    rig_end(&rig);
}
END_TEST

/* Swapping the two time levels runs the film backwards. */
START_TEST(test_time_reversal)
{
    struct rig rig = make_busy_box();
    size_t steps = 600, size = rig.field.size;
    float *start = malloc(size * sizeof *start);
    ck_assert(start);
    memcpy(start, rig.field.now, size * sizeof *start);
    rig_steps(&rig, steps);
    void *now = rig.field.now;
    rig.field.now = rig.field.previous;
    rig.field.previous = now;
    rig_steps(&rig, steps);
    assert_close(rig.field.previous, start, size, 0, 1e-4);
    free(start);
    rig_end(&rig);
}
END_TEST

/* Damping only ever takes energy. */
START_TEST(test_damping_takes_energy)
{
    struct rig rig = rig_make(40, 30, 0.65);
    rig.membranes[0] = (struct et__wave_membrane){.beta = 0.3, .inverse_saturation2 = 1};
    for (size_t i = 0; i < rig.nx * rig.ny; i++) {
        if (i % rig.nx == 0) rig.beta[i] = 0.2;
        if (i % rig.nx > 30) rig.membrane[i] = 1;
    }
    rig_start(&rig, 1);
    for (size_t y = 0; y < rig.ny; y++)
        for (size_t x = 0; x < rig.nx; x++)
            *rig_now(&rig, x, y) = *rig_before(&rig, x, y) = rig_random(y * rig.nx + x);
    double last = energy(&rig);
    for (size_t i = 0; i < 300; i++) {
        rig_steps(&rig, 1);
        double e = energy(&rig);
        ck_assert_msg(e <= last * (1 + 1e-6), "energy grew from %.9g to %.9g", last, e);
        last = e;
    }
    rig_end(&rig);
}
END_TEST

/* ------------------------------------------------------------------------------ point source -- */

static double pulse(double t)
{
    double phase = (t - 60) / 16;
    return exp(-phase * phase);
}

/* u(r, t) = 1/(2 pi) int_0^(t - r/c) S(s) / sqrt((t - s)^2 - r^2/c^2) ds, with t - s = (r/c)
 * cosh(q) = 1/(2 pi) int_0^inf S(t - (r/c) cosh q) dq; lengths in cells, times in steps. */
static double point_source(double r, double t, double courant)
{
    double sum = 0, dq = 1e-3, delay = r / courant;
    for (double q = 0.5 * dq; delay * cosh(q) < t + 20; q += dq)
        sum += pulse(t - delay * cosh(q)) * dq;
    return sum / (2 * M_PI);
}

START_TEST(test_greens_function)
{
    double courant = 0.65;
    size_t n = 281, centre = 140, steps = 190;
    static const size_t places[][2] = {{30, 0}, {0, 45}, {25, 25}, {40, 13}};
    struct rig rig = rig_make(n, n, courant);
    double worst = 0, largest = 0;
    rig_start(&rig, 1);
    for (size_t step = 0; step < steps; step++) {
        rig_steps(&rig, 1);
        *rig_now(&rig, centre, centre) += (float)(courant * courant * pulse((double)step));
        for (size_t i = 0; step % 10 == 9 && i < 4; i++) {
            double r = hypot((double)places[i][0], (double)places[i][1]);
            double want = point_source(r, (double)step + 1, courant);
            double got = (double)*rig_now(&rig, centre + places[i][0], centre + places[i][1]);
            worst = fmax(worst, fabs(got - want));
            largest = fmax(largest, fabs(want));
        }
    }
    ck_assert(largest > 0.05);
    ck_assert_msg(worst < 5e-3 * largest, "error %g of %g", worst, largest);
    rig_end(&rig);
}
END_TEST

/* ------------------------------------------------------------------------------------- walls -- */

/* A plane pulse travels along a duct into a wall of specific admittance Y at its right end and
 * comes back times R = (1 - Y) / (1 + Y). */
START_TEST(test_wall_reflection)
{
    static const double admittances[] = {0, 0.2, 0.5, 1, 3};
    double y = admittances[_i], courant = 0.6, width = 12;
    size_t nx = 400, ny = 4, steps = (size_t)(400 / courant);
    struct rig rig = rig_make(nx, ny, courant);
    for (size_t row = 0; row < ny; row++)
        rig.beta[row * nx + nx - 1] = 0.5 * y * courant;
    rig_start(&rig, 1);
    for (size_t row = 0; row < ny; row++)
        for (size_t x = 0; x < nx; x++) {
            double at = ((double)x - 200) / width, before = ((double)x + courant - 200) / width;
            *rig_now(&rig, x, row) = (float)exp(-at * at);
            *rig_before(&rig, x, row) = (float)exp(-before * before);
        }
    rig_steps(&rig, steps);
    double sum = 0;
    for (size_t x = 0; x < nx; x++)
        sum += (double)*rig_now(&rig, x, 1);
    assert_near(sum / (width * sqrt(M_PI)), (1 - y) / (1 + y), 2e-3);
    /* the shape survives too: the echo peaks where it should */
    assert_near((double)*rig_now(&rig, 199, 1), (1 - y) / (1 + y), 2e-2);
    rig_end(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wave physics");
    TCase *tests = tcase_create("closed forms");
    tcase_add_loop_test(tests, test_discrete_dispersion, 0, 4);
    tcase_add_test(tests, test_second_order);
    tcase_add_test(tests, test_energy_is_conserved);
    tcase_add_test(tests, test_time_reversal);
    tcase_add_test(tests, test_damping_takes_energy);
    tcase_add_test(tests, test_greens_function);
    tcase_add_loop_test(tests, test_wall_reflection, 0, 5);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
