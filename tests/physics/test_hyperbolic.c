/* SPDX-License-Identifier: Apache-2.0
 *
 * The hyperbolic network: every layer's derivatives in both kinds of pass, running statistics, the
 * flat limit, known distances, what is refused. */
#include "close.h"
#include "hyperbolic/hyperbolic.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 6, SEED = 5, LONGEST = 2000 };

#define VECTOR "{n: 5}, layers: "
#define IMAGE  "{channels: 2, height: 5, width: 4}, layers: "

/* Every kind of layer, alone and together. */
static const char *const networks[] = {
    VECTOR "[{kind: fc, n: 5}]",
    VECTOR "[{kind: fc, n: 7}]",
    VECTOR "[{kind: fc, n: 3, init: normal}]",
    VECTOR "[{kind: mlr, n: 4}]",
    VECTOR "[{kind: norm}]",
    VECTOR "[{kind: fc, n: 6}, {kind: norm}, {kind: relu}, {kind: fc, n: 3}, {kind: norm}]",
    VECTOR "[{kind: prototypes, n: 3, spread: 0.5}]",
    VECTOR "[{kind: prototypes, n: 3, spread: 0.5, measure: distance}]",
    IMAGE "[{kind: conv, channels: 3}]",
    IMAGE "[{kind: conv, channels: 3, size: 2, stride: 2, padding: 1, init: normal}]",
    IMAGE "[{kind: norm}, {kind: pool, size: 2}]",
    IMAGE "[{kind: pool, size: 2, stride: 1, pooling: max}, {kind: fc, n: 3}]",
    IMAGE "[{kind: block, channels: 2}]",
    IMAGE "[{kind: block, channels: 3, stride: 2, init: normal}, {kind: mlr, n: 2}]",
};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

/* The ball whose curvature learns, where it may. */
static const char *geometry_of(size_t network, int flat)
{
    if (flat) return "euclidean";
    return strstr(networks[network], "prototypes") ? "poincare" : "poincare, learn_curvature: true";
}

struct fixture {
    struct et_system *system;
    const struct et_system_info *info;
    struct et_array x, y, dy, dx;
    float *knobs, *dknobs;
};

static struct fixture open_text(const char *yaml)
{
    struct fixture f = {0};
    assert_ok(et_system_open_text(yaml, SEED, &f.system));
    f.info = et_system_info(f.system);
    assert_ok(et_array_create(&f.x, BATCH, f.info->n_in));
    assert_ok(et_array_create(&f.dx, BATCH, f.info->n_in));
    assert_ok(et_array_create(&f.y, BATCH, f.info->n_out));
    assert_ok(et_array_create(&f.dy, BATCH, f.info->n_out));
    et_rng_fill_normal(SEED, ET_STREAM_DATA, 0, 0, f.x.data, BATCH * f.info->n_in);
    et_rng_fill_normal(SEED, ET_STREAM_USER, 0, 0, f.dy.data, BATCH * f.info->n_out);
    f.knobs = et_alloc(f.info->n_knobs + 1, sizeof *f.knobs);
    f.dknobs = et_alloc(f.info->n_knobs + 1, sizeof *f.dknobs);
    ck_assert(f.knobs != NULL && f.dknobs != NULL);
    if (f.info->n_knobs > 0) assert_ok(et_system_get_knobs(f.system, f.knobs, f.info->n_knobs));
    return f;
}

static struct fixture open_case(const char *network, double c, const char *geometry)
{
    char yaml[LONGEST];
    snprintf(yaml, sizeof yaml, "{type: hyperbolic, curvature: %g, geometry: %s, input: %s}", c,
             geometry, network);
    return open_text(yaml);
}

static void close_case(struct fixture *f)
{
    et_system_close(f->system);
    et_array_destroy(&f->x);
    et_array_destroy(&f->y);
    et_array_destroy(&f->dx);
    et_array_destroy(&f->dy);
    et_free(f->knobs);
    et_free(f->dknobs);
}

static void forward(struct fixture *f, struct et_array *y)
{
    struct et_step step = {.seed = SEED};
    assert_ok(et_system_forward(f->system, &step, et_array_view(&f->x), et_array_view(y)));
}

