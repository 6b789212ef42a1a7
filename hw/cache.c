/* SPDX-License-Identifier: Apache-2.0
 *
 * Remembers what a deterministic system answered: equal input bytes give the stored output.
 *
 * An open-addressing table of rows, all of it allocated at open.  When it is full it is emptied:
 * an epoch that fits is answered whole, and one that does not would gain little from any order of
 * eviction.  The passes in the ledger are those of the inner system, i.e. the misses. */
#include "system_internal.h"

#include <math.h>
#include <string.h>

struct cache {
    struct et_system *inside;
    size_t n_in, n_out;
    size_t capacity; /* rows that may be stored */
    size_t slots;    /* power of two, at least twice the capacity */
    size_t used;
    uint32_t *slot;   /* [slots] 1 + number of a stored row, 0 = empty */
    float *x, *y;     /* [capacity][n_in], [capacity][n_out] */
    uint32_t *row;    /* [capacity] stored row that answers row r of the batch */
    uint64_t *sample; /* [capacity] identities of the rows that must be asked */
};

static const struct et_param params[] = {
    {.name = "memory_MB",
     .kind = ET_PARAM_REAL,
     .initial = "64",
     .min = 0.01,
     .max = 65536,
     .unit = "MB",
     .doc = "Memory for stored rows; when it is full the cache is emptied."},
    {.name = "system",
     .kind = ET_PARAM_TYPE,
     .choices = "system",
     .doc = "The system to remember, neither noisy nor stateful."},
    {0},
};

static enum et_status check_inner(const struct cache *s, const struct et_config *config)
{
    const char *name = et_system_name(s->inside);
    unsigned traits = et_system_info(s->inside)->traits;
    if (traits & ET_NOISY)
        return et_config_error(config, "system",
                               "'%s' is noisy: a cache would repeat one draw of its noise for ever",
                               name);
    if (traits & ET_STATEFUL)
        return et_config_error(config, "system",
                               "'%s' is stateful: its answer depends on more than its input", name);
    return ET_OK;
}

static enum et_status open_cache(void *state, const struct et_config *config, uint64_t seed)
{
    struct cache *s = state;
    ET_TRY(et__system_open_inner(config, "system", seed, &s->inside));
    ET_TRY(check_inner(s, config));
    s->n_in = et_system_info(s->inside)->n_in;
    s->n_out = et_system_info(s->inside)->n_out;
    /* Per row: input, output, at most four slots, row number, sample identity. */
    size_t bytes = (s->n_in + s->n_out + 5) * sizeof(float) + sizeof(uint64_t);
    double rows = floor(1e6 * et_config_real(config, "memory_MB") / (double)bytes);
    s->capacity = rows < 1 ? 1 : rows > (double)(UINT32_MAX / 4) ? UINT32_MAX / 4 : (size_t)rows;
    s->slots = 2;
    while (s->slots < 2 * s->capacity)
        s->slots *= 2;
    s->slot = et_alloc(s->slots, sizeof *s->slot);
    s->x = et_alloc(s->capacity * s->n_in, sizeof *s->x);
    s->y = et_alloc(s->capacity * s->n_out, sizeof *s->y);
    s->row = et_alloc(s->capacity, sizeof *s->row);
    s->sample = et_alloc(s->capacity, sizeof *s->sample);
    if (!s->slot || !s->x || !s->y || !s->row || !s->sample) return ET_NOMEM;
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct cache *s = state;
    et__system_inherit(info, s->inside);
}

static void forget(struct cache *s)
{
    memset(s->slot, 0, s->slots * sizeof *s->slot);
    s->used = 0;
}

/* FNV-1a over 32-bit words with a final mix, since the slot number is taken from the low bits. */
static uint64_t hash_row(const float *x, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < n; i++) {
        uint32_t word;
        memcpy(&word, &x[i], sizeof word);
        hash = (hash ^ word) * 0x100000001b3U;
    }
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15U;
    return hash ^ hash >> 29;
}

/* The stored row of x, added when it is new. */
static uint32_t find_or_add(struct cache *s, const float *x)
{
    size_t bytes = s->n_in * sizeof *x;
    size_t at = (size_t)hash_row(x, s->n_in) & (s->slots - 1);
    while (s->slot[at] != 0) {
        uint32_t row = s->slot[at] - 1;
        if (memcmp(s->x + row * s->n_in, x, bytes) == 0) return row;
        at = (at + 1) & (s->slots - 1);
    }
    uint32_t row = (uint32_t)s->used++;
    s->slot[at] = row + 1;
    memcpy(s->x + row * s->n_in, x, bytes);
    return row;
}

/* Answers at most `capacity` rows; first = number of the first one within the batch. */
static enum et_status answer(struct cache *s, const struct et_step *step, size_t first,
                             struct et_view x, struct et_view y)
{
    if (s->used + x.rows > s->capacity) forget(s);
    size_t before = s->used;
    for (size_t r = 0; r < x.rows; r++) {
        size_t known = s->used;
        s->row[r] = find_or_add(s, x.data + r * s->n_in);
        if (s->row[r] == known) s->sample[known - before] = et_step_sample(step, first + r);
    }
    size_t fresh = s->used - before;
    struct et_step ask = {step->seed, step->index, s->sample};
    enum et_status status =
        et_system_forward(s->inside, &ask, et_view_of(s->x + before * s->n_in, fresh, s->n_in),
                          et_view_of(s->y + before * s->n_out, fresh, s->n_out));
    if (status != ET_OK) {
        forget(s); /* the new rows have no answer */
        return status;
    }
    for (size_t r = 0; r < x.rows; r++)
        memcpy(y.data + r * s->n_out, s->y + s->row[r] * s->n_out, s->n_out * sizeof *y.data);
    return ET_OK;
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct cache *s = state;
    for (size_t first = 0; first < x.rows; first += s->capacity) {
        size_t count = x.rows - first < s->capacity ? x.rows - first : s->capacity;
        ET_TRY(
            answer(s, step, first, et_view_rows(x, first, count), et_view_rows(y, first, count)));
    }
    return ET_OK;
}

/* Other knobs, other answers. */
static enum et_status set_knobs(void *state, const float *knobs)
{
    struct cache *s = state;
    forget(s);
    return et_system_set_knobs(s->inside, knobs, et_system_info(s->inside)->n_knobs);
}

static void get_knobs(const void *state, float *knobs)
{
    const struct cache *s = state;
    enum et_status status =
        et_system_get_knobs(s->inside, knobs, et_system_info(s->inside)->n_knobs);
    (void)status; /* cannot fail: the traits and the count are those of the inner system */
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    struct cache *s = state;
    return et_system_vjp(s->inside, step, x, dy, dx, dknobs);
}

static struct et_system *inner(const void *state, size_t i)
{
    const struct cache *s = state;
    return i == 0 ? s->inside : NULL;
}

static void close_cache(void *state)
{
    struct cache *s = state;
    et_system_close(s->inside);
    et_free(s->slot);
    et_free(s->x);
    et_free(s->y);
    et_free(s->row);
    et_free(s->sample);
}

const struct et_system_type et_system_cache = {
    .name = "cache",
    .summary = "Remembers the answers of a deterministic system.",
    .state_size = sizeof(struct cache),
    .params = params,
    .open = open_cache,
    .describe = describe,
    .forward = forward,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .vjp = vjp,
    .inner = inner,
    .close = close_cache,
};
