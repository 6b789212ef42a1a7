/* SPDX-License-Identifier: Apache-2.0
 *
 * One attention block over a sequence, its last token read out; in full precision (the teacher)
 * and with every number one bit (the student).
 *
 *                      teacher                     student
 *     u = f(E x + b)   f = tanh                    f = sign, E in full precision
 *     q, k, v = f(W u + b)                         W as below
 *     A = q k^T / sqrt(d)
 *     P = softmax(A)                               P = bool(A), 0 or 1, bool(0) = 1
 *     c = f(P v)                                   c = f(P v / sqrt(T))
 *     o = f(W c + b)                               W as below
 *     scores = W o_last + b                        W as below
 *
 * Weights of the student: W_b = mean|W| sign(W - mean(W)), row by row.  Behind a sign the positive
 * factor and b make one integer threshold: no number between tokens and scores is more than a sum
 * of bits.  Gradients pass a sign where |x| < 1 (|W - mean(W)| <= 1 for weights), with half the
 * slope for bool.
 *
 * Source: Qin et al., BiBERT, arXiv 2203.06390 (Bi-Attention, direction-matching distillation). */
#ifndef ETALON_TRAINING_ATTENTION_H
#define ETALON_TRAINING_ATTENTION_H

#include "optimiser.h"

#include <etalon/accelerator.h>
#include <etalon/method.h>

enum {
    ET__ATTENTION_EMBED,
    ET__ATTENTION_QUERY,
    ET__ATTENTION_KEY,
    ET__ATTENTION_VALUE,
    ET__ATTENTION_OUTPUT,
    ET__ATTENTION_CLASS,
    ET__ATTENTION_LINEARS
};

struct et__attention_shape {
    size_t tokens, token_width, dim, classes;
    size_t rows_max; /* sequences */
};

struct et__attention_linear {
    char weight_name[24], bias_name[24];
    struct et_tensor weight; /* [n_out][n_in] */
    struct et_tensor bias;   /* [1][n_out] */
    struct et_array sign;    /* [n_out][n_in], -1 or 1: of the student */
    float *factor;           /* [n_out] mean|W| */
};

/* What a token has; N = sequences x tokens. */
struct et__attention_part {
    struct et_array z; /* [N][d] before the nonlinearity */
    struct et_array x; /* [N][d] behind it */
    struct et_array d; /* [N][d] gradient: of x, then of z */
};
enum { ET__PART_U, ET__PART_Q, ET__PART_K, ET__PART_V, ET__PART_C, ET__PART_O, ET__PARTS };

struct et__attention {
    struct et__attention_shape shape;
    bool binary;
    struct et__attention_linear linear[ET__ATTENTION_LINEARS];
    struct et__attention_part part[ET__PARTS];
    struct et_array score;   /* [sequences x T][T] A */
    struct et_array weight;  /* [sequences x T][T] P */
    struct et_array dscore;  /* [sequences x T][T] dL/dA */
    struct et_array dweight; /* [sequences x T][T] dL/dP */
    struct et_array last;    /* [sequences][d] o of the last tokens */
    struct et_array dlast;   /* [sequences][d] */
    struct et_array logits;  /* [sequences][classes] */
};

/* Names start with `prefix`; weights N(0, 1/n_in).  Close it in any case. */
enum et_status et__attention_open(struct et__attention *net, const char *prefix, bool binary,
                                  const struct et__attention_shape *shape,
                                  uint64_t seed) ET_CHECKED;
void et__attention_close(struct et__attention *net);
/* Weights and biases, NULL past the last. */
struct et_tensor *et__attention_tensor(struct et__attention *net, size_t i);
/* Takes over the weights of a network of the same shape. */
void et__attention_copy(struct et__attention *to, const struct et__attention *from);

/* Signs and factors of the student's weights, from the latent ones. */
void et__attention_binarise(struct et__attention *net);
/* x [sequences][tokens x token_width] to logits; everything between stays in the parts. */
void et__attention_forward(struct et__attention *net, struct et_view x);
/* Embedding and nonlinearity alone, into part U. */
void et__attention_embed(struct et__attention *net, struct et_view x);
/* scores = factor acc + bias for sums of the classifier. */
void et__attention_logits(const struct et__attention *net, struct et_view acc);

/* Clears the gradients of all parts and scores; who adds to them calls the backward pass next. */
void et__attention_clear(struct et__attention *net, size_t sequences);
/* From net->logits (holding dL/dlogits) and what has been added to the parts' d (dL/dx of Q, K, V,
 * O) and to dscore (dL/dA) to the gradients of all tensors. */
void et__attention_backward(struct et__attention *net, struct et_view x);

/* Direction-matching distillation of one sequence: the normalised similarity matrices of student
 * and teacher should agree.
 *
 *     L = || X X^T / ||X X^T|| - Y Y^T / ||Y Y^T|| ||   (Frobenius)
 *
 * x, y  [T][d] student, teacher;  dx [T][d] gets factor dL/dx added;  work [2][T][T]
 *
 * Returns L. */
double et__direction_loss(struct et_view x, struct et_view y, double factor, struct et_view dx,
                          double *work);

enum et__distillation { ET__DISTIL_NONE, ET__DISTIL_DIRECTIONS, ET__DISTIL_SCORES };
/* Adds `factor` times the distillation loss, averaged over sequences, to the student's gradients;
 * both networks hold a forward pass of the same rows.
 *
 * DIRECTIONS  sum over Q, K, V and O of the loss above
 * SCORES      mean square of A_student - A_teacher: the plain alternative
 *
 * work [sequences][2 T T + 1]; returns the loss without the factor. */
double et__distil(struct et__attention *student, const struct et__attention *teacher,
                  enum et__distillation kind, size_t sequences, double factor, double *work);

/* The student on an accelerator (or packed bits in software). */
struct et__attention_device {
    char *uri;
    struct et_accelerator *accelerator;
    bool deployed;
    size_t id[ET__ATTENTION_LINEARS]; /* projections, output, classifier */
    size_t score_id, context_id;
    uint64_t *bits[ET__PARTS]; /* [N][words of d], as the device gives them */
    uint64_t *attention;       /* [N][words of T] rows of bool */
    int8_t *matrix;            /* keys or values of one sequence */
    int32_t *zero;             /* thresholds of scores and contexts */
    int32_t *sum;              /* [sequences][classes] */
    uint64_t *last;            /* [sequences][words of d] o of the last tokens */
};
/* Scores of x into net->logits, all sums and comparisons of bits on the device. */
enum et_status et__attention_device_score(struct et__attention_device *device,
                                          struct et__attention *net, struct et_view x) ET_CHECKED;
void et__attention_device_close(struct et__attention_device *device);

#endif
