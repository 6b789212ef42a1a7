/* SPDX-License-Identifier: Apache-2.0
 *
 * Transport "model:": the functional model of the accelerator behind its registers.
 *
 * It works while the host waits (all there is to do) or reads a register (one descriptor), so that
 * a host can find it busy.  Of the counters, those that count work are right and those that count
 * cycles are 0. */
#include "bnn_model.h"

#include <etalon/array.h>
#include <etalon/transport.h>

#include <string.h>

enum { PAGE = 4096, MAJOR = 1, CYCLES_PER_READ = 8 };

/* Device addresses do not fit in 32 bits, so that a forgotten high word is noticed. */
static const uint64_t first_device = UINT64_C(1) << 32;

static const struct {
    const char *name;
    struct et_bnn_caps caps;
} configs[] = {
#define ET_BNN_CONFIG(name, pe, simd, axi, w, a, t, o, c) {name, {pe, simd, axi, w, a, t, o, c}},
#include "bnn_configs.def"
#undef ET_BNN_CONFIG
};
enum { N_CONFIGS = sizeof configs / sizeof *configs };

/* --------------------------------------------------------------------------------- opening -- */

static enum et_status find_config(const char *address, struct et_bnn_caps *caps)
{
    char known[256] = "";
    *caps = configs[0].caps;
    if (address[0] == '\0') return ET_OK;
    bool is_config = strncmp(address, "config=", 7) == 0;
    for (size_t i = 0; i < N_CONFIGS; i++) {
        *caps = configs[i].caps;
        if (is_config && strcmp(address + 7, configs[i].name) == 0) return ET_OK;
        if (i > 0) strncat(known, ", ", sizeof known - strlen(known) - 1);
        strncat(known, configs[i].name, sizeof known - strlen(known) - 1);
    }
    if (!is_config)
        return et_error_set(ET_CONFIG, "'%s' is not written config=PExSIMD[xAXI]", address);
    return et_error_set(ET_CONFIG, "there is no configuration '%s', only %s", address + 7, known);
}

static enum et_status model_open(void *state, const char *address)
{
    struct et__model *model = state;
    struct et_bnn_caps *caps = &model->caps;
    ET_TRY(find_config(address, caps));
    size_t beat = et__model_beat(model), word = (size_t)caps->pe * caps->simd / 8;
    size_t bytes[] = {
        (size_t)caps->c_depth * caps->pe * sizeof *model->c,
        (size_t)caps->t_depth * caps->pe * sizeof *model->t,
        caps->w_depth * word,
        caps->a_depth * beat,
        caps->o_depth * beat,
        caps->w_depth * (word / beat),
        caps->a_depth,
    };
    enum { PARTS = sizeof bytes / sizeof *bytes };
    size_t at[PARTS];
    for (size_t i = 0; i < PARTS; i++) {
        at[i] = model->n_chip;
        model->n_chip += bytes[i];
    }
    model->chip = et_alloc(model->n_chip, 1);
    if (model->chip == NULL) return ET_NOMEM;
    model->c = (int32_t *)(void *)(model->chip + at[0]);
    model->t = (uint32_t *)(void *)(model->chip + at[1]);
    model->w = model->chip + at[2];
    model->a = model->chip + at[3];
    model->o = model->chip + at[4];
    model->w_damage = model->chip + at[5];
    model->a_damage = model->chip + at[6];
    model->next_device = first_device;
    return ET_OK;
}

static void model_close(void *state)
{
    struct et__model *model = state;
    et_free(model->chip);
}

/* ------------------------------------------------------------------------------- registers -- */

static uint32_t status_of(const struct et__model *model)
{
    return (uint32_t)et__model_busy(model) << ET__BNN_STATUS_BUSY_SHIFT |
           model->reg.halted << ET__BNN_STATUS_HALTED_SHIFT;
}

