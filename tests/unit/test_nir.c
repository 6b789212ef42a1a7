/* SPDX-License-Identifier: Apache-2.0
 *
 * NIR files: every node comes back with every field, what the reference reader refuses is refused
 * with a message, and lenient reading says what it let pass. */
#include "unit/nir_graphs.h"

/* ---- round trip ---- */

/* A chain of all kinds: image, kernels, pools, line, matrices, neurons. */
static void build_all(struct et__nir_graph *g)
{
    static const double pair[2] = {2, 2}, zeros[2] = {0, 0}, ones[2] = {1, 1}, image[2] = {8, 8};
    static const double six = 6, one = 1, zero = 0, last = -1, two = 2;
    const size_t kernel[4] = {3, 2, 3, 3}, line[3] = {4, 2, 2}, matrix[2] = {5, 12};
    const size_t square[2] = {5, 5}, three = 3, four = 4, five = 5, image3[3] = {3, 6, 6};
    size_t i = end(g, ET__NIR_INPUT, 3, 2, 8, 8);
    i = add(g, "conv", ET__NIR_CONV2D);
    field(g, i, ET__NIR_F_WEIGHT, 4, kernel, -1, 0.037);
    field(g, i, ET__NIR_F_BIAS, 1, &three, 0.1, 0.2);
    whole(g, i, ET__NIR_F_INPUT_SHAPE, 1, 2, image);
    whole(g, i, ET__NIR_F_STRIDE, 1, 2, ones);
    whole(g, i, ET__NIR_F_PADDING, 1, 2, zeros);
    whole(g, i, ET__NIR_F_DILATION, 1, 2, ones);
    whole(g, i, ET__NIR_F_GROUPS, 0, 1, &one);
    i = add(g, "threshold", ET__NIR_THRESHOLD);
    field(g, i, ET__NIR_F_THRESHOLD, 3, image3, 0.5, 0.01);
    i = add(g, "sum", ET__NIR_SUM_POOL2D);
    whole(g, i, ET__NIR_F_KERNEL_SIZE, 1, 2, pair);
    whole(g, i, ET__NIR_F_STRIDE, 1, 2, pair);
    whole(g, i, ET__NIR_F_PADDING, 1, 2, zeros);
    i = add(g, "average", ET__NIR_AVG_POOL2D);
    whole(g, i, ET__NIR_F_KERNEL_SIZE, 1, 2, pair);
    whole(g, i, ET__NIR_F_STRIDE, 1, 2, ones);
    whole(g, i, ET__NIR_F_PADDING, 1, 2, zeros);
    i = add(g, "flatten", ET__NIR_FLATTEN);
    whole(g, i, ET__NIR_F_INPUT_TYPE, 1, 3, (const double[]){3, 2, 2});
    whole(g, i, ET__NIR_F_START_DIM, 0, 1, &zero);
    whole(g, i, ET__NIR_F_END_DIM, 0, 1, &last);
    i = add(g, "affine", ET__NIR_AFFINE);
    field(g, i, ET__NIR_F_WEIGHT, 2, matrix, -2, 0.07);
    field(g, i, ET__NIR_F_BIAS, 1, &five, -0.2, 0.1);
    i = add(g, "if", ET__NIR_IF);
    neurons(g, i, ET__NIR_F_R, 5, 1e4);
    field(g, i, ET__NIR_F_V_THRESHOLD, 1, &five, 1, 0.1);
    neurons(g, i, ET__NIR_F_V_RESET, 5, -0.25);
    i = add(g, "linear", ET__NIR_LINEAR);
    field(g, i, ET__NIR_F_WEIGHT, 2, square, 0.3, -0.05);
    i = add(g, "lif", ET__NIR_LIF);
    field(g, i, ET__NIR_F_TAU, 1, &five, 0.01, 0.001);
    neurons(g, i, ET__NIR_F_R, 5, 2);
    neurons(g, i, ET__NIR_F_V_LEAK, 5, 0.125);
    neurons(g, i, ET__NIR_F_V_THRESHOLD, 5, 0.75);
    neurons(g, i, ET__NIR_F_V_RESET, 5, 0.0625);
    i = add(g, "delay", ET__NIR_DELAY);
    field(g, i, ET__NIR_F_DELAY, 1, &five, 0, 0.001);
    i = add(g, "scale", ET__NIR_SCALE);
    field(g, i, ET__NIR_F_SCALE, 1, &five, 1, 0.5);
    i = add(g, "cuba", ET__NIR_CUBA_LIF);
    neurons(g, i, ET__NIR_F_TAU_SYN, 5, 0.004);
    neurons(g, i, ET__NIR_F_TAU_MEM, 5, 0.02);
    neurons(g, i, ET__NIR_F_R, 5, 1.5);
    neurons(g, i, ET__NIR_F_V_LEAK, 5, 0);
    neurons(g, i, ET__NIR_F_V_THRESHOLD, 5, 1);
    neurons(g, i, ET__NIR_F_V_RESET, 5, 0);
    field(g, i, ET__NIR_F_W_IN, 1, &five, 1, 1);
    i = add(g, "cubali", ET__NIR_CUBA_LI);
    neurons(g, i, ET__NIR_F_TAU_SYN, 5, 0.004);
    neurons(g, i, ET__NIR_F_TAU_MEM, 5, 0.02);
    neurons(g, i, ET__NIR_F_R, 5, 1.5);
    neurons(g, i, ET__NIR_F_V_LEAK, 5, 0.5);
    neurons(g, i, ET__NIR_F_W_IN, 5, 3);
    i = add(g, "li", ET__NIR_LI);
    neurons(g, i, ET__NIR_F_TAU, 5, 0.03);
    neurons(g, i, ET__NIR_F_R, 5, 1);
    neurons(g, i, ET__NIR_F_V_LEAK, 5, 0);
    i = add(g, "i", ET__NIR_I);
    field(g, i, ET__NIR_F_R, 1, &five, 100, 10);
    end(g, ET__NIR_OUTPUT, 1, 5, 0, 0);
    in_line(g);
    /* A part of its own: a line of two channels, 6 -> 3. */
    const size_t source = add(g, "line_in", ET__NIR_INPUT);
    whole(g, source, ET__NIR_F_SHAPE, 1, 2, (const double[]){2, 6});
    i = add(g, "conv1d", ET__NIR_CONV1D);
    field(g, i, ET__NIR_F_WEIGHT, 3, line, 0.5, 0.25);
    field(g, i, ET__NIR_F_BIAS, 1, &four, 0, 1);
    whole(g, i, ET__NIR_F_INPUT_SHAPE, 0, 1, &six);
    whole(g, i, ET__NIR_F_STRIDE, 0, 1, &two);
    whole(g, i, ET__NIR_F_PADDING, 0, 1, &zero);
    whole(g, i, ET__NIR_F_DILATION, 0, 1, &one);
    whole(g, i, ET__NIR_F_GROUPS, 0, 1, &one);
    const size_t sink = add(g, "line_out", ET__NIR_OUTPUT);
    whole(g, sink, ET__NIR_F_SHAPE, 1, 2, (const double[]){4, 3});
    edge(g, source, i);
    edge(g, i, sink);
}

