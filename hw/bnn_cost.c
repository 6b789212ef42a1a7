/* SPDX-License-Identifier: Apache-2.0
 *
 * What a layer costs on a device: a model, not a measurement.
 *
 * The layer is compiled, and its program is timed on three engines that work side by side and wait
 * for each other's tokens as the descriptors say:
 *
 * COMPUTE  n max(K, P) + min(K, P) + F cycles, exactly (docs/accelerator.md, Cycles)
 * LOAD     3 cycles, the memory's latency, then a beat per cycle; short rows come no faster than 8
 *          bursts per latency, which is how many may be open.  The requests of the next LOAD go
 *          out while the data of the last ones arrive.  Descriptors, 64 bytes each, come over the
 *          same bus in the order of the ring.
 * STORE    3 cycles, a beat per cycle, and the memory's latency until it is acknowledged
 *
 * What is left out: finite queues, completion records, a memory that makes one wait.  Where the
 * memory answers at once, the RTL takes up to 3 % more (tests/rtl/test_cost.c).
 *
 * Energy: every lane of a step computes, used or not, and counts two operations (product and
 * addition) of 21.6 fJ: the published figure of a binary accelerator in its microcontroller, 22 nm
 * at 0.4 V, with its on-chip memories.  Traffic to memory outside the chip is not in it.
 * Source: F. Conti, P. D. Schiavone, L. Benini, arXiv 1807.03010. */
#include "bnn_descriptor.h"

#include <etalon/array.h>

#include <math.h>
#include <string.h>

enum { LATENCY = 16, OPEN_BURSTS = 8, REQUEST = 3, DESCRIPTOR_BITS = 512, BACK = 0, FORTH = 1 };
enum engine { LOAD, COMPUTE, STORE, ENGINES };

static const double joules_per_operation = 21.6e-15;

/* Tokens between an engine and the next one: when each was given. */
struct tokens {
    uint64_t *given;
    size_t n, taken;
};

struct timing {
    const struct et_bnn_caps *caps;
    const struct et_bnn_program *program;
    struct tokens tokens[ENGINES - 1][2];
    size_t next[ENGINES];   /* the engine's next descriptor in the ring */
    uint64_t free[ENGINES]; /* when the engine can begin it */
    uint64_t bus;           /* when the last beat so far has arrived */
    size_t fetched;         /* descriptors that have come over it */
    struct et_bnn_cost *cost;
};

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static enum engine engine_of(const struct et_bnn_descriptor *d)
{
    return (enum engine)(et__bnn_get(d, ET__BNN_ANY_OPCODE) - ET__BNN_OP_LOAD);
}

/* ------------------------------------------------------------------------------- one engine -- */

/* Cycles of the output stage for one output, of `fill` for the whole. */
static size_t output_stage(const struct et_bnn_descriptor *d, const struct et_bnn_caps *caps,
                           size_t *fill)
{
    size_t bits = et__bnn_get(d, ET__BNN_COMPUTE_O_BITS);
    *fill = 16;
    if (!et__bnn_get(d, ET__BNN_COMPUTE_FINAL)) return 1;
    *fill = 17;
    switch (et__bnn_get(d, ET__BNN_COMPUTE_OUTPUT)) {
    case ET_BNN_RAW16:
        return most(1, (size_t)16 * caps->pe / caps->axi_bits);
    case ET_BNN_RAW32:
        return most(1, (size_t)32 * caps->pe / caps->axi_bits);
    default:
        *fill += bits;
        return bits * most(1, caps->pe / caps->axi_bits);
    }
}

static uint64_t compute(struct timing *t, const struct et_bnn_descriptor *d, uint64_t start)
{
    size_t pool = et__bnn_get(d, ET__BNN_COMPUTE_POOL), fill;
    size_t outputs = ceil_div(et__bnn_get(d, ET__BNN_COMPUTE_C_OUT), t->caps->pe) *
                     et__bnn_get(d, ET__BNN_COMPUTE_OUT_H) * et__bnn_get(d, ET__BNN_COMPUTE_OUT_W) *
                     pool * pool;
    size_t steps = et__bnn_get(d, ET__BNN_COMPUTE_K_H) * et__bnn_get(d, ET__BNN_COMPUTE_K_W) *
                   ceil_div(et__bnn_get(d, ET__BNN_COMPUTE_C_IN), t->caps->simd) *
                   et__bnn_get(d, ET__BNN_COMPUTE_A_BITS) * et__bnn_get(d, ET__BNN_COMPUTE_W_BITS);
    size_t stage = output_stage(d, t->caps, &fill), slower = most(steps, stage);
    t->cost->steps += (uint64_t)outputs * steps;
    t->cost->compute_cycles += (uint64_t)outputs * slower;
    t->free[COMPUTE] = start + outputs * slower + (steps + stage - slower) + fill;
    return t->free[COMPUTE];
}

