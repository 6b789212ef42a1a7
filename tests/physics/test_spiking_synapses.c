/* SPDX-License-Identifier: Apache-2.0
 *
 * Synapses of spiking networks against their definition: every kind, spikes and values, at once and
 * late; currents that do not change. */
#include "sim/spiking/network.h"

#include <etalon/rng.h>
#include <etalon/system.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

enum { ROWS = 19, C_PRE = 4, H_PRE = 6, W_PRE = 5, N_PRE = C_PRE * H_PRE * W_PRE, LATE = 3 };

/* The current of target j as its definition says: for each source i and each step. */
static double weight_of(const struct et__spk_network *net, const struct et__spk_projection *p,
                        size_t i, size_t j)
{
    const struct et__spk_population *pre = &net->population[p->source];
    const struct et__spk_population *post = &net->population[p->target];
    if (p->synapse == ET__SPK_DENSE) return (double)p->weight[i * post->n + j];
    if (p->synapse == ET__SPK_ONE) return i != j ? 0 : p->weight ? (double)p->weight[j] : 1;
    if (p->synapse == ET__SPK_SPARSE) {
        for (size_t e = p->start[i]; e < p->start[i + 1]; e++)
            if (p->column[e] == j) return (double)p->weight[e];
        return 0;
    }
    size_t ci = i / (pre->h * pre->w), co = j / (post->h * post->w);
    long y = (long)(i / pre->w % pre->h + p->pad_h) - (long)(j / post->w % post->h * p->stride_h);
    long x = (long)(i % pre->w + p->pad_w) - (long)(j % post->w * p->stride_w);
    if (y < 0 || x < 0 || y % (long)p->dilation_h != 0 || x % (long)p->dilation_w != 0) return 0;
    size_t ky = (size_t)y / p->dilation_h, kx = (size_t)x / p->dilation_w;
    if (ky >= p->kernel_h || kx >= p->kernel_w) return 0;
    if (p->synapse == ET__SPK_POOL)
        return ci != co ? 0 : p->average ? 1.0 / (double)(p->kernel_h * p->kernel_w) : 1;
    size_t c_pre = pre->c / p->groups, c_post = post->c / p->groups;
    if (ci / c_pre != co / c_post) return 0;
    return (double)p->weight[((co * c_pre + ci % c_pre) * p->kernel_h + ky) * p->kernel_w + kx];
}

struct shape {
    enum et__spk_synapse synapse;
    size_t c, h, w, kernel, stride, pad, dilation, groups;
    bool bias, average;
};

