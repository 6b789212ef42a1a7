/* SPDX-License-Identifier: Apache-2.0
 *
 * Experiments: a YAML file goes in, a run file comes out. */
#ifndef ETALON_EXPERIMENT_H
#define ETALON_EXPERIMENT_H

#include <etalon/config.h>
#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct et_experiment;

/* Reads, overrides and checks an experiment file.  Nothing is opened or computed yet. */
ET_API enum et_status et_experiment_load(const char *path, const char *const *overrides,
                                         size_t n_overrides,
                                         struct et_experiment **experiment) ET_CHECKED;
ET_API void et_experiment_close(struct et_experiment *experiment);

ET_API const char *et_experiment_name(const struct et_experiment *experiment);
ET_API const struct et_config *et_experiment_config(const struct et_experiment *experiment);

/* Where the run stands; sent after every batch. */
struct et_progress {
    const char *variant;  /* "network" or the name of a control */
    size_t seed, n_seeds; /* 0-based seed of n_seeds */
    size_t epoch, n_epochs;
    double fraction;      /* of the whole run, 0..1 */
    double test_accuracy; /* the latest of this seed, NAN before the first */
};

struct et_run_options {
    const char *output; /* run file; NULL = "runs/<experiment>.h5" (the folder is made) */
    size_t seeds;       /* 0 = as the file says */
    bool resume;        /* continue from the output's checkpoint when there is one */
    void (*progress)(void *user, const struct et_progress *progress); /* may be NULL */
    bool (*should_stop)(void *user); /* asked at batch boundaries; may be NULL */
    void *user;
};

/* Trains the network and its controls for every seed and writes the run file; a complete
 * checkpoint is on disk at every epoch that lasts (see `checkpoint_s` in the experiment).
 * Errors: ET_INTERRUPTED (should_stop said so; a valid checkpoint is on disk), ET_CONFIG,
 * ET_MISSING, ET_IO, ET_NUMERIC, ...: an earlier run file stays intact. */
ET_API enum et_status et_experiment_run(struct et_experiment *experiment,
                                        const struct et_run_options *options) ET_CHECKED;

/* Entry i of any family: "system", "dataset", "method", "objective", "transport". */
ET_API const struct et_type_entry *et_experiment_types(const char *family, size_t i);
/* The table of an experiment file's top level. */
ET_API const struct et_param *et_experiment_params(void);

/* ---------------------------------------------------------------------- reading a run file -- */

/* Accuracy at the last epoch over seeds; fractions.  ci is the 95 % Student t interval of the
 * mean, cut to [0, 1] (for one seed it is the point itself). */
struct et_accuracy {
    double mean, sd, ci_lo, ci_hi;
    size_t seeds, last_epoch;
};

struct et_control_result {
    char name[64];
    struct et_accuracy test, train;
    struct et_accuracy
        integer; /* of integers alone (binary layer of role classes); 0 seeds = none */
};

struct et_run_summary {
    char experiment[128];
    char dataset[256];                       /* one sentence: type, sizes, origin */
    char network[512];                       /* one line per stage */
    struct et_accuracy test, train, integer; /* integer: as in et_control_result */
    char weights[17]; /* digest of all trained numbers, 16 hexadecimal digits */
    struct et_control_result *controls;
    size_t n_controls;
    uint64_t device_passes; /* network, all seeds, training and evaluation */
    double device_s, device_J, digital_macs, wall_s;
    bool complete; /* false: interrupted, resumable */
};

/* Errors: ET_MISSING, ET_IO, ET_FORMAT. */
ET_API enum et_status et_run_summary_read(const char *path,
                                          struct et_run_summary *summary) ET_CHECKED;
ET_API void et_run_summary_destroy(struct et_run_summary *summary);

/* A network of a method's own may predict in several ways (see et_model_type): with fewer bits,
 * say.  Per sample, NAN where no device counts. */
struct et_evaluation_case {
    char name[32];
    struct et_accuracy test;
    bool counted; /* by a device that counts */
    double cycles, steps, read_beats, write_beats;
    double *accuracy; /* [seeds] */
    int32_t *answer;  /* [seeds][n_samples] */
};

/* Evaluates the trained network of a run file, rebuilt from its resolved configuration with
 * overrides (another data set, another system, more noise), on the test part (or all rows).
 * No training happens.  Errors: ET_CONFIG (also another seed or split, without all_rows: the test
 * part would hold rows of the training), ET_SHAPE (other features or classes), ET_FORMAT, ... */
struct et_evaluation {
    struct et_accuracy test;
    struct et_accuracy integer; /* as in et_control_result */
    double *accuracy;           /* [seeds] */
    double *by_integers;        /* [seeds] */
    /* [seeds][2 n_rows]: n_samples answers of `test`, n_samples of `integer` (-1 where there is
     * none), the rest 0. */
    int32_t *answer;
    size_t n_rows;       /* of the data set */
    double seconds;      /* of all predictions, by a clock */
    uint64_t *confusion; /* [n_classes][n_classes], row = true class, summed over seeds */
    size_t n_classes, n_samples;
    struct et_evaluation_case *cases; /* of such a network; the last one is `test` above */
    size_t n_cases;
};
ET_API enum et_status et_run_evaluate(const char *path, const char *const *overrides,
                                      size_t n_overrides, bool all_rows,
                                      struct et_evaluation *evaluation) ET_CHECKED;
ET_API void et_evaluation_destroy(struct et_evaluation *evaluation);

/* What the numbers depend on besides the experiment: "etalon", "git_id", "compiler", "cpu",
 * "cpu_features", "threads", "hdf5", "openblas", ...; a value is never NULL. */
struct et_environment_entry {
    const char *name, *value;
};
/* Returns how many entries *entries gets; borrowed until this thread's next call. */
ET_API size_t et_environment(const struct et_environment_entry **entries);

/* The library's version, "0.1.0". */
ET_API const char *et_version(void);

#endif
