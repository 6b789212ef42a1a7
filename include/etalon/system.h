/* SPDX-License-Identifier: Apache-2.0
 *
 * A physical system: anything that computes y = f(x; knobs) outside the digital trainer.
 *
 * Simulator, accelerator, board, recording, fitted twin: a training loop cannot tell which one it
 * drives.  The first half of this header is for users of systems, the second for their authors.
 *
 *     struct et_system *cavity;
 *     ET_TRY(et_system_open_text("{type: acoustic, drive: 2}", seed, &cavity));
 *     ET_TRY(et_system_forward(cavity, &step, x, y));
 *     et_system_close(cavity);
 *
 * A handle belongs to one thread at a time; different handles are independent. */
#ifndef ETALON_SYSTEM_H
#define ETALON_SYSTEM_H

#include <etalon/array.h>
#include <etalon/config.h>
#include <etalon/error.h>

#include <stddef.h>
#include <stdint.h>

enum et_trait {
    ET_STATEFUL = 1,   /* y depends on earlier passes; a batch may not be cut differently */
    ET_NOISY = 2,      /* y differs from step to step for equal x */
    ET_HAS_KNOBS = 4,  /* set_knobs and get_knobs work */
    ET_HAS_VJP = 8,    /* vjp works */
    ET_EXCLUSIVE = 16, /* a device that only one handle may hold */
    ET_SURROGATE = 32, /* vjp is an estimate (surrogate gradients, cut in time) */
    ET_LEARNS = 64     /* has a learning rule of its own behind et_system_teach */
};

/* What a system says of itself.  Strings live as long as the system. */
struct et_system_info {
    size_t n_in, n_out, n_knobs; /* numbers per sample; knobs are shared by all samples */
    float in_min, in_max;        /* legal inputs, in in_unit */
    const char *in_unit, *out_unit, *knob_unit;
    float knob_min, knob_max;   /* legal knobs, in knob_unit; both 0 = any finite value */
    double latency_s, energy_J; /* per sample; NAN = unknown */
    unsigned traits;            /* of enum et_trait */
};

/* Names one pass, so that noise is a pure function of (seed, stream, index, sample). */
struct et_step {
    uint64_t seed;           /* of the run */
    uint32_t index;          /* grows by one from pass to pass: the time of slow drifts */
    const uint64_t *samples; /* [batch] identity of each row, or NULL for 0, 1, 2, ... */
};

/* What the passes cost so far.  A wrapper reports what the systems inside it did. */
struct et_ledger {
    uint64_t passes; /* samples that went through */
    double device_s; /* by the device's own counters where it has them, otherwise passes x latency
                        (a model); never this computer's clock; NAN when unknown */
    double device_J; /* passes x energy (a model); NAN when unknown */
    double wall_s;   /* seconds this computer spent */
};

struct et_system;

/* Geometry of knobs that are points of a curved space; c is its parameter (of a ball: minus the
 * curvature).  Tangent vectors are in the coordinates of the point. */
struct et_manifold {
    const char *name;
    /* From the Euclidean gradient g [n] at p [n] to the Riemannian one, in place. */
    void (*gradient)(double c, const float *p, float *g, size_t n);
    /* Inner product of the tangent vectors u, v [n] at p. */
    double (*inner)(double c, const float *p, const float *u, const float *v, size_t n);
    /* Moves p along the tangent vector u and takes the tangent vector w (or NULL) along. */
    void (*move)(double c, float *p, const float *u, float *w, size_t n);
};

enum et_knob_kind {
    ET_KNOB_PLAIN,
    ET_KNOB_KEPT,    /* the system's own (running statistics): an optimiser leaves them alone */
    ET_KNOB_MANIFOLD /* each row is a point */
};

/* Knobs that belong together: rows x cols of them from number `first`. */
struct et_knob_block {
    const char *name;
    size_t first, rows, cols;
    enum et_knob_kind kind;
    const struct et_manifold *manifold; /* MANIFOLD */
    const double *curvature;            /* MANIFOLD: its c at present */
};

