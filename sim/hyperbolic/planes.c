/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers of hyperplanes: fully connected, convolution, multinomial logistic regression.  All of
 * them see patches, vectors of n_patch tangent numbers times beta (what beta-concatenation asks
 * for), multiply them with the normals, and make results of the products row by row:
 * kernels/poincare.h has the formulas.  In flat space, their limit:
 *
 *     result = factor (<v, z_k> - |z_k| r_k),   factor 2 (TANGENT) or 4 (DISTANCE) */
#include "hyperbolic/hyperbolic.h"

#include <math.h>
#include <string.h>

static float flat_factor(const struct et__hyp_node *node)
{
    return node->result == ET__PLANES_TANGENT ? 2 : 4;
}

static struct et__planes_f32 planes_of(const struct et__hyperbolic *net,
                                       const struct et__hyp_node *node)
{
    const float *z = net->knobs + node->knob;
    return (struct et__planes_f32){
        node->result, node->n_patch, node->n_out, net->c, z, z + node->n_out * node->n_patch,
        node->table};
}

void et__hyp_planes_take(struct et__hyperbolic *net, struct et__hyp_node *node)
{
    struct et__planes_f32 planes = planes_of(net, node);
    size_t n = node->n_patch;
    for (size_t o = 0; o < node->n_out; o++) {
        const float *z = planes.z + o * n;
        double square = 0;
        for (size_t k = 0; k < n; k++) {
            et__panels_row(&node->ahead, o / ET__PANEL, k)[o % ET__PANEL] = z[k];
            et__panels_row(&node->back, k / ET__PANEL, o)[k % ET__PANEL] = z[k];
            square += (double)z[k] * (double)z[k];
        }
        node->length[o] = (float)sqrt(square);
    }
    if (!net->flat) et__planes_prepare_f32(&planes);
}

/* ----------------------------------------------------------------------------- patches -- */

/* Patches of one sample of images, or back: adds the patches to the image. */
static void window(const struct et__hyp_node *node, float *image, float *patches, bool back)
{
    const struct et__hyp_shape in = node->in, out = node->out;
    size_t row = node->size * in.channels;
    for (size_t y = 0; y < out.height; y++)
        for (size_t x = 0; x < out.width; x++, patches += node->n_patch)
            for (size_t i = 0; i < node->size; i++) {
                /* Coordinates of the padded image; the window's row may stick out on the left. */
                size_t top = y * node->stride + i, left = x * node->stride;
                size_t skip = left < node->padding ? node->padding - left : 0;
                float *patch = patches + i * row;
                if (!back) memset(patch, 0, row * sizeof *patch);
                if (top < node->padding || top - node->padding >= in.height) continue;
                size_t first = left + skip - node->padding, count = node->size - skip;
                if (first >= in.width) continue;
                if (count > in.width - first) count = in.width - first;
                float *pixel = image + ((top - node->padding) * in.width + first) * in.channels;
                patch += skip * in.channels;
                for (size_t k = 0; k < count * in.channels; k++)
                    if (back)
                        pixel[k] += node->beta * patch[k];
                    else
                        patch[k] = node->beta * pixel[k];
            }
}

/* Products of a tile, or of one sample of it. */
struct batch {
    size_t rows;
    const float *v; /* [rows][n_patch] */
};

static bool is_window(const struct et__hyp_node *node)
{
    return node->out.height * node->out.width > 1 || node->size > 1 || node->padding > 0;
}

/* Calls of the products in a tile: one for all rows, or one for each image. */
static size_t n_batches(const struct et__hyp_node *node, size_t count)
{
    return is_window(node) ? count : 1;
}

static struct batch batch_of(const struct et__hyp_node *node, const struct et__hyp_tile *tile,
                             const float *x, size_t i)
{
    size_t n = et__hyp_numbers(node->in);
    float *patches = tile->scratch->patches;
    if (is_window(node)) {
        window(node, (float *)x + i * n, patches, false);
        return (struct batch){node->out.height * node->out.width, patches};
    }
    if (node->n_patch == node->in.channels) return (struct batch){tile->count, x};
    for (size_t k = 0; k < tile->count * n; k++)
        patches[k] = node->beta * x[k];
    return (struct batch){tile->count, patches};
}

/* e = v z^T: the product has columns to spare. */
static void multiply(const struct et__panels *panels, const float *x, size_t rows, size_t n,
                     float *wide, float *y)
{
    size_t cols = panels->n_panels * ET__PANEL;
    et__panels_multiply(panels, et_view_of((float *)x, rows, panels->k),
                        et_view_of(wide, rows, cols));
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * n, wide + r * cols, n * sizeof *y);
}

