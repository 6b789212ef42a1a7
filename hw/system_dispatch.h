/* SPDX-License-Identifier: Apache-2.0
 *
 * A system from inside: what passes (system.c) and learning (system_learn.c) share. */
#ifndef ETALON_HW_SYSTEM_DISPATCH_H
#define ETALON_HW_SYSTEM_DISPATCH_H

#include "system_internal.h"

struct et_system {
    const struct et_system_type *type;
    void *state;
    struct et_system_info info;
    size_t n_workers; /* that its workspaces were made for */
    float lo, hi;     /* in_min and in_max without infinities */
    uint64_t passes;  /* samples of this system itself */
    double wall_s;
    struct et__workspace x, y, dx; /* copies of strided views; y also of a judged pass */
    struct et__workspace dy;       /* of a judged pass */
    struct et_knob_block *block;   /* [n_blocks] all knobs, in order */
    size_t n_blocks;
};

/* Seconds of a clock that only goes forward. */
double et__system_now_s(void);

/* The i-th system inside a wrapper, NULL past the last. */
struct et_system *et__system_inner(const struct et_system *system, size_t i);

/* Errors: ET_SHAPE naming the view. */
enum et_status et__system_check_shape(const char *name, struct et_view view, size_t rows,
                                      size_t cols) ET_CHECKED;
/* A pass of x may begin: its shape, the threads, the range of its numbers.  Errors: ET_SHAPE,
 * ET_INVALID. */
enum et_status et__system_check_pass(const struct et_system *system, struct et_view x) ET_CHECKED;
/* Errors: ET_NUMERIC naming the view and the sample. */
enum et_status et__system_check_finite(const char *name, struct et_view view,
                                       const struct et_step *step) ET_CHECKED;
/* A contiguous view with the contents of v: itself, or a copy in the workspace. */
enum et_status et__system_gather(struct et__workspace *workspace, struct et_view v,
                                 struct et_view *contiguous) ET_CHECKED;
/* A pass between its checks; counts it. */
enum et_status et__system_run(struct et_system *system, const struct et_step *step,
                              struct et_view x, struct et_view y) ET_CHECKED;

/* Fills the table of knob blocks of a system that has just described itself.
 * Errors: ET_INVALID (they do not cover the knobs), ET_NOMEM. */
enum et_status et__system_blocks(struct et_system *system) ET_CHECKED;

#endif