/* Opens a system from a checked map {type: ..., ...} (see et_config_at).  seed fixes the identity
 * of the device (mismatch, random layers); *system is the caller's.
 * Errors: ET_CONFIG, ET_MISSING, ET_NOMEM, ET_DEVICE, ET_UNSUPPORTED (not in this build). */
ET_API enum et_status et_system_open(const struct et_config *config, uint64_t seed,
                                     struct et_system **system) ET_CHECKED;
/* The same from YAML text, "{type: linear, n_in: 4, n_out: 2}". */
ET_API enum et_status et_system_open_text(const char *yaml, uint64_t seed,
                                          struct et_system **system) ET_CHECKED;
/* Accepts NULL. */
ET_API void et_system_close(struct et_system *system);

ET_API const char *et_system_name(const struct et_system *system);
ET_API const struct et_system_info *et_system_info(const struct et_system *system);
ET_API struct et_ledger et_system_ledger(const struct et_system *system);

/* y = f(x; knobs).
 *
 * x  [batch][n_in]   in, in_unit, each in [in_min, in_max]
 * y  [batch][n_out]  out, out_unit; must not overlap x
 *
 * Deterministic for any thread count; for a system that is not STATEFUL also for any cut of the
 * batch.  Errors: ET_SHAPE, ET_INVALID (input outside the range, or more threads than when it was
 * opened), ET_NUMERIC (y not finite), ET_DEVICE, ET_TIMEOUT; after an error y is undefined. */
ET_API enum et_status et_system_forward(struct et_system *system, const struct et_step *step,
                                        struct et_view x, struct et_view y) ET_CHECKED;

/* Knobs: [n_knobs] values in knob_unit.  Errors: ET_UNSUPPORTED, ET_SHAPE, ET_INVALID (not finite,
 * outside [knob_min, knob_max]); the device then keeps the knobs that it has. */
ET_API enum et_status et_system_set_knobs(struct et_system *system, const float *knobs,
                                          size_t n) ET_CHECKED;
ET_API enum et_status et_system_get_knobs(struct et_system *system, float *knobs,
                                          size_t n) ET_CHECKED;

/* Back to the state after open (contents of a STATEFUL system; knobs stay). */
ET_API enum et_status et_system_reset(struct et_system *system) ET_CHECKED;

/* dx = (df/dx)^T dy and dknobs = (df/dknobs)^T dy summed over the batch, at the inputs x.
 * dx [batch][n_in], dy [batch][n_out]; dknobs [n_knobs] or NULL.  Errors: ET_UNSUPPORTED, ... */
ET_API enum et_status et_system_vjp(struct et_system *system, const struct et_step *step,
                                    struct et_view x, struct et_view dy, struct et_view dx,
                                    float *dknobs) ET_CHECKED;

/* Judges outputs while a system works: y [batch][n_out] of time step t of n_steps (most systems
 * have one) in, dy = dLoss/dy out.  The loss of a pass is the sum over its steps. */
struct et_teacher {
    enum et_status (*judge)(void *user, size_t t, size_t n_steps, struct et_view y,
                            struct et_view dy);
    void *user;
};

/* One pass of training: forward, judgement and gradient together, by the system's own rule if it
 * has one, else by forward and vjp.  What forward gives is the mean of the y of the steps.
 *
 * dx [batch][n_in] out, or data NULL; dknobs [n_knobs] out
 *
 * A rule may look at the whole batch (batch statistics) and may move KEPT knobs itself: read them
 * back with get_knobs.  Errors: as forward and vjp, and what judge returns. */
ET_API enum et_status et_system_teach(struct et_system *system, const struct et_step *step,
                                      struct et_view x, const struct et_teacher *teacher,
                                      struct et_view dx, float *dknobs) ET_CHECKED;

/* The i-th block of knobs, NULL past the last: they cover all knobs in order.  A system that says
 * nothing has one plain block. */
ET_API const struct et_knob_block *et_system_knob_block(const struct et_system *system, size_t i);

/* Writes the system as it is now, knobs included, to a file of the exchange format of its field.
 * Errors: ET_UNSUPPORTED (there is none; or it cannot say what this system does), ET_IO. */
