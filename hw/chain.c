/* SPDX-License-Identifier: Apache-2.0
 *
 * Systems in series: the outputs of one are the inputs of the next. */
#include "system_internal.h"

#include <etalon/rng.h>

struct chain {
    size_t n;
    struct et_system **stage;      /* [n] */
    struct et__workspace *between; /* [n] outputs of stage i, clipped; the last is not used */
    struct et__workspace gradient[2];
    bool clip;
};

static const struct et_param params[] = {
    {.name = "systems",
     .kind = ET_PARAM_TYPES,
     .choices = "system",
     .min_count = 1,
     .doc = "Systems in the order in which a signal passes them."},
    {.name = "clip",
     .kind = ET_PARAM_BOOL,
     .initial = "false",
     .doc = "Clip what enters a system to its legal range; otherwise leaving it is an error."},
    {0},
};

static enum et_status open_chain(void *state, const struct et_config *config, uint64_t seed)
{
    struct chain *s = state;
    size_t n = et_config_count(config, "systems");
    s->clip = et_config_bool(config, "clip");
    s->stage = et_alloc(n, sizeof(*s->stage));
    s->between = et_alloc(n, sizeof(*s->between));
    if (s->stage == NULL || s->between == NULL) return ET_NOMEM;
    for (; s->n < n; s->n++) {
        const struct et_config *map = et_config_at(config, "systems", s->n);
        struct et_system **stage = &s->stage[s->n];
        ET_TRY_WHILE(et_system_open(map, et_rng_derive(seed, s->n), stage), "opening stage %zu",
                     s->n);
        if (s->n == 0) continue;
        size_t before = et_system_info(s->stage[s->n - 1])->n_out;
        size_t after = et_system_info(*stage)->n_in;
        if (before == after) continue;
        et_system_close(*stage);
        return et_config_error(map, NULL, "stage %zu has %zu inputs, but stage %zu has %zu outputs",
                               s->n, after, s->n - 1, before);
    }
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct chain *s = state;
    const struct et_system_info *first = et_system_info(s->stage[0]);
    const struct et_system_info *last = et_system_info(s->stage[s->n - 1]);
    *info = *first;
    info->n_out = last->n_out;
    info->out_unit = last->out_unit;
    info->knob_unit = s->n > 1 ? "" : first->knob_unit;
    bool vjp = first->traits & ET_HAS_VJP;
    for (size_t i = 1; i < s->n; i++) {
        const struct et_system_info *next = et_system_info(s->stage[i]);
        info->n_knobs += next->n_knobs;
        info->latency_s += next->latency_s;
        info->energy_J += next->energy_J;
        info->traits |= next->traits;
        vjp = vjp && next->traits & ET_HAS_VJP;
    }
    /* The backward pass runs the stages again, which a STATEFUL one would notice. */
    if (!vjp || info->traits & ET_STATEFUL) info->traits &= ~(unsigned)ET_HAS_VJP;
}

/* Runs stages 0 .. count-1; *out is what the next stage gets (x itself when count is 0). */
static enum et_status run(struct chain *s, const struct et_step *step, size_t count,
                          struct et_view x, struct et_view *out)
{
    *out = x;
    for (size_t i = 0; i < count; i++) {
        struct et_view from = *out;
        size_t n_out = et_system_info(s->stage[i])->n_out;
        ET_TRY(et__workspace_get(&s->between[i], x.rows, n_out, out));
        ET_TRY_WHILE(et_system_forward(s->stage[i], step, from, *out), "running stage %zu", i);
        if (s->clip) et__clip_inputs(*out, s->stage[i + 1]);
    }
    return ET_OK;
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct chain *s = state;
    struct et_view last;
    ET_TRY(run(s, step, s->n - 1, x, &last));
    ET_TRY_WHILE(et_system_forward(s->stage[s->n - 1], step, last, y), "running stage %zu",
                 s->n - 1);
    return ET_OK;
}

/* A value that clipping has moved to an end of the range passes no gradient. */
static void clip_gradient(struct et_view d, struct et_view x, const struct et_system_info *info)
{
    for (size_t i = 0; i < d.rows * d.cols; i++)
        if (x.data[i] <= info->in_min || x.data[i] >= info->in_max) d.data[i] = 0;
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    struct chain *s = state;
    struct et_view input;
    ET_TRY(run(s, step, s->n - 1, x, &input));
    size_t knob = 0;
    for (size_t i = 0; i < s->n; i++)
        knob += et_system_info(s->stage[i])->n_knobs;
    struct et_view gradient = dy;
    for (size_t i = s->n; i-- > 0;) {
        const struct et_system_info *info = et_system_info(s->stage[i]);
        struct et_view from = i == 0 ? x : et_view_of(s->between[i - 1].data, x.rows, info->n_in);
        struct et_view to = dx;
        if (i > 0) ET_TRY(et__workspace_get(&s->gradient[i % 2], x.rows, info->n_in, &to));
        knob -= info->n_knobs;
        float *part = dknobs && info->n_knobs > 0 ? dknobs + knob : NULL;
        ET_TRY_WHILE(et_system_vjp(s->stage[i], step, from, gradient, to, part),
                     "going back through stage %zu", i);
        if (i > 0 && s->clip) clip_gradient(to, from, info);
        gradient = to;
    }
    return ET_OK;
}

static struct et_system *inner(const void *state, size_t i)
{
    const struct chain *s = state;
    return i < s->n ? s->stage[i] : NULL;
}

static void close_chain(void *state)
{
    struct chain *s = state;
    for (size_t i = 0; i < s->n; i++) {
        et_system_close(s->stage[i]);
        et__workspace_free(&s->between[i]);
    }
    et_free(s->stage);
    et_free(s->between);
    et__workspace_free(&s->gradient[0]);
    et__workspace_free(&s->gradient[1]);
}

const struct et_system_type et_system_chain = {
    .name = "chain",
    .summary = "Systems in series.",
    .state_size = sizeof(struct chain),
    .params = params,
    .open = open_chain,
    .describe = describe,
    .forward = forward,
    .vjp = vjp,
    .inner = inner,
    .close = close_chain,
};