/* A register, or false when there is none. */
/* What never changes. */
static bool read_identity(const struct et__model *model, uint32_t address, uint32_t *value)
{
    const struct et_bnn_caps *caps = &model->caps;
    switch (address) {
    case ET__BNN_REG_ID:
        *value = 0x4e4e4245;
        return true;
    case ET__BNN_REG_VERSION:
        *value = (uint32_t)MAJOR << ET__BNN_VERSION_MAJOR_SHIFT | ET__BNN_MAP_HASH;
        return true;
    case ET__BNN_REG_CAPS0:
        *value = caps->pe | caps->simd << 16;
        return true;
    case ET__BNN_REG_CAPS1:
        *value = caps->axi_bits | caps->w_depth << 16;
        return true;
    case ET__BNN_REG_CAPS2:
        *value = caps->a_depth | caps->o_depth << 16;
        return true;
    case ET__BNN_REG_CAPS3:
        *value = caps->t_depth | caps->c_depth << 16;
        return true;
    default:
        return false;
    }
}

static bool read_counter(const struct et__model *model, uint32_t address, uint32_t *value)
{
    uint32_t i = address - ET__BNN_COUNTER_CYCLES;
    if (address < ET__BNN_COUNTER_CYCLES || i / 8 >= ET__MODEL_COUNTERS) return false;
    *value = (uint32_t)(model->reg.snapshot[i / 8] >> (i % 8 ? 32 : 0));
    return true;
}

static bool read_register(const struct et__model *model, uint32_t address, uint32_t *value)
{
    const struct et__model_registers *reg = &model->reg;
    switch (address) {
    case ET__BNN_REG_CTRL:
        *value = reg->enable;
        return true;
    case ET__BNN_REG_STATUS:
        *value = status_of(model);
        return true;
    case ET__BNN_REG_ERR:
        *value = reg->err;
        return true;
    case ET__BNN_REG_ERR_TAG:
        *value = reg->err_tag;
        return true;
    case ET__BNN_REG_ERR_INDEX:
        *value = reg->err_index;
        return true;
    case ET__BNN_REG_IRQ_EN:
        *value = reg->irq_en;
        return true;
    case ET__BNN_REG_IRQ_STAT:
        *value = reg->irq_stat;
        return true;
    case ET__BNN_REG_RING_BASE_LO:
        *value = (uint32_t)reg->ring_base;
        return true;
    case ET__BNN_REG_RING_BASE_HI:
        *value = (uint32_t)(reg->ring_base >> 32);
        return true;
    case ET__BNN_REG_RING_SIZE:
        *value = reg->ring_size;
        return true;
    case ET__BNN_REG_HEAD:
        *value = reg->head;
        return true;
    case ET__BNN_REG_TAIL:
        *value = reg->tail;
        return true;
    case ET__BNN_REG_DONE:
        *value = reg->done;
        return true;
    case ET__BNN_REG_WATCHDOG:
        *value = reg->watchdog;
        return true;
    case ET__BNN_REG_SCRATCH:
        *value = reg->scratch;
        return true;
    case ET__BNN_REG_IRQ_TEST:
    case ET__BNN_REG_INJECT:
        *value = 0;
        return true;
    default:
        return read_identity(model, address, value) || read_counter(model, address, value);
    }
}

static void write_control(struct et__model *model, uint32_t value)
{
    struct et__model_registers *reg = &model->reg;
    bool reset = value >> ET__BNN_CTRL_RESET_SHIFT & 1;
    bool abort = value >> ET__BNN_CTRL_ABORT_SHIFT & 1;
    reg->enable = value >> ET__BNN_CTRL_ENABLE_SHIFT & 1;
    if (value >> ET__BNN_CTRL_SNAPSHOT_SHIFT & 1)
        memcpy(reg->snapshot, reg->counter, sizeof reg->snapshot);
    if (value >> ET__BNN_CTRL_CLEAR_SHIFT & 1) memset(reg->counter, 0, sizeof reg->counter);
    if (reset) {
        memset(reg, 0, sizeof *reg);
    } else if (abort) {
        et__model_abort(model);
        reg->irq_stat |= UINT32_C(1) << ET__BNN_IRQ_STAT_DRAINED_SHIFT;
    }
}

enum { IRQ_BITS = 7, RING_ALIGNMENT = 64 };

static void write_ring(struct et__model_registers *reg, uint32_t address, uint32_t value)
{
    if (reg->enable) return;
    uint64_t low = reg->ring_base & UINT32_MAX, high = reg->ring_base >> 32;
    if (address == ET__BNN_REG_RING_BASE_LO) low = value & ~(uint32_t)(RING_ALIGNMENT - 1);
    if (address == ET__BNN_REG_RING_BASE_HI) high = value;
    if (address == ET__BNN_REG_RING_SIZE) reg->ring_size = value & 15;
    reg->ring_base = high << 32 | low;
}

