/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch norm to integer thresholds, and the second rounding of weights.
 *
 * Every operation of the formula is rounded, and rounding keeps the order of numbers; so the
 * double result is monotone in acc, and the place where it crosses a level is found by bisection
 * on the formula itself.  Solving for acc would be wrong by one wherever rounding matters. */
#include <etalon/accelerator.h>

#include <math.h>

/* One more has to fit into a threshold's 31 bits, for "never". */
static const uint64_t bound_max = (1U << 30) - 2;

static double unit(const struct et_bnn_norm *n, double root, int64_t acc)
{
    return n->gamma * (n->scale * (double)acc - n->mean) / root + n->beta;
}

static enum et_status check_norm(const struct et_bnn_norm *n, uint64_t bound)
{
    const struct {
        const char *name;
        double value;
    } fields[] = {{"gamma", n->gamma},       {"beta", n->beta},       {"mean", n->mean},
                  {"variance", n->variance}, {"epsilon", n->epsilon}, {"scale", n->scale}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!isfinite(fields[i].value))
            return et_error_set(ET_INVALID, "%s = %g is not finite", fields[i].name,
                                fields[i].value);
    double square = n->variance + n->epsilon;
    if (!(square > 0) || !isfinite(square))
        return et_error_set(ET_INVALID, "variance + epsilon = %g + %g is outside (0, inf)",
                            n->variance, n->epsilon);
    if (bound > bound_max)
        return et_error_set(ET_INVALID, "bound = %llu is outside [0, %llu]",
                            (unsigned long long)bound, (unsigned long long)bound_max);
    double root = sqrt(square);
    const int64_t most = (int64_t)bound, ends[2] = {-most, most};
    for (int i = 0; i < 2; i++)
        if (!isfinite(unit(n, root, ends[i])))
            return et_error_set(ET_INVALID, "the norm of acc = %lld is not finite",
                                (long long)ends[i]);
    return ET_OK;
}

static enum et_status check_levels(const double *level, unsigned out_bits)
{
    if (out_bits < 1 || out_bits > 8)
        return et_error_set(ET_INVALID, "out_bits = %u is outside [1, 8]", out_bits);
    size_t n = (1U << out_bits) - 1;
    for (size_t k = 0; k < n; k++) {
        if (isnan(level[k])) return et_error_set(ET_INVALID, "level[%zu] is not a number", k);
        if (k > 0 && level[k] < level[k - 1])
            return et_error_set(ET_INVALID, "level[%zu] = %g is below level[%zu] = %g", k, level[k],
                                k - 1, level[k - 1]);
    }
    return ET_OK;
}

/* The smallest acc >= -bound with unit(acc) >= level (falling: < level); bound + 1 if none. */
static int32_t first_beyond(const struct et_bnn_norm *norm, double root, double level,
                            int64_t bound, bool falling)
{
    int64_t low = -bound, high = bound + 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        bool reached = unit(norm, root, middle) >= level;
        if (reached != falling)
            high = middle;
        else
            low = middle + 1;
    }
    return (int32_t)low;
}

enum et_status et_bnn_fold(const struct et_bnn_norm *norm, const double *level, unsigned out_bits,
                           uint64_t bound, int32_t *threshold, uint8_t *flip)
{
    ET_TRY(check_norm(norm, bound));
    ET_TRY(check_levels(level, out_bits));
    double root = sqrt(norm->variance + norm->epsilon);
    bool falling = (norm->gamma < 0) != (norm->scale < 0) && norm->gamma != 0 && norm->scale != 0;
    size_t n = (1U << out_bits) - 1;
    /* Falling: the highest level is the first to be lost, and flip counts what is left. */
    for (size_t k = 0; k < n; k++)
        threshold[falling ? n - 1 - k : k] =
            first_beyond(norm, root, level[k], (int64_t)bound, falling);
    *flip = falling;
    return ET_OK;
}

int et_bnn_round(int q, unsigned stored, unsigned kept)
{
    if (kept == stored) return q;
    int step = 1 << (stored - kept), most = (1 << (kept - 1)) - 1;
    int shifted = q + step / 2;
    int rounded = shifted >= 0 ? shifted / step : -((step - 1 - shifted) / step);
    return rounded < most ? rounded : most;
}
