/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of the signals in a graph of NIR: those that fields give, those that follow along the
 * edges, and whether all of them fit. */
#include "spiking/nir.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum et_status bad(const struct et__nir_node *node, const char *what)
{
    return et_error_set(ET_FORMAT, "node '%s' (%s): %s", node->name, et__nir_kind_name(node->kind),
                        what);
}

/* "[2, 3]" */
static const char *type_text(const struct et__nir_type *type, char text[96])
{
    size_t used = (size_t)snprintf(text, 96, "[");
    for (size_t i = 0; i < type->rank && used < 80; i++)
        used += (size_t)snprintf(text + used, 96 - used, "%s%zu", i ? ", " : "", type->dims[i]);
    snprintf(text + used, 96 - used, "]");
    return text;
}

static enum et_status set_type(const struct et__nir_node *node, struct et__nir_type *type,
                               size_t rank, const double *dims)
{
    *type = (struct et__nir_type){.known = true, .rank = rank, .n = 1};
    if (rank > ET_STORE_RANK_MAX) return bad(node, "its shape has more than 4 dimensions");
    for (size_t i = 0; i < rank; i++) {
        if (!(dims[i] >= 1) || dims[i] > ET__NIR_SIZE_MAX || dims[i] != floor(dims[i]) ||
            type->n > ET__NIR_SIZE_MAX / (size_t)dims[i])
            return et_error_set(ET_FORMAT,
                                "node '%s' (%s): dimension %zu of its shape is %g; each must be a "
                                "whole number and their product from 1 to %d",
                                node->name, et__nir_kind_name(node->kind), i, dims[i],
                                (int)ET__NIR_SIZE_MAX);
        type->dims[i] = (size_t)dims[i];
        type->n *= type->dims[i];
    }
    return ET_OK;
}

static struct et__nir_type type_of(const struct et__nir_value *value)
{
    struct et__nir_type type = {.known = true, .rank = value->rank, .n = value->n};
    memcpy(type.dims, value->dims, sizeof type.dims);
    return type;
}

static bool equal(const struct et__nir_type *a, const struct et__nir_type *b)
{
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]) == 0;
}

/* ---- what the fields say ---- */

/* All fields of a neuron have one shape; a scalar goes with any where that is allowed. */
static enum et_status type_neurons(struct et__nir_node *node, bool lenient)
{
    struct et__nir_type type = {0};
    char have[96], other[96];
    for (const struct et__nir_rule *rule = et__nir_rules(node->kind); rule->field != ET__NIR_FIELDS;
         rule++) {
        const struct et__nir_value *value = &node->field[rule->field];
        const char *name = et__nir_field_name(rule->field);
        if (!value->present) continue;
        if (value->n == 0)
            return et_error_set(ET_FORMAT, "node '%s': %s is empty", node->name, name);
        if (value->rank == 0 && !lenient && rule->field != ET__NIR_F_W_IN)
            return et_error_set(ET_FORMAT,
                                "node '%s': %s is a scalar, not one number per neuron (lenient "
                                "reading takes it for all neurons)",
                                node->name, name);
        const bool scalar = value->rank == 0 || (lenient && value->n == 1);
        const struct et__nir_type mine = type_of(value);
        if (scalar && (value->rank == 0 || type.known)) continue;
        if (scalar || !type.known || (lenient && type.n == 1))
            type = mine;
        else if (!equal(&type, &mine))
            return et_error_set(ET_FORMAT, "node '%s': %s has shape %s, other fields have %s",
                                node->name, name, type_text(&mine, other), type_text(&type, have));
    }
    /* One value for an unknown number of neurons: the edges will tell. */
    if (type.known && !(lenient && type.n == 1)) node->in = node->out = type;
    return ET_OK;
}

