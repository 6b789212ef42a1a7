/* SPDX-License-Identifier: Apache-2.0
 *
 * From layers to nodes: shapes, the graph of residual blocks, and where gradients live. */
#include "hyperbolic/hyperbolic.h"

enum kind { FC, CONV, NORM, RELU, POOL, BLOCK, RESNET, MLR, PROTOTYPES, EMBEDDING };
enum { NODES_PER_BLOCK = 9, NUMBERS_MAX = 1 << 26 };

#define BIT(kind) (1u << (kind))
/* Which kinds read a parameter: a value given to another is a mistake. */
static const struct {
    const char *name;
    unsigned kinds;
} users[] = {
    {"n", BIT(FC) | BIT(MLR) | BIT(PROTOTYPES) | BIT(EMBEDDING)},
    {"dim", BIT(EMBEDDING)},
    {"channels", BIT(CONV) | BIT(BLOCK)},
    {"size", BIT(CONV) | BIT(POOL)},
    {"stride", BIT(CONV) | BIT(POOL) | BIT(BLOCK)},
    {"padding", BIT(CONV)},
    {"pooling", BIT(POOL)},
    {"init", BIT(FC) | BIT(CONV) | BIT(MLR) | BIT(BLOCK) | BIT(RESNET)},
    {"rate", BIT(NORM) | BIT(BLOCK) | BIT(RESNET)},
    {"measure", BIT(PROTOTYPES)},
    {"spread", BIT(PROTOTYPES) | BIT(EMBEDDING)},
    {"depth", BIT(RESNET)},
    {"widths", BIT(RESNET)},
};

static const char *const kind_name[] = {"fc",    "conv",   "norm", "relu",       "pool",
                                        "block", "resnet", "mlr",  "prototypes", "embedding"};

struct builder {
    struct et__hyperbolic *net;
    const struct et_config *layer; /* at hand */
};

static enum et_status check_users(const struct et_config *layer)
{
    size_t kind = et_config_choice(layer, "kind");
    for (size_t i = 0; i < sizeof users / sizeof *users; i++)
        if (et_config_given(layer, users[i].name) && !(users[i].kinds & BIT(kind)))
            return et_config_error(layer, users[i].name, "a layer of kind %s has no %s",
                                   kind_name[kind], users[i].name);
    return ET_OK;
}

/* Blocks per width of a resnet, 0 when depth is not one of its depths. */
static size_t blocks_per_width(const struct et_config *layer)
{
    size_t depth = (size_t)et_config_int(layer, "depth") - 2;
    size_t step = 2 * et_config_count(layer, "widths");
    return depth % step == 0 ? depth / step : 0;
}

static size_t most_nodes(const struct et_config *layer)
{
    switch (et_config_choice(layer, "kind")) {
    case BLOCK:
        return NODES_PER_BLOCK;
    case RESNET:
        return 3 + NODES_PER_BLOCK * et_config_count(layer, "widths") * blocks_per_width(layer);
    default:
        return 1;
    }
}

/* ------------------------------------------------------------------------------- nodes -- */

/* Appends a node that reads value `from`; its value has the same shape until told otherwise. */
static struct et__hyp_node *append(struct et__hyperbolic *net, enum et__hyp_kind kind, size_t from)
{
    struct et__hyp_node *node = &net->node[net->n_nodes++];
    *node = (struct et__hyp_node){.kind = kind, .from = from, .size = 1, .stride = 1};
    node->in = node->out = net->shape[from];
    net->shape[net->n_values++] = node->out;
    return node;
}

static void set_shape(struct et__hyperbolic *net, struct et__hyp_node *node,
                      struct et__hyp_shape shape)
{
    node->out = net->shape[net->n_values - 1] = shape;
}

static size_t last_value(const struct et__hyperbolic *net)
{
    return net->n_values - 1;
}

static enum et_status check_size(const struct et_config *layer, struct et__hyp_shape shape)
{
    double numbers = (double)shape.channels * (double)shape.height * (double)shape.width;
    if (numbers <= NUMBERS_MAX) return ET_OK;
    return et_config_error(layer, NULL, "a layer of %zu x %zu x %zu numbers; at most %d",
                           shape.channels, shape.height, shape.width, NUMBERS_MAX);
}

