/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon report: one figure of a run file: learning curves, loss, accuracy against controls,
 * confusion matrix.  Reads the run file and nothing else. */
#include "command.h"
#include "gnuplot.h"

#include <etalon/array.h>
#include <etalon/store.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0,
     "Picture to write, .png or .svg (default: the run file's name "
     "with .png)",
     0},
    {0},
};

struct arguments {
    struct common common;
    const char *output;
};

static const struct operand operand = {"run file", true, "which run file?"};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'o': {
        size_t n = strlen(text);
        const char *end = n > 4 ? text + n - 4 : "";
        if (strcmp(end, ".png") != 0 && strcmp(end, ".svg") != 0)
            argp_error(state, "--output %s: pictures end in .png or .svg", text);
        arguments->output = text;
        break;
    }
    default:
        return argument_common(key, text, state, &operand, &arguments->common);
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "RUN.h5",
    .doc = "Draws a run file by gnuplot: learning curves (mean and standard deviation over "
           "seeds), loss of each stage, accuracy against the controls, confusion matrix.  Needs "
           "nothing but the run file.\v"
           "Example:\n"
           "  etalon report runs/vowels-acoustic.h5 --output vowels.svg",
};

/* What the figure shows. */
struct figure {
    struct et_run_summary summary;
    struct et_array train, test, epoch, loss, confusion; /* as in the run file */
    size_t n_stages;
    char *class_names; /* one per line, or NULL */
};

static enum et_status read_optional(struct et_store *store, const char *path,
                                    struct et_array *array)
{
    return et_store_has(store, path) ? et_store_read_array(store, path, array) : ET_OK;
}

static enum et_status read_metrics(struct et_store *store, struct figure *figure)
{
    ET_TRY(et_store_read_array(store, "/metrics/test_accuracy", &figure->test));
    ET_TRY(read_optional(store, "/metrics/train_accuracy", &figure->train));
    ET_TRY(et_store_read_array(store, "/metrics/eval_epoch", &figure->epoch));
    ET_TRY(read_optional(store, "/metrics/confusion", &figure->confusion));
    if (et_store_has(store, "/metrics/loss")) {
        struct et_store_shape shape;
        ET_TRY(et_store_shape(store, "/metrics/loss", &shape));
        if (shape.rank != 3)
            return et_error_set(ET_FORMAT, "/metrics/loss has rank %zu, not 3", shape.rank);
        figure->n_stages = shape.dims[2];
        ET_TRY(et_store_read_array(store, "/metrics/loss", &figure->loss));
    }
    if (et_store_has(store, "/data/class_names"))
        ET_TRY(et_store_read_text(store, "/data/class_names", &figure->class_names));
    if (figure->epoch.rows < figure->test.cols)
        return et_error_set(ET_FORMAT, "/metrics/eval_epoch has %zu entries, test_accuracy %zu",
                            figure->epoch.rows, figure->test.cols);
    return ET_OK;
}

static void figure_free(struct figure *figure)
{
    et_run_summary_destroy(&figure->summary);
    et_array_destroy(&figure->train);
    et_array_destroy(&figure->test);
    et_array_destroy(&figure->epoch);
    et_array_destroy(&figure->loss);
    et_array_destroy(&figure->confusion);
    et_free(figure->class_names);
}

/* Mean and standard deviation of a column, over the seeds that have come that far. */
static void column_statistics(const struct et_array *array, size_t col, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    size_t n = 0;
    for (size_t row = 0; row < array->rows; row++) {
        double value = (double)array->data[row * array->cols + col];
        if (!isfinite(value)) continue;
        sum += value;
        n++;
    }
    *mean = n > 0 ? sum / (double)n : NAN;
    for (size_t row = 0; row < array->rows; row++) {
        double value = (double)array->data[row * array->cols + col];
        if (isfinite(value)) squares += (value - *mean) * (value - *mean);
    }
    *sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
}

/* A data block of lines "x mean low high" in percent or as it is; returns the number of lines. */
static size_t write_block(FILE *script, const char *name, const struct et_array *array,
                          size_t first, size_t stride, const struct et_array *x, double factor)
{
    size_t lines = 0;
    fprintf(script, "$%s << EOD\n", name);
    for (size_t col = first, i = 0; col < array->cols; col += stride, i++) {
        double mean, sd;
        column_statistics(array, col, &mean, &sd);
        if (!isfinite(mean)) continue;
        double at = x != NULL ? (double)x->data[i] : (double)(i + 1);
        fprintf(script, "%.9g %.9g %.9g %.9g\n", at, factor * mean, factor * (mean - sd),
                factor * (mean + sd));
        lines++;
    }
    fputs("EOD\n", script);
    return lines;
}

static void draw_nothing(FILE *script, const char *why)
{
    fprintf(script,
            "set label 1 '%s' at graph 0.5,0.5 center\n"
            "plot [0:1][0:1] NaN notitle\nunset label 1\n",
            why);
}

