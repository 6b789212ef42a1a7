/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is coupled to whom, and the numbers of each oscillator. */
#include "oscillators.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdlib.h>

enum topology { ALL, RING, GRID, RANDOM, GIVEN };
enum { MATRIX_MAX = 4096 };
static const double largest_steps = 1e8;

/* Steps of the starting values of the device's seed. */
enum { OF_COUPLINGS, OF_FREQUENCIES, OF_PHASES };

struct list {
    struct et__osc *o;
    size_t room; /* 0 = only count */
};

static void add(struct list *list, size_t a, size_t b)
{
    struct et__osc *o = list->o;
    if (o->n_edges < list->room) {
        o->ends[o->n_edges][0] = (uint32_t)(a < b ? a : b);
        o->ends[o->n_edges][1] = (uint32_t)(a < b ? b : a);
    }
    o->n_edges++;
}

/* Adds all pairs, ordered by first and second oscillator except for rings and given lists. */
static void add_pairs(struct list *list, const struct et_config *config, uint64_t seed)
{
    size_t n = list->o->n, k = (size_t)et_config_int(config, "neighbours"),
           columns = (size_t)et_config_int(config, "columns");
    float share = (float)(et_config_real(config, "degree") / (double)(n - 1));
    size_t topology = et_config_choice(config, "topology");
    list->o->n_edges = 0;
    for (size_t i = 0; topology == GIVEN && i < et_config_count(config, "edges"); i++) {
        const struct et_config *edge = et_config_at(config, "edges", i);
        add(list, (size_t)et_config_int(edge, "from"), (size_t)et_config_int(edge, "to"));
    }
    for (size_t i = 0; topology != GIVEN && i < n; i++) {
        for (size_t d = 1; topology == RING && d <= k; d++)
            add(list, i, (i + d) % n);
        if (topology == GRID && (i + 1) % columns != 0) add(list, i, i + 1);
        if (topology == GRID && i + columns < n) add(list, i, i + columns);
        for (size_t j = i + 1; (topology == ALL || topology == RANDOM) && j < n; j++)
            if (topology == ALL || et_rng_uniform(seed, ET_STREAM_GEOMETRY, 0, i * n + j) < share)
                add(list, i, j);
    }
}

static int by_ends(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    if (x[0] != y[0]) return x[0] < y[0] ? -1 : 1;
    return (x[1] > y[1]) - (x[1] < y[1]);
}

static enum et_status check_topology(const struct et__osc *o, const struct et_config *config)
{
    size_t topology = et_config_choice(config, "topology");
    size_t columns = (size_t)et_config_int(config, "columns");
    size_t k = (size_t)et_config_int(config, "neighbours");
    if ((topology == ALL || topology == RANDOM) && o->n > MATRIX_MAX)
        return et_config_error(config, "n",
                               "n = %zu is more than %d, the most where each may be "
                               "coupled to each; use ring, grid or given",
                               o->n, MATRIX_MAX);
    if (topology == RING && 2 * k >= o->n)
        return et_config_error(config, "neighbours",
                               "%zu neighbours on each side need more than "
                               "%zu oscillators, n is %zu",
                               k, 2 * k, o->n);
    if (topology == GRID && o->n % columns != 0)
        return et_config_error(config, "columns", "n = %zu is no multiple of columns = %zu", o->n,
                               columns);
    for (size_t i = 0; topology == GIVEN && i < et_config_count(config, "edges"); i++) {
        const struct et_config *edge = et_config_at(config, "edges", i);
        int64_t from = et_config_int(edge, "from"), to = et_config_int(edge, "to");
        if (from >= (int64_t)o->n || to >= (int64_t)o->n || from == to)
            return et_config_error(edge, "to",
                                   "the pair %lld, %lld is none of two different "
                                   "oscillators from 0 to %zu",
                                   (long long)from, (long long)to, o->n - 1);
    }
    return ET_OK;
}