static enum et_status constant_judge(void *user, size_t t, size_t n_steps, struct et_view y,
                                     struct et_view dy)
{
    struct fixture *f = user;
    ck_assert(t == 0 && n_steps == 1);
    et_view_copy(et_array_view(&f->y), y);
    et_view_copy(dy, et_array_view(&f->dy));
    return ET_OK;
}

/* The outputs go to f->y. */
static void teach(struct fixture *f, float *dknobs)
{
    struct et_step step = {.seed = SEED};
    struct et_teacher teacher = {constant_judge, f};
    assert_ok(et_system_teach(f->system, &step, et_array_view(&f->x), &teacher,
                              et_array_view(&f->dx), dknobs));
}

/* Knobs away from their beginnings, where offsets are 0 and many a derivative is, too. */
static void shake_knobs(struct fixture *f)
{
    const struct et_knob_block *block;
    for (size_t i = 0; (block = et_system_knob_block(f->system, i)) != NULL; i++)
        for (size_t k = 0; k < block->rows * block->cols; k++) {
            float *knob = &f->knobs[block->first + k];
            float noise = 0.4F * (et_rng_uniform(9, ET_STREAM_USER, 7, block->first + k) - 0.5F);
            *knob += strcmp(block->name, "log-curvature") == 0 ? 0 : noise;
        }
    if (f->info->n_knobs > 0) assert_ok(et_system_set_knobs(f->system, f->knobs, f->info->n_knobs));
}

/* ------------------------------------------------------------------------- derivatives -- */

static double loss_of(struct fixture *f, bool training)
{
    double sum = 0;
    /* Teaching moves running statistics: what it gives does not depend on them. */
    if (training)
        teach(f, f->dknobs + 0);
    else
        forward(f, &f->y);
    for (size_t i = 0; i < BATCH * f->info->n_out; i++)
        sum += (double)f->dy.data[i] * (double)f->y.data[i];
    return sum;
}

static double slope(struct fixture *f, float *number, bool training, bool is_knob)
{
    const float h = 4e-3F, kept = *number;
    double value[2];
    for (int side = 0; side < 2; side++) {
        *number = side ? kept + h : kept - h;
        if (is_knob) assert_ok(et_system_set_knobs(f->system, f->knobs, f->info->n_knobs));
        value[side] = loss_of(f, training);
    }
    *number = kept;
    if (is_knob) assert_ok(et_system_set_knobs(f->system, f->knobs, f->info->n_knobs));
    return (value[1] - value[0]) / (double)((kept + h) - (kept - h));
}

static double largest(const float *data, size_t n)
{
    double most = 1e-3;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)data[i]));
    return most;
}

/* Differences of single precision: h^2 of the third derivative, and rounding over h.  A ReLU whose
 * corner lies within h spoils what passes through it: `corners` says that there are some, and then
 * one of five derivatives may be off. */
struct comparison {
    bool corners;
    size_t asked, off;
};

static void compare(struct comparison *c, double got, double want, double scale, const char *what,
                    size_t i)
{
    bool off = !(fabs(got - want) <= 4e-3 * scale);
    c->asked++;
    c->off += off ? 1 : 0;
    ck_assert_msg(c->corners || !off, "%s %zu: %g, differences %g", what, i, got, want);
}

static void check_derivatives(struct fixture *f, bool training, bool corners)
{
    struct et_step step = {.seed = SEED};
    struct comparison c = {.corners = corners};
    size_t n_knobs = f->info->n_knobs, n_x = BATCH * f->info->n_in;
    float *dx = et_alloc(n_x, sizeof *dx), *dknobs = et_alloc(n_knobs + 1, sizeof *dknobs);
    ck_assert(dx != NULL && dknobs != NULL);
    if (training)
        teach(f, dknobs);
    else
        assert_ok(et_system_vjp(f->system, &step, et_array_view(&f->x), et_array_view(&f->dy),
                                et_array_view(&f->dx), dknobs));
    memcpy(dx, f->dx.data, n_x * sizeof *dx);
    if (n_knobs > 0) assert_ok(et_system_set_knobs(f->system, f->knobs, n_knobs));
    for (size_t i = 0; i < n_x; i++)
        compare(&c, (double)dx[i], slope(f, &f->x.data[i], training, false), largest(dx, n_x),
                training ? "teach, x" : "vjp, x", i);
    const struct et_knob_block *block;
    double floor = 1e-2 * largest(dknobs, n_knobs);
    for (size_t b = 0; (block = et_system_knob_block(f->system, b)) != NULL; b++) {
        size_t first = block->first, count = block->rows * block->cols;
        double scale = fmax(largest(dknobs + first, count), floor);
        for (size_t k = first; k < first + count; k++) {
            bool kept = training && block->kind == ET_KNOB_KEPT;
            double want = kept ? 0 : slope(f, &f->knobs[k], training, true);
            compare(&c, (double)dknobs[k], want, scale, block->name, k);
        }
    }
    ck_assert_uint_le(5 * c.off, c.asked);
    et_free(dx);
    et_free(dknobs);
}

