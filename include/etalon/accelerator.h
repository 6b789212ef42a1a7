/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers of packed bits: what they compute, how they become programs of the binarized accelerator,
 * what they cost, and a handle that runs them on a device or in software.
 *
 *     struct et_accelerator *a;
 *     ET_TRY(et_accelerator_open("verilator:", NULL, &a));      or "software", "uio:/dev/uio0", ...
 *     ET_TRY(et_accelerator_load(a, &layer, weights, NULL, &id));
 *     ET_TRY(et_accelerator_run(a, id, batch, x, y));
 *     et_accelerator_close(a);
 *
 * "software" computes the same bits with packed kernels on this processor: a twin.  Formats and
 * arithmetic are those of docs/accelerator.md; this header repeats what a caller needs. */
#ifndef ETALON_ACCELERATOR_H
#define ETALON_ACCELERATOR_H

#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --------------------------------------------------------------------------------- layers -- */

enum et_bnn_mode {
    ET_BNN_XNOR,        /* bipolar activations x bipolar weights */
    ET_BNN_AND,         /* unsigned or signed x unsigned or signed */
    ET_BNN_AND_POPCOUNT /* unsigned or signed x bipolar */
};

enum et_bnn_output { ET_BNN_CODES, ET_BNN_RAW16, ET_BNN_RAW32 };

/* A convolution, or with h = k_h = k_w = 1 and w = 1 a dense layer.
 *
 *     acc[o] = sum over ky, kx, c of activation(y * stride_y + ky - pad_top, ..., c) * weight(o,
 * ky, kx, c) out    = acc                                                           RAW16, RAW32
 *     out    = flip[o] ? 2^out_bits - 1 - n : n,  n = number of thresholds[o] <= acc      CODES
 *     then the largest code of each pool x pool window (windows that do not fit are dropped)
 *
 * An activation outside the image adds nothing, or with pad_zero_bits is a bit pattern of zeros
 * (-1 in every bipolar plane). */
struct et_bnn_layer {
    enum et_bnn_mode mode;
    enum et_bnn_output output;
    bool a_signed, w_signed, pad_zero_bits;
    unsigned a_bits, w_bits;   /* planes, 1 to 8; w_bits are the planes used */
    unsigned stored_bits;      /* planes of the stored weights, >= w_bits; more are rounded twice
                                * (w_signed only); at most 7, with w_signed 8 */
    unsigned out_bits;         /* planes of the codes, 1 to 8; RAW: 1 */
    size_t c_in, c_out;        /* channels */
    size_t h, w;               /* input image */
    size_t k_h, k_w;           /* kernel, 1 to 15 */
    size_t stride_y, stride_x; /* 1 to 15 */
    size_t pad_top, pad_left, pad_bottom, pad_right; /* 0 to 15 */
    size_t pool;                                     /* 1 to 8; > 1 with CODES only */
};

/* A dense layer: XNOR, one plane each, RAW32 output. */
ET_API struct et_bnn_layer et_bnn_dense(size_t c_in, size_t c_out);

/* Errors: ET_INVALID with the field, its value and the legal range; also when a sum could leave
 * +-(2^30 - 2), or with RAW16 +-(2^15 - 1). */
ET_API enum et_status et_bnn_layer_check(const struct et_bnn_layer *layer) ET_CHECKED;

/* The largest |acc| that any activations and weights can give. */
ET_API uint64_t et_bnn_layer_bound(const struct et_bnn_layer *layer);

/* Rows and columns of the output, after pooling. */
ET_API size_t et_bnn_out_h(const struct et_bnn_layer *layer);
ET_API size_t et_bnn_out_w(const struct et_bnn_layer *layer);

/* ----------------------------------------------------------------------------- packed bits -- */

/* Packed activations: [image][y][x][plane][words], et_bnn_words(c) 64-bit words per row; channel c
 * is bit c mod 64 of word c / 64, padding bits are 0.  Sizes in words, per image. */
ET_API size_t et_bnn_words(size_t channels);
ET_API size_t et_bnn_in_words(const struct et_bnn_layer *layer);
/* CODES: 64-bit words; RAW: numbers (int32), both per image. */
ET_API size_t et_bnn_out_size(const struct et_bnn_layer *layer);

enum et_bnn_encoding { ET_BNN_BIPOLAR, ET_BNN_UNSIGNED, ET_BNN_SIGNED };

/* Values to planes and back.
 *
 * value   [rows][channels]  BIPOLAR: odd, |value| < 2^bits; UNSIGNED: 0 .. 2^bits - 1; SIGNED:
 *                           two's complement of `bits` bits (asserted)
 * planes  [rows][bits][et_bnn_words(channels)] */