/* Rows of partners, for the sparse kernel. */
static enum et_status make_rows(struct et__osc *o)
{
    if (!(o->start = et_alloc(o->n + 2, sizeof *o->start))) return ET_NOMEM;
    if (!(o->column = et_alloc(2 * o->n_edges, sizeof *o->column))) return ET_NOMEM;
    if (!(o->edge = et_alloc(2 * o->n_edges, sizeof *o->edge))) return ET_NOMEM;
    for (size_t e = 0; e < o->n_edges; e++) {
        o->start[o->ends[e][0] + 2]++;
        o->start[o->ends[e][1] + 2]++;
    }
    for (size_t i = 2; i < o->n + 2; i++)
        o->start[i] += o->start[i - 1];
    /* start[i + 1] now says where row i begins, and moves on while it is filled. */
    for (size_t e = 0; e < o->n_edges; e++)
        for (size_t side = 0; side < 2; side++) {
            size_t k = o->start[o->ends[e][side] + 1]++;
            o->column[k] = o->ends[e][1 - side];
            o->edge[k] = (uint32_t)e;
        }
    return ET_OK;
}

static enum et_status make_edges(struct et__osc *o, const struct et_config *config, uint64_t seed)
{
    struct list list = {.o = o};
    ET_TRY(check_topology(o, config));
    add_pairs(&list, config, seed);
    list.room = o->n_edges;
    if (!(o->ends = et_alloc(o->n_edges, sizeof *o->ends))) return ET_NOMEM;
    if (!(o->coupling = et_alloc(o->n_edges, sizeof *o->coupling))) return ET_NOMEM;
    add_pairs(&list, config, seed);
    if (et_config_choice(config, "topology") == RING)
        qsort(o->ends, o->n_edges, sizeof *o->ends, by_ends);
    o->dense = 4 * o->n_edges > o->n * o->n / 2 && o->n <= MATRIX_MAX;
    return make_rows(o);
}

/* K / scale + spread z / sqrt(scale), scale = n or the mean number of partners. */
static void set_couplings(struct et__osc *o, const struct et_config *config, uint64_t seed)
{
    size_t topology = et_config_choice(config, "topology");
    double scale = topology == ALL ? (double)o->n : 2 * (double)o->n_edges / (double)o->n;
    double mean = et_config_real(config, "coupling") / scale;
    double spread = et_config_real(config, "coupling_spread") / sqrt(scale);
    for (size_t e = 0; e < o->n_edges; e++) {
        float normal;
        et_rng_fill_normal(seed, ET_STREAM_INIT, OF_COUPLINGS, e, &normal, 1);
        o->coupling[e] = mean + spread * (double)normal;
        if (topology == GIVEN)
            o->coupling[e] = et_config_real(et_config_at(config, "edges", e), "coupling");
    }
}

/* A list of the configuration that is empty or has a number for each oscillator. */
static enum et_status check_list(const struct et__osc *o, const struct et_config *config,
                                 const char *name)
{
    size_t count = et_config_count(config, name);
    if (count == 0 || count == o->n) return ET_OK;
    return et_config_error(config, name, "%s has %zu numbers, there are n = %zu oscillators", name,
                           count, o->n);
}

static enum et_status set_oscillators(struct et__osc *o, const struct et_config *config,
                                      uint64_t seed)
{
    ET_TRY(check_list(o, config, "frequencies"));
    ET_TRY(check_list(o, config, "phases"));
    if (!(o->bias = et_alloc(o->n, sizeof *o->bias))) return ET_NOMEM;
    if (!(o->initial = et_alloc(o->n, sizeof *o->initial))) return ET_NOMEM;
    const double *frequencies =
        et_config_count(config, "frequencies") > 0 ? et_config_reals(config, "frequencies") : NULL;
    const double *phases =
        et_config_count(config, "phases") > 0 ? et_config_reals(config, "phases") : NULL;
    bool random = et_config_choice(config, "initial") == 0;
    for (size_t i = 0; i < o->n; i++) {
        float normal;
        et_rng_fill_normal(seed, ET_STREAM_MISMATCH, OF_FREQUENCIES, i, &normal, 1);
        float turn = et_rng_uniform(seed, ET_STREAM_INIT, OF_PHASES, i);
        o->bias[i] = et_config_real(config, "frequency") +
                     et_config_real(config, "frequency_spread") * (double)normal;
        o->initial[i] = random ? (2 * (double)turn - 1) * 3.14159265358979323846 : 0;
        if (frequencies) o->bias[i] = frequencies[i];
        if (phases) o->initial[i] = phases[i];
    }
    return ET_OK;
}