/* A square window over the images of value `from`. */
static enum et_status add_window(struct builder *b, enum et__hyp_kind kind, size_t from,
                                 size_t channels, size_t size, size_t stride, size_t padding,
                                 struct et__hyp_node **added)
{
    struct et__hyp_shape in = b->net->shape[from];
    size_t height = in.height + 2 * padding, width = in.width + 2 * padding;
    if (size > height || size > width)
        return et_config_error(b->layer, NULL,
                               "a window of %zu x %zu does not fit into %zu x %zu pixels, %zu of "
                               "padding included",
                               size, size, height, width, 2 * padding);
    if (padding >= size)
        return et_config_error(b->layer, "padding",
                               "padding = %zu: windows of size %zu would see nothing else", padding,
                               size);
    struct et__hyp_node *node = append(b->net, kind, from);
    node->size = size;
    node->stride = stride;
    node->padding = padding;
    set_shape(b->net, node,
              (struct et__hyp_shape){channels, (height - size) / stride + 1,
                                     (width - size) / stride + 1});
    *added = node;
    return check_size(b->layer, node->out);
}

static void make_planes(const struct builder *b, struct et__hyp_node *node, size_t n_patch,
                        enum et__planes_result result)
{
    node->result = result;
    node->n_patch = n_patch;
    node->n_out = node->out.channels;
    node->identity = et_config_choice(b->layer, "init") == 0;
    node->beta =
        n_patch == node->in.channels ? 1 : (float)et__poincare_beta(n_patch, node->in.channels);
}

static enum et_status add_conv(struct builder *b, size_t from, size_t channels, size_t size,
                               size_t stride, size_t padding)
{
    struct et__hyp_node *node = NULL;
    ET_TRY(add_window(b, ET__HYP_PLANES, from, channels, size, stride, padding, &node));
    make_planes(b, node, node->in.channels * size * size, ET__PLANES_TANGENT);
    return ET_OK;
}

static void add_norm(struct builder *b, size_t from)
{
    append(b->net, ET__HYP_NORM, from)->rate = et_config_real(b->layer, "rate");
}

static void add_relu(struct builder *b)
{
    append(b->net, ET__HYP_RELU, last_value(b->net));
}

/* out = relu(norm(conv(relu(norm(conv(x))))) + shortcut(x)). */
static enum et_status add_block(struct builder *b, size_t channels, size_t stride)
{
    struct et__hyperbolic *net = b->net;
    size_t x = last_value(net);
    ET_TRY(add_conv(b, x, channels, 3, stride, 1));
    add_norm(b, last_value(net));
    add_relu(b);
    ET_TRY(add_conv(b, last_value(net), channels, 3, 1, 1));
    add_norm(b, last_value(net));
    size_t inner = last_value(net);
    if (stride != 1 || net->shape[x].channels != channels) {
        ET_TRY(add_conv(b, x, channels, 1, stride, 0));
        add_norm(b, last_value(net));
        x = last_value(net);
    }
    append(net, ET__HYP_ADD, inner)->other = x;
    add_relu(b);
    return ET_OK;
}

static enum et_status add_resnet(struct builder *b)
{
    size_t n_widths = et_config_count(b->layer, "widths"), n = blocks_per_width(b->layer);
    const double *widths = et_config_reals(b->layer, "widths");
    if (n == 0)
        return et_config_error(b->layer, "depth",
                               "depth = %lld is not 2 + a multiple of %zu, as %zu widths need it",
                               (long long)et_config_int(b->layer, "depth"), 2 * n_widths, n_widths);
    for (size_t i = 0; i < n_widths; i++)
        if (widths[i] != (double)(size_t)widths[i])
            return et_config_error(b->layer, "widths", "widths[%zu] = %g is not a whole number", i,
                                   widths[i]);
    ET_TRY(add_conv(b, last_value(b->net), (size_t)widths[0], 3, 1, 1));
    add_norm(b, last_value(b->net));
    add_relu(b);
    for (size_t i = 0; i < n_widths; i++)
        for (size_t k = 0; k < n; k++)
            ET_TRY(add_block(b, (size_t)widths[i], i > 0 && k == 0 ? 2 : 1));
    return ET_OK;
}

/* ------------------------------------------------------------------------------ layers -- */

static size_t given_or(const struct et_config *layer, const char *name, size_t otherwise)
{
    size_t value = (size_t)et_config_int(layer, name);
    return value > 0 ? value : otherwise;
}