static bool has_corners(const char *network)
{
    return strstr(network, "relu") || strstr(network, "block") || strstr(network, "max");
}

START_TEST(products_agree_with_differences)
{
    for (int geometry = 0; geometry < 2; geometry++) {
        struct fixture f = open_case(networks[_i], 0.3, geometry_of((size_t)_i, geometry));
        shake_knobs(&f);
        check_derivatives(&f, false, has_corners(networks[_i]));
        close_case(&f);
    }
}
END_TEST

/* Through the statistics of the batch. */
START_TEST(teaching_agrees_with_differences)
{
    for (int geometry = 0; geometry < 2; geometry++) {
        struct fixture f = open_case(networks[_i], 0.3, geometry_of((size_t)_i, geometry));
        shake_knobs(&f);
        check_derivatives(&f, true, has_corners(networks[_i]));
        close_case(&f);
    }
}
END_TEST

/* ------------------------------------------------------------------------------ limits -- */

/* Of order c |x|^2: forward and gradients of the two geometries meet. */
START_TEST(a_large_ball_is_flat)
{
    struct fixture ball = open_case(networks[_i], 1e-6, "poincare");
    struct fixture flat = open_case(networks[_i], 1e-6, "euclidean");
    size_t n_knobs = ball.info->n_knobs, n_out = BATCH * ball.info->n_out;
    ck_assert_uint_eq(n_knobs, flat.info->n_knobs);
    assert_close(ball.knobs, flat.knobs, n_knobs, 1e-5, 1e-6);
    shake_knobs(&ball);
    shake_knobs(&flat);
    forward(&ball, &ball.y);
    forward(&flat, &flat.y);
    assert_close(ball.y.data, flat.y.data, n_out, 1e-4, 1e-4);
    teach(&ball, ball.dknobs);
    teach(&flat, flat.dknobs);
    assert_close(ball.y.data, flat.y.data, n_out, 1e-4, 1e-4);
    assert_close(ball.dknobs, flat.dknobs, n_knobs, 0, 2e-3 * largest(flat.dknobs, n_knobs));
    close_case(&ball);
    close_case(&flat);
}
END_TEST

START_TEST(identity_layers_change_nothing)
{
    static const char *const layers[] = {VECTOR "[{kind: fc, n: 5}, {kind: fc, n: 5}]",
                                         IMAGE "[{kind: conv, channels: 2}]",
                                         IMAGE "[{kind: conv, channels: 2, size: 1}]"};
    for (size_t i = 0; i < 6; i++) {
        struct fixture f = open_case(layers[i / 2], 0.5, i % 2 ? "euclidean" : "poincare");
        if (i < 2 || i >= 4) {
            forward(&f, &f.y);
            assert_close(f.y.data, f.x.data, BATCH * f.info->n_in, 1e-5, 1e-6);
        } else if (i == 3) {
            /* beta and the centre tap cancel where the formula is linear. */
            forward(&f, &f.y);
            assert_close(f.y.data, f.x.data, BATCH * f.info->n_in, 1e-5, 1e-6);
        }
        close_case(&f);
    }
}
END_TEST