static enum et_status type_matrix(struct et__nir_node *node)
{
    const struct et__nir_value *weight = &node->field[ET__NIR_F_WEIGHT];
    const struct et__nir_value *bias = &node->field[ET__NIR_F_BIAS];
    if (weight->rank != 2) {
        return et_error_set(ET_FORMAT,
                            "node '%s': weight has %zu dimensions; only a matrix "
                            "(out, in) is read",
                            node->name, weight->rank);
    }
    const double out = (double)weight->dims[0], in = (double)weight->dims[1];
    ET_TRY(set_type(node, &node->in, 1, &in));
    ET_TRY(set_type(node, &node->out, 1, &out));
    if (bias->present && bias->n != weight->dims[0] && bias->n != 1)
        return et_error_set(ET_FORMAT, "node '%s': bias has %zu elements, weight has %zu rows",
                            node->name, bias->n, weight->dims[0]);
    return ET_OK;
}

static enum et_status check_count(const struct et__nir_node *node, enum et__nir_field field,
                                  size_t spatial, double least)
{
    const struct et__nir_value *value = &node->field[field];
    if (!value->present || (field == ET__NIR_F_PADDING && node->same)) return ET_OK;
    if (value->n != 1 && value->n != spatial)
        return et_error_set(ET_FORMAT, "node '%s': %s has %zu elements, expected 1 or %zu",
                            node->name, et__nir_field_name(field), value->n, spatial);
    for (size_t i = 0; i < value->n; i++)
        if (!(value->data[i] >= least) || value->data[i] > 65536 ||
            value->data[i] != floor(value->data[i]))
            return et_error_set(ET_FORMAT,
                                "node '%s': %s = %g is not a whole number from %g to 65536",
                                node->name, et__nir_field_name(field), value->data[i], least);
    return ET_OK;
}

static size_t count_at(const struct et__nir_node *node, enum et__nir_field field, size_t i)
{
    return (size_t)et__nir_at(&node->field[field], i);
}

static enum et_status type_conv(struct et__nir_node *node)
{
    const size_t spatial = node->kind == ET__NIR_CONV1D ? 1 : 2;
    const struct et__nir_value *weight = &node->field[ET__NIR_F_WEIGHT];
    const struct et__nir_value *shape = &node->field[ET__NIR_F_INPUT_SHAPE];
    const struct et__nir_value *bias = &node->field[ET__NIR_F_BIAS];
    if (weight->rank != spatial + 2 || weight->n == 0)
        return et_error_set(ET_FORMAT, "node '%s': weight has %zu dimensions, expected %zu",
                            node->name, weight->rank, spatial + 2);
    ET_TRY(check_count(node, ET__NIR_F_STRIDE, spatial, 1));
    ET_TRY(check_count(node, ET__NIR_F_DILATION, spatial, 1));
    ET_TRY(check_count(node, ET__NIR_F_PADDING, spatial, 0));
    ET_TRY(check_count(node, ET__NIR_F_GROUPS, 1, 1));
    if (bias->present && bias->n != weight->dims[0] && bias->n != 1)
        return et_error_set(ET_FORMAT, "node '%s': bias has %zu elements for %zu channels",
                            node->name, bias->n, weight->dims[0]);
    if (weight->dims[0] % count_at(node, ET__NIR_F_GROUPS, 0) != 0)
        return et_error_set(ET_FORMAT, "node '%s': %zu channels in %zu groups", node->name,
                            weight->dims[0], count_at(node, ET__NIR_F_GROUPS, 0));
    if (!shape->present) return ET_OK;
    if (shape->n != spatial) return bad(node, "input_shape has the wrong number of dimensions");
    double dims[3] = {(double)weight->dims[1] * et__nir_at(&node->field[ET__NIR_F_GROUPS], 0),
                      shape->data[0], shape->data[spatial - 1]};
    return set_type(node, &node->in, spatial + 1, dims);
}