static const struct et__nir_node *named(const struct et__nir_graph *g, const char *name)
{
    for (size_t i = 0; i < g->n_nodes; i++)
        if (strcmp(g->node[i].name, name) == 0) return &g->node[i];
    ck_abort_msg("no node '%s'", name);
}

static void assert_same_node(const struct et__nir_node *a, const struct et__nir_node *b)
{
    ck_assert_int_eq(a->kind, b->kind);
    for (size_t f = 0; f < ET__NIR_FIELDS; f++) {
        const struct et__nir_value *left = &a->field[f], *right = &b->field[f];
        ck_assert_msg(left->present == right->present, "%s of %s",
                      et__nir_field_name((enum et__nir_field)f), a->name);
        if (!left->present) continue;
        ck_assert_uint_eq(left->rank, right->rank);
        ck_assert_mem_eq(left->dims, right->dims, sizeof left->dims);
        ck_assert_mem_eq(left->data, right->data, left->n * sizeof *left->data);
    }
}

START_TEST(every_node_comes_back_with_every_field)
{
    struct et__nir_graph written = {0}, read;
    bool seen[ET__NIR_KINDS] = {false};
    build_all(&written);
    assert_ok(et__nir_write(&written, in_folder("all.nir")));
    assert_ok(et__nir_read(in_folder("all.nir"), false, &read));
    ck_assert_str_eq(read.version, "1.0.8");
    ck_assert_uint_eq(read.n_nodes, written.n_nodes);
    ck_assert_uint_eq(read.n_edges, written.n_edges);
    ck_assert_uint_eq(read.n_notes, 0);
    for (size_t i = 0; i < written.n_nodes; i++) {
        assert_same_node(&written.node[i], named(&read, written.node[i].name));
        seen[written.node[i].kind] = true;
    }
    for (size_t k = 0; k < ET__NIR_KINDS; k++)
        ck_assert_msg(seen[k], "%s is not tested", et__nir_kind_name((enum et__nir_kind)k));
    for (size_t k = 0; k < written.n_edges; k++) {
        ck_assert_str_eq(written.node[written.edge[k].from].name,
                         read.node[read.edge[k].from].name);
        ck_assert_str_eq(written.node[written.edge[k].to].name, read.node[read.edge[k].to].name);
    }
    const struct et__nir_node *conv = named(&read, "conv");
    ck_assert(conv->out.rank == 3 && conv->out.dims[1] == 6 && conv->out.n == 108);
    et__nir_free(&read);
    et__nir_free(&written);
}
END_TEST