START_TEST(distances_are_those_of_the_ball)
{
    struct fixture f = open_text("{type: hyperbolic, curvature: 0.25, input: {n: 2}, layers: "
                                 "[{kind: prototypes, n: 2, measure: distance}]}");
    /* p_0 = 0: the distance of exp0 v from it is 2|v|; p_1 = exp0 w on the same line. */
    const float points[] = {0, 0, (float)(tanh(0.5 * 1.5) / 0.5), 0};
    assert_ok(et_system_set_knobs(f.system, points, 4));
    for (size_t r = 0; r < BATCH; r++) {
        f.x.data[2 * r] = -0.5F * (float)r;
        f.x.data[2 * r + 1] = 0;
    }
    forward(&f, &f.y);
    for (size_t r = 0; r < BATCH; r++) {
        assert_near((double)f.y.data[2 * r], -1.0 * (double)r, 1e-5);
        assert_near((double)f.y.data[2 * r + 1], -1.0 * (double)r - 3, 1e-5);
    }
    close_case(&f);
}
END_TEST

START_TEST(embeddings_look_points_up)
{
    for (int flat = 0; flat < 2; flat++) {
        char yaml[300];
        snprintf(yaml, sizeof yaml,
                 "{type: hyperbolic, curvature: 0.25, geometry: %s, input: {n: 1}, layers: [{kind: "
                 "embedding, n: 3, dim: 2}, {kind: mlr, n: 2}]}",
                 flat ? "euclidean" : "poincare");
        struct fixture f = open_text(yaml);
        ck_assert(f.info->in_min == 0 && f.info->in_max == 2);
        const struct et_knob_block *block = et_system_knob_block(f.system, 0);
        ck_assert_int_eq((int)block->kind, flat ? ET_KNOB_PLAIN : ET_KNOB_MANIFOLD);
        const float numbers[] = {0.1F, 1.9F, 1, 0.4F, 1.8F, 1.6F};
        memcpy(f.x.data, numbers, sizeof numbers);
        forward(&f, &f.y);
        ck_assert_mem_eq(f.y.data, f.y.data + 6, 2 * sizeof(float));
        ck_assert_mem_eq(f.y.data + 2, f.y.data + 8, 2 * sizeof(float));
        ck_assert_mem_ne(f.y.data, f.y.data + 2, 2 * sizeof(float));
        check_derivatives(&f, false, false);
        close_case(&f);
    }
}
END_TEST

/* Layers stay finite far out, in outputs and gradients. */
START_TEST(no_tangent_is_too_long)
{
    const float lengths[] = {0, 1e-20F, 1e-8F, 15, 100, 1000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct fixture f = open_case(networks[_i], 1, "poincare");
        for (size_t k = 0; k < BATCH * f.info->n_in; k++)
            f.x.data[k] *= lengths[i] / 2;
        forward(&f, &f.y); /* the framework refuses what is not finite */
        teach(&f, f.dknobs);
        close_case(&f);
    }
}
END_TEST

/* -------------------------------------------------------------------------- statistics -- */

START_TEST(evaluation_uses_running_statistics)
{
    for (int flat = 0; flat < 2; flat++) {
        const char *geometry = flat ? "euclidean" : "poincare";
        struct fixture f = open_case(
            VECTOR "[{kind: fc, n: 4}, {kind: norm, rate: 1}, {kind: mlr, n: 3}]", 0.3, geometry);
        size_t n = BATCH * f.info->n_out, n_knobs = f.info->n_knobs;
        struct et_array before = {0};
        assert_ok(et_array_create(&before, BATCH, f.info->n_out));
        forward(&f, &before);
        teach(&f, f.dknobs);
        /* At rate 1 the running statistics are those of the batch now. */
        struct et_array after = {0};
        assert_ok(et_array_create(&after, BATCH, f.info->n_out));
        forward(&f, &after);
        assert_close(after.data, f.y.data, n, 1e-4, 1e-5);
        ck_assert(fabs((double)(after.data[0] - before.data[0])) > 1e-3);
        /* They are knobs: with the old ones comes the old output. */
        assert_ok(et_system_set_knobs(f.system, f.knobs, n_knobs));
        forward(&f, &after);
        ck_assert_mem_eq(after.data, before.data, n * sizeof(float));
        et_array_destroy(&before);
        et_array_destroy(&after);
        close_case(&f);
    }
}
END_TEST

