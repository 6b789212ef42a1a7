/* SPDX-License-Identifier: Apache-2.0
 *
 * The summary of a run file. */
#include "summary.h"

#include "command.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void summary_format_accuracy(const struct et_accuracy *accuracy, char *text, size_t size)
{
    if (!isfinite(accuracy->mean)) {
        snprintf(text, size, "not finished");
        return;
    }
    snprintf(text, size, "%6.2f %% ± %5.2f   [%6.2f, %6.2f]", 100 * accuracy->mean,
             100 * accuracy->sd, 100 * accuracy->ci_lo, 100 * accuracy->ci_hi);
}

/* integer: of a binary network's layer of classes, 0 seeds when there is none. */
static void print_row(const char *name, const struct et_accuracy *test,
                      const struct et_accuracy *train, const struct et_accuracy *integer)
{
    char text[128];
    summary_format_accuracy(test, text, sizeof text);
    printf("  %-20s %s", name, text);
    if (isfinite(test->mean) && isfinite(train->mean)) printf("   %6.2f %%", 100 * train->mean);
    putchar('\n');
    if (integer->seeds == 0) return;
    summary_format_accuracy(integer, text, sizeof text);
    printf("  %-20s %s\n", "  integers only", text);
}

/* Prints each line of text behind the same margin, the first behind label. */
static void print_lines(const char *label, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        printf("%-10s%.*s\n", label, (int)n, text);
        label = "";
        text += n + (text[n] == '\n');
    }
}

static void print_quantity(const char *name, double value, const char *unit)
{
    if (isfinite(value))
        printf("  %-20s %.6g %s\n", name, value, unit);
    else
        printf("  %-20s unknown\n", name);
}

void summary_print(const struct et_run_summary *summary, const char *path)
{
    printf("%s: %zu seed%s, last epoch %zu%s\n", summary->experiment, summary->test.seeds,
           summary->test.seeds == 1 ? "" : "s", summary->test.last_epoch,
           summary->complete ? "" : "; INTERRUPTED, continue with --resume");
    print_lines("data", summary->dataset);
    print_lines("network", summary->network);

    printf("\n  %-20s %-44s %s\n", "", "test accuracy ± sd   95 % CI of the mean", "training");
    print_row("network", &summary->test, &summary->train, &summary->integer);
    for (size_t i = 0; i < summary->n_controls; i++)
        print_row(summary->controls[i].name, &summary->controls[i].test,
                  &summary->controls[i].train, &summary->controls[i].integer);
    puts("  Accuracies are those of the last epoch; zeros, identity and random are the same "
         "network\n"
         "  without its physics, linear is a linear model.");

    puts("\nledger");
    printf("  %-20s %" PRIu64 "\n", "device passes", summary->device_passes);
    print_quantity("device time", summary->device_s, "s (passes x latency, not a clock)");
    print_quantity("device energy", summary->device_J, "J (passes x model energy, not measured)");
    print_quantity("digital operations", summary->digital_macs, "MAC");
    print_quantity("wall time", summary->wall_s, "s");
    printf("\nweights   digest %s\nrun file  %s\n", summary->weights, path);
}

void summary_json_accuracy(struct json *json, const char *key, const struct et_accuracy *accuracy)
{
    json_begin(json, key, '{');
    json_number(json, "mean", accuracy->mean);
    json_number(json, "sd", accuracy->sd);
    json_begin(json, "ci95", '[');
    json_number(json, NULL, accuracy->ci_lo);
    json_number(json, NULL, accuracy->ci_hi);
    json_end(json, ']');
    json_integer(json, "seeds", accuracy->seeds);
    json_integer(json, "last_epoch", accuracy->last_epoch);
    json_end(json, '}');
}

static void print_integer_controls(struct json *json, const struct et_run_summary *summary)
{
    json_begin(json, "integer_controls", '{');
    for (size_t i = 0; i < summary->n_controls; i++)
        if (summary->controls[i].integer.seeds > 0)
            summary_json_accuracy(json, summary->controls[i].name, &summary->controls[i].integer);
    json_end(json, '}');
}

void summary_print_json(const struct et_run_summary *summary)
{
    struct json json = {0};
    json_begin(&json, NULL, '{');
    json_string(&json, "experiment", summary->experiment);
    json_bool(&json, "complete", summary->complete);
    summary_json_accuracy(&json, "test_accuracy", &summary->test);
    if (summary->integer.seeds > 0)
        summary_json_accuracy(&json, "integer_accuracy", &summary->integer);
    json_begin(&json, "controls", '{');
    for (size_t i = 0; i < summary->n_controls; i++)
        summary_json_accuracy(&json, summary->controls[i].name, &summary->controls[i].test);
    json_end(&json, '}');
    if (summary->integer.seeds > 0) print_integer_controls(&json, summary);
    json_string(&json, "weights", summary->weights);
    json_begin(&json, "ledger", '{');
    json_integer(&json, "device_passes", summary->device_passes);
    json_number(&json, "device_s", summary->device_s);
    json_number(&json, "device_J", summary->device_J);
    json_number(&json, "digital_macs", summary->digital_macs);
    json_number(&json, "wall_s", summary->wall_s);
    json_end(&json, '}');
    json_end(&json, '}');
}

int summary_show(const char *command, const char *path, bool as_json)
{
    struct et_run_summary summary = {0};
    enum et_status status = et_run_summary_read(path, &summary);
    if (status != ET_OK) return command_fail(command, status);
    if (as_json)
        summary_print_json(&summary);
    else
        summary_print(&summary, path);
    et_run_summary_destroy(&summary);
    return CODE_DONE;
}
