/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that brings its own physical system: registers the type of amplifier.c, sends a batch
 * through it, then trains a network of two such layers as amplifier.yaml says.
 *
 *     own_system amplifier.yaml RUN.h5 */
#include <etalon/etalon.h>

#include <stdio.h>
#include <stdlib.h>

extern const struct et_system_type et_system_amplifier;

static enum et_status try_forward(void)
{
    struct et_system *bank;
    ET_TRY(et_system_open_text("{type: amplifier, n_in: 2, n_out: 3, gain: 10}", 7, &bank));
    float x[2][2] = {{0.01F, 0}, {1, 0}}, y[2][3];
    struct et_step step = {.seed = 7};
    enum et_status status =
        et_system_forward(bank, &step, et_view_of(x[0], 2, 2), et_view_of(y[0], 2, 3));
    if (status == ET_OK)
        for (int row = 0; row < 2; row++)
            printf("%5.2f V in, out: %6.3f %6.3f %6.3f V\n", (double)x[row][0], (double)y[row][0],
                   (double)y[row][1], (double)y[row][2]);
    et_system_close(bank);
    return status;
}

static enum et_status train(const char *yaml, const char *output)
{
    struct et_experiment *experiment = NULL;
    struct et_run_summary summary = {0};
    struct et_run_options options = {.output = output};

    enum et_status status = et_experiment_load(yaml, NULL, 0, &experiment);
    if (status == ET_OK) status = et_experiment_run(experiment, &options);
    if (status == ET_OK) status = et_run_summary_read(output, &summary);
    if (status == ET_OK) {
        printf("test accuracy %.1f %%, last epoch, %zu seeds\n", 100 * summary.test.mean,
               summary.test.seeds);
        for (size_t i = 0; i < summary.n_controls; i++)
            printf("  control %-10s %.1f %%\n", summary.controls[i].name,
                   100 * summary.controls[i].test.mean);
    }
    et_run_summary_destroy(&summary);
    et_experiment_close(experiment);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s EXPERIMENT.yaml RUN.h5\n", argv[0]);
        return 2;
    }
    enum et_status status = et_system_register(&et_system_amplifier);
    if (status == ET_OK) status = try_forward();
    if (status == ET_OK) status = train(argv[1], argv[2]);
    if (status == ET_OK) return EXIT_SUCCESS;
    fprintf(stderr, "%s\n", et_error_message());
    return EXIT_FAILURE;
}
