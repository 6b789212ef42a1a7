/* SPDX-License-Identifier: Apache-2.0
 *
 * y = 0: the control that shows what the digital part does alone. */
#include "sizes.h"

#include <string.h>

static void clear(struct et_view y)
{
    memset(y.data, 0, y.rows * y.cols * sizeof *y.data);
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)state;
    (void)step;
    (void)x;
    clear(y);
    return ET_OK;
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)state;
    (void)step;
    (void)x;
    (void)dy;
    (void)dknobs;
    clear(dx);
    return ET_OK;
}

const struct et_system_type et_system_zeros = {
    .name = "zeros",
    .summary = "Gives zeros: a control that leaves the digital part alone.",
    .state_size = sizeof(struct et__sizes),
    .params = et__sizes_params,
    .open = et__sizes_open,
    .describe = et__sizes_describe,
    .forward = forward,
    .vjp = vjp,
};
