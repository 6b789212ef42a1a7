/* SPDX-License-Identifier: Apache-2.0
 *
 * A digital-to-analog converter in front of a system and an analog-to-digital one behind it.
 *
 * A converter of b bits over [lo, hi] has 2^b levels at the distance q = (hi - lo) / 2^b, numbered
 * k = 0 .. 2^b - 1 and clipped at both ends:
 *
 *     mid-tread  level lo + k q,          k = round((v - lo) / q)  lo and, when lo = -hi, 0 are
 *                                                                  levels; the highest is hi - q
 *     mid-rise   level lo + (k + 1/2) q,  k = floor((v - lo) / q)  levels lie symmetrically in the
 *                                                                  range; 0 is none when lo = -hi
 *
 * Halves round away from zero.  b = 0 stands for an ideal converter, which clips only.
 * Source: IEEE Std 1241 (terminology and transfer characteristic). */
#include "calibration.h"
#include "system_internal.h"

#include <float.h>
#include <math.h>

enum scheme { MID_TREAD, MID_RISE };

struct converter {
    double lo, hi, q;
    double top; /* 2^bits - 1 */
    int64_t bits;
    enum scheme scheme;
};

struct converters {
    struct et_system *inside;
    struct converter dac, adc;
    struct et__workspace x, y, dx;
    bool clip;
};

static const struct et_param params[] = {
    {.name = "dac_bits",
     .kind = ET_PARAM_INT,
     .initial = "8",
     .min = 0,
     .max = 24,
     .unit = "bit",
     .doc = "Resolution of the inputs; 0 = ideal."},
    {.name = "dac_range",
     .kind = ET_PARAM_REALS,
     .initial = "[]",
     .max_count = 2,
     .doc = "[lowest, highest] input; [] = the legal range of the system inside."},
    {.name = "adc_bits",
     .kind = ET_PARAM_INT,
     .initial = "8",
     .min = 0,
     .max = 24,
     .unit = "bit",
     .doc = "Resolution of the outputs; 0 = ideal."},
    {.name = "adc_range",
     .kind = ET_PARAM_REALS,
     .initial = "[]",
     .max_count = 2,
     .doc = "[lowest, highest] output; [] = measured at open on random drives."},
    {.name = "adc_margin",
     .kind = ET_PARAM_REAL,
     .initial = "0.05",
     .min = 0,
     .max = 10,
     .doc = "What a measured range is widened by at each end, as a part of it."},
    {.name = "calibration",
     .kind = ET_PARAM_INT,
     .initial = "256",
     .min = 1,
     .max = 1000000,
     .doc = "Number of random drives that the output range is measured on."},
    {.name = "scheme",
     .kind = ET_PARAM_CHOICE,
     .initial = "mid-tread",
     .choices = "mid-tread|mid-rise",
     .doc = "Whether a symmetric range has a level at zero, or zero between two levels."},
    {.name = "clip",
     .kind = ET_PARAM_BOOL,
     .initial = "true",
     .doc = "Clip inputs to the range of the converter; otherwise leaving it is an error."},
    {.name = "system", .kind = ET_PARAM_TYPE, .choices = "system", .doc = "The system inside."},
    {0},
};

static void set_range(struct converter *c, double lo, double hi)
{
    c->lo = lo;
    c->hi = hi;
    c->q = ldexp(hi - lo, -(int)c->bits);
    c->top = ldexp(1, (int)c->bits) - 1;
}

static enum et_status read_range(struct converter *c, const struct et_config *config,
                                 const char *name)
{
    const double *range = et_config_reals(config, name);
    if (et_config_count(config, name) != 2 || !(range[0] < range[1]))
        return et_config_error(config, name, "%s must be [lowest, highest]", name);
    set_range(c, range[0], range[1]);
    return ET_OK;
}

static double convert(const struct converter *c, double v)
{
    if (c->bits == 0) return fmin(fmax(v, c->lo), c->hi);
    double k = (v - c->lo) / c->q;
    k = c->scheme == MID_TREAD ? round(k) : floor(k);
    k = fmin(fmax(k, 0), c->top);
    return c->lo + (c->scheme == MID_TREAD ? k : k + 0.5) * c->q;
}

static void convert_all(const struct converter *c, struct et_view from, struct et_view to)
{
    for (size_t i = 0; i < from.rows * from.cols; i++)
        to.data[i] = (float)convert(c, (double)from.data[i]);
}