static const struct shape shapes[] = {
    {ET__SPK_DENSE, 150, 1, 1, 1, 1, 0, 1, 1, true, false},
    {ET__SPK_DENSE, 3, 1, 1, 1, 1, 0, 1, 1, false, false},
    {ET__SPK_SPARSE, 40, 1, 1, 1, 1, 0, 1, 1, true, false},
    {ET__SPK_CONV, 6, 6, 5, 3, 1, 1, 1, 1, true, false},
    {ET__SPK_CONV, 4, 3, 2, 3, 2, 1, 1, 2, false, false},
    {ET__SPK_CONV, 8, 4, 3, 2, 1, 0, 2, 4, true, false},
    {ET__SPK_CONV, 3, 6, 5, 4, 1, 1, 1, 1, false, false}, /* "same": more zeros below than above */
    {ET__SPK_POOL, C_PRE, 3, 2, 2, 2, 0, 1, 1, false, false},
    {ET__SPK_POOL, C_PRE, 5, 4, 3, 1, 1, 1, 1, false, true},
    {ET__SPK_ONE, C_PRE, H_PRE, W_PRE, 1, 1, 0, 1, 1, true, false},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static void fill_sparse(struct et__spk_projection *p, size_t n_post)
{
    p->start = et_alloc(N_PRE + 1, sizeof *p->start);
    p->column = et_alloc(N_PRE * n_post, sizeof *p->column);
    ck_assert(p->start != NULL && p->column != NULL);
    uint32_t used = 0;
    for (size_t i = 0; i < N_PRE; i++) {
        for (size_t j = 0; j < n_post; j++)
            if (et_rng_below(6, ET_STREAM_USER, 0, i * n_post + j, 7) == 0)
                p->column[used++] = (uint32_t)j;
        p->start[i + 1] = used;
    }
}

static void build(struct et__spk_network *net, const struct shape *shape, size_t delay, bool values,
                  bool plain_one)
{
    struct et__spk_population *post;
    struct et__spk_projection *p;
    assert_ok(et__spk_begin(net, 1e-3, 8, C_PRE, H_PRE, W_PRE));
    net->encoder.kind = values ? ET__SPK_FRAMES : ET__SPK_POISSON;
    net->encoder.rate = 1000;
    net->output = 1;
    assert_ok(
        et__spk_add_population(net, "post", ET__SPK_RELAY, shape->c, shape->h, shape->w, &post));
    assert_ok(et__spk_add_projection(net, "p", shape->synapse, 0, 1, &p));
    p->delay = delay;
    p->kernel_h = p->kernel_w = shape->kernel;
    p->stride_h = p->stride_w = shape->stride;
    p->pad_h = p->pad_w = shape->pad;
    p->dilation_h = p->dilation_w = shape->dilation;
    p->groups = shape->groups;
    p->average = shape->average;
    if (shape->synapse == ET__SPK_SPARSE) fill_sparse(p, net->population[1].n);
    if (shape->synapse != ET__SPK_POOL && !plain_one) {
        assert_ok(et__spk_alloc_weights(net, p, shape->bias));
        et_rng_fill_normal(3, ET_STREAM_USER, 0, 0, p->weight, et__spk_weights(net, p));
        if (p->bias != NULL)
            et_rng_fill_normal(3, ET_STREAM_USER, 1, 0, p->bias, et__spk_biases(net, p));
    }
    assert_ok(et__spk_finish(net));
}

static double expected(const struct et__spk_network *net, const float *frames, size_t t, size_t j,
                       double *size)
{
    const struct et__spk_projection *p = &net->projection[0];
    const struct et__spk_population *post = &net->population[1];
    size_t area = p->synapse == ET__SPK_CONV ? post->h * post->w : 1;
    size_t lag = p->delay + (p->delays ? p->delays[j] : 0);
    double sum = p->bias ? (double)p->bias[j / area] : 0;
    *size = fabs(sum);
    for (size_t i = 0; t >= lag && i < N_PRE; i++) {
        double term = weight_of(net, p, i, j) * (double)frames[(t - lag) * N_PRE + i];
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

/* Spikes (ones and zeros) and values, at once and late, in a batch that is more than a tile. */
static void compare(struct et__spk_network *net, bool values)
{
    static float frames[ROWS][8 * N_PRE], x[ROWS][8 * N_PRE];
    struct et__spk_room room;
    struct et_step step = {.seed = 5};
    const struct et__spk_population *post = &net->population[1];
    assert_ok(et__spk_room_create(&room, net, ROWS, 1));
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < 8 * N_PRE; i++) {
            float u = et_rng_uniform(7, ET_STREAM_USER, (uint32_t)r, i);
            x[r][i] = values ? (u < 0.7F ? 0 : 5 * u - 4) : u;
        }
    size_t cols = values ? 8 * N_PRE : N_PRE;
    struct et__spk_pass pass = {&step, {x[0], ROWS, cols, 8 * N_PRE}, 0};
    et__spk_start(net, &room, 0, ROWS);
    for (size_t t = 0; t < 8; t++) {
        et__spk_advance(net, &room, &pass, t, 0, ROWS, 0);
        for (size_t r = 0; r < ROWS; r++) {
            memcpy(&frames[r][t * N_PRE], et__spk_s(net, &room, 0, t, r), N_PRE * sizeof(float));
            for (size_t j = 0; j < post->n; j++) {
                double size, want = expected(net, frames[r], t, j, &size);
                assert_near((double)et__spk_s(net, &room, 1, t, r)[j], want, 1e-5 * size);
            }
        }
    }
    et__spk_room_destroy(&room);
}

START_TEST(synapses_match_their_definition)
{
    for (int variant = 0; variant < 4; variant++) {
        struct et__spk_network net;
        build(&net, &shapes[_i], variant % 2 ? LATE : 0, variant / 2, false);
        compare(&net, variant / 2);
        et__spk_free(&net);
    }
}
END_TEST

START_TEST(each_neuron_may_have_a_delay)
{
    struct et__spk_network net;
    build(&net, &shapes[N_SHAPES - 1], 1, true, true);
    struct et__spk_projection *p = &net.projection[0];
    ck_assert_ptr_null(p->weight);
    p->delays = et_alloc(N_PRE, sizeof *p->delays);
    ck_assert_ptr_nonnull(p->delays);
    for (size_t j = 0; j < N_PRE; j++)
        p->delays[j] = (uint32_t)(j % 5);
    assert_ok(et__spk_finish(&net));
    ck_assert_uint_eq(net.population[0].slots, 6);
    compare(&net, true);
    et__spk_free(&net);
}
END_TEST

/* Currents that do not change are summed once; the same input frame by frame must give the same
 * bits, through a chain of relays too. */
START_TEST(constant_inputs_give_the_bits_of_equal_frames)
{
    static const char *const form =
        "{type: spiking, steps: 7, input: {n: 9, encoding: %s}, layers: [{n: 12, neuron: relay, "
        "bias: true, bias_start: 0.2}, {n: 20, gain: 2}, {n: 4, neuron: li, recurrent: true}], "
        "readout: membrane}";
    struct et_system *one, *many;
    struct et_step step = {0};
    float x[9], frames[63], y[4], z[4];
    char yaml[512];
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, x, 9);
    for (size_t i = 0; i < 63; i++)
        frames[i] = x[i % 9];
    snprintf(yaml, sizeof yaml, form, "current");
    assert_ok(et_system_open_text(yaml, 3, &one));
    snprintf(yaml, sizeof yaml, form, "frames");
    assert_ok(et_system_open_text(yaml, 3, &many));
    assert_ok(et_system_forward(one, &step, et_view_of(x, 1, 9), et_view_of(y, 1, 4)));
    assert_ok(et_system_forward(many, &step, et_view_of(frames, 1, 63), et_view_of(z, 1, 4)));
    ck_assert_float_ne(y[0], 0);
    ck_assert_mem_eq(y, z, sizeof y);
    et_system_close(one);
    et_system_close(many);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spiking synapses");
    TCase *c = tcase_create("synapses");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, synapses_match_their_definition, 0, N_SHAPES);
    tcase_add_test(c, each_neuron_may_have_a_delay);
    tcase_add_test(c, constant_inputs_give_the_bits_of_equal_frames);
    suite_add_tcase(suite, c);
    return suite_result(suite);
}
