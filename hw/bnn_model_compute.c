/* SPDX-License-Identifier: Apache-2.0
 *
 * The functional model, COMPUTE: the loop nest of docs/accelerator.md, line by line. */
#include "bnn_model.h"

enum { PE_MAX = 128 };

/* The fields of a COMPUTE, and where the loops stand. */
struct compute {
    struct et__model *model;
    uint32_t mode, a_signed, w_signed, pad_zero_bits, init, final, output;
    uint32_t a_bits, w_bits, o_bits, pool;
    uint32_t c_in, c_out, h, w, k_h, k_w, stride_y, stride_x, pad_top, pad_left, out_h, out_w;
    uint32_t a_base, w_base, t_base, acc_base, out_base, out_pixel, out_plane, first_tile;
    uint32_t a_pixel, a_plane;
    uint32_t t, oy, ox, py, px, m;
    uint32_t acc[PE_MAX]; /* wraps as 32-bit hardware does */
    uint32_t code[PE_MAX];
};

/* SIMD bits. */
struct bits {
    uint64_t half[2];
};

static struct bits read_bits(const unsigned char *from, size_t n)
{
    struct bits bits = {{0, 0}};
    for (size_t i = 0; i < n / 8; i++)
        bits.half[i / 8] |= (uint64_t)from[i] << i % 8 * 8;
    return bits;
}

/* The lowest n bits. */
static struct bits first_bits(uint32_t n)
{
    struct bits bits = {{0, 0}};
    for (uint32_t i = 0; i < n; i++)
        bits.half[i / 64] |= UINT64_C(1) << i % 64;
    return bits;
}

static uint32_t ones(uint64_t low, uint64_t high)
{
    return (uint32_t)(__builtin_popcountll(low) + __builtin_popcountll(high));
}

/* What one pair of words adds, before its weight 2^(i+j). */
static uint32_t contribution(const struct compute *s, struct bits a, struct bits w,
                             struct bits valid, uint32_t n)
{
    const uint64_t *x = a.half, *y = w.half, *v = valid.half;
    uint32_t both = ones(x[0] & y[0] & v[0], x[1] & y[1] & v[1]);
    switch (s->mode) {
    case ET_BNN_XNOR:
        return 2 * ones(~(x[0] ^ y[0]) & v[0], ~(x[1] ^ y[1]) & v[1]) - n;
    case ET_BNN_AND:
        return both;
    default:
        return 2 * both - ones(x[0] & v[0], x[1] & v[1]);
    }
}

static bool is_negative(const struct compute *s, uint32_t i, uint32_t j)
{
    bool a_sign = s->a_signed && i + 1 == s->a_bits;
    bool w_sign = s->w_signed && j + 1 == s->w_bits;
    return s->mode == ET_BNN_AND ? a_sign != w_sign : a_sign;
}

/* Reads the activations of a step.  Returns 0 or a bit of ERR. */
static uint32_t read_activations(struct compute *s, uint64_t pixel, uint32_t cw, uint32_t i,
                                 struct bits *a)
{
    struct et__model *model = s->model;
    size_t simd = model->caps.simd, bit = cw * simd;
    uint64_t beat =
        s->a_base + pixel * s->a_pixel + (uint64_t)i * s->a_plane + bit / model->caps.axi_bits;
    if (beat >= model->caps.a_depth) return ET__MODEL_ERR(RANGE);
    if (model->a_damage[beat] != ET__MODEL_SOUND) {
        ET__MODEL_COUNT(model, PARITY, 1);
        return ET__MODEL_ERR(PARITY);
    }
    *a = read_bits(model->a + beat * et__model_beat(model) + bit % model->caps.axi_bits / 8, simd);
    return 0;
}

/* Checks the weight word of a step; one wrong bit is corrected. */
static uint32_t check_weights(struct et__model *model, uint64_t word)
{
    size_t groups = (size_t)model->caps.pe * model->caps.simd / model->caps.axi_bits;
    if (word >= model->caps.w_depth) return ET__MODEL_ERR(RANGE);
    enum et__model_damage worst = ET__MODEL_SOUND;
    for (size_t g = 0; g < groups; g++)
        if (model->w_damage[word * groups + g] > worst)
            worst = (enum et__model_damage)model->w_damage[word * groups + g];
    if (worst == ET__MODEL_ONE_BIT) ET__MODEL_COUNT(model, ECC_CE, 1);
    if (worst != ET__MODEL_TWO_BITS) return 0;
    ET__MODEL_COUNT(model, ECC_UE, 1);
    return ET__MODEL_ERR(ECC);
}