/* Widens [*low, *high] to hold the finite values of an array. */
static void extend_range(const struct et_array *array, double *low, double *high)
{
    for (size_t i = 0; i < array->rows * array->cols; i++) {
        double value = (double)array->data[i];
        if (!isfinite(value)) continue;
        *low = fmin(*low, value);
        *high = fmax(*high, value);
    }
}

static void draw_curves(FILE *script, const struct figure *figure)
{
    size_t test = write_block(script, "test", &figure->test, 0, 1, &figure->epoch, 100);
    size_t train = write_block(script, "train", &figure->train, 0, 1, &figure->epoch, 100);
    fputs("set title 'Learning curves (band: sd over seeds)'\n"
          "set xlabel 'epoch'\nset ylabel 'accuracy / %'\nset key bottom right\n",
          script);
    if (test == 0) {
        draw_nothing(script, "no evaluation yet");
        return;
    }
    double low = 1, high = 0;
    extend_range(&figure->test, &low, &high);
    extend_range(&figure->train, &low, &high);
    fprintf(script, "set yrange [%.9g:%.9g]\n", 100 * low - 2, fmin(100 * high + 2, 100.5));
    /* From epoch 0: a run that is evaluated once has no range of its own. */
    fputs(
        "plot [0:*] $test using 1:3:4 with filledcurves fc rgb '#2166ac' fs transparent solid 0.2 "
        "notitle, $test using 1:2 with linespoints lc rgb '#2166ac' pt 7 ps 0.5 title 'test'",
        script);
    if (train > 0)
        fputs(", $train using 1:2 with linespoints lc rgb '#b2182b' dt 2 pt 6 ps 0.5 title "
              "'training'",
              script);
    fputs("\nset yrange [*:*]\n", script);
}

static void draw_loss(FILE *script, const struct figure *figure)
{
    size_t lines = 0;
    for (size_t stage = 0; stage < figure->n_stages; stage++) {
        char name[32];
        snprintf(name, sizeof name, "loss%zu", stage);
        lines += write_block(script, name, &figure->loss, stage, figure->n_stages, NULL, 1);
    }
    fputs("set title 'Local loss of each stage (mean over seeds)'\n"
          "set xlabel 'epoch'\nset ylabel 'loss'\nset key top right\n",
          script);
    if (lines == 0) {
        draw_nothing(script, "no finished epoch yet");
        return;
    }
    for (size_t stage = 0; stage < figure->n_stages; stage++)
        fprintf(script, "%s $loss%zu using 1:2 with lines lw 2 title 'stage %zu'",
                stage == 0 ? "plot" : ",", stage, stage);
    fputc('\n', script);
}

static void write_bar(FILE *script, size_t at, const struct et_accuracy *accuracy)
{
    if (!isfinite(accuracy->mean)) return;
    fprintf(script, "%zu %.9g %.9g %.9g\n", at, 100 * accuracy->mean, 100 * accuracy->ci_lo,
            100 * accuracy->ci_hi);
}

static void draw_controls(FILE *script, const struct figure *figure)
{
    const struct et_run_summary *summary = &figure->summary;
    fputs("$bars << EOD\n", script);
    write_bar(script, 0, &summary->test);
    for (size_t i = 0; i < summary->n_controls; i++)
        write_bar(script, i + 1, &summary->controls[i].test);
    fputs("EOD\nset title 'Test accuracy and controls (95 % CI of the mean)'\n"
          "unset xlabel\nset ylabel 'accuracy / %'\n",
          script);
    size_t longest = strlen("network");
    for (size_t i = 0; i < summary->n_controls; i++)
        if (strlen(summary->controls[i].name) > longest)
            longest = strlen(summary->controls[i].name);
    bool crowded = longest * (summary->n_controls + 1) > 60; /* letters beside each other */
    fprintf(script, "set xtics %s (", crowded ? "rotate by -25" : "norotate");
    gnuplot_quote(script, "network");
    fputs(" 0", script);
    for (size_t i = 0; i < summary->n_controls; i++) {
        fputs(", ", script);
        gnuplot_quote(script, summary->controls[i].name);
        fprintf(script, " %zu", i + 1);
    }
    fputs(") noenhanced\n", script);
    bool any = isfinite(summary->test.mean);
    for (size_t i = 0; i < summary->n_controls; i++)
        any = any || isfinite(summary->controls[i].test.mean);
    if (any)
        fprintf(script,
                "plot [-0.6:%zu.6][0:105] $bars using 1:2 with boxes fs solid 0.5 "
                "lc rgb '#2166ac' notitle, $bars using 1:2:3:4 with yerrorbars "
                "lc rgb 'black' pt 7 ps 0.4 notitle, $bars using 1:(4):(sprintf('%%.1f', $2)) "
                "with labels notitle\n",
                summary->n_controls);
    else
        draw_nothing(script, "no finished seed yet");
    fputs("set xtics norotate autofreq\n", script);
}