static enum et_status open_dac(struct converters *s, const struct et_config *config)
{
    const struct et_system_info *info = et_system_info(s->inside);
    if (et_config_count(config, "dac_range") > 0) {
        ET_TRY(read_range(&s->dac, config, "dac_range"));
        if ((float)s->dac.lo < info->in_min || (float)s->dac.hi > info->in_max)
            return et_config_error(
                config, "dac_range", "[%g, %g] leaves the legal range [%g, %g] of '%s'", s->dac.lo,
                s->dac.hi, (double)info->in_min, (double)info->in_max, et_system_name(s->inside));
        return ET_OK;
    }
    if (!isfinite(info->in_min) || !isfinite(info->in_max))
        return et_config_error(config, NULL, "'%s' has no bounded input range: give dac_range",
                               et_system_name(s->inside));
    set_range(&s->dac, (double)info->in_min, (double)info->in_max);
    return ET_OK;
}

static enum et_status measure_range(struct converters *s, const struct et_config *config,
                                    uint64_t seed)
{
    struct et__calibration run = {0};
    size_t count = (size_t)et_config_int(config, "calibration");
    enum et_status status =
        et__calibrate(s->inside, (float)s->dac.lo, (float)s->dac.hi, count, seed, &run);
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    for (size_t i = 0; status == ET_OK && i < run.y.rows * run.y.cols; i++) {
        lo = fmin(lo, (double)run.y.data[i]);
        hi = fmax(hi, (double)run.y.data[i]);
    }
    et__calibration_destroy(&run);
    if (status != ET_OK) return status;
    double margin = et_config_real(config, "adc_margin") * (hi - lo);
    if (hi - lo <= 0) margin = fmax(fabs(hi), 1); /* a constant output fits any range around it */
    set_range(&s->adc, lo - margin, hi + margin);
    return ET_OK;
}

static enum et_status open_converters(void *state, const struct et_config *config, uint64_t seed)
{
    struct converters *s = state;
    ET_TRY(et__system_open_inner(config, "system", seed, &s->inside));
    s->clip = et_config_bool(config, "clip");
    s->dac.bits = et_config_int(config, "dac_bits");
    s->adc.bits = et_config_int(config, "adc_bits");
    s->dac.scheme = s->adc.scheme = (enum scheme)et_config_choice(config, "scheme");
    ET_TRY(open_dac(s, config));
    if (et_config_count(config, "adc_range") > 0) return read_range(&s->adc, config, "adc_range");
    return measure_range(s, config, et__wrapper_seed(seed, s->inside));
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct converters *s = state;
    et__system_inherit(info, s->inside);
    info->in_min = s->clip ? -INFINITY : (float)s->dac.lo;
    info->in_max = s->clip ? INFINITY : (float)s->dac.hi;
    /* The derivative of a staircase is of no use to anybody; that of an ideal converter is. */
    if (s->dac.bits > 0 || s->adc.bits > 0) info->traits &= ~(unsigned)ET_HAS_VJP;
    if (info->traits & ET_STATEFUL) info->traits &= ~(unsigned)ET_HAS_VJP;
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct converters *s = state;
    struct et_view drive;
    ET_TRY(et__workspace_get(&s->x, x.rows, x.cols, &drive));
    convert_all(&s->dac, x, drive);
    ET_TRY(et_system_forward(s->inside, step, drive, y));
    convert_all(&s->adc, y, y);
    return ET_OK;
}

static bool inside_range(const struct converter *c, float v)
{
    return (double)v > c->lo && (double)v < c->hi;
}

/* Ideal converters only: they pass the gradient where they do not clip. */
static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    struct converters *s = state;
    struct et_view drive, y, back;
    ET_TRY(et__workspace_get(&s->x, x.rows, x.cols, &drive));
    ET_TRY(et__workspace_get(&s->y, dy.rows, dy.cols, &y));
    ET_TRY(et__workspace_get(&s->dx, dy.rows, dy.cols, &back));
    convert_all(&s->dac, x, drive);
    ET_TRY(et_system_forward(s->inside, step, drive, y));
    for (size_t i = 0; i < y.rows * y.cols; i++)
        back.data[i] = inside_range(&s->adc, y.data[i]) ? dy.data[i] : 0;
    ET_TRY(et_system_vjp(s->inside, step, drive, back, dx, dknobs));
    for (size_t i = 0; i < x.rows * x.cols; i++)
        if (!inside_range(&s->dac, x.data[i])) dx.data[i] = 0;
    return ET_OK;
}

static struct et_system *inner(const void *state, size_t i)
{
    const struct converters *s = state;
    return i == 0 ? s->inside : NULL;
}

static void close_converters(void *state)
{
    struct converters *s = state;
    et_system_close(s->inside);
    et__workspace_free(&s->x);
    et__workspace_free(&s->y);
    et__workspace_free(&s->dx);
}

const struct et_system_type et_system_converters = {
    .name = "converters",
    .summary = "A DAC in front of a system and an ADC behind it.",
    .state_size = sizeof(struct converters),
    .params = params,
    .open = open_converters,
    .describe = describe,
    .forward = forward,
    .vjp = vjp,
    .inner = inner,
    .close = close_converters,
};