/* One step: a SIMD word of activations against PE words of weights. */
static uint32_t step(struct compute *s, uint64_t word, bool inside, uint64_t pixel, uint32_t cw,
                     uint32_t i, uint32_t j)
{
    struct et__model *model = s->model;
    size_t pe = model->caps.pe, simd = model->caps.simd;
    struct bits a = {{0, 0}};
    uint32_t error = check_weights(model, word);
    if (error == 0 && inside) error = read_activations(s, pixel, cw, i, &a);
    if (error != 0) return error;
    ET__MODEL_COUNT(model, STEPS, 1);
    if (!inside && !s->pad_zero_bits) return 0;
    uint32_t left = s->c_in - cw * (uint32_t)simd, n = left < simd ? left : (uint32_t)simd;
    struct bits valid = first_bits(n);
    for (size_t lane = 0; lane < pe; lane++) {
        struct bits w = read_bits(model->w + (word * pe + lane) * (simd / 8), simd);
        uint32_t sum = contribution(s, a, w, valid, n) << (i + j);
        s->acc[lane] += is_negative(s, i, j) ? 0 - sum : sum;
    }
    return 0;
}

static uint32_t accumulate(struct compute *s)
{
    uint32_t simd = s->model->caps.simd, chunks = (s->c_in + simd - 1) / simd;
    for (uint32_t ky = 0; ky < s->k_h; ky++)
        for (uint32_t kx = 0; kx < s->k_w; kx++) {
            int64_t iy = (int64_t)(s->oy * s->pool + s->py) * s->stride_y + ky - s->pad_top;
            int64_t ix = (int64_t)(s->ox * s->pool + s->px) * s->stride_x + kx - s->pad_left;
            bool inside = iy >= 0 && iy < s->h && ix >= 0 && ix < s->w;
            uint64_t pixel = inside ? (uint64_t)(iy * s->w + ix) : 0;
            for (uint32_t cw = 0; cw < chunks; cw++) {
                uint64_t tap = ((uint64_t)s->t * s->k_h + ky) * s->k_w + kx;
                uint64_t word = s->w_base + (tap * chunks + cw) * s->w_bits;
                for (uint32_t i = 0; i < s->a_bits; i++)
                    for (uint32_t j = 0; j < s->w_bits; j++) {
                        uint32_t error = step(s, word + j, inside, pixel, cw, i, j);
                        if (error != 0) return error;
                    }
            }
        }
    return 0;
}

/* ---------------------------------------------------------------------------- the output -- */

/* Lanes of tile t that are output channels. */
static uint32_t lanes(const struct compute *s)
{
    uint32_t left = s->c_out - s->t * s->model->caps.pe;
    return left < s->model->caps.pe ? left : s->model->caps.pe;
}

/* The number of thresholds that acc reaches, by bisection, and flipped where they say so. */
static uint32_t code_of(const struct compute *s, uint32_t lane)
{
    const uint32_t *t = s->model->t + (s->t_base + ((size_t)s->t << s->o_bits)) * s->model->caps.pe;
    uint32_t code = 0;
    for (uint32_t bit = s->o_bits; bit-- > 0;) {
        uint32_t tried = code | 1U << bit;
        uint32_t entry = t[tried * s->model->caps.pe + lane];
        int32_t threshold = (int32_t)(entry << 1) / 2; /* 31 bits, sign extended */
        if ((int32_t)s->acc[lane] >= threshold) code = tried;
    }
    uint32_t flip = t[s->model->caps.pe + lane] >> 31;
    return flip ? (1U << s->o_bits) - 1 - code : code;
}

/* Writes `width` bits of each lane, side by side from a bit of the output buffer on. */
static uint32_t write_lanes(struct compute *s, uint64_t at, const uint32_t *value, unsigned width)
{
    struct et__model *model = s->model;
    uint64_t end = at + (uint64_t)model->caps.pe * width;
    if (end > (uint64_t)model->caps.o_depth * model->caps.axi_bits) return ET__MODEL_ERR(RANGE);
    for (uint32_t lane = 0; lane < model->caps.pe; lane++)
        for (unsigned b = 0; b < width; b++, at++) {
            unsigned bit = lane < lanes(s) ? value[lane] >> b & 1 : 0;
            unsigned char *byte = &model->o[at / 8];
            *byte = (unsigned char)((*byte & ~(1U << at % 8)) | bit << at % 8);
        }
    return 0;
}

static uint32_t write_codes(struct compute *s)
{
    struct et__model *model = s->model;
    uint64_t pixel = (uint64_t)s->oy * s->out_w + s->ox;
    for (uint32_t p = 0; p < s->o_bits; p++) {
        uint32_t plane[PE_MAX];
        for (uint32_t lane = 0; lane < model->caps.pe; lane++)
            plane[lane] = s->code[lane] >> p & 1;
        uint64_t beat = s->out_base + pixel * s->out_pixel + (uint64_t)p * s->out_plane;
        uint64_t tile = (uint64_t)s->first_tile + s->t;
        uint32_t error =
            write_lanes(s, beat * model->caps.axi_bits + tile * model->caps.pe, plane, 1);
        if (error != 0) return error;
    }
    return 0;
}