/* Each failing allocation is reported, and nothing is lost (which a sanitizer sees): on reading, on
 * the way to a network and back, and on writing. */
START_TEST(failing_allocations_are_survived)
{
    static const struct et__nir_options options = {
        .dt = 1e-3, .steps = 6, .unit = 1, .reset = ET__SPK_HARD};
    struct et__nir_graph graph = {0}, again;
    size_t done = 0, n = 0;
    build_all(&graph);
    graph.n_nodes -= 3; /* a network has one Input; the rest is freed below */
    graph.n_edges -= 2;
    assert_ok(et__nir_write(&graph, in_folder("all.nir")));
    graph.n_nodes += 3;
    et__nir_free(&graph);
    for (done = 0; done == 0 && n < 5000;) {
        struct et__spk_network net = {0};
        again = (struct et__nir_graph){0};
        /* every one of the first, then some of each kind */
        n += n < 60 ? 1 : 7;
        et_alloc_fail_at(n);
        enum et_status status = et__nir_read(in_folder("all.nir"), false, &graph);
        if (status == ET_OK) status = et__nir_to_network(&graph, &options, &net);
        if (status == ET_OK) status = et__spk_finish(&net);
        if (status == ET_OK) status = et__nir_from_network(&net, &again);
        if (status == ET_OK) status = et__nir_write(&again, in_folder("again.nir"));
        et_alloc_fail_at(0);
        ck_assert_msg(status == ET_OK || status == ET_NOMEM, "%zu: %s", n, et_error_message());
        done = status == ET_OK;
        et__nir_free(&again);
        et__spk_free(&net);
        et__nir_free(&graph);
    }
    ck_assert_uint_gt(n, 200);
    ck_assert_uint_lt(n, 5000);
}
END_TEST

/* ---- bad files ---- */

enum fault {
    NONE,
    UNKNOWN_TYPE,
    UNKNOWN_FIELD,
    NO_LEAK,
    NO_TAU,
    SCALAR,
    NOT_FINITE,
    WRONG_SHAPE,
    EDGE_TO_NOWHERE,
    EDGE_INTO_INPUT,
    NO_OUTPUT_SHAPE,
    SIZE_ZERO,
    SIZE_HUGE
};

