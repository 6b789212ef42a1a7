/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of results and their statistics over seeds. */
#include "results.h"

#include <etalon/array.h>

#include <math.h>

double *et__table_of_nan(size_t n)
{
    double *table = et_alloc(n, sizeof *table);
    for (size_t i = 0; table != NULL && i < n; i++)
        table[i] = NAN;
    return table;
}

enum et_status et__results_create(struct et__results *results, size_t seeds, size_t evals,
                                  size_t epochs, size_t stages, size_t classes)
{
    *results = (struct et__results){
        .seeds = seeds, .evals = evals, .epochs = epochs, .stages = stages, .classes = classes};
    results->test = et__table_of_nan(seeds * evals);
    results->train = et__table_of_nan(seeds * evals);
    results->integer = et__table_of_nan(seeds * evals);
    results->eval_epoch = et__table_of_nan(evals);
    results->loss = et__table_of_nan(seeds * epochs * stages);
    results->confusion = et_alloc(classes * classes, sizeof *results->confusion);
    bool complete = results->test && results->train && results->integer && results->eval_epoch &&
                    results->loss && results->confusion;
    return complete ? ET_OK : ET_NOMEM;
}

void et__results_destroy(struct et__results *results)
{
    et_free(results->test);
    et_free(results->train);
    et_free(results->integer);
    et_free(results->eval_epoch);
    et_free(results->loss);
    et_free(results->confusion);
    *results = (struct et__results){0};
}

double et__student_quantile(size_t freedom)
{
    static const double exact[] = {12.7062, 4.30265, 3.18245, 2.77645, 2.57058};
    if (freedom <= 5) return exact[freedom > 0 ? freedom - 1 : 0];
    /* Expansion around the normal quantile: Abramowitz & Stegun, 26.7.5. */
    const double z = 1.959963985, n = (double)freedom;
    double g1 = (pow(z, 3) + z) / 4;
    double g2 = (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / 96;
    double g3 = (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * pow(z, 3) - 15 * z) / 384;
    return z + g1 / n + g2 / (n * n) + g3 / (n * n * n);
}

struct et_accuracy et__accuracy_of(const double *value, size_t n, size_t stride, size_t last_epoch)
{
    struct et_accuracy a = {.mean = NAN, .sd = NAN, .ci_lo = NAN, .ci_hi = NAN};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(value[i * stride])) continue;
        sum += value[i * stride];
        a.seeds++;
    }
    a.last_epoch = last_epoch;
    if (a.seeds == 0) return a;
    a.mean = sum / (double)a.seeds;
    for (size_t i = 0; i < n; i++) {
        double away = value[i * stride] - a.mean;
        if (!isnan(away)) squares += away * away;
    }
    a.sd = a.seeds > 1 ? sqrt(squares / (double)(a.seeds - 1)) : 0;
    double half =
        a.seeds > 1 ? et__student_quantile(a.seeds - 1) * a.sd / sqrt((double)a.seeds) : 0;
    a.ci_lo = fmax(a.mean - half, 0);
    a.ci_hi = fmin(a.mean + half, 1);
    return a;
}