static uint32_t saturate16(uint32_t acc)
{
    int32_t v = (int32_t)acc;
    if (v > INT16_MAX) v = INT16_MAX;
    if (v < INT16_MIN) v = INT16_MIN;
    return (uint32_t)v & 0xffff;
}

static uint32_t write_raw(struct compute *s)
{
    struct et__model *model = s->model;
    unsigned width = s->output == ET_BNN_RAW16 ? 16 : 32;
    uint64_t pixel = (uint64_t)s->oy * s->out_w + s->ox;
    uint64_t tile = (uint64_t)s->first_tile + s->t;
    uint32_t value[PE_MAX];
    for (uint32_t lane = 0; lane < model->caps.pe; lane++)
        value[lane] = width == 16 ? saturate16(s->acc[lane]) : s->acc[lane];
    return write_lanes(s,
                       (s->out_base + pixel * s->out_pixel) * model->caps.axi_bits +
                           tile * model->caps.pe * width,
                       value, width);
}

/* `post` of a pixel; the last one of a pooling window writes. */
static uint32_t post(struct compute *s)
{
    struct et__model *model = s->model;
    if (s->output != ET_BNN_CODES) return write_raw(s);
    if (s->t_base + ((uint64_t)(s->t + 1) << s->o_bits) > model->caps.t_depth)
        return ET__MODEL_ERR(RANGE);
    bool first = s->py == 0 && s->px == 0;
    bool last = s->py + 1 == s->pool && s->px + 1 == s->pool;
    for (uint32_t lane = 0; lane < model->caps.pe; lane++) {
        uint32_t code = code_of(s, lane);
        if (first || code > s->code[lane]) s->code[lane] = code;
    }
    return last ? write_codes(s) : 0;
}

/* ------------------------------------------------------------------------------ the loops -- */

static uint32_t compute_pixel(struct compute *s)
{
    struct et__model *model = s->model;
    uint32_t pe = model->caps.pe;
    uint64_t pixels = (uint64_t)s->out_h * s->out_w * s->pool * s->pool;
    uint64_t place = s->acc_base + s->t * pixels + s->m;
    if ((!s->init || !s->final) && place >= model->caps.c_depth) return ET__MODEL_ERR(RANGE);
    for (uint32_t lane = 0; lane < pe; lane++)
        s->acc[lane] = s->init ? 0 : (uint32_t)model->c[place * pe + lane];
    uint32_t error = accumulate(s);
    if (error != 0) return error;
    if (s->final) return post(s);
    for (uint32_t lane = 0; lane < pe; lane++)
        model->c[place * pe + lane] = (int32_t)s->acc[lane];
    return 0;
}

static uint32_t compute_tile(struct compute *s)
{
    s->m = 0;
    for (s->oy = 0; s->oy < s->out_h; s->oy++)
        for (s->ox = 0; s->ox < s->out_w; s->ox++)
            for (s->py = 0; s->py < s->pool; s->py++)
                for (s->px = 0; s->px < s->pool; s->px++, s->m++) {
                    uint32_t error = compute_pixel(s);
                    if (error != 0) return error;
                }
    return 0;
}

uint32_t et__model_compute(struct et__model *model, const struct et_bnn_descriptor *d)
{
#define GET(name) et__bnn_get(d, ET__BNN_COMPUTE_##name)
    struct compute s = {
        .model = model,
        .mode = GET(MODE),
        .a_signed = GET(A_SIGNED),
        .w_signed = GET(W_SIGNED),
        .pad_zero_bits = GET(PAD_ZERO_BITS),
        .init = GET(INIT),
        .final = GET(FINAL),
        .output = GET(OUTPUT),
        .a_bits = GET(A_BITS),
        .w_bits = GET(W_BITS),
        .o_bits = GET(O_BITS),
        .pool = GET(POOL),
        .c_in = GET(C_IN),
        .c_out = GET(C_OUT),
        .h = GET(H),
        .w = GET(W),
        .k_h = GET(K_H),
        .k_w = GET(K_W),
        .stride_y = GET(STRIDE_Y),
        .stride_x = GET(STRIDE_X),
        .pad_top = GET(PAD_TOP),
        .pad_left = GET(PAD_LEFT),
        .out_h = GET(OUT_H),
        .out_w = GET(OUT_W),
        .a_base = GET(A_BASE),
        .w_base = GET(W_BASE),
        .t_base = GET(T_BASE),
        .acc_base = GET(ACC_BASE),
        .out_base = GET(OUT_BASE),
        .out_pixel = GET(OUT_PIXEL),
        .out_plane = GET(OUT_PLANE),
        .first_tile = GET(FIRST_TILE),
        .a_pixel = GET(A_PIXEL),
        .a_plane = GET(A_PLANE),
    };
#undef GET
    for (s.t = 0; s.t * model->caps.pe < s.c_out; s.t++) {
        uint32_t error = compute_tile(&s);
        if (error != 0) return error;
    }
    return 0;
}
