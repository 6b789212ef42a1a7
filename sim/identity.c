/* SPDX-License-Identifier: Apache-2.0
 *
 * y = x, cut or padded with zeros: the control that takes the physics out. */
#include <etalon/system.h>

#include <math.h>
#include <string.h>

struct identity {
    size_t n_in, n_out;
};

static const struct et_param params[] = {
    {.name = "n_in", .kind = ET_PARAM_INT, .min = 1, .max = 65536, .doc = "Number of inputs."},
    {.name = "n_out",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 65536,
     .doc = "Number of outputs, padded with zeros or cut; 0 = n_in."},
    {0},
};

static enum et_status open_identity(void *state, const struct et_config *config, uint64_t seed)
{
    (void)seed;
    struct identity *s = state;
    s->n_in = (size_t)et_config_int(config, "n_in");
    s->n_out = (size_t)et_config_int(config, "n_out");
    if (s->n_out == 0) s->n_out = s->n_in;
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct identity *s = state;
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->in_min = -INFINITY;
    info->in_max = INFINITY;
    info->traits = ET_HAS_VJP;
}

/* Both directions are the same copy. */
static void copy_rows(struct et_view from, struct et_view to)
{
    size_t n = from.cols < to.cols ? from.cols : to.cols;
    for (size_t r = 0; r < to.rows; r++) {
        float *row = to.data + r * to.cols;
        memcpy(row, from.data + r * from.cols, n * sizeof *row);
        memset(row + n, 0, (to.cols - n) * sizeof *row);
    }
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)state;
    (void)step;
    copy_rows(x, y);
    return ET_OK;
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)state;
    (void)step;
    (void)x;
    (void)dknobs;
    copy_rows(dy, dx);
    return ET_OK;
}

const struct et_system_type et_system_identity = {
    .name = "identity",
    .summary = "Copies its inputs: a control without any physics.",
    .state_size = sizeof(struct identity),
    .params = params,
    .open = open_identity,
    .describe = describe,
    .forward = forward,
    .vjp = vjp,
};
