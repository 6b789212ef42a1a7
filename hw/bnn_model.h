/* SPDX-License-Identifier: Apache-2.0
 *
 * The functional model of the accelerator: what its files share.
 *
 * It executes docs/accelerator.md descriptor by descriptor and knows no cycles.  It is what the RTL
 * is compared with, so it is written from that page alone and shares no arithmetic with the
 * compiler or the fast kernels. */
#ifndef ETALON_HW_BNN_MODEL_H
#define ETALON_HW_BNN_MODEL_H

#include <etalon/accelerator.h>

#include "bnn_descriptor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ET__MODEL_BLOCKS_MAX = 4096, ET__MODEL_QUEUE = 8, ET__MODEL_COUNTERS = 13 };

/* One bit of register ERR. */
#define ET__MODEL_ERR(name) (UINT32_C(1) << ET__BNN_ERR_##name##_SHIFT)

/* Shared memory as the device reaches it. */
struct et__model_block {
    unsigned char *host;
    uint64_t device;
    size_t bytes;
};

/* A fetched descriptor and its count in the ring. */
struct et__model_job {
    struct et_bnn_descriptor d;
    uint32_t index;
};

struct et__model_queue {
    struct et__model_job job[ET__MODEL_QUEUE]; /* the oldest first */
    uint32_t n;
};

/* The queues; each engine's `next` is the one after it. */
enum et__model_engine { ET__MODEL_LOAD, ET__MODEL_COMPUTE, ET__MODEL_STORE, ET__MODEL_ENGINES };

/* What wrong bits a word of a buffer has. */
enum et__model_damage { ET__MODEL_SOUND, ET__MODEL_ONE_BIT, ET__MODEL_TWO_BITS };

/* Everything but buffers and memory: bytes that a saved state holds as they are. */
struct et__model_registers {
    uint32_t enable, halted, err, err_tag, err_index, irq_en, irq_stat;
    uint32_t ring_size, head, tail, done, watchdog, scratch, inject;
    uint64_t ring_base;
    uint64_t counter[ET__MODEL_COUNTERS], snapshot[ET__MODEL_COUNTERS];
    uint64_t stuck;       /* cycles, as a host that polls would see them, without progress */
    uint32_t syncing;     /* `sync` waits for the queues to be empty */
    uint32_t forward[2];  /* tokens load -> compute, compute -> store */
    uint32_t backward[2]; /* tokens compute -> load, store -> compute */
    struct et__model_job sync;
    struct et__model_queue queue[ET__MODEL_ENGINES];
};

struct et__model {
    struct et_bnn_caps caps;
    struct et__model_registers reg;

    /* The buffers, in one piece of n_chip bytes. */
    unsigned char *chip;
    size_t n_chip;
    int32_t *c;              /* [c_depth][pe] */
    uint32_t *t;             /* [t_depth][pe] */
    unsigned char *w;        /* [w_depth][pe][simd / 8] */
    unsigned char *a;        /* [a_depth][beat] */
    unsigned char *o;        /* [o_depth][beat] */
    unsigned char *w_damage; /* [w_depth][pe / R], of enum et__model_damage */
    unsigned char *a_damage; /* [a_depth] */

    struct et__model_block block[ET__MODEL_BLOCKS_MAX];
    size_t n_blocks;
    uint64_t next_device;
};

static inline size_t et__model_beat(const struct et__model *model)
{
    return model->caps.axi_bits / 8;
}

/* Adds to the counter of a register name. */
#define ET__MODEL_COUNT(model, name, n)                                                            \
    ((model)->reg.counter[(ET__BNN_COUNTER_##name - ET__BNN_COUNTER_CYCLES) / 8] += (n))

/* Memory [address, address + n) as the host sees it, NULL when the device may not reach it all. */
unsigned char *et__model_memory(struct et__model *model, uint64_t address, size_t n);

/* Executes a checked descriptor.  Returns 0 or one bit of ERR. */
uint32_t et__model_load(struct et__model *model, const struct et_bnn_descriptor *d);
uint32_t et__model_compute(struct et__model *model, const struct et_bnn_descriptor *d);
uint32_t et__model_store(struct et__model *model, const struct et_bnn_descriptor *d);

/* What is wrong with a descriptor before it runs: 0 or one bit of ERR. */
uint32_t et__model_check(const struct et__model *model, const struct et_bnn_descriptor *d);

/* Does the next thing; false when there is nothing to do. */
bool et__model_step(struct et__model *model);
/* Lets a host's time go by: a device that is busy and cannot go on meets its watchdog. */
void et__model_idle(struct et__model *model, uint64_t cycles);
bool et__model_busy(const struct et__model *model);
/* Queues, tokens and counts are empty afterwards. */
void et__model_abort(struct et__model *model);

#endif