/* Axis labels from the class names, or numbers when there are none or too many. */
static void write_class_tics(FILE *script, const struct figure *figure, const char *axis)
{
    const char *name = figure->class_names;
    size_t n = figure->confusion.rows;
    if (name == NULL || n > 20) return;
    fprintf(script, "set %stics (", axis);
    for (size_t i = 0; i < n; i++) {
        char text[64];
        size_t length = strcspn(name, "\n");
        snprintf(text, sizeof text, "%.*s", (int)(length < 24 ? length : 24), name);
        name += length + (name[length] == '\n');
        fputs(i > 0 ? ", " : "", script);
        gnuplot_quote(script, text);
        fprintf(script, " %zu", i);
    }
    fputs(") noenhanced\n", script);
}

static void draw_confusion(FILE *script, const struct figure *figure)
{
    const struct et_array *confusion = &figure->confusion;
    size_t n = confusion->rows;
    fputs("set title 'Confusion: share of each true class / %'\n", script);
    double total = 0;
    for (size_t i = 0; i < n * confusion->cols; i++)
        total += (double)confusion->data[i];
    if (!(total > 0) || n != confusion->cols) {
        draw_nothing(script, "no finished seed yet");
        return;
    }
    fputs("$confusion << EOD\n", script);
    for (size_t row = 0; row < n; row++) {
        double sum = 0;
        for (size_t col = 0; col < n; col++)
            sum += (double)confusion->data[row * n + col];
        for (size_t col = 0; col < n; col++)
            fprintf(script, "%zu %zu %.6g\n", col, row,
                    sum > 0 ? 100 * (double)confusion->data[row * n + col] / sum : 0.0);
    }
    fputs("EOD\nset xlabel 'answer'\nset ylabel 'true class'\n"
          "set palette defined (0 'white', 1 '#6baed6')\nset cbrange [0:100]\nunset key\n"
          "unset colorbox\nunset grid\n",
          script);
    write_class_tics(script, figure, "x");
    write_class_tics(script, figure, "y");
    fprintf(script, "plot [-0.5:%zu.5][%zu.5:-0.5] $confusion using 1:2:3 with image", n - 1,
            n - 1);
    if (n <= 12)
        fputs(", $confusion using 1:2:($3 >= 0.05 ? sprintf('%.0f', $3) : '') with labels", script);
    fputc('\n', script);
}

static enum et_status draw(const struct figure *figure, const char *output)
{
    struct gnuplot gnuplot;
    ET_TRY(gnuplot_begin(&gnuplot, output));
    FILE *script = gnuplot.script;
    char title[512];
    if (strcmp(output + strlen(output) - 4, ".svg") == 0)
        fputs("set terminal svg size 1200,900 dynamic background 'white' font 'sans,13'\n", script);
    else
        fputs("if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) set terminal pngcairo size 1200,900 "
              "font 'sans,11'; else set terminal png size 1200,900\n",
              script);
    snprintf(title, sizeof title, "%s: %.2f %% test accuracy, %zu seed%s, epoch %zu%s",
             figure->summary.experiment, 100 * figure->summary.test.mean,
             figure->summary.test.seeds, figure->summary.test.seeds == 1 ? "" : "s",
             figure->summary.test.last_epoch, figure->summary.complete ? "" : " (interrupted)");
    fputs("set multiplot layout 2,2 title ", script);
    gnuplot_quote(script, title);
    fputs(" noenhanced\nset grid\nset boxwidth 0.7\n", script);
    draw_curves(script, figure);
    draw_loss(script, figure);
    draw_controls(script, figure);
    draw_confusion(script, figure);
    fputs("unset multiplot\n", script);
    return gnuplot_end(&gnuplot);
}

static enum et_status report(const char *path, const char *output)
{
    struct figure figure = {0};
    struct et_store *store = NULL;
    ET_TRY(et_run_summary_read(path, &figure.summary));
    enum et_status status = et_store_open(path, &store);
    if (status == ET_OK) status = read_metrics(store, &figure);
    et_store_close(store);
    if (status == ET_OK) status = draw(&figure, output);
    figure_free(&figure);
    return status;
}

int command_report(int argc, char **argv)
{
    struct arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    char output[4096];
    if (arguments.output != NULL) {
        snprintf(output, sizeof output, "%s", arguments.output);
    } else {
        size_t n = strlen(arguments.common.operand);
        bool has_suffix = n > 3 && strcmp(arguments.common.operand + n - 3, ".h5") == 0;
        snprintf(output, sizeof output, "%.*s.png", (int)(has_suffix ? n - 3 : n),
                 arguments.common.operand);
    }
    enum et_status status = report(arguments.common.operand, output);
    if (status != ET_OK) return command_fail("etalon report", status);
    printf("%s\n", output);
    return CODE_DONE;
}
