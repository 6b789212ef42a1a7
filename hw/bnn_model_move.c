/* SPDX-License-Identifier: Apache-2.0
 *
 * The functional model, LOAD and STORE, and the damage that INJECT does on the way. */
#include "bnn_model.h"

#include <string.h>

/* True when the armed damage hits this word; it hits one word only. */
static bool injected(struct et__model *model, bool weights, enum et__model_damage *damage)
{
    uint32_t kind = model->reg.inject >> ET__BNN_INJECT_KIND_SHIFT & ET__BNN_INJECT_KIND_MASK;
    if (kind == 0 || (kind == 3) == weights) return false;
    *damage = kind == 2 ? ET__MODEL_TWO_BITS : ET__MODEL_ONE_BIT;
    model->reg.inject = 0;
    return true;
}

static int round_twice(int q, unsigned stored, unsigned kept)
{
    unsigned d = stored - kept;
    int most = (1 << (kept - 1)) - 1;
    int rounded = (q + (1 << (d - 1))) >= 0 ? (q + (1 << (d - 1))) / (1 << d)
                                            : -((-(q + (1 << (d - 1))) + (1 << d) - 1) / (1 << d));
    return rounded < most ? rounded : most;
}

/* Weight planes of one lane group, plane by plane a beat, become the planes that are kept. */
static void round_group(const unsigned char *from, unsigned char *to, size_t beat, unsigned stored,
                        unsigned kept)
{
    memset(to, 0, beat * kept);
    for (size_t bit = 0; bit < 8 * beat; bit++) {
        int q = 0;
        for (unsigned i = 0; i < stored; i++) {
            int one = from[i * beat + bit / 8] >> bit % 8 & 1;
            q += i + 1 == stored ? -(one << i) : one << i;
        }
        q = round_twice(q, stored, kept);
        for (unsigned j = 0; j < kept; j++)
            to[j * beat + bit / 8] |= (unsigned char)((unsigned)(q >> j & 1) << bit % 8);
    }
}

/* One beat of a plane of a lane group enters the weight buffer. */
static void write_weights(struct et__model *model, size_t word, size_t group,
                          const unsigned char *from)
{
    size_t beat = et__model_beat(model);
    size_t groups = (size_t)model->caps.pe * model->caps.simd / model->caps.axi_bits;
    enum et__model_damage damage = ET__MODEL_SOUND;
    (void)injected(model, true, &damage);
    memcpy(model->w + (word * groups + group) * beat, from, beat);
    model->w_damage[word * groups + group] = (unsigned char)damage;
}

/* Where a LOAD stands: it gets its beats one by one. */
struct load {
    unsigned stored, kept;
    uint32_t target;
    size_t place, count;
    unsigned char planes[8 * 16]; /* of a lane group, to be rounded */
};

static void take_weights(struct et__model *model, struct load *load, const unsigned char *from)
{
    size_t beat = et__model_beat(model);
    size_t groups = (size_t)model->caps.pe * model->caps.simd / model->caps.axi_bits;
    size_t plane = load->count % load->stored, group = load->count / load->stored % groups;
    size_t word = load->place + load->count / load->stored / groups * load->kept;
    if (load->kept == load->stored) {
        write_weights(model, word + plane, group, from);
        return;
    }
    memcpy(load->planes + plane * beat, from, beat);
    if (plane + 1 < load->stored) return;
    unsigned char kept[8 * 16];
    round_group(load->planes, kept, beat, load->stored, load->kept);
    for (size_t j = 0; j < load->kept; j++)
        write_weights(model, word + j, group, kept + j * beat);
}

static void take_beat(struct et__model *model, struct load *load, const unsigned char *from)
{
    size_t beat = et__model_beat(model);
    if (load->target == ET__BNN_TO_WEIGHTS) {
        take_weights(model, load, from);
    } else if (load->target == ET__BNN_TO_ACTIVATIONS) {
        enum et__model_damage damage = ET__MODEL_SOUND;
        (void)injected(model, false, &damage);
        memcpy(model->a + (load->place + load->count) * beat, from, beat);
        model->a_damage[load->place + load->count] = (unsigned char)damage;
    } else {
        for (size_t i = 0; i < beat / 4; i++)
            model->t[load->place * model->caps.pe + load->count * (beat / 4) + i] =
                (uint32_t)from[4 * i] | (uint32_t)from[4 * i + 1] << 8 |
                (uint32_t)from[4 * i + 2] << 16 | (uint32_t)from[4 * i + 3] << 24;
    }
    load->count++;
}

uint32_t et__model_load(struct et__model *model, const struct et_bnn_descriptor *d)
{
    struct load load = {
        .stored = et__bnn_get(d, ET__BNN_LOAD_STORED),
        .kept = et__bnn_get(d, ET__BNN_LOAD_KEPT),
        .target = et__bnn_get(d, ET__BNN_LOAD_TARGET),
        .place = et__bnn_get(d, ET__BNN_LOAD_PLACE),
    };
    size_t beat = et__model_beat(model);
    uint64_t address = et__bnn_get_address(d, ET__BNN_LOAD_ADDRESS_LO);
    uint32_t length = et__bnn_get(d, ET__BNN_LOAD_LENGTH);
    for (uint32_t row = 0; row < et__bnn_get(d, ET__BNN_LOAD_ROWS); row++) {
        uint64_t at = address + (uint64_t)row * et__bnn_get(d, ET__BNN_LOAD_STRIDE);
        for (uint32_t i = 0; i < length; i++) {
            const unsigned char *from = et__model_memory(model, at + i * (uint64_t)beat, beat);
            if (from == NULL) return ET__MODEL_ERR(AXI_READ);
            take_beat(model, &load, from);
            ET__MODEL_COUNT(model, RD_BEATS, 1);
        }
    }
    return 0;
}

uint32_t et__model_store(struct et__model *model, const struct et_bnn_descriptor *d)
{
    size_t beat = et__model_beat(model);
    uint64_t address = et__bnn_get_address(d, ET__BNN_STORE_ADDRESS_LO);
    uint32_t length = et__bnn_get(d, ET__BNN_STORE_LENGTH);
    for (uint32_t row = 0; row < et__bnn_get(d, ET__BNN_STORE_ROWS); row++) {
        uint64_t at = address + (uint64_t)row * et__bnn_get(d, ET__BNN_STORE_STRIDE);
        size_t place = et__bnn_get(d, ET__BNN_STORE_PLACE) +
                       (size_t)row * et__bnn_get(d, ET__BNN_STORE_OUT_STRIDE);
        for (uint32_t i = 0; i < length; i++) {
            unsigned char *to = et__model_memory(model, at + i * (uint64_t)beat, beat);
            if (to == NULL) return ET__MODEL_ERR(AXI_WRITE);
            memcpy(to, model->o + (place + i) * beat, beat);
            ET__MODEL_COUNT(model, WR_BEATS, 1);
        }
    }
    return 0;
}