/* What a norm gives has its shift as midpoint and gain^2 as variance. */
START_TEST(norm_gives_what_its_knobs_say)
{
    struct fixture f = open_case(VECTOR "[{kind: norm, rate: 1}]", 0.3, "poincare");
    const float shift[] = {0.3F, -0.2F, 0.1F, 0, 0.4F};
    f.knobs[0] = 0.7F;
    memcpy(f.knobs + 1, shift, sizeof shift);
    assert_ok(et_system_set_knobs(f.system, f.knobs, f.info->n_knobs));
    teach(&f, f.dknobs);
    /* Every point is gain/sd times as far from the shift as it was from the midpoint. */
    double work[200], sum = 0, v[5], point[5], b[5], gap, gap_b, d;
    ck_assert_uint_le(et__poincare_work(5), 200);
    for (size_t r = 0; r < BATCH + 1; r++) {
        struct et__points_f64 x = {point, &gap, 1, 5}, centre = {b, &gap_b, 1, 5};
        for (size_t k = 0; k < 5; k++)
            v[k] = (double)(r == 0 ? shift[k] : f.y.data[5 * (r - 1) + k]);
        et__exp0_f64(0.3, v, r == 0 ? centre : x, work);
        if (r == 0) continue;
        et__distance_f64(0.3, x, centre, &d, work);
        sum += d * d / BATCH;
    }
    assert_near(sum, 0.49, 1e-5);
    close_case(&f);
}
END_TEST

START_TEST(running_statistics_move_by_their_rate)
{
    struct fixture f = open_case(VECTOR "[{kind: norm, rate: 0.25}]", 0.3, "euclidean");
    double mean = 0, variance = 0;
    for (size_t r = 0; r < BATCH; r++)
        mean += (double)f.x.data[5 * r] / BATCH;
    for (size_t k = 0; k < 5; k++) {
        double centre = 0;
        for (size_t r = 0; r < BATCH; r++)
            centre += (double)f.x.data[5 * r + k] / BATCH;
        for (size_t r = 0; r < BATCH; r++)
            variance += 4 * pow((double)f.x.data[5 * r + k] - centre, 2) / BATCH;
    }
    teach(&f, f.dknobs);
    assert_ok(et_system_get_knobs(f.system, f.knobs, f.info->n_knobs));
    assert_near((double)f.knobs[6], 0.25 * mean, 1e-5);
    assert_near((double)f.knobs[11], 0.75 + 0.25 * variance, 1e-4);
    close_case(&f);
}
END_TEST

/* ------------------------------------------------------------------------------ shapes -- */

/* Weights of the depth-20 network on images of one channel. */
START_TEST(resnet_has_its_layers)
{
    struct fixture f = open_text(
        "{type: hyperbolic, input: {height: 8, width: 8}, layers: [{kind: resnet, depth: 20, "
        "widths: [8, 16, 32]}, {kind: pool}, {kind: mlr, n: 10}]}");
    const struct et_knob_block *block;
    size_t convolutions = 0, norms = 0, weights = 0;
    for (size_t i = 0; (block = et_system_knob_block(f.system, i)) != NULL; i++) {
        bool normals = strstr(block->name, "normals") != NULL;
        convolutions += normals;
        norms += strstr(block->name, "gain") != NULL;
        if (normals) weights += block->rows * block->cols;
    }
    /* 19 of depth, 2 shortcuts where the shape changes, the regression. */
    ck_assert_uint_eq(convolutions, 19 + 2 + 1);
    ck_assert_uint_eq(norms, 19 + 2);
    size_t first = 9 * 8 + 6 * 72 * 8, second = 72 * 16 + 5 * 144 * 16 + 8 * 16;
    size_t third = 144 * 32 + 5 * 288 * 32 + 16 * 32;
    ck_assert_uint_eq(weights, first + second + third + 320);
    ck_assert_uint_eq(f.info->n_out, 10);
    forward(&f, &f.y);
    teach(&f, f.dknobs);
    close_case(&f);
}
END_TEST