/* The whole value as one patch. */
static enum et_status add_planes(struct builder *b, enum et__planes_result result)
{
    struct et__hyperbolic *net = b->net;
    struct et__hyp_node *node = append(net, ET__HYP_PLANES, last_value(net));
    set_shape(net, node, (struct et__hyp_shape){(size_t)et_config_int(b->layer, "n"), 1, 1});
    make_planes(b, node, et__hyp_numbers(node->in), result);
    return ET_OK;
}

static enum et_status add_pool(struct builder *b)
{
    struct et__hyp_shape in = b->net->shape[last_value(b->net)];
    struct et__hyp_node *node = NULL;
    size_t size = (size_t)et_config_int(b->layer, "size");
    if (size == 0 && in.height != in.width)
        return et_config_error(b->layer, "size",
                               "size = 0 is the side of a square image, not of "
                               "%zu x %zu pixels",
                               in.height, in.width);
    if (size == 0) size = in.height;
    ET_TRY(add_window(b, ET__HYP_POOL, last_value(b->net), in.channels, size,
                      given_or(b->layer, "stride", size), 0, &node));
    node->max = et_config_choice(b->layer, "pooling") == 1;
    return ET_OK;
}

static enum et_status add_points(struct builder *b, enum et__hyp_kind kind)
{
    struct et__hyperbolic *net = b->net;
    size_t n = (size_t)et_config_int(b->layer, "n");
    if (net->learn_c)
        return et_config_error(b->layer, "kind",
                               "points in the ball need a ball that stays: learn_curvature is on");
    if (kind == ET__HYP_EMBEDDING && (net->n_nodes > 0 || net->n_in != 1))
        return et_config_error(b->layer, "kind",
                               "an embedding is the first layer, of input {n: 1}");
    struct et__hyp_node *node = append(net, kind, last_value(net));
    node->n_out = n;
    node->n_patch = kind == ET__HYP_EMBEDDING ? (size_t)et_config_int(b->layer, "dim")
                                              : et__hyp_numbers(node->in);
    node->spread = (float)et_config_real(b->layer, "spread");
    node->square = et_config_choice(b->layer, "measure") == 0;
    set_shape(net, node,
              (struct et__hyp_shape){kind == ET__HYP_EMBEDDING ? node->n_patch : n, 1, 1});
    return ET_OK;
}

static enum et_status add_layer(struct builder *b)
{
    size_t kind = et_config_choice(b->layer, "kind");
    size_t channels = (size_t)et_config_int(b->layer, "channels");
    size_t from = last_value(b->net), size = given_or(b->layer, "size", 3);
    size_t stride = given_or(b->layer, "stride", 1);
    int64_t padding = et_config_int(b->layer, "padding");
    if (BIT(kind) & users[0].kinds && et_config_int(b->layer, "n") == 0)
        return et_config_error(b->layer, "n", "n of a layer of kind %s is at least 1",
                               kind_name[kind]);
    if ((kind == CONV || kind == BLOCK) && channels == 0)
        return et_config_error(b->layer, "channels",
                               "channels of a layer of kind %s are at least 1", kind_name[kind]);
    switch (kind) {
    case FC:
        return add_planes(b, ET__PLANES_TANGENT);
    case MLR:
        return add_planes(b, ET__PLANES_DISTANCE);
    case CONV:
        return add_conv(b, from, channels, size, stride, padding < 0 ? size / 2 : (size_t)padding);
    case NORM:
        add_norm(b, from);
        return ET_OK;
    case RELU:
        add_relu(b);
        return ET_OK;
    case POOL:
        return add_pool(b);
    case BLOCK:
        return add_block(b, channels, stride);
    case RESNET:
        return add_resnet(b);
    case PROTOTYPES:
        return add_points(b, ET__HYP_PROTOTYPES);
    default:
        return add_points(b, ET__HYP_EMBEDDING);
    }
}

static enum et_status read_input(struct et__hyperbolic *net, const struct et_config *input)
{
    struct et__hyp_shape shape = {(size_t)et_config_int(input, "n"), 1, 1};
    size_t height = (size_t)et_config_int(input, "height");
    size_t width = (size_t)et_config_int(input, "width");
    if (shape.channels > 0) {
        if (height > 0 || width > 0 || et_config_given(input, "channels"))
            return et_config_error(input, "n",
                                   "n is a vector; channels, height and width are an "
                                   "image: one of them");
    } else {
        if (height == 0 || width == 0)
            return et_config_error(input, NULL,
                                   "neither n of a vector nor height and width of an "
                                   "image");
        shape = (struct et__hyp_shape){(size_t)et_config_int(input, "channels"), height, width};
    }
    net->shape[net->n_values++] = shape;
    net->n_in = et__hyp_numbers(shape);
    return check_size(input, shape);
}

