/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens a simulated acoustic cavity, sends two inputs through it and prints what the microphones
 * hear.
 *
 *     use_a_system ["{type: acoustic, ...}"] */
#include <etalon/etalon.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print_row(const char *title, struct et_view view, size_t row, const char *unit)
{
    printf("  %-7s", title);
    for (size_t c = 0; c < view.cols && c < 6; c++)
        printf(" %9.4g", (double)view.data[row * view.stride + c]);
    printf("%s %s\n", view.cols > 6 ? " ..." : "", unit ? unit : "");
}

/* Inputs that rise from channel to channel in row 0 and fall in row 1, in the legal range. */
static void fill_ramps(struct et_view x, const struct et_system_info *info)
{
    float lo = isfinite(info->in_min) ? info->in_min : -1;
    float hi = isfinite(info->in_max) ? info->in_max : 1;
    for (size_t c = 0; c < x.cols; c++) {
        float share = ((float)c + 0.5F) / (float)x.cols;
        x.data[c] = lo + share * (hi - lo);
        x.data[x.stride + c] = hi - share * (hi - lo);
    }
}

static enum et_status run(const char *yaml)
{
    struct et_system *system = NULL;
    struct et_array x = {0}, y = {0};
    struct et_step step = {.seed = 1};

    enum et_status status = et_system_open_text(yaml, 1, &system);
    if (status != ET_OK) goto out;
    const struct et_system_info *info = et_system_info(system);
    printf("%s: %zu inputs, %zu outputs\n", et_system_name(system), info->n_in, info->n_out);

    status = et_array_create(&x, 2, info->n_in);
    if (status == ET_OK) status = et_array_create(&y, 2, info->n_out);
    if (status != ET_OK) goto out;
    fill_ramps(et_array_view(&x), info);
    status = et_system_forward(system, &step, et_array_view(&x), et_array_view(&y));
    if (status != ET_OK) goto out;

    for (size_t row = 0; row < 2; row++) {
        printf("sample %zu\n", row);
        print_row("inputs", et_array_view(&x), row, info->in_unit);
        print_row("outputs", et_array_view(&y), row, info->out_unit);
    }
    struct et_ledger ledger = et_system_ledger(system);
    printf("%llu passes in %.2f ms\n", (unsigned long long)ledger.passes, 1e3 * ledger.wall_s);
out:
    et_array_destroy(&x);
    et_array_destroy(&y);
    et_system_close(system);
    return status;
}

int main(int argc, char **argv)
{
    if (run(argc > 1 ? argv[1] : "{type: acoustic}") == ET_OK) return EXIT_SUCCESS;
    fprintf(stderr, "%s\n", et_error_message());
    return EXIT_FAILURE;
}