/* ------------------------------------------------------------------------------- rows -- */

static void flat_rows(const struct et__hyp_node *node, const float *r, size_t rows, const float *e,
                      float *y)
{
    float factor = flat_factor(node);
    for (size_t i = 0; i < rows; i++)
        for (size_t o = 0; o < node->n_out; o++)
            y[i * node->n_out + o] = factor * (e[i * node->n_out + o] - node->length[o] * r[o]);
}

/* sums [o] gets the sum of dy. */
static void flat_rows_back(const struct et__hyp_node *node, size_t rows, const float *dy, float *de,
                           double *sums)
{
    float factor = flat_factor(node);
    for (size_t i = 0; i < rows; i++)
        for (size_t o = 0; o < node->n_out; o++) {
            float d = factor * dy[i * node->n_out + o];
            sums[o] += (double)d;
            de[i * node->n_out + o] = d;
        }
}

void et__hyp_planes(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                    const struct et__hyp_tile *tile, const float *x, float *y)
{
    struct et__planes_f32 planes = planes_of(net, node);
    struct et__hyp_scratch *s = tile->scratch;
    for (size_t i = 0; i < n_batches(node, tile->count); i++) {
        struct batch batch = batch_of(node, tile, x, i);
        multiply(&node->ahead, batch.v, batch.rows, node->n_out, s->wide, s->e);
        if (net->flat)
            flat_rows(node, planes.r, batch.rows, s->e, y);
        else
            et__planes_rows_f32(&planes, batch.rows, batch.v, s->e, y);
        y += batch.rows * node->n_out;
    }
}

/* ------------------------------------------------------------------------------- back -- */

static void add(float *to, const float *from, float factor, size_t n)
{
    for (size_t k = 0; k < n; k++)
        to[k] += factor * from[k];
}

/* From dy of a product to dv [rows][n_patch], dz and the sums. */
static void back_batch(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                       const struct et__hyp_scratch *s, struct batch batch, const float *dy,
                       struct et__hyp_part *part)
{
    struct et__planes_f32 planes = planes_of(net, node);
    size_t rows = batch.rows, n = node->n_patch, out = node->n_out;
    double *sums = part->sums + node->sum;
    float *dv = s->dpatches, *dz = part->dknobs + node->knob;
    size_t cols = node->back.n_panels * ET__PANEL;
    memset(dv, 0, rows * n * sizeof *dv);
    if (net->flat) {
        flat_rows_back(node, rows, dy, s->de, sums);
    } else {
        multiply(&node->ahead, batch.v, rows, out, s->wide, s->e);
        et__planes_rows_back_f32(&planes, rows, batch.v, s->e, dy, s->de, dv, sums, s->small);
    }
    et__panels_multiply(&node->back, et_view_of(s->de, rows, out), et_view_of(s->wide, rows, cols));
    for (size_t r = 0; r < rows; r++)
        add(dv + r * n, s->wide + r * cols, 1, n);
    et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, et_view_of(s->de, rows, out),
            et_view_of((float *)batch.v, rows, n), 1, et_view_of(dz, out, n));
}

void et__hyp_planes_back(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                         const struct et__hyp_tile *tile, const float *x, float *dx,
                         const float *dy, struct et__hyp_part *part)
{
    const struct et__hyp_scratch *s = tile->scratch;
    size_t n = et__hyp_numbers(node->in);
    for (size_t i = 0; i < n_batches(node, tile->count); i++) {
        struct batch batch = batch_of(node, tile, x, i);
        back_batch(net, node, s, batch, dy, part);
        dy += batch.rows * node->n_out;
        if (is_window(node))
            window(node, dx + i * n, s->dpatches, true);
        else
            add(dx, s->dpatches, node->beta, tile->count * n);
    }
}

void et__hyp_planes_finish(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                           const double *sums, float *dknobs, double *dc)
{
    struct et__planes_f32 planes = planes_of(net, node);
    size_t n = node->n_patch;
    float *dr = dknobs + node->n_out * n;
    if (!net->flat) {
        et__planes_finish_f32(&planes, sums, dknobs, dr, dc);
        return;
    }
    for (size_t o = 0; o < node->n_out; o++) {
        float length = node->length[o], sum = (float)sums[o];
        dr[o] -= length * sum;
        if (length > 0) add(dknobs + o * n, planes.z + o * n, -planes.r[o] * sum / length, n);
    }
}
