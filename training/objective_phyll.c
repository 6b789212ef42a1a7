/* SPDX-License-Identifier: Apache-2.0
 *
 * phyll: contrast of cosine goodness, as published for deep physical networks.
 *
 *     g(h) = cos(|h|, p_l),   L = mean log(1 + exp(-theta (g_right - g_wrong)))
 *
 * p_l is a fixed random vector of the stage, N(0, 1) normalised to unit length, shared by all
 * classes and samples.  A prediction tries every label and takes the largest sum of g over stages.
 *
 * Source: Momeni et al., Science 382, 1297 (2023), arXiv 2304.11042; Adam and the number of inner
 * steps are the method's business. */
#include "objective.h"

#include <etalon/rng.h>

#include <math.h>

struct phyll {
    double theta;
    size_t n_stages;
    struct et_tensor *vector; /* [n_stages], each [1][width], never trained */
};

static const double EPSILON = 1e-6; /* floor of the two norms */

/* clang-format off */
static const struct et_param params[] = {
    {.name = "theta", .kind = ET_PARAM_REAL, .initial = "4", .min = 0.01, .max = 1000,
     .doc = "Steepness of the contrast (published: 4 acoustic, 5 optics)."},
    {0},
};
/* clang-format on */

static enum et_status phyll_open(void *state, const struct et_config *config,
                                 const struct et_objective_shape *shape)
{
    struct phyll *o = state;
    o->theta = et_config_real(config, "theta");
    o->vector = et_alloc(shape->n_stages, sizeof *o->vector);
    if (o->vector == NULL) return ET_NOMEM;
    o->n_stages = shape->n_stages;
    for (size_t l = 0; l < o->n_stages; l++) {
        size_t n = shape->width[l];
        ET_TRY(et_tensor_create(&o->vector[l], "goodness_vector", 1, n, 0));
        float *p = o->vector[l].value;
        et_rng_fill_normal(et_rng_derive(shape->seed, l), ET_STREAM_INIT, 1, 0, p, n);
        double sum = 0;
        for (size_t j = 0; j < n; j++)
            sum += (double)p[j] * (double)p[j];
        for (size_t j = 0; j < n; j++)
            p[j] = (float)((double)p[j] / (sqrt(sum) + 1e-4));
    }
    return ET_OK;
}

struct cosine {
    double g, norm_h, norm_p;
};

static struct cosine goodness(const float *h, const float *p, size_t n)
{
    double hp = 0, hh = 0, pp = 0;
    for (size_t j = 0; j < n; j++) {
        hp += fabs((double)h[j]) * (double)p[j];
        hh += (double)h[j] * (double)h[j];
        pp += (double)p[j] * (double)p[j];
    }
    double norm_h = fmax(sqrt(hh), EPSILON), norm_p = fmax(sqrt(pp), EPSILON);
    return (struct cosine){hp / (norm_h * norm_p), norm_h, norm_p};
}

/* dh = factor dg/dh,  dg/dh_j = sign(h_j) (p_j / (|h| |p|) - g |h_j| / |h|^2). */
static void goodness_gradient(const float *h, const float *p, size_t n, struct cosine c,
                              double factor, float *dh)
{
    double along_p = factor / (c.norm_h * c.norm_p), along_h = factor * c.g / (c.norm_h * c.norm_h);
    for (size_t j = 0; j < n; j++) {
        double sign = h[j] > 0 ? 1 : h[j] < 0 ? -1 : 0;
        dh[j] = (float)(sign * along_p * (double)p[j] - along_h * (double)h[j]);
    }
}

static double phyll_loss(void *state, size_t stage, struct et_view h, const int32_t *label,
                         struct et_view dh)
{
    (void)label; /* the label is in the input */
    const struct phyll *o = state;
    const float *p = o->vector[stage].value;
    size_t half = h.rows / 2;
    double loss = 0;
    for (size_t r = 0; r < half; r++) {
        const float *right = h.data + r * h.stride, *wrong = h.data + (half + r) * h.stride;
        struct cosine a = goodness(right, p, h.cols), b = goodness(wrong, p, h.cols);
        double margin = o->theta * (a.g - b.g);
        loss += et__softplus(-margin);
        double factor = -o->theta * et__logistic(-margin) / (double)half;
        goodness_gradient(right, p, h.cols, a, factor, dh.data + r * dh.stride);
        goodness_gradient(wrong, p, h.cols, b, -factor, dh.data + (half + r) * dh.stride);
    }
    return loss / (double)half;
}

static void phyll_score(void *state, size_t stage, struct et_view h, struct et_view score)
{
    const struct phyll *o = state;
    const float *p = o->vector[stage].value;
    for (size_t r = 0; r < h.rows; r++)
        score.data[r * score.stride] += (float)goodness(h.data + r * h.stride, p, h.cols).g;
}

static struct et_tensor *phyll_tensor(void *state, size_t stage, size_t i)
{
    struct phyll *o = state;
    return i == 0 ? &o->vector[stage] : NULL;
}

static void phyll_close(void *state)
{
    struct phyll *o = state;
    for (size_t l = 0; l < o->n_stages; l++)
        et_tensor_destroy(&o->vector[l]);
    et_free(o->vector);
}

const struct et_objective_type et_objective_phyll = {
    .name = "phyll",
    .summary = "contrast of the cosine with a fixed random vector (Momeni et al. 2023)",
    .state_size = sizeof(struct phyll),
    .params = params,
    .contrastive = true,
    .open = phyll_open,
    .loss = phyll_loss,
    .score = phyll_score,
    .tensor = phyll_tensor,
    .close = phyll_close,
};