static enum et_status type_from_fields(struct et__nir_node *node, bool lenient)
{
    const struct et__nir_value *shape = &node->field[ET__NIR_F_SHAPE];
    const struct et__nir_value *input = &node->field[ET__NIR_F_INPUT_TYPE];
    switch (node->kind) {
    case ET__NIR_INPUT:
    case ET__NIR_OUTPUT:
        if (!shape->present) return ET_OK;
        ET_TRY(set_type(node, &node->in, shape->n, shape->data));
        node->out = node->in;
        return ET_OK;
    case ET__NIR_AFFINE:
    case ET__NIR_LINEAR:
        return type_matrix(node);
    case ET__NIR_CONV1D:
    case ET__NIR_CONV2D:
        return type_conv(node);
    case ET__NIR_SUM_POOL2D:
    case ET__NIR_AVG_POOL2D:
        ET_TRY(check_count(node, ET__NIR_F_KERNEL_SIZE, 2, 1));
        ET_TRY(check_count(node, ET__NIR_F_STRIDE, 2, 1));
        return check_count(node, ET__NIR_F_PADDING, 2, 0);
    case ET__NIR_FLATTEN:
        return input->present ? set_type(node, &node->in, input->n, input->data) : ET_OK;
    default:
        return type_neurons(node, lenient);
    }
}

/* ---- what follows ---- */

static enum et_status slide(const struct et__nir_node *node, size_t channels, size_t kernel_h,
                            size_t kernel_w, struct et__nir_type *out)
{
    const struct et__nir_type *in = &node->in;
    const size_t spatial = in->rank - 1, kernel[2] = {kernel_h, kernel_w};
    *out = *in;
    out->dims[0] = out->n = channels;
    for (size_t i = 0; i < spatial; i++) {
        const size_t size = in->dims[1 + i];
        const size_t dilation =
            node->field[ET__NIR_F_DILATION].present ? count_at(node, ET__NIR_F_DILATION, i) : 1;
        const size_t pad = node->same ? 0 : count_at(node, ET__NIR_F_PADDING, i);
        const size_t stride = count_at(node, ET__NIR_F_STRIDE, i);
        const size_t reach = dilation * (kernel[i] - 1) + 1;
        if (!node->same && reach > size + 2 * pad)
            return et_error_set(ET_FORMAT,
                                "node '%s' (%s): its kernel covers %zu, more than the %zu of the "
                                "padded input",
                                node->name, et__nir_kind_name(node->kind), reach, size + 2 * pad);
        out->dims[1 + i] = node->same ? size : (size + 2 * pad - reach) / stride + 1;
        if (out->dims[1 + i] > ET__NIR_SIZE_MAX / out->n)
            return bad(node, "its output is too large");
        out->n *= out->dims[1 + i];
    }
    return ET_OK;
}

static enum et_status flatten_type(struct et__nir_node *node)
{
    const struct et__nir_type in = node->in;
    double from = node->field[ET__NIR_F_START_DIM].data[0];
    double to = node->field[ET__NIR_F_END_DIM].data[0];
    if (from < 0) from += (double)in.rank;
    if (to < 0) to += (double)in.rank;
    if (!(from >= 0) || !(from <= (double)in.rank) || !(to < (double)in.rank))
        return et_error_set(ET_FORMAT, "node '%s': start_dim %g and end_dim %g of %zu dimensions",
                            node->name, node->field[ET__NIR_F_START_DIM].data[0],
                            node->field[ET__NIR_F_END_DIM].data[0], in.rank);
    struct et__nir_type out = {.known = true, .n = in.n};
    for (size_t i = 0; i < in.rank; i++)
        if ((double)i > from && (double)i <= to)
            out.dims[out.rank - 1] *= in.dims[i];
        else
            out.dims[out.rank++] = in.dims[i];
    node->out = out;
    return ET_OK;
}