/* input -> lif -> output, two neurons, with one fault. */
static const char *write_lif(enum fault fault)
{
    static const char *const names[] = {"input", "lif", "lif", "output"};
    static const char *const nowhere[] = {"input", "lif", "lif", "outpt"};
    static const char *const circle[] = {"input", "lif", "lif", "output", "lif", "input"};
    struct et_store *store = begin_file("lif.nir");
    const double n = fault == SIZE_ZERO ? 0 : fault == SIZE_HUGE ? 1e12 : 2;
    put_type(store, "input", "Input");
    put_numbers(store, "input", "shape", 1, 1, n);
    put_type(store, "output", "Output");
    if (fault != NO_OUTPUT_SHAPE) put_numbers(store, "output", "shape", 1, 1, 2);
    put_type(store, "lif", fault == UNKNOWN_TYPE ? "ALIF" : "LIF");
    if (fault != NO_TAU) put_numbers(store, "lif", "tau", 1, 2, 0.01);
    put_numbers(store, "lif", "r", fault == SCALAR ? 0 : 1, 2, 1);
    if (fault != NO_LEAK) put_numbers(store, "lif", "v_leak", 1, 2, 0);
    put_numbers(store, "lif", "v_threshold", 1, fault == WRONG_SHAPE ? 3 : 2,
                fault == NOT_FINITE ? NAN : 1);
    if (fault == UNKNOWN_FIELD) put_numbers(store, "lif", "beta", 1, 2, 1);
    if (fault == EDGE_INTO_INPUT)
        put_edges(store, "/node", 3, circle);
    else
        put_edges(store, "/node", 2, fault == EDGE_TO_NOWHERE ? nowhere : names);
    assert_ok(et_store_commit(&store));
    return in_folder("lif.nir");
}

START_TEST(faults_are_named)
{
    static const struct {
        enum fault fault;
        bool passes; /* lenient reading lets it pass */
        const char *message, *note;
    } cases[] = {
        {UNKNOWN_TYPE, false, "node 'lif' has the unknown type 'ALIF'; did you mean 'LIF'?", NULL},
        {UNKNOWN_FIELD, true, "node 'lif' (LIF) has an unknown field 'beta'",
         "unknown field 'beta' is skipped"},
        {NO_LEAK, true, "node 'lif' (LIF) lacks its field 'v_leak'",
         "'v_leak' is missing, taken as 0"},
        {NO_TAU, false, "node 'lif' (LIF) lacks its field 'tau'", NULL},
        {SCALAR, true, "node 'lif': r is a scalar, not one number per neuron", NULL},
        {NOT_FINITE, false, "node 'lif': v_threshold[0] = nan is not a usable number", NULL},
        {WRONG_SHAPE, false, "node 'lif': v_threshold has shape [3], other fields have [2]", NULL},
        {EDGE_TO_NOWHERE, false, "edge 1 names 'outpt', which is no node of the graph", NULL},
        {EDGE_INTO_INPUT, false, "node 'input' (Input): an edge ends at it", NULL},
        {NO_OUTPUT_SHAPE, true, "node 'output' (Output) lacks its field 'shape'", NULL},
        {SIZE_ZERO, false, "dimension 0 of its shape is 0; each must be a whole number", NULL},
        {SIZE_HUGE, false, "dimension 0 of its shape is 1e+12", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct et__nir_graph graph;
        const char *path = write_lif(cases[i].fault);
        assert_status(et__nir_read(path, false, &graph), ET_FORMAT);
        assert_message(cases[i].message);
        assert_message("lif.nir");
        enum et_status status = et__nir_read(path, true, &graph);
        ck_assert_int_eq(status, cases[i].passes ? ET_OK : ET_FORMAT);
        if (status != ET_OK) continue;
        ck_assert_uint_eq(graph.n_notes, cases[i].note != NULL);
        if (cases[i].note != NULL) ck_assert_ptr_nonnull(strstr(graph.note[0], cases[i].note));
        ck_assert_uint_eq(named(&graph, "output")->in.n, 2);
        et__nir_free(&graph);
    }
    struct et__nir_graph graph;
    assert_ok(et__nir_read(write_lif(NONE), false, &graph));
    ck_assert_double_eq(named(&graph, "lif")->field[ET__NIR_F_V_RESET].data[1], 0);
    et__nir_free(&graph);
    assert_status(et__nir_read(in_folder("none.nir"), false, &graph), ET_MISSING);
    write_text("text.nir", "not HDF5");
    assert_status(et__nir_read(in_folder("text.nir"), false, &graph), ET_FORMAT);
}
END_TEST

/* What lenient reading took in is written whole: the strict reader accepts it. */
START_TEST(lenient_graphs_are_written_whole)
{
    static const enum fault faults[] = {UNKNOWN_FIELD, NO_LEAK, SCALAR, NO_OUTPUT_SHAPE};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct et__nir_graph graph;
        assert_ok(et__nir_read(write_lif(faults[i]), true, &graph));
        assert_ok(et__nir_write(&graph, in_folder("whole.nir")));
        et__nir_free(&graph);
        assert_ok(et__nir_read(in_folder("whole.nir"), false, &graph));
        ck_assert_uint_eq(named(&graph, "lif")->field[ET__NIR_F_R].rank, 1);
        et__nir_free(&graph);
    }
}
END_TEST

