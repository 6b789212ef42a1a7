/* SPDX-License-Identifier: Apache-2.0
 *
 * The camera: moments of its noise, saturation, converter, exposure, slope. */
#include "sim/kernels/camera.h"

#include <etalon/rng.h>

#include "close.h"
#include <stdio.h>
#include <string.h>

static const struct et_param table[] = {
    {.name = "camera",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = et__camera_params,
     .doc = "A camera."},
    {0},
};

static enum et_status read_camera(const char *yaml, struct et__camera *camera)
{
    struct et_config *config;
    char text[256];
    snprintf(text, sizeof text, "camera: %s\n", yaml);
    assert_ok(et_config_parse("test", text, NULL, 0, table, NULL, &config));
    enum et_status status = et__camera_read(camera, et_config_at(config, "camera", 0), 3, "W");
    et_config_close(config);
    return status;
}

static struct et__camera camera_of(const char *yaml)
{
    struct et__camera camera;
    assert_ok(read_camera(yaml, &camera));
    return camera;
}

/* In single precision it would be 0, which asks for an exposure, or make infinities. */
START_TEST(test_tiny_saturation)
{
    struct et__camera camera;
    assert_status(read_camera("{saturation: 1e-40}", &camera), ET_CONFIG);
    assert_message("saturation = 1e-40 is neither 0 nor at least 1e-20");
}
END_TEST

START_TEST(test_ideal)
{
    struct et__camera camera = camera_of("{}");
    struct et_step step = {.seed = 1};
    float intensity[3] = {0, 0.5F, 1e9F}, y[3];
    ck_assert(camera.ideal && !camera.noisy && !et__camera_wants_exposure(&camera));
    ck_assert_str_eq(camera.unit, "W");
    et__camera_read_row(&camera, &step, 0, intensity, y, 3);
    ck_assert(memcmp(intensity, y, sizeof y) == 0);
    et__camera_read_row_back(&camera, &step, 0, intensity, intensity, y, 3);
    ck_assert(memcmp(intensity, y, sizeof y) == 0);
}
END_TEST

/* Of e electrons the variance is e + r^2: with N pixels the mean is known to sd / sqrt(N) and the
 * variance to its sqrt(2 / N); five times that. */
START_TEST(test_noise)
{
    enum { N = 200000 };
    struct et__camera camera =
        camera_of("{kind: cmos, saturation: 2, full_well: 5000, read_noise: 20, bits: 0}");
    float *y = malloc(N * sizeof *y);
    ck_assert_ptr_nonnull(y);
    for (size_t i = 0; i < N; i++)
        y[i] = 0.8F;
    struct et_step step = {.seed = 5};
    et__camera_read_row(&camera, &step, 0, y, y, N);
    double mean = 0, square = 0, e = 0.4 * 5000, variance = e + 20 * 20;
    for (size_t i = 0; i < N; i++) {
        mean += (double)y[i] * 5000 / N;
        square += pow((double)y[i] * 5000 - e, 2) / N;
    }
    assert_near(mean, e, 5 * sqrt(variance / N));
    assert_near(square, variance, 5 * variance * sqrt(2.0 / N));
    free(y);
}
END_TEST

START_TEST(test_noise_has_names)
{
    struct et__camera camera = camera_of("{kind: cmos, saturation: 1, bits: 0}");
    struct et_step step = {.seed = 5, .index = 2};
    float intensity[300], a[300], b[300];
    for (size_t i = 0; i < 300; i++)
        intensity[i] = 0.5F;
    et__camera_read_row(&camera, &step, 4, intensity, a, 300);
    uint64_t name = 4;
    struct et_step named = {.seed = 5, .index = 2, .samples = &name};
    et__camera_read_row(&camera, &named, 0, intensity, b, 300);
    ck_assert(memcmp(a, b, sizeof a) == 0);
    step.index = 3;
    et__camera_read_row(&camera, &step, 4, intensity, b, 300);
    ck_assert(memcmp(a, b, sizeof a) != 0);
    camera.seed++;
    step.index = 2;
    et__camera_read_row(&camera, &step, 4, intensity, b, 300);
    ck_assert(memcmp(a, b, sizeof a) != 0);
}
END_TEST

START_TEST(test_saturation_and_converter)
{
    struct et__camera camera = camera_of("{kind: cmos, saturation: 4, bits: 2, read_noise: 0, "
                                         "shot_noise: false}");
    struct et_step step = {.seed = 1};
    float intensity[5] = {-1, 0, 1, 2.1F, 100}, y[5], ones[5] = {1, 1, 1, 1, 1}, back[5];
    const float want[5] = {0, 0, 1.0F / 3, 2.0F / 3, 1}, slope[5] = {0, 0, 0.25F, 0.25F, 0};
    ck_assert(!camera.noisy);
    ck_assert_str_eq(camera.unit, "of full well");
    et__camera_read_row(&camera, &step, 0, intensity, y, 5);
    assert_close(y, want, 5, 0, 1e-6);
    et__camera_read_row_back(&camera, &step, 0, intensity, ones, back, 5);
    assert_close(back, slope, 5, 0, 1e-6);
}
END_TEST

START_TEST(test_exposure)
{
    struct et__camera camera = camera_of("{kind: cmos, exposure: 0.75}");
    float seen[8] = {3, 1, 7, 5, 8, 2, 6, 4}, dark[2] = {0, 0};
    ck_assert(et__camera_wants_exposure(&camera));
    assert_ok(et__camera_expose(&camera, seen, 8));
    ck_assert(camera.saturation == 6 && !et__camera_wants_exposure(&camera));
    assert_status(et__camera_expose(&camera, dark, 2), ET_NUMERIC);
    assert_message("0.75 quantile");
}
END_TEST

/* Central differences at the same step, noise held fixed. */
START_TEST(test_slope)
{
    enum { N = 64 };
    struct et__camera camera =
        camera_of("{kind: cmos, saturation: 1, full_well: 500, read_noise: 4, bits: 0}");
    struct et_step step = {.seed = 9, .index = 1};
    const float h = 1e-3F;
    float at[N], below[N], above[N], slope[N], ones[N];
    for (size_t i = 0; i < N; i++) {
        at[i] = 0.1F + 0.6F * (float)i / N;
        below[i] = at[i] - h;
        above[i] = at[i] + h;
        ones[i] = 1;
    }
    et__camera_read_row(&camera, &step, 0, below, below, N);
    et__camera_read_row(&camera, &step, 0, above, above, N);
    et__camera_read_row_back(&camera, &step, 0, at, ones, slope, N);
    for (size_t i = 0; i < N; i++)
        assert_near((double)slope[i], (double)(above[i] - below[i]) / (2 * (double)h), 2e-3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("camera");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_tiny_saturation);
    tcase_add_test(all, test_ideal);
    tcase_add_test(all, test_noise);
    tcase_add_test(all, test_noise_has_names);
    tcase_add_test(all, test_saturation_and_converter);
    tcase_add_test(all, test_exposure);
    tcase_add_test(all, test_slope);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
