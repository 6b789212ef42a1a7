/* SPDX-License-Identifier: Apache-2.0
 *
 * An experiment being run: variants (the network and its controls), their set-up, the run file. */
#ifndef ETALON_TRAINING_RUN_H
#define ETALON_TRAINING_RUN_H

#include "archive.h"
#include "results.h"
#include "trainer.h"

#include <etalon/experiment.h>
#include <etalon/store.h>

struct et_experiment {
    struct et_config *config;
    char *path;
    char *folder; /* where relative paths start, without symbolic links */
    char **override;
    size_t n_overrides;
};

/* Copies path and overrides around a checked configuration, which it takes over. */
enum et_status et__experiment_create(const char *path, const char *const *overrides,
                                     size_t n_overrides, struct et_config *config,
                                     struct et_experiment **experiment) ET_CHECKED;

/* Data and network of one variant, ready to train any seed. */
struct et__setup {
    const struct et_config *config;
    struct et_dataset dataset;
    struct et__network network;
    struct et__features features;
    struct et__objective objective;
    struct et_split split;
    uint64_t seed; /* of the experiment */
};

/* Loads the data, opens the network.  May be closed in any case. */
enum et_status et__setup_open(struct et__setup *setup, const struct et_config *config) ET_CHECKED;
/* Puts a control in the place of the physics (see et__network_substitute), NULL takes it away. */
enum et_status et__setup_substitute(struct et__setup *setup, const char *control) ET_CHECKED;
void et__setup_close(struct et__setup *setup);

/* Prepares seed number s: split, fits, fresh weights, trainer.  End it in any case. */
enum et_status et__setup_begin_seed(struct et__setup *setup, size_t s,
                                    struct et_trainer *trainer) ET_CHECKED;
void et__setup_end_seed(struct et__setup *setup, struct et_trainer *trainer);

/* What a run file says of its data and network besides the configuration; owned. */
struct et__texts {
    char *data, *network, *class_names; /* for people */
    char *data_digest;                  /* 16 hexadecimal digits of features, labels and groups */
    int64_t data_shape[3];              /* samples, features, classes */
};
enum et_status et__texts_make(const struct et__setup *setup, struct et__texts *texts) ET_CHECKED;
void et__texts_destroy(struct et__texts *texts);

enum et__variant_kind {
    ET__VARIANT_NETWORK,    /* the network itself */
    ET__VARIANT_SUBSTITUTE, /* its systems replaced by a control system */
    ET__VARIANT_LINEAR,     /* a linear classifier on the features */
    ET__VARIANT_OVERRIDE,   /* the experiment with some parameters changed */
    ET__VARIANT_LATER,      /* the trained network on another device, trained on or not */
    ET__VARIANT_CASE        /* the same training, predicting in another case of its model */
};

struct et__variant {
    enum et__variant_kind kind;
    char name[64];
    struct et_config *owned; /* LINEAR, OVERRIDE, LATER: a configuration of its own */
    const struct et_config *config;
    const char *control;           /* SUBSTITUTE */
    const struct et_config *later; /* LATER: its record */
    struct et__results results;
};

struct et__run {
    struct et_experiment *experiment;
    const struct et_run_options *options;
    const char *output;
    size_t seeds;
    struct et__variant *variant; /* [n_variants], the network first */
    size_t n_variants;
    struct et__archive *trained; /* [seeds] the network's parameters */
    struct et__texts texts;

    /* Where the run stands. */
    struct et__setup setup; /* of the network and, with its systems replaced, of its controls */
    size_t at_variant, at_seed;
    struct et_trainer *trainer;         /* NULL between seeds */
    size_t resume_variant, resume_seed; /* what the checkpoint belongs to */
    double wall_before;                 /* seconds of earlier sessions */
    double started, saved, reported;
    double checkpoint_s;
};

/* The experiment again, with further overrides. */
enum et_status et__run_reparse(const struct et_experiment *experiment, const char *const *extra,
                               size_t n_extra, struct et_config **config) ET_CHECKED;
/* Is the name fit for a group of the run file, and free? */
enum et_status et__run_check_name(const struct et__run *run, const struct et_config *config,
                                  const char *param, const char *name) ET_CHECKED;

/* Parameter table of an entry of `later:`. */
extern const struct et_param et__later_params[];
/* Adds these entries as variants (room for them is there).  Errors: ET_CONFIG. */
enum et_status et__run_add_later(struct et__run *run) ET_CHECKED;
/* Do the networks that they describe have the shapes of the one that is to be trained?  Opens and
 * closes their systems.  Errors: ET_CONFIG, the systems'. */
enum et_status et__run_check_later(struct et__run *run) ET_CHECKED;
/* Puts the trained network of the seed at hand onto a trainer of the variant. */
enum et_status et__later_begin(const struct et__run *run, const struct et__variant *variant,
                               struct et__setup *setup, struct et_trainer *trainer) ET_CHECKED;

/* Adds the cases of the method's model, all but the last, as variants (room for them is there). */
void et__run_add_cases(struct et__run *run);
/* Accuracies of a trained seed in these cases. */
enum et_status et__run_keep_cases(struct et__run *run, struct et_trainer *trainer) ET_CHECKED;

/* Writes the run file; a run that is not complete gets a checkpoint. */
enum et_status et__run_file_write(struct et__run *run, bool complete) ET_CHECKED;

/* Reads results (and *complete) of an earlier session; *store stays open for
 * et__run_file_restore.  Errors: ET_CONFIG when it belongs to another experiment. */
enum et_status et__run_file_resume(struct et__run *run, struct et_store *store,
                                   bool *complete) ET_CHECKED;
/* Brings a trainer to where the checkpoint was.  Errors: ET_FORMAT. */
enum et_status et__run_file_restore(struct et_store *store, struct et_trainer *trainer) ET_CHECKED;

double et__now_s(void);

#endif