START_TEST(shapes_follow_the_edges)
{
    static const char *const names[] = {"input", "conv", "conv", "pool",
                                        "pool",  "if",   "if",   "output"};
    const struct et_store_shape kernel = {ET_STORE_F32, 4, {3, 1, 3, 3}};
    static const float weight[27] = {1};
    struct et__nir_graph graph;
    struct et_store *store = begin_file("shapes.nir");
    put_type(store, "input", "Input");
    const double shape[3] = {1, 9, 7};
    assert_ok(et_store_write(store, "/node/nodes/input/shape",
                             (struct et_store_shape){ET_STORE_F64, 1, {3}}, shape, NULL, NULL,
                             ET_STABLE));
    put_type(store, "conv", "Conv2d");
    assert_ok(
        et_store_write(store, "/node/nodes/conv/weight", kernel, weight, NULL, NULL, ET_STABLE));
    assert_ok(et_store_write_text(store, "/node/nodes/conv/padding", "same", NULL, ET_STABLE));
    put_type(store, "pool", "AvgPool2d");
    put_numbers(store, "pool", "kernel_size", 1, 2, 2);
    put_type(store, "if", "IF");
    put_numbers(store, "if", "r", 0, 1, 10);
    put_numbers(store, "if", "v_threshold", 0, 1, 1);
    put_type(store, "output", "Output");
    put_edges(store, "/node", 4, names);
    assert_ok(et_store_commit(&store));
    assert_ok(et__nir_read(in_folder("shapes.nir"), true, &graph));
    const struct et__nir_node *conv = named(&graph, "conv"), *out = named(&graph, "output");
    ck_assert(conv->same && conv->out.dims[0] == 3 && conv->out.dims[1] == 9 && conv->out.n == 189);
    ck_assert(out->in.rank == 3 && out->in.dims[0] == 3 && out->in.dims[1] == 4 &&
              out->in.dims[2] == 3);
    assert_ok(et__nir_write(&graph, in_folder("known.nir")));
    et__nir_free(&graph);
    assert_ok(et__nir_read(in_folder("known.nir"), false, &graph));
    ck_assert_uint_eq(named(&graph, "if")->field[ET__NIR_F_R].n, 36);
    et__nir_free(&graph);
}
END_TEST

/* ---- sub-graphs ---- */

enum variant { PLAIN, LAST_PART, NO_DOORS, TWO_INPUTS };

