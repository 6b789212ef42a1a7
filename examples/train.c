/* SPDX-License-Identifier: Apache-2.0
 *
 * What `etalon run` does, in a program of one's own: loads an experiment file, trains, shows the
 * progress and prints the summary of the run file.
 *
 *     train EXPERIMENT.yaml RUN.h5 [PATH=VALUE...] */
#include <etalon/etalon.h>

#include <stdio.h>
#include <stdlib.h>

/* One line for every tenth of the run. */
static void show_progress(void *user, const struct et_progress *progress)
{
    (void)user;
    static double shown = -0.1;
    if (progress->fraction < shown + 0.1) return;
    shown = progress->fraction;
    printf("%3.0f %%  %s, seed %zu of %zu\n", 100 * progress->fraction, progress->variant,
           progress->seed + 1, progress->n_seeds);
}

static void print_accuracy(const char *name, struct et_accuracy accuracy)
{
    printf("  %-10s %6.2f %% +- %.2f over %zu seeds\n", name, 100 * accuracy.mean,
           100 * accuracy.sd, accuracy.seeds);
}

static enum et_status run(const char *yaml, const char *output, const char *const *overrides,
                          size_t n_overrides)
{
    struct et_experiment *experiment = NULL;
    struct et_run_summary summary = {0};
    struct et_run_options options = {.output = output, .progress = show_progress};

    enum et_status status = et_experiment_load(yaml, overrides, n_overrides, &experiment);
    if (status == ET_OK) status = et_experiment_run(experiment, &options);
    if (status == ET_OK) status = et_run_summary_read(output, &summary);
    if (status != ET_OK) goto out;

    printf("%s\n%s\n", summary.experiment, summary.dataset);
    print_accuracy("network", summary.test);
    for (size_t i = 0; i < summary.n_controls; i++)
        print_accuracy(summary.controls[i].name, summary.controls[i].test);
    printf("%llu passes through the device\n", (unsigned long long)summary.device_passes);
out:
    et_run_summary_destroy(&summary);
    et_experiment_close(experiment);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s EXPERIMENT.yaml RUN.h5 [PATH=VALUE...]\n", argv[0]);
        return 2;
    }
    const char *const *overrides = (const char *const *)argv + 3;
    if (run(argv[1], argv[2], overrides, (size_t)argc - 3) == ET_OK) return EXIT_SUCCESS;
    fprintf(stderr, "%s\n", et_error_message());
    return EXIT_FAILURE;
}
