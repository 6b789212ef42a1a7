/* SPDX-License-Identifier: Apache-2.0
 *
 * What a variant (the network or a control) has achieved, seed by seed. */
#ifndef ETALON_TRAINING_RESULTS_H
#define ETALON_TRAINING_RESULTS_H

#include <etalon/experiment.h>
#include <etalon/system.h>

#include <stdbool.h>

struct et__results {
    size_t seeds, evals, epochs, stages, classes;
    size_t done;          /* seeds finished */
    double *test, *train; /* [seeds][evals], NAN where not reached */
    double *integer;      /* [seeds][evals] test rows, by the layer of role `classes` */
    bool has_integer;     /* there is such a layer */
    double *eval_epoch;   /* [evals] */
    double *loss;         /* [seeds][epochs][stages] */
    uint64_t *confusion;  /* [classes][classes], sum over finished seeds */
    struct et_ledger ledger;
    double digital_macs;
};

/* n values that are not there yet, or NULL; freed with et_free. */
double *et__table_of_nan(size_t n);

/* Errors: ET_NOMEM; may be destroyed afterwards in any case. */
enum et_status et__results_create(struct et__results *results, size_t seeds, size_t evals,
                                  size_t epochs, size_t stages, size_t classes) ET_CHECKED;
void et__results_destroy(struct et__results *results);

/* Mean, standard deviation (n - 1) and 95 % Student t interval (cut to [0, 1]) of n values, NANs
 * left out. */
struct et_accuracy et__accuracy_of(const double *value, size_t n, size_t stride, size_t last_epoch);

/* 97.5 % quantile of Student's t with `freedom` >= 1 degrees of freedom, to 0.2 %. */
double et__student_quantile(size_t freedom);

#endif