/* input -> g (in -> lif -> out, lif -> w -> lif) -> output. */
static const char *write_nested(enum variant variant)
{
    static const char *const outer[] = {"input", "g", "g", "output"};
    static const char *const part[] = {"input", "lif", "lif", "output"};
    static const char *const inner[] = {"in", "lif", "lif", "w", "w", "lif", "lif", "out"};
    static const char *const bare[] = {"lif", "lif2"};
    const struct et_store_shape matrix = {ET_STORE_F64, 2, {2, 2}};
    static const double weight[4] = {0.1, 0.2, 0.3, 0.4};
    struct et_store *store = begin_file("nested.nir");
    put_type(store, "input", "Input");
    put_numbers(store, "input", "shape", 1, 1, 2);
    put_type(store, "output", "Output");
    put_numbers(store, "output", "shape", 1, 1, 2);
    put_type(store, "g", "NIRGraph");
    for (size_t i = 0; i < (variant == NO_DOORS ? 2 : 1); i++) {
        const char *name = i == 0 ? "g/nodes/lif" : "g/nodes/lif2";
        put_type(store, name, "LIF");
        put_numbers(store, name, "tau", 1, 2, 0.01);
        put_numbers(store, name, "r", 1, 2, 1);
        put_numbers(store, name, "v_leak", 1, 2, 0);
        put_numbers(store, name, "v_threshold", 1, 2, 1);
    }
    if (variant != NO_DOORS) {
        put_type(store, "g/nodes/in", "Input");
        put_numbers(store, "g/nodes/in", "shape", 1, 1, 2);
        put_type(store, "g/nodes/out", "Output");
        put_numbers(store, "g/nodes/out", "shape", 1, 1, 2);
        put_type(store, "g/nodes/w", "Linear");
        assert_ok(et_store_write(store, "/node/nodes/g/nodes/w/weight", matrix, weight, NULL, NULL,
                                 ET_STABLE));
    }
    if (variant == TWO_INPUTS) {
        put_type(store, "g/nodes/in2", "Input");
        put_numbers(store, "g/nodes/in2", "shape", 1, 1, 2);
    }
    put_edges(store, "/node/nodes/g", variant == NO_DOORS ? 1 : 4,
              variant == NO_DOORS ? bare : inner);
    put_edges(store, "/node", 2, variant == LAST_PART ? part : outer);
    assert_ok(et_store_commit(&store));
    return in_folder("nested.nir");
}

static bool has_edge(const struct et__nir_graph *g, const char *from, const char *to)
{
    for (size_t k = 0; k < g->n_edges; k++)
        if (strcmp(g->node[g->edge[k].from].name, from) == 0 &&
            strcmp(g->node[g->edge[k].to].name, to) == 0)
            return true;
    return false;
}

START_TEST(sub_graphs_are_flattened)
{
    struct et__nir_graph g;
    assert_ok(et__nir_read(write_nested(PLAIN), false, &g));
    ck_assert_uint_eq(g.n_nodes, 4);
    ck_assert_uint_eq(g.n_edges, 4);
    ck_assert(has_edge(&g, "input", "g.lif") && has_edge(&g, "g.lif", "g.w"));
    ck_assert(has_edge(&g, "g.w", "g.lif") && has_edge(&g, "g.lif", "output"));
    et__nir_free(&g);

    assert_status(et__nir_read(write_nested(LAST_PART), false, &g), ET_FORMAT);
    assert_message("edge 0 names 'lif', which is no node of the graph");
    assert_ok(et__nir_read(in_folder("nested.nir"), true, &g));
    ck_assert(has_edge(&g, "input", "g.lif") && has_edge(&g, "g.lif", "output"));
    ck_assert_uint_eq(g.n_notes, 2);
    et__nir_free(&g);

    assert_status(et__nir_read(write_nested(NO_DOORS), false, &g), ET_FORMAT);
    assert_message("sub-graph 'g' has 0 nodes of type Input where an edge needs one");
    assert_ok(et__nir_read(in_folder("nested.nir"), true, &g));
    ck_assert(has_edge(&g, "input", "g.lif") && has_edge(&g, "g.lif2", "output"));
    et__nir_free(&g);

    assert_status(et__nir_read(write_nested(TWO_INPUTS), true, &g), ET_FORMAT);
    assert_message("sub-graph 'g' has 2 nodes of type Input where an edge needs one");
}
END_TEST

