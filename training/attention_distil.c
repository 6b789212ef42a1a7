/* SPDX-License-Identifier: Apache-2.0
 *
 * Distillation of an attention block: by directions, or by the scores themselves.
 *
 * With G = X X^T, g = G/||G||, h that of the teacher, r = g - h, L = ||r||:
 *
 *     dL/dg = r/L,   dL/dG = (dL/dg - <dL/dg, g> g) / ||G||,   dL/dX = 2 dL/dG X */
#include "attention.h"

#include <etalon/parallel.h>

#include <math.h>

/* G = X X^T / ||X X^T||; returns the norm. */
static double similarity(struct et_view x, double *g)
{
    double squares = 0;
    size_t T = x.rows;
    for (size_t t = 0; t < T; t++)
        for (size_t s = 0; s < T; s++) {
            double sum = 0;
            for (size_t j = 0; j < x.cols; j++)
                sum += (double)x.data[t * x.stride + j] * (double)x.data[s * x.stride + j];
            g[t * T + s] = sum;
            squares += sum * sum;
        }
    double norm = sqrt(squares);
    for (size_t k = 0; k < T * T; k++)
        g[k] /= norm > 0 ? norm : 1;
    return norm;
}

double et__direction_loss(struct et_view x, struct et_view y, double factor, struct et_view dx,
                          double *work)
{
    size_t T = x.rows;
    double *g = work, *r = work + T * T, squares = 0, along = 0;
    similarity(y, r);
    double norm = similarity(x, g);
    for (size_t k = 0; k < T * T; k++) {
        r[k] = g[k] - r[k];
        squares += r[k] * r[k];
    }
    double loss = sqrt(squares);
    if (loss < 1e-12 || norm <= 0) return loss; /* the norm has no gradient at zero */
    for (size_t k = 0; k < T * T; k++)
        along += r[k] / loss * g[k];
    for (size_t k = 0; k < T * T; k++)
        r[k] = (r[k] / loss - along * g[k]) / norm;
    for (size_t t = 0; t < T; t++)
        for (size_t j = 0; j < x.cols; j++) {
            double sum = 0;
            for (size_t s = 0; s < T; s++)
                sum += r[t * T + s] * (double)x.data[s * x.stride + j];
            dx.data[t * dx.stride + j] += (float)(factor * 2 * sum);
        }
    return loss;
}

struct pass {
    struct et__attention *student;
    const struct et__attention *teacher;
    double factor, *work;
    size_t stride; /* of work */
};

static struct et_view sequence(const struct et_array *array, size_t i, size_t T)
{
    return et_view_rows(et_array_view(array), i * T, T);
}

/* The loss of a sequence lies behind its workspace. */
static void match_directions(void *user, size_t i, size_t worker)
{
    (void)worker;
    static const size_t matched[] = {ET__PART_Q, ET__PART_K, ET__PART_V, ET__PART_O};
    const struct pass *p = user;
    size_t T = p->student->shape.tokens;
    double *work = p->work + i * p->stride, loss = 0;
    for (size_t m = 0; m < sizeof matched / sizeof *matched; m++) {
        struct et__attention_part *mine = &p->student->part[matched[m]];
        const struct et__attention_part *other = &p->teacher->part[matched[m]];
        loss += et__direction_loss(sequence(&mine->x, i, T), sequence(&other->x, i, T), p->factor,
                                   sequence(&mine->d, i, T), work);
    }
    work[p->stride - 1] = loss;
}

static void match_scores(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    size_t n = p->student->shape.tokens * p->student->shape.tokens;
    const float *mine = p->student->score.data + i * n, *other = p->teacher->score.data + i * n;
    float *d = p->student->dscore.data + i * n;
    double loss = 0;
    for (size_t k = 0; k < n; k++) {
        double r = (double)mine[k] - (double)other[k];
        loss += r * r / (double)n;
        d[k] += (float)(p->factor * 2 * r / (double)n);
    }
    p->work[(i + 1) * p->stride - 1] = loss;
}

double et__distil(struct et__attention *student, const struct et__attention *teacher,
                  enum et__distillation kind, size_t sequences, double factor, double *work)
{
    size_t T = student->shape.tokens, stride = 2 * T * T + 1;
    struct pass p = {student, teacher, factor / (double)sequences, work, stride};
    double loss = 0;
    if (kind == ET__DISTIL_NONE) return 0;
    et_parallel_for(sequences, kind == ET__DISTIL_SCORES ? match_scores : match_directions, &p);
    for (size_t i = 0; i < sequences; i++)
        loss += work[(i + 1) * stride - 1];
    return loss / (double)sequences;
}
