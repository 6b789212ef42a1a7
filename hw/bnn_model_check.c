/* SPDX-License-Identifier: Apache-2.0
 *
 * The functional model, what is wrong with a descriptor: check sum, operation, fields, alignment,
 * places in buffers, in this order; the first fault is the one that is reported. */
#include "bnn_model.h"

/* The bits that a descriptor of an operation may set. */
static void legal_bits(uint32_t opcode, uint32_t legal[16])
{
    enum {
        ANY = -1,
        LOAD = ET__BNN_OP_LOAD,
        COMPUTE = ET__BNN_OP_COMPUTE,
        STORE = ET__BNN_OP_STORE
    };
#define ADD(operation, field)                                                                      \
    if (operation == ANY || operation == (int)opcode)                                              \
        legal[ET__BNN_##operation##_##field.word] |=                                               \
            et__bnn_field_mask(ET__BNN_##operation##_##field)                                      \
            << ET__BNN_##operation##_##field.shift;
    ET__BNN_FIELDS(ADD)
#undef ADD
    legal[15] = UINT32_MAX;
    bool has_prev = opcode == COMPUTE || opcode == STORE;
    bool has_next = opcode == LOAD || opcode == COMPUTE;
    if (!has_prev)
        legal[0] &= ~(UINT32_C(1) << ET__BNN_ANY_POP_PREV.shift |
                      UINT32_C(1) << ET__BNN_ANY_PUSH_PREV.shift);
    if (!has_next)
        legal[0] &= ~(UINT32_C(1) << ET__BNN_ANY_POP_NEXT.shift |
                      UINT32_C(1) << ET__BNN_ANY_PUSH_NEXT.shift);
}

static bool within(const struct et_bnn_descriptor *d, struct et__bnn_field field, uint32_t min,
                   uint32_t max)
{
    uint32_t value = et__bnn_get(d, field);
    return value >= min && value <= max;
}

static bool load_fields(const struct et_bnn_descriptor *d)
{
    uint32_t target = et__bnn_get(d, ET__BNN_LOAD_TARGET);
    if (target > ET__BNN_TO_THRESHOLDS) return false;
    bool weights = target == ET__BNN_TO_WEIGHTS;
    uint32_t stored = et__bnn_get(d, ET__BNN_LOAD_STORED);
    return within(d, ET__BNN_LOAD_STORED, weights, weights ? 8 : 0) &&
           within(d, ET__BNN_LOAD_KEPT, weights, stored) &&
           within(d, ET__BNN_LOAD_LENGTH, 1, UINT32_MAX) &&
           within(d, ET__BNN_LOAD_ROWS, 1, UINT32_MAX);
}

static bool store_fields(const struct et_bnn_descriptor *d)
{
    return within(d, ET__BNN_STORE_LENGTH, 1, UINT32_MAX) &&
           within(d, ET__BNN_STORE_ROWS, 1, UINT32_MAX);
}

static bool compute_fields(const struct et_bnn_descriptor *d)
{
    /* clang-format off */
    const struct et__bnn_field at_least_1[] = {
        ET__BNN_COMPUTE_C_IN, ET__BNN_COMPUTE_C_OUT, ET__BNN_COMPUTE_H, ET__BNN_COMPUTE_W,
        ET__BNN_COMPUTE_K_H, ET__BNN_COMPUTE_K_W, ET__BNN_COMPUTE_STRIDE_Y,
        ET__BNN_COMPUTE_STRIDE_X, ET__BNN_COMPUTE_OUT_H, ET__BNN_COMPUTE_OUT_W,
    };
    const struct et__bnn_field up_to_8[] = {
        ET__BNN_COMPUTE_A_BITS, ET__BNN_COMPUTE_W_BITS, ET__BNN_COMPUTE_O_BITS,
        ET__BNN_COMPUTE_POOL,
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof at_least_1 / sizeof *at_least_1; i++)
        if (!within(d, at_least_1[i], 1, UINT32_MAX)) return false;
    for (size_t i = 0; i < sizeof up_to_8 / sizeof *up_to_8; i++)
        if (!within(d, up_to_8[i], 1, 8)) return false;
    uint32_t mode = et__bnn_get(d, ET__BNN_COMPUTE_MODE);
    uint32_t output = et__bnn_get(d, ET__BNN_COMPUTE_OUTPUT);
    if (mode > ET_BNN_AND_POPCOUNT || output > ET_BNN_RAW32) return false;
    if (et__bnn_get(d, ET__BNN_COMPUTE_A_SIGNED) && mode == ET_BNN_XNOR) return false;
    if (et__bnn_get(d, ET__BNN_COMPUTE_W_SIGNED) && mode != ET_BNN_AND) return false;
    if (output != ET_BNN_CODES && et__bnn_get(d, ET__BNN_COMPUTE_O_BITS) != 1) return false;
    bool codes = et__bnn_get(d, ET__BNN_COMPUTE_FINAL) && output == ET_BNN_CODES;
    return codes || et__bnn_get(d, ET__BNN_COMPUTE_POOL) == 1;
}

static bool fields_are_right(const struct et_bnn_descriptor *d)
{
    uint32_t legal[16] = {0}, opcode = et__bnn_get(d, ET__BNN_ANY_OPCODE);
    legal_bits(opcode, legal);
    for (size_t i = 0; i < 16; i++)
        if (d->word[i] & ~legal[i]) return false;
    if (et__bnn_get(d, ET__BNN_ANY_IRQ) && !et__bnn_get(d, ET__BNN_ANY_COMPLETE)) return false;
    if (opcode == ET__BNN_OP_LOAD) return load_fields(d);
    if (opcode == ET__BNN_OP_STORE) return store_fields(d);
    return opcode != ET__BNN_OP_COMPUTE || compute_fields(d);
}

static bool is_aligned(const struct et_bnn_descriptor *d, size_t beat)
{
    uint32_t opcode = et__bnn_get(d, ET__BNN_ANY_OPCODE);
    if (et__bnn_get(d, ET__BNN_ANY_COMPLETE) && et__bnn_get(d, ET__BNN_ANY_COMPLETION_LO) % 8)
        return false;
    if (opcode == ET__BNN_OP_LOAD)
        return et__bnn_get(d, ET__BNN_LOAD_ADDRESS_LO) % beat == 0 &&
               et__bnn_get(d, ET__BNN_LOAD_STRIDE) % beat == 0;
    if (opcode == ET__BNN_OP_STORE)
        return et__bnn_get(d, ET__BNN_STORE_ADDRESS_LO) % beat == 0 &&
               et__bnn_get(d, ET__BNN_STORE_STRIDE) % beat == 0;
    return true;
}

/* Do n beats fill whole words, and do these end within the buffer? */
static bool words_fit(uint64_t n, uint64_t beats_per_word, uint64_t place, uint64_t words_kept,
                      uint64_t depth)
{
    return n % beats_per_word == 0 && place + n / beats_per_word * words_kept <= depth;
}

static bool load_fits(const struct et__model *model, const struct et_bnn_descriptor *d)
{
    const struct et_bnn_caps *caps = &model->caps;
    uint64_t n = (uint64_t)et__bnn_get(d, ET__BNN_LOAD_LENGTH) * et__bnn_get(d, ET__BNN_LOAD_ROWS);
    uint64_t place = et__bnn_get(d, ET__BNN_LOAD_PLACE);
    switch (et__bnn_get(d, ET__BNN_LOAD_TARGET)) {
    case ET__BNN_TO_WEIGHTS: {
        uint64_t planes = et__bnn_get(d, ET__BNN_LOAD_STORED);
        uint64_t beats = (uint64_t)caps->pe * caps->simd / caps->axi_bits * planes;
        return words_fit(n, beats, place, et__bnn_get(d, ET__BNN_LOAD_KEPT), caps->w_depth);
    }
    case ET__BNN_TO_ACTIVATIONS:
        return place + n <= caps->a_depth;
    default:
        return words_fit(n, caps->pe * 32 / caps->axi_bits, place, 1, caps->t_depth);
    }
}

static bool store_fits(const struct et__model *model, const struct et_bnn_descriptor *d)
{
    uint64_t last = (uint64_t)(et__bnn_get(d, ET__BNN_STORE_ROWS) - 1) *
                    et__bnn_get(d, ET__BNN_STORE_OUT_STRIDE);
    return et__bnn_get(d, ET__BNN_STORE_PLACE) + last + et__bnn_get(d, ET__BNN_STORE_LENGTH) <=
           model->caps.o_depth;
}

uint32_t et__model_check(const struct et__model *model, const struct et_bnn_descriptor *d)
{
    uint32_t opcode = et__bnn_get(d, ET__BNN_ANY_OPCODE);
    if (et__bnn_descriptor_crc(d) != d->word[15]) return ET__MODEL_ERR(CRC);
    if (opcode > ET__BNN_OP_SYNC) return ET__MODEL_ERR(OPCODE);
    if (!fields_are_right(d)) return ET__MODEL_ERR(FIELD);
    if (!is_aligned(d, et__model_beat(model))) return ET__MODEL_ERR(ALIGN);
    bool fits = true;
    if (opcode == ET__BNN_OP_LOAD) fits = load_fits(model, d);
    if (opcode == ET__BNN_OP_STORE) fits = store_fits(model, d);
    return fits ? 0 : ET__MODEL_ERR(RANGE);
}