ET_API enum et_status et_system_export(struct et_system *system, const char *path) ET_CHECKED;

/* A look inside while a system runs: called with the field at every `every`-th time step of the
 * first sample of a batch.  field [ny][nx] in `unit` is borrowed for the call. */
struct et_observer {
    size_t every;
    void (*frame)(void *user, size_t step, double time_s, struct et_view field, double dx_m,
                  const char *unit);
    void *user;
};
/* Installs (NULL removes) an observer.  Errors: ET_UNSUPPORTED when the system has no field. */
ET_API enum et_status et_system_observe(struct et_system *system,
                                        const struct et_observer *observer) ET_CHECKED;

/* The i-th system inside a wrapper, NULL past the last. */
ET_API const struct et_system *et_system_inner(const struct et_system *system, size_t i);

/* ------------------------------------------------------------------ for authors of systems -- */

/* One const object per file, the file's only exported symbol: et_system_<name>.
 *
 * The framework allocates the state (zeroed), checks shapes and ranges, counts passes and time,
 * guards against outputs that are not finite and adds error context: a type holds physics only.
 * It makes no allocation in forward; workspaces (one per worker thread) are made in open. */
struct et_system_type {
    const char *name;              /* key in YAML: the symbol's suffix, '-' for '_' allowed */
    const char *summary;           /* one line for `etalon list` */
    size_t state_size;             /* bytes of state */
    const struct et_param *params; /* ends with {0} */

    /* REQUIRED.  Reads the checked configuration (borrowed for this call) and builds the state.
     * On failure the framework calls close, so leave the state in a shape that close accepts. */
    enum et_status (*open)(void *state, const struct et_config *config, uint64_t seed);
    /* REQUIRED.  Fills *info (given zeroed, latency_s and energy_J NAN); called once after open. */
    void (*describe)(const void *state, struct et_system_info *info);
    /* REQUIRED.  Shapes are checked and batch >= 1.  Rows of x and y are contiguous
     * (stride == cols).  May run its own et_parallel_for over the batch. */
    enum et_status (*forward)(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y);

    /* OPTIONAL, both or none, with n_knobs > 0. */
    enum et_status (*set_knobs)(void *state, const float *knobs);
    void (*get_knobs)(const void *state, float *knobs);
    /* OPTIONAL: STATEFUL systems must have it. */
    enum et_status (*reset)(void *state);
    /* OPTIONAL. */
    enum et_status (*vjp)(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs);
    /* OPTIONAL: see et_system_teach; dx.data may be NULL, dknobs is zeroed.  y and dy of a
     * judgement are the type's own, contiguous. */
    enum et_status (*teach)(void *state, const struct et_step *step, struct et_view x,
                            const struct et_teacher *teacher, struct et_view dx, float *dknobs);
    /* OPTIONAL: see et_system_knob_block. */
    const struct et_knob_block *(*block)(const void *state, size_t i);
    /* OPTIONAL: see et_system_export. */
    enum et_status (*export)(void *state, const char *path);
    /* OPTIONAL: seconds that the device has worked since open, by counters of its own; NAN when it
     * has none.  The ledger prefers them to passes x latency_s. */
    double (*device_s)(const void *state);
    /* OPTIONAL: systems with a field. */
    void (*observe)(void *state, const struct et_observer *observer);
    /* OPTIONAL: wrappers; the i-th inner system or NULL past the last. */
    struct et_system *(*inner)(const void *state, size_t i);
    /* OPTIONAL.  Frees what open made; also called after a failed open. */
    void (*close)(void *state);
};

/* Sample identity of row i of a pass. */
static inline uint64_t et_step_sample(const struct et_step *step, size_t i)
{
    return step->samples ? step->samples[i] : i;
}

/* Adds a type of a program's own to the registry (call before experiments load).
 * Errors: ET_INVALID (name taken, required member missing), ET_NOMEM. */
ET_API enum et_status et_system_register(const struct et_system_type *type) ET_CHECKED;

/* Entry i of the family "system" (and of no other), NULL past the last. */
ET_API const struct et_type_entry *et_system_types(const char *family, size_t i);

#endif