ET_API void et_bnn_pack(const int16_t *value, size_t rows, size_t channels, unsigned bits,
                        enum et_bnn_encoding encoding, uint64_t *planes);
ET_API void et_bnn_unpack(const uint64_t *planes, size_t rows, size_t channels, unsigned bits,
                          enum et_bnn_encoding encoding, int16_t *value);
/* sign(x) with sign(0) = +1, one plane. x [rows][channels]. */
ET_API void et_bnn_pack_signs(const float *x, size_t rows, size_t channels, uint64_t *planes);

/* Batch norm and scales become integer thresholds.
 *
 * A unit computes z = gamma (scale acc - mean) / sqrt(variance + epsilon) + beta and its code is
 * the number of levels (ascending, 2^out_bits - 1 of them) with z >= level.  The thresholds give
 * exactly the code that this formula gives in double precision, ties included, for every integer
 * acc with |acc| <= bound; a negative gamma scale becomes a flip, a zero one a constant.
 *
 * threshold  [2^out_bits - 1] out, ascending;  *flip out
 * level      infinite ones are never, or always, reached; equal ones are allowed
 * bound      at most 2^30 - 2, so that "never" is a threshold
 * Errors: ET_INVALID (not finite, variance + epsilon <= 0, levels not ascending). */
struct et_bnn_norm {
    double gamma, beta, mean, variance, epsilon, scale;
};
ET_API enum et_status et_bnn_fold(const struct et_bnn_norm *norm, const double *level,
                                  unsigned out_bits, uint64_t bound, int32_t *threshold,
                                  uint8_t *flip) ET_CHECKED;

/* Double rounding: min(floor((q + 2^(D-1)) / 2^D), 2^(kept-1) - 1), D = stored - kept.
 * Source: Huang et al., arXiv 2502.01199. */
ET_API int et_bnn_round(int q, unsigned stored, unsigned kept);

/* -------------------------------------------------------------------------------- devices -- */

/* What a device says of itself (CAPS registers). */
struct et_bnn_caps {
    unsigned pe, simd, axi_bits;
    unsigned w_depth, a_depth, t_depth, o_depth, c_depth; /* see docs/accelerator.md */
};
/* The default configuration, 32 x 32. */
ET_API struct et_bnn_caps et_bnn_caps_default(void);

/* Counters of a device since it was opened. */
/* clang-format off */
#define ET_BNN_COUNTERS(X)                                        \
    X(cycles) X(busy) X(compute) X(steps) X(stall_load)           \
    X(stall_store) X(stall_out) X(jobs) X(rd_beats)               \
    X(wr_beats) X(ecc_ce) X(ecc_ue) X(parity)
/* clang-format on */
struct et_bnn_counters {
#define X(name) uint64_t name;
    ET_BNN_COUNTERS(X)
#undef X
};

struct et_accelerator;

struct et_accelerator_options {
    double timeout_s;   /* of a job; 0 = 60 s */
    bool poll;          /* poll completion records instead of waiting for the interrupt */
    uint32_t watchdog;  /* cycles without progress; 0 = 1,000,000 */
    unsigned ring_log2; /* ring entries; 0 = 8 (256 entries) */
};

/* Opens a device over a transport (see transport.h), or "software".  A device that a killed
 * program left at work is aborted and recovered.  options may be NULL.
 * Errors: as et_transport_open; ET_DEVICE (no accelerator there, or another register map). */
ET_API enum et_status et_accelerator_open(const char *uri,
                                          const struct et_accelerator_options *options,
                                          struct et_accelerator **accelerator) ET_CHECKED;
ET_API void et_accelerator_close(struct et_accelerator *accelerator);

ET_API struct et_bnn_caps et_accelerator_caps(const struct et_accelerator *accelerator);
/* Counters; "software" counts nothing but jobs.  Errors: ET_DEVICE, ... */
ET_API enum et_status et_accelerator_counters(struct et_accelerator *accelerator,
                                              struct et_bnn_counters *counters) ET_CHECKED;

/* Puts a layer's weights into the device's memory, laid out for it.
 *
 * weight     [c_out][k_h][k_w][c_in] values in the weights' encoding with stored_bits planes
 * threshold  [c_out][2^out_bits - 1] ascending, |t| < 2^30; NULL for RAW
 * flip       [c_out] 0 or 1; NULL = none
 * *id        names the layer from now on
 *
 * Errors: ET_INVALID, ET_NOMEM, ET_DEVICE. */
ET_API enum et_status et_accelerator_load(struct et_accelerator *accelerator,
                                          const struct et_bnn_layer *layer, const int8_t *weight,
                                          const int32_t *threshold, const uint8_t *flip,
                                          size_t *id) ET_CHECKED;