static void write_register(struct et__model *model, uint32_t address, uint32_t value)
{
    struct et__model_registers *reg = &model->reg;
    switch (address) {
    case ET__BNN_REG_CTRL:
        write_control(model, value);
        break;
    case ET__BNN_REG_ERR:
        reg->err &= ~value;
        break;
    case ET__BNN_REG_IRQ_EN:
        reg->irq_en = value & IRQ_BITS;
        break;
    case ET__BNN_REG_IRQ_STAT:
        reg->irq_stat &= ~value;
        break;
    case ET__BNN_REG_IRQ_TEST:
        reg->irq_stat |= value & IRQ_BITS;
        break;
    case ET__BNN_REG_RING_BASE_LO:
    case ET__BNN_REG_RING_BASE_HI:
    case ET__BNN_REG_RING_SIZE:
        write_ring(reg, address, value);
        break;
    case ET__BNN_REG_TAIL:
        reg->tail = value;
        break;
    case ET__BNN_REG_WATCHDOG:
        reg->watchdog = value;
        break;
    case ET__BNN_REG_SCRATCH:
        reg->scratch = value;
        break;
    case ET__BNN_REG_INJECT:
        reg->inject = value;
        break;
    default:
        break;
    }
}

static enum et_status model_read32(void *state, uint32_t address, uint32_t *value)
{
    struct et__model *model = state;
    if (!et__model_step(model)) et__model_idle(model, CYCLES_PER_READ);
    if (read_register(model, address, value)) return ET_OK;
    return et_error_set(ET_DEVICE, "there is no such register (SLVERR)");
}

static enum et_status model_write32(void *state, uint32_t address, uint32_t value)
{
    struct et__model *model = state;
    uint32_t ignored;
    if (!read_register(model, address, &ignored))
        return et_error_set(ET_DEVICE, "there is no such register (SLVERR)");
    write_register(model, address, value);
    return ET_OK;
}

/* --------------------------------------------------------------------------------- memory -- */

unsigned char *et__model_memory(struct et__model *model, uint64_t address, size_t n)
{
    for (size_t i = 0; i < model->n_blocks; i++) {
        const struct et__model_block *block = &model->block[i];
        uint64_t offset = address - block->device;
        if (address >= block->device && offset < block->bytes && n <= block->bytes - offset)
            return block->host + offset;
    }
    return NULL;
}

static enum et_status model_alloc(void *state, size_t bytes, struct et_dma *dma, void **cookie)
{
    struct et__model *model = state;
    if (model->n_blocks == ET__MODEL_BLOCKS_MAX)
        return et_error_set(ET_NOMEM, "more than %d blocks of shared memory", ET__MODEL_BLOCKS_MAX);
    size_t pages = bytes / PAGE + (bytes % PAGE != 0);
    unsigned char *memory = et_alloc(pages + 1, PAGE);
    if (memory == NULL) return ET_NOMEM;
    unsigned char *host = memory + (PAGE - (uintptr_t)memory % PAGE) % PAGE;
    *cookie = memory;
    *dma = (struct et_dma){host, model->next_device, bytes};
    model->block[model->n_blocks++] = (struct et__model_block){host, dma->device, bytes};
    model->next_device += (uint64_t)(pages + 1) * PAGE; /* a gap that nobody owns */
    return ET_OK;
}

static void model_free(void *state, struct et_dma *dma, void *cookie)
{
    struct et__model *model = state;
    size_t i = 0;
    while (model->block[i].host != dma->host)
        i++;
    model->n_blocks--;
    memmove(&model->block[i], &model->block[i + 1], (model->n_blocks - i) * sizeof *model->block);
    et_free(cookie);
}

/* One address space, one processor: there is nothing to move. */
static enum et_status model_sync(void *state, const struct et_dma *dma, size_t offset, size_t n,
                                 enum et_dma_direction direction)
{
    (void)state;
    (void)dma;
    (void)offset;
    (void)n;
    (void)direction;
    return ET_OK;
}

