/* SPDX-License-Identifier: Apache-2.0
 *
 * The way back through a pass of coupled oscillators; a part of oscillators_body.h, whose types and
 * functions it uses. */

/* dcoupling_e += sum over lanes of d(slope . g)/dJ_e at the sines and cosines at hand:
 * (g_i - g_j) sin(phi_j - phi_i), or (g_i - g_j)(sin q_j - sin q_i). */
ET_VECTOR_CLONES static void weigh_edges(const struct et__osc *o, const struct room *room,
                                         const lanes_type *restrict g, double *restrict dcoupling)
{
    const lanes_type *s = room->s, *c = room->c;
    for (size_t e = 0; e < o->n_edges; e++) {
        size_t i = o->ends[e][0], j = o->ends[e][1];
        lanes_type part = o->model == ET__OSC_PHASE ? s[j] * c[i] - c[j] * s[i] : s[j] - s[i];
        part *= g[i] - g[j];
        double sum = 0;
        for (size_t lane = 0; lane < LANES; lane++)
            sum += (double)part[lane];
        dcoupling[e] += sum;
    }
}

/* What (g . slope) gives to the state, in back_stage, with a = J (g cos) and b = J (g sin) for
 * phases, a = J g for pendula. */
ET_VECTOR_CLONES static void pull_back(const struct et__osc *o, const REAL *restrict sums,
                                       struct room *room, const lanes_type *restrict slope_bar,
                                       const lanes_type *restrict a, const lanes_type *restrict b,
                                       lanes_type *restrict out)
{
    const lanes_type *s = room->s, *c = room->c;
    const REAL twice = (REAL)(2 * o->injection), stiffness = (REAL)o->stiffness,
               damping = (REAL)o->damping;
    const lanes_type *g = slope_bar + (state_rows(o) - o->n);
    for (size_t i = 0; i < o->n; i++) {
        lanes_type bend = room->drive[i] * c[i] + twice * (c[i] * c[i] - s[i] * s[i]);
        room->back_rate[i] += g[i];
        room->back_drive[i] -= g[i] * s[i];
        if (o->model == ET__OSC_PHASE) {
            out[i] =
                c[i] * a[i] + s[i] * b[i] - g[i] * (s[i] * room->js[i] + c[i] * room->jc[i] + bend);
        } else {
            out[i] = c[i] * (a[i] - (stiffness + sums[i]) * g[i]) - bend * g[i];
            out[o->n + i] = slope_bar[i] - damping * g[i];
        }
    }
}

ET_VECTOR_CLONES static void times_waves(const struct et__osc *o, const struct room *room,
                                         const lanes_type *restrict g, lanes_type *restrict gc,
                                         lanes_type *restrict gs)
{
    for (size_t i = 0; i < o->n; i++) {
        gc[i] = o->model == ET__OSC_PHASE ? g[i] * room->c[i] : g[i];
        gs[i] = o->model == ET__OSC_PHASE ? g[i] * room->s[i] : g[i];
    }
}

/* back_stage = (dslope/dy)^T back_slope at y; adds to the adjoints of inputs and knobs. */
static void slope_back(const struct et__osc *o, const REAL *w, struct room *room,
                       const lanes_type *y, double *dcoupling)
{
    const lanes_type *g = room->back_slope + (state_rows(o) - o->n);
    lanes_type *gc = room->slope, *gs = room->mean, *a = room->kick, *b = room->state;
    look(o, w, room, y);
    times_waves(o, room, g, gc, gs);
    couple(o, w, gc, gs, a, b);
    pull_back(o, w + matrix_size(o), room, room->back_slope, a, b, room->back_stage);
    if (dcoupling) weigh_edges(o, room, g, dcoupling);
}

ET_VECTOR_CLONES static void order_back(const struct et__osc *o, struct room *room,
                                        const lanes_type *restrict g)
{
    lanes_type s, c, gs = {0}, gc = {0};
    mean_field(o, room, &s, &c);
    for (size_t i = 0; i < o->n; i++) {
        gs += g[i] * room->s[i];
        gc += g[i] * room->c[i];
    }
    gs /= (REAL)o->n;
    gc /= (REAL)o->n;
    for (size_t i = 0; i < o->n; i++)
        room->back[i] +=
            g[i] * (room->c[i] * s - room->s[i] * c) + (room->c[i] * gs - room->s[i] * gc);
}

/* g [n] = factor times columns first .. of dy for the oscillators that are read, 0 for others. */
static void load_back(const struct et__osc *o, struct et_view dy, size_t first, REAL factor,
                      lanes_type *g)
{
    memset(g, 0, o->n * sizeof *g);
    for (size_t lane = 0; lane < dy.rows; lane++)
        for (size_t i = 0; i < o->n_read; i++)
            g[o->n - o->n_read + i][lane] = factor * (REAL)dy.data[lane * dy.stride + first + i];
}