double et__osc_largest_step(const struct et__osc *o, double input_max)
{
    double push = o->input == ET__OSC_START ? 0 : fabs(o->gain) * input_max;
    double fastest = 0;
    for (size_t i = 0; i < o->n; i++) {
        double sum = 0;
        for (size_t k = o->start[i]; k < o->start[i + 1]; k++)
            sum += fabs(o->coupling[o->edge[k]]);
        double rate = fabs(o->bias[i]) + push + sum + 2 * fabs(o->injection);
        if (o->model == ET__OSC_PENDULUM) /* an eigenvalue of the stiffnesses is at most this */
            rate = o->damping + sqrt(o->stiffness + 2 * sum + 2 * fabs(o->injection) +
                                     (o->input == ET__OSC_DRIVE ? push : 0));
        fastest = fmax(fastest, rate);
    }
    return 2 / fastest;
}

static enum et_status set_times(struct et__osc *o, const struct et_config *config)
{
    double duration = et_config_real(config, "duration"), dt = et_config_real(config, "dt"),
           settle = et_config_real(config, "settle");
    double steps = ceil(duration / dt * (1 - 1e-12));
    if (steps > largest_steps)
        return et_config_error(config, "dt",
                               "dt = %g s makes %.3g steps of duration = %g s, at "
                               "most %g are possible",
                               dt, steps, duration, largest_steps);
    o->steps = (size_t)fmax(steps, 1);
    o->dt = duration / (double)o->steps;
    if (o->output == ET__OSC_ORDER && settle > duration - o->dt / 2)
        return et_config_error(config, "settle",
                               "settle = %g s leaves no step to average over "
                               "before duration = %g s",
                               settle, duration);
    o->settle = (size_t)(settle / o->dt + 0.5);
    if (o->output == ET__OSC_ORDER && o->settle >= o->steps) o->settle = o->steps - 1;
    o->segment = (size_t)ceil(sqrt((double)o->steps));
    double input_max = et_config_real(config, "input_max");
    double largest = et__osc_largest_step(o, input_max);
    if (o->dt > largest)
        return et_config_error(config, "dt",
                               "dt = %g s does not resolve the fastest oscillator; "
                               "the largest step is %.6g s",
                               o->dt, largest);
    return ET_OK;
}

static enum et_status set_ends(struct et__osc *o, const struct et_config *config)
{
    o->n_in = (size_t)et_config_int(config, "n_in");
    o->n_read = (size_t)et_config_int(config, "n_read");
    if (o->n_in > o->n)
        return et_config_error(config, "n_in", "n_in = %zu is more than n = %zu oscillators",
                               o->n_in, o->n);
    if (o->n_read > o->n)
        return et_config_error(config, "n_read", "n_read = %zu is more than n = %zu oscillators",
                               o->n_read, o->n);
    if (o->n_in == 0) o->n_in = o->n;
    if (o->n_read == 0) o->n_read = o->n;
    return ET_OK;
}

enum et_status et__osc_read(struct et__osc *o, const struct et_config *config, uint64_t seed)
{
    o->model = (enum et__osc_model)et_config_choice(config, "model");
    o->input = (enum et__osc_input)et_config_choice(config, "input");
    o->output = (enum et__osc_output)et_config_choice(config, "output");
    o->n = (size_t)et_config_int(config, "n");
    o->gain = et_config_real(config, "gain");
    o->stiffness = et_config_real(config, "stiffness");
    o->damping = et_config_real(config, "damping");
    o->injection = et_config_real(config, "injection");
    o->noise = et_config_real(config, "noise");
    ET_TRY(set_ends(o, config));
    ET_TRY(make_edges(o, config, seed));
    set_couplings(o, config, seed);
    ET_TRY(set_oscillators(o, config, seed));
    return set_times(o, config);
}

void et__osc_free(struct et__osc *o)
{
    et_free(o->ends);
    et_free(o->start);
    et_free(o->column);
    et_free(o->edge);
    et_free(o->coupling);
    et_free(o->bias);
    et_free(o->initial);
}