static enum et_status model_wait(void *state, double timeout_s, bool *fired)
{
    struct et__model *model = state;
    (void)timeout_s; /* the model needs none of it */
    struct et__model_registers *reg = &model->reg;
    while (!(reg->irq_stat & reg->irq_en) && et__model_step(model)) {
    }
    if (!(reg->irq_stat & reg->irq_en)) et__model_idle(model, UINT32_MAX);
    *fired = (reg->irq_stat & reg->irq_en) != 0;
    return ET_OK;
}

/* ----------------------------------------------------------------------- save and restore -- */

static size_t saved_bytes(const struct et__model *model)
{
    size_t n = sizeof model->caps + sizeof model->reg + model->n_chip;
    for (size_t i = 0; i < model->n_blocks; i++)
        n += model->block[i].bytes;
    return n;
}

/* Copies the parts of a state in order, from the model or back into it. */
static void copy_state(struct et__model *model, unsigned char *bytes, bool back)
{
    struct {
        void *at;
        size_t n;
    } part[] = {{&model->caps, sizeof model->caps},
                {&model->reg, sizeof model->reg},
                {model->chip, model->n_chip}};
    enum { PARTS = sizeof part / sizeof *part };
    for (size_t i = 0; i < PARTS + model->n_blocks; i++) {
        void *at = i < PARTS ? part[i].at : model->block[i - PARTS].host;
        size_t n = i < PARTS ? part[i].n : model->block[i - PARTS].bytes;
        if (back)
            memcpy(at, bytes, n);
        else
            memcpy(bytes, at, n);
        bytes += n;
    }
}

static enum et_status model_save(void *state, void **bytes, size_t *n)
{
    struct et__model *model = state;
    *n = saved_bytes(model);
    *bytes = et_alloc(*n, 1);
    if (*bytes == NULL) return ET_NOMEM;
    copy_state(model, *bytes, false);
    return ET_OK;
}

/* Jobs in a queue have been checked, and belong to it. */
static bool queue_is_sane(const struct et__model *model, const struct et__model_queue *queue,
                          unsigned engine)
{
    if (queue->n > ET__MODEL_QUEUE) return false;
    for (uint32_t i = 0; i < queue->n; i++) {
        const struct et_bnn_descriptor *d = &queue->job[i].d;
        if (et__model_check(model, d) != 0) return false;
        if (et__bnn_get(d, ET__BNN_ANY_OPCODE) != ET__BNN_OP_LOAD + engine) return false;
    }
    return true;
}

/* A state comes from a file or another process: what later becomes an index is looked at. */
static bool registers_are_sane(const struct et__model *model, const struct et__model_registers *reg)
{
    bool sane = reg->ring_size <= 15;
    for (unsigned e = 0; e < ET__MODEL_ENGINES; e++)
        sane = sane && queue_is_sane(model, &reg->queue[e], e);
    for (unsigned k = 0; k < 2; k++)
        sane = sane && reg->forward[k] <= 255 && reg->backward[k] <= 255;
    return sane;
}

static enum et_status model_restore(void *state, const void *bytes, size_t n)
{
    struct et__model *model = state;
    struct et__model_registers reg;
    if (n != saved_bytes(model) || memcmp(bytes, &model->caps, sizeof model->caps) != 0)
        return et_error_set(ET_FORMAT, "the state is that of another configuration or build");
    memcpy(&reg, (const unsigned char *)bytes + sizeof model->caps, sizeof reg);
    if (!registers_are_sane(model, &reg)) return et_error_set(ET_FORMAT, "the state is damaged");
    unsigned char *copy = et_alloc(n, 1);
    if (copy == NULL) return ET_NOMEM;
    memcpy(copy, bytes, n);
    copy_state(model, copy, true);
    et_free(copy);
    return ET_OK;
}

const struct et_transport_type et_transport_model = {
    .scheme = "model",
    .summary = "The binarized accelerator as a functional model, without cycles.",
    .address = "Nothing, or config=PExSIMD[xAXI] of rtl/configs.txt: model:config=8x16.",
    .state_size = sizeof(struct et__model),
    .open = model_open,
    .read32 = model_read32,
    .write32 = model_write32,
    .dma_alloc = model_alloc,
    .dma_free = model_free,
    .sync = model_sync,
    .wait = model_wait,
    .save = model_save,
    .restore = model_restore,
    .close = model_close,
};
