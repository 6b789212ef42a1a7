/* SPDX-License-Identifier: Apache-2.0
 *
 * Which windows of a convolution or a pooling see a place of the source. */
#ifndef ETALON_SIM_SPIKING_WINDOWS_H
#define ETALON_SIM_SPIKING_WINDOWS_H

#include "spiking/network.h"

/* The windows o of a row or column that see place `at`: o stride + k dilation = at + pad with
 * k < kernel. */
struct et__spk_windows {
    size_t at, pad, stride, dilation, kernel, n, k;
};

/* The next one, with k in rising order; false when there are no more. */
static inline bool et__spk_window(struct et__spk_windows *w, size_t *o, size_t *k)
{
    for (; w->k < w->kernel; w->k++) {
        size_t place = w->at + w->pad;
        if (place < w->k * w->dilation) return false;
        place -= w->k * w->dilation;
        size_t window = w->stride == 1 ? place : place / w->stride; /* divisions are slow */
        if (window * w->stride != place || window >= w->n) continue;
        *o = window;
        *k = w->k++;
        return true;
    }
    return false;
}

/* Rows and columns of `post` for place y or x of the source. */
static inline struct et__spk_windows et__spk_windows_h(const struct et__spk_projection *p,
                                                       const struct et__spk_population *post,
                                                       size_t y)
{
    return (struct et__spk_windows){y,       p->pad_h, p->stride_h, p->dilation_h, p->kernel_h,
                                    post->h, 0};
}

static inline struct et__spk_windows et__spk_windows_w(const struct et__spk_projection *p,
                                                       const struct et__spk_population *post,
                                                       size_t x)
{
    return (struct et__spk_windows){x,       p->pad_w, p->stride_w, p->dilation_w, p->kernel_w,
                                    post->w, 0};
}

#endif