/* New weights (and thresholds; NULL keeps them) for a loaded layer of the same shape. */
ET_API enum et_status et_accelerator_reload(struct et_accelerator *accelerator, size_t id,
                                            const int8_t *weight, const int32_t *threshold,
                                            const uint8_t *flip) ET_CHECKED;
/* The same stored weights with another number of planes (AND, w_signed: double rounding on the
 * way into the device); thresholds as in load.  Nothing of the weights is moved. */
ET_API enum et_status et_accelerator_set_bits(struct et_accelerator *accelerator, size_t id,
                                              unsigned w_bits, const int32_t *threshold,
                                              const uint8_t *flip) ET_CHECKED;
ET_API void et_accelerator_unload(struct et_accelerator *accelerator, size_t id);

/* y = layer(x) for n images.
 *
 * x  [n][et_bnn_in_words]  packed activations
 * y  [n][et_bnn_out_size]  uint64_t (CODES, padding bits 0) or int32_t (RAW16, RAW32)
 *
 * Errors: ET_TIMEOUT, ET_DEVICE with one sentence that names the descriptor and the cause.  After
 * an error the device has been aborted and its queues are empty: the next call works if the
 * hardware does. */
ET_API enum et_status et_accelerator_run(struct et_accelerator *accelerator, size_t id, size_t n,
                                         const uint64_t *x, void *y) ET_CHECKED;

/* The transport under the handle, NULL for "software": save, restore, tests. */
struct et_transport;
ET_API struct et_transport *et_accelerator_transport(struct et_accelerator *accelerator);

/* ---------------------------------------------------------------------------- the compiler -- */

/* A layer's program: descriptors in ring order, without tags, completions and check sums, which
 * the driver adds.  Addresses are final. */
struct et_bnn_descriptor {
    uint32_t word[16];
};
struct et_bnn_program {
    struct et_bnn_descriptor *descriptor; /* [n] */
    size_t n;
};
/* Where things lie, as the device sees them; multiples of a beat. */
struct et_bnn_addresses {
    uint64_t x, w, t, y;
};
/* Bytes of each tensor in the device's layout for n images. */
struct et_bnn_sizes {
    size_t x, w, t, y;
};
ET_API struct et_bnn_sizes et_bnn_layout_sizes(const struct et_bnn_layer *layer,
                                               const struct et_bnn_caps *caps, size_t n);
/* Caller's formats to the device's layout and back. */
ET_API void et_bnn_layout_weights(const struct et_bnn_layer *layer, const struct et_bnn_caps *caps,
                                  const int8_t *weight, void *to);
ET_API void et_bnn_layout_thresholds(const struct et_bnn_layer *layer,
                                     const struct et_bnn_caps *caps, const int32_t *threshold,
                                     const uint8_t *flip, void *to);
ET_API void et_bnn_layout_in(const struct et_bnn_layer *layer, const struct et_bnn_caps *caps,
                             size_t n, const uint64_t *x, void *to);
ET_API void et_bnn_layout_out(const struct et_bnn_layer *layer, const struct et_bnn_caps *caps,
                              size_t n, const void *from, void *y);

/* Cuts a layer into tiles that fit the buffers and writes the program for n images.  *program is
 * the caller's, destroyed with et_bnn_program_destroy.
 * Errors: ET_INVALID (as et_bnn_layer_check), ET_UNSUPPORTED (no tiling fits; says what is too
 * small), ET_NOMEM. */
ET_API enum et_status et_bnn_compile(const struct et_bnn_layer *layer,
                                     const struct et_bnn_caps *caps,
                                     const struct et_bnn_addresses *at, size_t n,
                                     struct et_bnn_program *program) ET_CHECKED;
ET_API void et_bnn_program_destroy(struct et_bnn_program *program);

/* --------------------------------------------------------------------------------- costs -- */

/* A model, not a measurement: cycles by the formula of docs/accelerator.md, energy from published
 * figures per operation, area from synthesis. */
struct et_bnn_cost {
    uint64_t steps;          /* array steps */
    uint64_t compute_cycles; /* sum over tiles of outputs x max(steps per output, output stage) */
    uint64_t load_beats, store_beats; /* without descriptors and completion records */
    uint64_t cycles;                  /* estimate of the whole, overlap included */
    double utilisation;               /* steps / cycles */
    double energy_J;                  /* of the operations, on the chip only */
    double lut, ff;                   /* of the configuration, xc7; NAN = not synthesised */
};
ET_API enum et_status et_bnn_cost_of(const struct et_bnn_layer *layer,
                                     const struct et_bnn_caps *caps, size_t n,
                                     struct et_bnn_cost *cost) ET_CHECKED;

#endif
