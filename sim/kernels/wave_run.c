/* SPDX-License-Identifier: Apache-2.0
 *
 * Many time steps of one field, in blocks that pass through memory once.
 *
 * Order of work.  Row y at step s + 1 needs the rows y - r ... y + r at step s (r = order / 2) and
 * overwrites row y at step s - 1.  A front of `depth` steps moves upwards through the grid: while
 * step 0 is at row y, step s is at row y - s skew.  All the front needs is behind it, and two time
 * levels suffice.  skew is r, but 3 in order 4 with strips: there an auxiliary field between the
 * rows y - 1 and y still reads row y - 2 at the old level, which the next step must not overwrite.
 * It moves by groups of rows, for which the kernels load less.
 * The front is `depth` skew rows long, so these rows, and not the grid, have to fit the cache; each
 * cell comes from memory once in `depth` steps.
 *
 * Threads.  The grid is cut into bands.  Phase 1: in each band, independently, step s advances the
 * rows that depend on the band alone, which are s skew fewer at each inner edge.  Phase 2: around
 * each edge, independently, the rows that phase 1 left out, 2 s skew of them at step s.  What such
 * a row needs from phase 1 is still there: a row next to the gap has not been advanced further than
 * one step beyond it.  The auxiliary field between two rows goes with the phase that has the last
 * row of its slope.
 *
 * No order changes what is computed from what, so all give the same bits. */
#include "flush.h"
#include "wave_sweep.h"

#include <etalon/parallel.h>

#include <unistd.h>

enum {
    DEPTH_MIN = 4,
    DEPTH_MAX = 32,
    BANDS_PER_THREAD = 2,
    CACHE_BYTES = 1 << 20 /* of the second level, where the system does not tell */
};

const struct et__wave_variant *et__wave_variant(enum et__wave_precision precision, size_t i)
{
    const struct et__wave_variant *variant =
        precision == ET__WAVE_SINGLE ? et__wave_variants_f32 : et__wave_variants_f64;
    bool runs[] = {
        [ET__WAVE_PORTABLE] = true,
#if defined __x86_64__
        [ET__WAVE_AVX2] = __builtin_cpu_supports("avx2") != 0,
        [ET__WAVE_AVX512] = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"),
#endif
    };
    for (; variant->name; variant++)
        if (runs[variant->set] && i-- == 0) return variant;
    return NULL;
}

size_t et__wave_skew(const struct et__wave_plan *plan)
{
    return plan->order == 2 ? 1 : plan->has_pml ? 3 : 2;
}

static size_t cache_bytes(void)
{
#ifdef _SC_LEVEL2_CACHE_SIZE
    long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (bytes > 0) return (size_t)bytes;
#endif
    return CACHE_BYTES;
}

struct et__wave_schedule et__wave_schedule(const struct et__wave_plan *plan,
                                           const struct et__wave_field *field, size_t steps)
{
    struct et__wave_schedule schedule = {
        .variant = et__wave_variant(plan->precision, 0), .depth = 1, .tiles = 1};
    /* Three quarters of the cache for the front: both time levels and the gain of its rows.  Where
     * that is too little the next cache serves, which is faster than memory still; where the whole
     * grid fits there is nothing to gain. */
    size_t threads = et_parallel_threads(), skew = et__wave_skew(plan),
           ends = 2 * plan->frame + ET__WAVE_GROUP;
    size_t rows = cache_bytes() / 4 * 3 / (3 * plan->pitch * field->real);
    if (field->lanes > 1 || (!plan->fetch_ahead && plan->ny <= rows)) return schedule;
    size_t depth = rows > ends ? (rows - ends) / skew : DEPTH_MIN;
    if (depth < DEPTH_MIN) depth = DEPTH_MIN;
    if (depth > DEPTH_MAX) depth = DEPTH_MAX;
    if (depth > steps) depth = steps;
    /* Bands at least twice as high as phase 2 is at its end, one for each thread if possible. */
    if (threads > 1 && depth > plan->ny / (4 * skew * threads))
        depth = plan->ny / (4 * skew * threads);
    if (depth < 1) depth = 1;
    size_t bands = threads > 1 ? BANDS_PER_THREAD * threads : 1,
           most = plan->ny / (4 * skew * depth);
    if (bands > most) bands = most > 0 ? most : 1;
    schedule.depth = depth;
    schedule.tiles = bands;
    return schedule;
}

/* Up to `depth` steps of all bands. */
struct block {
    const struct et__wave_plan *plan;
    struct et__wave_field levels[2]; /* as even and odd steps see the field */
    const struct et__wave_ports *ports;
    const char *signal;
    char *trace;
    size_t signal_bytes, trace_bytes; /* of a step */
    size_t depth, bands, skew;
    et__wave_sweep_fn *sweep;
};

/* Rows and faces of a tile at a step. */
struct extent {
    size_t first, stop, face_first, face_stop;
};

static size_t edge(const struct block *block, size_t band)
{
    return block->plan->ny * band / block->bands;
}

/* What phase 1 does of a band at step s. */
static struct extent band_extent(const struct block *block, size_t band, size_t s)
{
    size_t ny = block->plan->ny, reach = block->plan->frame, back = s * block->skew;
    bool lowest = band == 0, highest = band + 1 == block->bands;
    struct extent e = {.first = lowest ? 0 : edge(block, band) + back,
                       .stop = highest ? ny : edge(block, band + 1) - back};
    e.face_first = lowest ? 1 : e.first + reach;
    e.face_stop = highest ? ny : e.stop - reach + 1;
    return e;
}