/* Blocks have corners, so the contract does not take differences of them: threads, then, here. */
START_TEST(threads_give_the_same_bytes)
{
    float *first[3] = {0};
    size_t size[3] = {0};
    for (size_t threads = 1; threads <= 4; threads += 3) {
        et_parallel_set_threads(threads);
        struct fixture f = open_text(
            "{type: hyperbolic, input: {channels: 2, height: 6, width: 6}, layers: [{kind: resnet, "
            "depth: 6, widths: [3, 5]}, {kind: pool}, {kind: mlr, n: 4}]}");
        teach(&f, f.dknobs);
        const float *now[] = {f.dknobs, f.dx.data, f.y.data};
        const size_t n[] = {f.info->n_knobs, BATCH * f.info->n_in, BATCH * f.info->n_out};
        for (size_t k = 0; k < 3; k++) {
            size[k] = n[k] * sizeof(float);
            if (threads == 1) {
                ck_assert_ptr_nonnull(first[k] = et_alloc(n[k], sizeof *first[k]));
                memcpy(first[k], now[k], size[k]);
            } else {
                ck_assert_mem_eq(first[k], now[k], size[k]);
                et_free(first[k]);
            }
        }
        close_case(&f);
    }
    et_parallel_set_threads(2);
}
END_TEST

START_TEST(windows_see_what_they_should)
{
    /* A flat convolution by hand: the sum of a 2 x 2 window with padding 1 and stride 2. */
    struct fixture f =
        open_text("{type: hyperbolic, geometry: euclidean, input: {height: 3, width: "
                  "3}, layers: [{kind: conv, channels: 1, size: 2, stride: 2, "
                  "padding: 1}]}");
    ck_assert_uint_eq(f.info->n_out, 4);
    float beta = (float)et__poincare_beta(4, 1), weight = 0.5F / beta;
    const float z[] = {weight, weight, weight, weight, 0};
    assert_ok(et_system_set_knobs(f.system, z, 5));
    for (size_t k = 0; k < 9; k++)
        f.x.data[k] = (float)(1 << k);
    forward(&f, &f.y);
    const float want[] = {1, 2 + 4, 8 + 64, 16 + 32 + 128 + 256};
    assert_close(f.y.data, want, 4, 1e-5, 0);
    close_case(&f);
}
END_TEST

/* ----------------------------------------------------------------------------- refused -- */

