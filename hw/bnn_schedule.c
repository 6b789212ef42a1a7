/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens and the order of the ring.
 *
 * Tokens.  Both engines of a pair work in order, so "the first k have ended" is implied by "the
 * k-th has ended", and a wait that is not stricter than an earlier wait of the same engine is
 * already met.  Only the strict ones pop; each makes exactly the k-th operation push.  As both
 * sequences ascend, the i-th push belongs to the i-th pop, and a counter ends at zero.
 *
 * Ring.  Every operation comes after all those that it waits for, directly or through its
 * engine's order.  Then nothing can block for ever, however short the queues: the first operation
 * of the ring that has not ended finds all earlier ones ended, so it is fetched (its queue holds
 * only earlier ones), it is the head of its queue, and its tokens are there.  Loads are placed
 * ahead of the computations that need them, but only so many that a full load queue does not keep
 * the next computation from being fetched. */
#include "bnn_schedule.h"

#include <etalon/array.h>

#include <string.h>

/* Loads in front of a computation beyond those it needs: less than a queue's depth of 4. */
enum { LOADS_AHEAD = 3 };

struct et_bnn_descriptor *et__bnn_schedule_add(struct et__bnn_schedule *s,
                                               enum et__bnn_engine engine, size_t prev, size_t next)
{
    static const enum et__bnn_opcode opcode[ET__BNN_ENGINES] = {ET__BNN_OP_LOAD, ET__BNN_OP_COMPUTE,
                                                                ET__BNN_OP_STORE};
    struct et__bnn_list *list = &s->list[engine];
    struct et__bnn_op *op = &s->spare;
    if (list->n == list->room && !s->failed) {
        size_t room = list->room ? 2 * list->room : 64;
        struct et__bnn_op *more = et_alloc(room, sizeof *more);
        if (more) {
            if (list->n > 0) memcpy(more, list->op, list->n * sizeof *more);
            et_free(list->op);
            list->op = more;
            list->room = room;
        }
        s->failed = !more;
    }
    if (!s->failed) op = &list->op[list->n++];
    *op = (struct et__bnn_op){.prev = prev, .next = next};
    et__bnn_set(&op->d, ET__BNN_ANY_OPCODE, opcode[engine]);
    return &op->d;
}

/* Tokens from the engine `from` to its neighbour. */
static void place_tokens(struct et__bnn_schedule *s, enum et__bnn_engine from,
                         enum et__bnn_engine to)
{
    struct et__bnn_list *giver = &s->list[from], *taker = &s->list[to];
    bool down = from < to;
    size_t met = 0;
    for (size_t i = 0; i < taker->n; i++) {
        struct et__bnn_op *op = &taker->op[i];
        size_t wait = down ? op->prev : op->next;
        if (wait <= met) continue;
        assert(wait <= giver->n);
        met = wait;
        et__bnn_set(&op->d, down ? ET__BNN_ANY_POP_PREV : ET__BNN_ANY_POP_NEXT, 1);
        et__bnn_set(&giver->op[wait - 1].d, down ? ET__BNN_ANY_PUSH_NEXT : ET__BNN_ANY_PUSH_PREV,
                    1);
    }
}

static void append(struct et_bnn_program *program, struct et__bnn_list *list, size_t *at)
{
    program->descriptor[program->n++] = list->op[(*at)++].d;
}

static void order_ring(struct et__bnn_schedule *s, struct et_bnn_program *program)
{
    struct et__bnn_list *load = &s->list[ET__BNN_LOAD], *compute = &s->list[ET__BNN_COMPUTE];
    struct et__bnn_list *store = &s->list[ET__BNN_STORE];
    size_t l = 0, c = 0, o = 0, needed = 0;
    while (c < compute->n) {
        if (compute->op[c].prev > needed) needed = compute->op[c].prev;
        while (l < load->n && l < needed + LOADS_AHEAD && load->op[l].next <= c)
            append(program, load, &l);
        assert(l >= needed);
        append(program, compute, &c);
        while (o < store->n && store->op[o].prev <= c)
            append(program, store, &o);
    }
    assert(l == load->n && o == store->n);
}

enum et_status et__bnn_schedule_end(struct et__bnn_schedule *s, struct et_bnn_program *program)
{
    size_t n = 0;
    for (size_t e = 0; e < ET__BNN_ENGINES; e++)
        n += s->list[e].n;
    *program = (struct et_bnn_program){0};
    if (!s->failed) program->descriptor = et_alloc(n, sizeof *program->descriptor);
    bool ok = program->descriptor;
    if (ok) {
        place_tokens(s, ET__BNN_LOAD, ET__BNN_COMPUTE);
        place_tokens(s, ET__BNN_COMPUTE, ET__BNN_LOAD);
        place_tokens(s, ET__BNN_COMPUTE, ET__BNN_STORE);
        place_tokens(s, ET__BNN_STORE, ET__BNN_COMPUTE);
        order_ring(s, program);
    }
    for (size_t e = 0; e < ET__BNN_ENGINES; e++)
        et_free(s->list[e].op);
    *s = (struct et__bnn_schedule){0};
    return ok ? ET_OK : ET_NOMEM;
}