/* As the recurrent networks of the NIR paper are written: the sub-graph lies flat, and the edges
 * around it name the beginning that its nodes share. */
START_TEST(flat_sub_graphs_are_found)
{
    static const char *const edges[] = {"input",     "rnn",     "rnn",     "output",
                                        "rnn.input", "rnn.lif", "rnn.lif", "rnn.w",
                                        "rnn.w",     "rnn.lif", "rnn.lif", "rnn.output"};
    const struct et_store_shape matrix = {ET_STORE_F64, 2, {2, 2}};
    static const double weight[4] = {0.1, 0.2, 0.3, 0.4};
    static const char *const doors[] = {"input", "rnn.input", "output", "rnn.output"};
    struct et__nir_graph g;
    struct et_store *store = begin_file("flat.nir");
    for (size_t i = 0; i < 4; i++) {
        put_type(store, doors[i], i < 2 ? "Input" : "Output");
        put_numbers(store, doors[i], "shape", 1, 1, 2);
    }
    put_type(store, "rnn.lif", "LIF");
    put_numbers(store, "rnn.lif", "tau", 1, 2, 0.01);
    put_numbers(store, "rnn.lif", "r", 1, 2, 1);
    put_numbers(store, "rnn.lif", "v_leak", 1, 2, 0);
    put_numbers(store, "rnn.lif", "v_threshold", 1, 2, 1);
    put_type(store, "rnn.w", "Linear");
    assert_ok(
        et_store_write(store, "/node/nodes/rnn.w/weight", matrix, weight, NULL, NULL, ET_STABLE));
    put_edges(store, "/node", 6, edges);
    assert_ok(et_store_commit(&store));
    assert_status(et__nir_read(in_folder("flat.nir"), false, &g), ET_FORMAT);
    assert_message("edge 0 names 'rnn', which is no node of the graph");
    assert_ok(et__nir_read(in_folder("flat.nir"), true, &g));
    ck_assert_uint_eq(g.n_nodes, 4);
    ck_assert(has_edge(&g, "input", "rnn.lif") && has_edge(&g, "rnn.lif", "output"));
    ck_assert(has_edge(&g, "rnn.lif", "rnn.w") && has_edge(&g, "rnn.w", "rnn.lif"));
    ck_assert_ptr_nonnull(strstr(g.note[0], "edge 0 names 'rnn', taken as node 'rnn.input'"));
    et__nir_free(&g);
}
END_TEST

/* ---- order ---- */

START_TEST(order_follows_the_edges_and_finds_cycles)
{
    /* 0 -> 2 -> 1 -> 3, 1 -> 2 (cycle), 4 -> 1 from elsewhere */
    static const struct et__nir_edge edges[] = {{0, 2}, {2, 1}, {1, 2}, {1, 3}, {4, 1}};
    size_t order[5], place[5];
    bool behind[5];
    assert_ok(et__nir_order(5, edges, 5, 0, order, behind));
    for (size_t i = 0; i < 5; i++)
        place[order[i]] = i;
    for (size_t k = 0; k < 5; k++) {
        ck_assert_int_eq(behind[k], k == 2);
        if (!behind[k]) ck_assert_uint_lt(place[edges[k].from], place[edges[k].to]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nir");
    TCase *tests = tcase_create("nir");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_node_comes_back_with_every_field);
    tcase_add_test(tests, failing_allocations_are_survived);
    tcase_add_test(tests, faults_are_named);
    tcase_add_test(tests, lenient_graphs_are_written_whole);
    tcase_add_test(tests, shapes_follow_the_edges);
    tcase_add_test(tests, sub_graphs_are_flattened);
    tcase_add_test(tests, flat_sub_graphs_are_found);
    tcase_add_test(tests, order_follows_the_edges_and_finds_cycles);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
