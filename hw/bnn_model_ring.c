/* SPDX-License-Identifier: Apache-2.0
 *
 * The functional model, control: fetching, queues, tokens, completion, errors. */
#include "bnn_model.h"

#include <string.h>

static uint32_t get32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static void put32(unsigned char *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

static void raise(struct et__model *model, unsigned shift)
{
    model->reg.irq_stat |= UINT32_C(1) << shift;
}

/* Stops the device.  tag, index: whose fault it is. */
static void halt(struct et__model *model, uint32_t error, uint32_t tag, uint32_t index)
{
    struct et__model_registers *reg = &model->reg;
    if (reg->halted) return;
    reg->halted = 1;
    reg->err |= error;
    reg->err_tag = tag;
    reg->err_index = index;
    raise(model, ET__BNN_IRQ_STAT_ERROR_SHIFT);
}

static bool wants(const struct et_bnn_descriptor *d, struct et__bnn_field flag)
{
    return et__bnn_get(d, flag) != 0;
}

/* Writes the record that a descriptor asks for; false when the memory refuses it. */
static bool write_record(struct et__model *model, const struct et_bnn_descriptor *d, uint32_t error)
{
    uint64_t address = et__bnn_get_address(d, ET__BNN_ANY_COMPLETION_LO);
    unsigned char *to = address % 8 == 0 ? et__model_memory(model, address, 8) : NULL;
    if (to == NULL) return false;
    put32(to, et__bnn_get(d, ET__BNN_ANY_TAG));
    put32(to + 4, UINT32_C(1) << 31 | error);
    ET__MODEL_COUNT(model, WR_BEATS, 1);
    return true;
}

/* A descriptor met an error: it halts the device and still gets the record that it asked for. */
static void fail(struct et__model *model, const struct et__model_job *job, uint32_t error)
{
    bool legible = error != ET__MODEL_ERR(CRC);
    if (legible && wants(&job->d, ET__BNN_ANY_COMPLETE)) (void)write_record(model, &job->d, error);
    halt(model, error, et__bnn_get(&job->d, ET__BNN_ANY_TAG), job->index);
}

/* A descriptor is done. */
static void retire(struct et__model *model, const struct et__model_job *job)
{
    if (wants(&job->d, ET__BNN_ANY_COMPLETE)) {
        if (!write_record(model, &job->d, 0)) {
            fail(model, job, ET__MODEL_ERR(AXI_WRITE));
            return;
        }
        if (wants(&job->d, ET__BNN_ANY_IRQ)) raise(model, ET__BNN_IRQ_STAT_DONE_SHIFT);
    }
    model->reg.done++;
    ET__MODEL_COUNT(model, JOBS, 1);
}

/* --------------------------------------------------------------------------------- tokens -- */

enum { TOKENS_MAX = 255 };

/* The counters that an engine pops and pushes towards its neighbours; NULL where there is none. */
static uint32_t *pop_prev(struct et__model_registers *reg, unsigned engine)
{
    return engine > 0 ? &reg->forward[engine - 1] : NULL;
}

static uint32_t *pop_next(struct et__model_registers *reg, unsigned engine)
{
    return engine < 2 ? &reg->backward[engine] : NULL;
}

static uint32_t *push_prev(struct et__model_registers *reg, unsigned engine)
{
    return engine > 0 ? &reg->backward[engine - 1] : NULL;
}

static uint32_t *push_next(struct et__model_registers *reg, unsigned engine)
{
    return engine < 2 ? &reg->forward[engine] : NULL;
}

static bool is_ready(struct et__model *model, unsigned engine)
{
    const struct et__model_queue *queue = &model->reg.queue[engine];
    if (queue->n == 0) return false;
    const struct et_bnn_descriptor *d = &queue->job[0].d;
    if (wants(d, ET__BNN_ANY_POP_PREV) && *pop_prev(&model->reg, engine) == 0) return false;
    return !wants(d, ET__BNN_ANY_POP_NEXT) || *pop_next(&model->reg, engine) > 0;
}

static void take_tokens(struct et__model *model, unsigned engine, const struct et_bnn_descriptor *d)
{
    if (wants(d, ET__BNN_ANY_POP_PREV)) --*pop_prev(&model->reg, engine);
    if (wants(d, ET__BNN_ANY_POP_NEXT)) --*pop_next(&model->reg, engine);
}

/* False when a counter overflows. */
static bool give_tokens(struct et__model *model, unsigned engine, const struct et_bnn_descriptor *d)
{
    uint32_t *prev = wants(d, ET__BNN_ANY_PUSH_PREV) ? push_prev(&model->reg, engine) : NULL;
    uint32_t *next = wants(d, ET__BNN_ANY_PUSH_NEXT) ? push_next(&model->reg, engine) : NULL;
    if (prev != NULL && *prev == TOKENS_MAX) return false;
    if (next != NULL && *next == TOKENS_MAX) return false;
    if (prev != NULL) ++*prev;
    if (next != NULL) ++*next;
    return true;
}

/* --------------------------------------------------------------------------------- engines -- */

static void execute(struct et__model *model, unsigned engine)
{
    struct et__model_queue *queue = &model->reg.queue[engine];
    struct et__model_job job = queue->job[0];
    uint32_t error = 0;
    take_tokens(model, engine, &job.d);
    if (engine == ET__MODEL_LOAD)
        error = et__model_load(model, &job.d);
    else if (engine == ET__MODEL_COMPUTE)
        error = et__model_compute(model, &job.d);
    else
        error = et__model_store(model, &job.d);
    if (error == 0 && !give_tokens(model, engine, &job.d)) error = ET__MODEL_ERR(TOKEN);
    if (error != 0) {
        fail(model, &job, error);
        return;
    }
    queue->n--;
    memmove(queue->job, queue->job + 1, queue->n * sizeof *queue->job);
    retire(model, &job);
}

/* Of the descriptors that can go on, the oldest does: the order of the ring wherever tokens leave
 * a choice. */
static bool execute_oldest(struct et__model *model)
{
    unsigned best = ET__MODEL_ENGINES;
    for (unsigned e = 0; e < ET__MODEL_ENGINES; e++) {
        if (!is_ready(model, e)) continue;
        if (best < ET__MODEL_ENGINES) {
            uint32_t ahead = model->reg.queue[best].job[0].index - model->reg.queue[e].job[0].index;
            if (ahead == 0 || ahead >> 31) continue;
        }
        best = e;
    }
    if (best == ET__MODEL_ENGINES) return false;
    execute(model, best);
    return true;
}

/* -------------------------------------------------------------------------------- fetching -- */

static bool queues_are_empty(const struct et__model *model)
{
    for (unsigned e = 0; e < ET__MODEL_ENGINES; e++)
        if (model->reg.queue[e].n > 0) return false;
    return true;
}

static bool a_queue_is_full(const struct et__model *model)
{
    for (unsigned e = 0; e < ET__MODEL_ENGINES; e++)
        if (model->reg.queue[e].n == ET__MODEL_QUEUE) return true;
    return false;
}

/* A descriptor whose fields are right goes where it belongs. */
static void dispatch(struct et__model *model, const struct et__model_job *job)
{
    struct et__model_registers *reg = &model->reg;
    switch (et__bnn_get(&job->d, ET__BNN_ANY_OPCODE)) {
    case ET__BNN_OP_NOP:
        retire(model, job);
        return;
    case ET__BNN_OP_SYNC:
        reg->sync = *job;
        reg->syncing = 1;
        return;
    default: {
        struct et__model_queue *queue =
            &reg->queue[et__bnn_get(&job->d, ET__BNN_ANY_OPCODE) - ET__BNN_OP_LOAD];
        queue->job[queue->n++] = *job;
    }
    }
}

static void fetch(struct et__model *model)
{
    struct et__model_registers *reg = &model->reg;
    struct et__model_job job = {.index = reg->head};
    if (reg->tail - reg->head > UINT32_C(1) << reg->ring_size) {
        halt(model, ET__MODEL_ERR(RING), 0, reg->head);
        return;
    }
    uint32_t entry = reg->head & ((UINT32_C(1) << reg->ring_size) - 1);
    const unsigned char *from = et__model_memory(model, reg->ring_base + entry * UINT64_C(64), 64);
    if (from == NULL) {
        halt(model, ET__MODEL_ERR(AXI_READ), 0, reg->head);
        return;
    }
    for (size_t i = 0; i < 16; i++)
        job.d.word[i] = get32(from + 4 * i);
    ET__MODEL_COUNT(model, RD_BEATS, 64 / et__model_beat(model));
    reg->head++;
    uint32_t error = et__model_check(model, &job.d);
    if (error != 0)
        fail(model, &job, error);
    else
        dispatch(model, &job);
}

bool et__model_step(struct et__model *model)
{
    struct et__model_registers *reg = &model->reg;
    if (reg->halted) return false;
    bool moved = execute_oldest(model);
    if (!moved && reg->syncing) {
        moved = queues_are_empty(model);
        if (moved) {
            reg->syncing = 0;
            retire(model, &reg->sync);
        }
    } else if (!moved && reg->enable && reg->head != reg->tail && !a_queue_is_full(model)) {
        fetch(model);
        moved = true;
    }
    if (moved) reg->stuck = 0;
    return moved;
}

bool et__model_busy(const struct et__model *model)
{
    const struct et__model_registers *reg = &model->reg;
    bool more = reg->enable && !reg->halted && reg->head != reg->tail;
    return more || reg->syncing || !queues_are_empty(model);
}

/* The oldest descriptor that waits. */
static struct et__model_job oldest(const struct et__model *model)
{
    struct et__model_job found = model->reg.sync;
    bool any = model->reg.syncing;
    for (unsigned e = 0; e < ET__MODEL_ENGINES; e++) {
        const struct et__model_queue *queue = &model->reg.queue[e];
        if (queue->n == 0) continue;
        if (!any || (queue->job[0].index - found.index) >> 31) found = queue->job[0];
        any = true;
    }
    return found;
}

void et__model_idle(struct et__model *model, uint64_t cycles)
{
    struct et__model_registers *reg = &model->reg;
    if (reg->watchdog == 0 || reg->halted || !et__model_busy(model)) return;
    reg->stuck += cycles;
    if (reg->stuck < reg->watchdog) return;
    struct et__model_job job = oldest(model);
    fail(model, &job, ET__MODEL_ERR(WATCHDOG));
}

void et__model_abort(struct et__model *model)
{
    struct et__model_registers *reg = &model->reg;
    memset(reg->queue, 0, sizeof reg->queue);
    memset(reg->forward, 0, sizeof reg->forward);
    memset(reg->backward, 0, sizeof reg->backward);
    reg->syncing = reg->halted = reg->enable = 0;
    reg->head = reg->tail = reg->done = 0;
    reg->stuck = 0;
}