static uint64_t load(struct timing *t, const struct et_bnn_descriptor *d, uint64_t start)
{
    size_t rows = et__bnn_get(d, ET__BNN_LOAD_ROWS), length = et__bnn_get(d, ET__BNN_LOAD_LENGTH);
    size_t row = most(length, LATENCY / OPEN_BURSTS);
    uint64_t first = start + REQUEST + LATENCY;
    t->cost->load_beats += (uint64_t)rows * length;
    t->free[LOAD] = start + REQUEST + rows;
    size_t descriptors = t->next[LOAD] + 1 - t->fetched;
    t->fetched += descriptors;
    t->bus = (first > t->bus ? first : t->bus) + (uint64_t)rows * row +
             descriptors * (DESCRIPTOR_BITS / t->caps->axi_bits);
    return t->bus;
}

static uint64_t store(struct timing *t, const struct et_bnn_descriptor *d, uint64_t start)
{
    uint64_t beats =
        (uint64_t)et__bnn_get(d, ET__BNN_STORE_ROWS) * et__bnn_get(d, ET__BNN_STORE_LENGTH);
    t->cost->store_beats += beats;
    t->free[STORE] = start + REQUEST + beats;
    return t->free[STORE] + LATENCY;
}

/* ------------------------------------------------------------------------------ all of them -- */

/* Takes a token if asked to; false = there is none yet. */
static bool may_take(const struct tokens *tokens, bool wanted, uint64_t *start)
{
    if (!wanted) return true;
    if (tokens->taken == tokens->n) return false;
    uint64_t given = tokens->given[tokens->taken];
    if (given > *start) *start = given;
    return true;
}

static void give(struct tokens *tokens, uint64_t time)
{
    tokens->given[tokens->n++] = time;
}

/* Times the engine's next descriptor; false = there is none, or it waits for a token. */
static bool advance(struct timing *t, enum engine e, uint64_t *end)
{
    const struct et_bnn_descriptor *ring = t->program->descriptor;
    while (t->next[e] < t->program->n && engine_of(&ring[t->next[e]]) != e)
        t->next[e]++;
    if (t->next[e] == t->program->n) return false;
    const struct et_bnn_descriptor *d = &ring[t->next[e]];
    struct tokens *before = e > LOAD ? t->tokens[e - 1] : NULL;
    struct tokens *behind = e < STORE ? t->tokens[e] : NULL;
    bool pop_prev = et__bnn_get(d, ET__BNN_ANY_POP_PREV);
    bool pop_next = et__bnn_get(d, ET__BNN_ANY_POP_NEXT);
    uint64_t start = t->free[e];
    if (before && !may_take(&before[FORTH], pop_prev, &start)) return false;
    if (behind && !may_take(&behind[BACK], pop_next, &start)) return false;
    if (before) before[FORTH].taken += pop_prev;
    if (behind) behind[BACK].taken += pop_next;
    *end = e == LOAD ? load(t, d, start) : e == COMPUTE ? compute(t, d, start) : store(t, d, start);
    if (before && et__bnn_get(d, ET__BNN_ANY_PUSH_PREV)) give(&before[BACK], *end);
    if (behind && et__bnn_get(d, ET__BNN_ANY_PUSH_NEXT)) give(&behind[FORTH], *end);
    t->next[e]++;
    return true;
}

static enum et_status time_program(struct timing *t)
{
    size_t room = t->program->n;
    uint64_t *given = et_alloc(room, 4 * sizeof *given);
    if (!given) return ET_NOMEM;
    for (size_t i = 0; i < 4; i++)
        t->tokens[i / 2][i % 2].given = given + i * room;
    for (bool moved = true; moved;) {
        moved = false;
        for (int e = LOAD; e < ENGINES; e++) {
            uint64_t end;
            while (advance(t, (enum engine)e, &end)) {
                moved = true;
                if (end > t->cost->cycles) t->cost->cycles = end;
            }
        }
    }
    et_free(given);
    return ET_OK;
}

/* Area by `rtl/synth.sh CONFIG xc7`, of what has been synthesised (docs/accelerator.md). */
static void look_area_up(const struct et_bnn_caps *caps, struct et_bnn_cost *cost)
{
    static const struct {
        struct et_bnn_caps caps;
        double lut, ff;
    } known[] = {
        {{8, 16, 64, 128, 128, 256, 64, 32}, 12316, 6804},
        {{32, 32, 64, 2048, 4096, 256, 4096, 256}, 24230, 10352},
    };
    cost->lut = cost->ff = NAN;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (memcmp(&known[i].caps, caps, sizeof *caps) != 0) continue;
        cost->lut = known[i].lut;
        cost->ff = known[i].ff;
    }
}

enum et_status et_bnn_cost_of(const struct et_bnn_layer *layer, const struct et_bnn_caps *caps,
                              size_t n, struct et_bnn_cost *cost)
{
    struct et_bnn_program program = {0};
    struct et_bnn_addresses nowhere = {0};
    *cost = (struct et_bnn_cost){0};
    look_area_up(caps, cost);
    ET_TRY(et_bnn_compile(layer, caps, &nowhere, n, &program));
    struct timing timing = {.caps = caps, .program = &program, .cost = cost};
    enum et_status status = time_program(&timing);
    et_bnn_program_destroy(&program);
    if (status != ET_OK || cost->cycles == 0) return status;
    cost->utilisation = (double)cost->steps / (double)cost->cycles;
    cost->energy_J =
        joules_per_operation * 2 * (double)caps->pe * (double)caps->simd * (double)cost->steps;
    return ET_OK;
}