/* What phase 2 does at the lower edge of a band. */
static struct extent edge_extent(const struct block *block, size_t band, size_t s)
{
    size_t at = edge(block, band), reach = block->plan->frame, back = s * block->skew;
    return (struct extent){.first = at - back,
                           .stop = at + back,
                           .face_first = at - back - reach + 1,
                           .face_stop = at + back + reach};
}

typedef struct extent extent_fn(const struct block *block, size_t band, size_t s);

/* The part of [low, high) that lies in [first, stop); [0, 0) when there is none. */
static void clip(size_t low, size_t high, size_t first, size_t stop, size_t *from, size_t *to)
{
    if (low < first) low = first;
    if (high > stop) high = stop;
    *from = low < high ? low : 0;
    *to = low < high ? high : 0;
}

/* Rows [low, high) of step s, as far as they belong to the extent, and the faces that they
 * complete. */
static void advance_rows(const struct block *block, const struct extent *e, size_t s, size_t low,
                         size_t high)
{
    size_t lag = block->plan->frame - 1;
    struct et__wave_sweep sweep = {
        .ports = block->ports,
        .signal = block->signal ? block->signal + s * block->signal_bytes : NULL,
        .trace = block->trace ? block->trace + s * block->trace_bytes : NULL,
    };
    clip(low, high, e->first, e->stop, &sweep.first, &sweep.stop);
    if (block->plan->has_pml && high > lag)
        clip(low > lag ? low - lag : 0, high - lag, e->face_first, e->face_stop, &sweep.face_first,
             &sweep.face_stop);
    if (sweep.first < sweep.stop || sweep.face_first < sweep.face_stop)
        block->sweep(block->plan, &block->levels[s % 2], &sweep);
}

/* Moves the front through one tile. */
static void advance_tile(const struct block *block, size_t band, extent_fn *extent)
{
    struct extent extents[DEPTH_MAX];
    size_t depth = block->depth, skew = block->skew, begin = SIZE_MAX, end = 0;
    size_t lag = block->plan->frame - 1;
    for (size_t s = 0; s < depth; s++) {
        struct extent e = extents[s] = extent(block, band, s);
        size_t low = e.first < e.face_first + lag ? e.first : e.face_first + lag;
        size_t high = e.stop > e.face_stop + lag ? e.stop : e.face_stop + lag;
        if (low + s * skew < begin) begin = low + s * skew;
        if (high + s * skew > end) end = high + s * skew;
    }
    uint64_t mode = flush_begin();
    for (size_t y = begin; y < end; y += ET__WAVE_GROUP)
        for (size_t s = 0; s < depth && s * skew < y + ET__WAVE_GROUP; s++)
            advance_rows(block, &extents[s], s, y > s * skew ? y - s * skew : 0,
                         y + ET__WAVE_GROUP - s * skew);
    flush_end(mode);
}

static void advance_band(void *user, size_t i, size_t worker)
{
    (void)worker;
    advance_tile(user, i, band_extent);
}

static void advance_edge(void *user, size_t i, size_t worker)
{
    (void)worker;
    advance_tile(user, i + 1, edge_extent);
}

/* The whole grid, one step. */
static void advance_all(const struct block *block)
{
    struct et__wave_sweep sweep = {.stop = block->plan->ny,
                                   .face_first = block->plan->has_pml ? 1 : 0,
                                   .face_stop = block->plan->has_pml ? block->plan->ny : 0,
                                   .ports = block->ports,
                                   .signal = block->signal,
                                   .trace = block->trace,
                                   .fetch = block->plan->fetch_ahead};
    uint64_t mode = flush_begin();
    block->sweep(block->plan, &block->levels[0], &sweep);
    flush_end(mode);
}

static void swap_levels(struct et__wave_field *field)
{
    void *next = field->previous;
    field->previous = field->now;
    field->now = next;
}

void et__wave_run_schedule(const struct et__wave_plan *plan, struct et__wave_field *field,
                           const struct et__wave_ports *ports, size_t steps, const void *signal,
                           void *trace, const struct et__wave_schedule *schedule)
{
    struct block block = {.plan = plan,
                          .ports = ports,
                          .signal = signal,
                          .trace = trace,
                          .bands = schedule->tiles,
                          .skew = et__wave_skew(plan)};
    block.sweep = schedule->variant->sweep[plan->order / 2 - 1][field->lanes > 1];
    if (ports) {
        block.signal_bytes = ports->n_sources * field->lanes * field->real;
        block.trace_bytes = ports->n_probes * field->lanes * field->real;
    }
    for (size_t done = 0; done < steps; done += block.depth) {
        block.depth = steps - done < schedule->depth ? steps - done : schedule->depth;
        block.levels[0] = block.levels[1] = *field;
        swap_levels(&block.levels[1]);
        if (block.depth == 1 && block.bands == 1) {
            advance_all(&block);
        } else {
            et_parallel_for(block.bands, advance_band, &block);
            et_parallel_for(block.bands - 1, advance_edge, &block);
        }
        if (block.depth % 2 == 1) swap_levels(field);
        if (block.signal) block.signal += block.depth * block.signal_bytes;
        if (block.trace) block.trace += block.depth * block.trace_bytes;
    }
}

void et__wave_run(const struct et__wave_plan *plan, struct et__wave_field *field,
                  const struct et__wave_ports *ports, size_t steps, const void *signal, void *trace)
{
    struct et__wave_schedule schedule = et__wave_schedule(plan, field, steps);
    et__wave_run_schedule(plan, field, ports, steps, signal, trace, &schedule);
}

void et__wave_step(const struct et__wave_plan *plan, struct et__wave_field *field)
{
    struct et__wave_schedule schedule = {
        .variant = et__wave_variant(plan->precision, 0), .depth = 1, .tiles = 1};
    et__wave_run_schedule(plan, field, NULL, 1, NULL, NULL, &schedule);
}