static enum et_status derive_out(struct et__nir_node *node)
{
    const struct et__nir_value *weight = &node->field[ET__NIR_F_WEIGHT];
    switch (node->kind) {
    case ET__NIR_AFFINE:
    case ET__NIR_LINEAR:
        return ET_OK;
    case ET__NIR_FLATTEN:
        return flatten_type(node);
    case ET__NIR_CONV1D:
    case ET__NIR_CONV2D: {
        const size_t channels = weight->dims[1] * count_at(node, ET__NIR_F_GROUPS, 0);
        if (node->in.rank != weight->rank - 1 || node->in.dims[0] != channels) {
            char text[96];
            return et_error_set(ET_FORMAT,
                                "node '%s' (%s): its input has shape %s; weight asks for %zu "
                                "channels and %zu dimensions",
                                node->name, et__nir_kind_name(node->kind),
                                type_text(&node->in, text), channels, weight->rank - 1);
        }
        return slide(node, weight->dims[0], weight->dims[2], weight->dims[weight->rank - 1],
                     &node->out);
    }
    case ET__NIR_SUM_POOL2D:
    case ET__NIR_AVG_POOL2D:
        if (node->in.rank != 3) return bad(node, "its input is not (channels, height, width)");
        return slide(node, node->in.dims[0], count_at(node, ET__NIR_F_KERNEL_SIZE, 0),
                     count_at(node, ET__NIR_F_KERNEL_SIZE, 1), &node->out);
    default:
        node->out = node->in;
        return ET_OK;
    }
}

static enum et_status follow_edges(struct et__nir_graph *graph, bool forwards, bool *changed)
{
    for (size_t k = 0; k < graph->n_edges; k++) {
        struct et__nir_node *from = &graph->node[graph->edge[k].from];
        struct et__nir_node *to = &graph->node[graph->edge[k].to];
        if (forwards && from->out.known && !to->in.known) {
            to->in = from->out;
            ET_TRY(derive_out(to));
            *changed = true;
        } else if (!forwards && to->in.known && !from->out.known && from->kind == ET__NIR_INPUT) {
            from->in = from->out = to->in;
            *changed = true;
        }
    }
    return ET_OK;
}

static enum et_status check_edges(struct et__nir_graph *graph, bool lenient)
{
    char left[96], right[96];
    for (size_t k = 0; k < graph->n_edges; k++) {
        const struct et__nir_node *from = &graph->node[graph->edge[k].from];
        const struct et__nir_node *to = &graph->node[graph->edge[k].to];
        if (to->kind == ET__NIR_INPUT) return bad(to, "an edge ends at it");
        if (from->kind == ET__NIR_OUTPUT) return bad(from, "an edge starts at it");
        if (equal(&from->out, &to->in)) continue;
        if (!lenient || from->out.n != to->in.n)
            return et_error_set(ET_FORMAT, "edge '%s' -> '%s': shape %s does not fit %s",
                                from->name, to->name, type_text(&from->out, left),
                                type_text(&to->in, right));
        et__nir_note(graph, "edge '%s' -> '%s': shape %s is taken as %s", from->name, to->name,
                     type_text(&from->out, left), type_text(&to->in, right));
    }
    return ET_OK;
}

enum et_status et__nir_infer(struct et__nir_graph *graph, bool lenient)
{
    for (size_t i = 0; i < graph->n_nodes; i++) {
        struct et__nir_node *node = &graph->node[i];
        node->in = node->out = (struct et__nir_type){0};
        ET_TRY(type_from_fields(node, lenient));
        if (node->in.known) ET_TRY(derive_out(node));
    }
    bool changed = true;
    while (changed) {
        changed = false;
        ET_TRY(follow_edges(graph, true, &changed));
        if (!changed) ET_TRY(follow_edges(graph, false, &changed));
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        struct et__nir_node *node = &graph->node[i];
        if (node->in.known) continue;
        const double one = 1;
        if (!et__nir_is_per_neuron(et__nir_rules(node->kind)->field))
            return bad(node, "neither the file nor its edges tell its shape");
        ET_TRY(set_type(node, &node->in, 1, &one));
        node->out = node->in;
    }
    return check_edges(graph, lenient);
}