START_TEST(mistakes_are_explained)
{
    static const struct {
        const char *yaml, *message;
    } mistakes[] = {
        {"curvature: 0, input: {n: 2}, layers: [{kind: relu}]", "curvature = 0 is outside [1e-06,"},
        {"curvature: -1, input: {n: 2}, layers: [{kind: relu}]", "curvature = -1 is outside"},
        {"input: {n: 2}, layers: []", "layers"},
        {"input: {}, layers: [{kind: relu}]", "neither n of a vector nor height and width"},
        {"input: {n: 2, height: 3}, layers: [{kind: relu}]", "one of them"},
        {"input: {n: 2}, layers: [{kind: fc}]", "n of a layer of kind fc is at least 1"},
        {"input: {n: 2}, layers: [{kind: conv}]",
         "channels of a layer of kind conv are at least 1"},
        {"input: {n: 2}, layers: [{kind: relu, n: 3}]", "a layer of kind relu has no n"},
        {"input: {n: 2}, layers: [{kind: fc, n: 3, stride: 2}]",
         "a layer of kind fc has no stride"},
        {"input: {height: 3, width: 3}, layers: [{kind: conv, channels: 1, size: 4, padding: 0}]",
         "a window of 4 x 4 does not fit into 3 x 3 pixels"},
        {"input: {height: 3, width: 3}, layers: [{kind: conv, channels: 1, size: 3, padding: 3}]",
         "padding = 3: windows of size 3 would see nothing else"},
        {"input: {height: 3, width: 4}, layers: [{kind: pool}]", "not of 3 x 4 pixels"},
        {"input: {height: 8, width: 8}, layers: [{kind: resnet, depth: 19}]",
         "depth = 19 is not 2 + a multiple of 6, as 3 widths need it"},
        {"input: {height: 8, width: 8}, layers: [{kind: resnet, widths: [8, 16.5, 32]}]",
         "widths[1] = 16.5 is not a whole number"},
        {"input: {n: 2}, layers: [{kind: relu}, {kind: embedding, n: 3}]",
         "an embedding is the first layer, of input {n: 1}"},
        {"learn_curvature: true, input: {n: 2}, layers: [{kind: prototypes, n: 3}]",
         "points in the ball need a ball that stays"},
        {"geometry: euclidean, learn_curvature: true, input: {n: 2}, layers: [{kind: relu}]",
         "flat space has no curvature to learn"},
        {"input: {height: 4096, width: 4096}, layers: [{kind: conv, channels: 60}]",
         "numbers; at most 67108864"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct et_system *system = NULL;
        char yaml[400];
        snprintf(yaml, sizeof yaml, "{type: hyperbolic, %s}", mistakes[i].yaml);
        assert_status(et_system_open_text(yaml, SEED, &system), ET_CONFIG);
        assert_message(mistakes[i].message);
        ck_assert_ptr_null(system);
    }
}
END_TEST

START_TEST(knobs_outside_are_refused)
{
    struct fixture f = open_text("{type: hyperbolic, curvature: 0.25, input: {n: 2}, layers: "
                                 "[{kind: norm}, {kind: prototypes, n: 3}]}");
    size_t n = f.info->n_knobs, points = n - 6;
    struct et_array before = {0};
    assert_ok(et_array_create(&before, BATCH, f.info->n_out));
    forward(&f, &before);
    float kept = f.knobs[points + 2];
    f.knobs[points + 2] = 2;
    assert_status(et_system_set_knobs(f.system, f.knobs, n), ET_INVALID);
    assert_message("point 1 of layer 1 is outside the ball: |p| = 2");
    assert_message("is not below 1/sqrt(c) = 2");
    f.knobs[points + 2] = kept;
    f.knobs[5] = -0.5F; /* gain, shift, mean: 5 numbers before it */
    assert_status(et_system_set_knobs(f.system, f.knobs, n), ET_INVALID);
    assert_message("running variance of layer 0 = -0.5 is below 0");
    f.knobs[5] = NAN;
    assert_status(et_system_set_knobs(f.system, f.knobs, n), ET_INVALID);
    assert_message("knob 5 of 'hyperbolic' = nan");
    forward(&f, &f.y);
    ck_assert_mem_eq(f.y.data, before.data, BATCH * f.info->n_out * sizeof(float));
    et_array_destroy(&before);
    close_case(&f);
}
END_TEST

START_TEST(curvature_is_the_exponential_of_its_knob)
{
    struct fixture f = open_text("{type: hyperbolic, curvature: 0.25, learn_curvature: true, "
                                 "input: {n: 2}, layers: [{kind: mlr, n: 3}]}");
    struct fixture g = open_text("{type: hyperbolic, curvature: 2, input: {n: 2}, layers: [{kind: "
                                 "mlr, n: 3}]}");
    size_t n = f.info->n_knobs;
    assert_near((double)f.knobs[n - 1], log(0.25), 1e-6);
    f.knobs[n - 1] = logf(2);
    assert_ok(et_system_set_knobs(f.system, f.knobs, n));
    forward(&f, &f.y);
    forward(&g, &g.y);
    assert_close(f.y.data, g.y.data, BATCH * 3, 1e-5, 1e-6);
    f.knobs[n - 1] = 8;
    assert_status(et_system_set_knobs(f.system, f.knobs, n), ET_INVALID);
    assert_message("curvature c = exp(8) = 2980.95799 is outside [1e-06, 1000]");
    close_case(&f);
    close_case(&g);
}
END_TEST

int main(void)
{
    et_parallel_set_threads(2);
    Suite *suite = suite_create("hyperbolic");
    TCase *each = tcase_create("each network"), *single = tcase_create("single");
    tcase_add_loop_test(each, products_agree_with_differences, 0, N_NETWORKS);
    tcase_add_loop_test(each, teaching_agrees_with_differences, 0, N_NETWORKS);
    tcase_add_loop_test(each, a_large_ball_is_flat, 0, N_NETWORKS);
    tcase_add_loop_test(each, no_tangent_is_too_long, 0, N_NETWORKS);
    const TTest *const tests[] = {
        identity_layers_change_nothing, distances_are_those_of_the_ball,
        embeddings_look_points_up,      evaluation_uses_running_statistics,
        norm_gives_what_its_knobs_say,  running_statistics_move_by_their_rate,
        resnet_has_its_layers,          threads_give_the_same_bytes,
        windows_see_what_they_should,   mistakes_are_explained,
        knobs_outside_are_refused,      curvature_is_the_exponential_of_its_knob,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(single, tests[i]);
    suite_add_tcase(suite, each);
    suite_add_tcase(suite, single);
    return suite_result(suite);
}