/* ----------------------------------------------------------------------------- storage -- */

static size_t knobs_of(const struct et__hyp_node *node)
{
    switch (node->kind) {
    case ET__HYP_PLANES:
        return node->n_out * (node->n_patch + 1);
    case ET__HYP_NORM:
        return 2 + 2 * node->in.channels;
    case ET__HYP_PROTOTYPES:
    case ET__HYP_EMBEDDING:
        return node->n_out * node->n_patch;
    default:
        return 0;
    }
}

static size_t sums_of(const struct et__hyp_node *node)
{
    if (node->kind == ET__HYP_PLANES) return ET__PLANES_SUMS * (node->n_out + 1);
    return node->kind == ET__HYP_NORM ? 2 * node->in.channels + 4 : 0;
}

static void number_values(struct et__hyperbolic *net)
{
    for (size_t i = 0; i < net->n_nodes; i++) {
        net->node[i].knob = net->n_knobs;
        net->node[i].sum = net->n_sums;
        net->n_knobs += knobs_of(&net->node[i]);
        net->n_sums += sums_of(&net->node[i]);
    }
    if (net->learn_c) net->n_knobs++;
    for (size_t v = 0; v < net->n_values; v++) {
        size_t n = et__hyp_numbers(net->shape[v]);
        net->offset[v] = net->total;
        net->total += n;
        if (n > net->slot_size) net->slot_size = n;
    }
    net->n_out = et__hyp_numbers(net->shape[net->n_values - 1]);
}

/* A gradient lives from the last node that reads a value down to the node that made it, when nodes
 * run backwards; slots are used again. */
static void place_gradients(struct et__hyperbolic *net, bool *taken)
{
    const size_t none = (size_t)-1;
    for (size_t v = 0; v < net->n_values; v++)
        net->slot[v] = none;
    net->slot[net->n_values - 1] = 0;
    taken[0] = true;
    net->n_slots = 1;
    for (size_t i = net->n_nodes; i-- > 0;) {
        struct et__hyp_node *node = &net->node[i];
        for (int side = 0; side < (node->kind == ET__HYP_ADD ? 2 : 1); side++) {
            size_t v = side ? node->other : node->from, slot = 0;
            *(side ? &node->first_other : &node->first_from) = net->slot[v] == none;
            if (net->slot[v] != none) continue;
            while (taken[slot])
                slot++;
            taken[slot] = true;
            net->slot[v] = slot;
            if (slot >= net->n_slots) net->n_slots = slot + 1;
        }
        taken[net->slot[i + 1]] = false;
    }
}

enum et_status et__hyp_plan(struct et__hyperbolic *net, const struct et_config *config)
{
    size_t n_layers = et_config_count(config, "layers"), most = 0;
    for (size_t i = 0; i < n_layers; i++)
        most += most_nodes(et_config_at(config, "layers", i));
    net->flat = et_config_choice(config, "geometry") == 1;
    net->learn_c = et_config_bool(config, "learn_curvature");
    net->c = et_config_real(config, "curvature");
    if (net->flat && net->learn_c)
        return et_config_error(config, "learn_curvature", "flat space has no curvature to learn");
    if (!(net->node = et_alloc(most, sizeof *net->node))) return ET_NOMEM;
    if (!(net->shape = et_alloc(most + 1, sizeof *net->shape))) return ET_NOMEM;
    if (!(net->offset = et_alloc(most + 1, sizeof *net->offset))) return ET_NOMEM;
    if (!(net->slot = et_alloc(most + 1, sizeof *net->slot))) return ET_NOMEM;
    ET_TRY(read_input(net, et_config_at(config, "input", 0)));
    struct builder b = {.net = net};
    for (size_t i = 0; i < n_layers; i++) {
        b.layer = et_config_at(config, "layers", i);
        ET_TRY(check_users(b.layer));
        ET_TRY(add_layer(&b));
    }
    number_values(net);
    bool *taken = et_alloc(net->n_values + 1, sizeof *taken);
    if (!taken) return ET_NOMEM;
    place_gradients(net, taken);
    et_free(taken);
    return ET_OK;
}