/* The adjoint of the final state, in back. */
static void read_out_back(const struct et__osc *o, const REAL *w, struct room *room,
                          struct et_view dy, double *dcoupling)
{
    size_t m = state_rows(o);
    lanes_type *g = room->back_read;
    memset(room->back, 0, m * sizeof *room->back);
    sine_cosine((const REAL *)room->state, (REAL *)room->s, (REAL *)room->c, o->n * LANES);
    load_back(o, dy, 0, 1, g);
    switch (o->output) {
    case ET__OSC_VECTOR:
    case ET__OSC_COSINE:
        for (size_t i = 0; i < o->n; i++)
            room->back[i] -= g[i] * room->s[i];
        if (o->output == ET__OSC_COSINE) break;
        load_back(o, dy, o->n_read, 1, g);
        __attribute__((fallthrough));
    case ET__OSC_SINE:
        for (size_t i = 0; i < o->n; i++)
            room->back[i] += g[i] * room->c[i];
        break;
    case ET__OSC_ANGLE:
        memcpy(room->back, g, o->n * sizeof *g);
        break;
    case ET__OSC_SPEED: /* row i of the slope is dphi_i/dt in both models */
        memset(room->back_slope, 0, m * sizeof *g);
        memcpy(room->back_slope, g, o->n * sizeof *g);
        memcpy(room->stage[0], room->state, m * sizeof *g);
        slope_back(o, w, room, room->stage[0], dcoupling);
        memcpy(room->back, room->back_stage, m * sizeof *g);
        break;
    case ET__OSC_ORDER:
        load_back(o, dy, 0, (REAL)(1.0 / (double)(o->steps - o->settle)), g);
        break;
    }
}

/* Goes back through step t, whose starting state is in `state`: `back` becomes the adjoint of
 * that state. */
static void step_back(const struct et__osc *o, const REAL *w, struct room *room,
                      const struct et__osc_pass *pass, size_t t, double *dcoupling)
{
    const struct scheme *scheme = scheme_of(o);
    size_t m = state_rows(o);
    step(o, w, room, pass, t);
    if (o->output == ET__OSC_ORDER && t >= o->settle) {
        sine_cosine((const REAL *)room->state, (REAL *)room->s, (REAL *)room->c, o->n * LANES);
        order_back(o, room, room->back_read);
    }
    memset(room->back_sum, 0, m * sizeof *room->back_sum);
    for (size_t k = scheme->stages; k-- > 0;) {
        memset(room->back_slope, 0, m * sizeof *room->back_slope);
        advance(room->back_slope, (REAL)(scheme->weight[k] * o->dt), room->back, m);
        if (k + 1 < scheme->stages)
            advance(room->back_slope, (REAL)(scheme->ahead[k + 1] * o->dt), room->back_stage, m);
        slope_back(o, w, room, room->stage[k], dcoupling);
        advance(room->back_sum, 1, room->back_stage, m);
    }
    advance(room->back, 1, room->back_sum, m);
}

static void back(const struct et__osc *o, const void *weights, void *work,
                 const struct et__osc_pass *pass, struct et_view dy, struct et_view dx,
                 double *dcoupling, double *dbias)
{
    struct room room = lay_out(o, work);
    size_t m = state_rows(o), bytes = m * sizeof *room.state;
    begin(o, &room, pass);
    memset(room.back_rate, 0, o->n * sizeof *room.back_rate);
    memset(room.back_drive, 0, o->n * sizeof *room.back_drive);
    for (size_t t = 0; t < o->steps; t++) {
        if (t % o->segment == 0) memcpy(room.checkpoints + t / o->segment * m, room.state, bytes);
        step(o, weights, &room, pass, t);
    }
    read_out_back(o, weights, &room, dy, dcoupling);
    for (size_t end = o->steps; end > 0;) {
        size_t first = (end - 1) / o->segment * o->segment;
        memcpy(room.state, room.checkpoints + first / o->segment * m, bytes);
        for (size_t t = first; t < end; t++) {
            memcpy(room.segment + (t - first) * m, room.state, bytes);
            if (t + 1 < end) step(o, weights, &room, pass, t);
        }
        for (size_t t = end; t-- > first;) {
            memcpy(room.state, room.segment + (t - first) * m, bytes);
            step_back(o, weights, &room, pass, t, dcoupling);
        }
        end = first;
    }
    const lanes_type *from = o->input == ET__OSC_RATE    ? room.back_rate
                             : o->input == ET__OSC_DRIVE ? room.back_drive
                                                         : room.back;
    put(dx, 0, from, o->n_in, (REAL)o->gain);
    for (size_t i = 0; dbias && i < o->n; i++)
        for (size_t lane = 0; lane < LANES; lane++)
            dbias[i] += (double)room.back_rate[i][lane];
}
