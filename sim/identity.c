/* SPDX-License-Identifier: Apache-2.0
 *
 * y = x, cut or padded with zeros: the control that takes the physics out. */
#include "sizes.h"

#include <string.h>

/* Both directions are the same copy. */
static void copy_rows(struct et_view from, struct et_view to)
{
    size_t n = from.cols < to.cols ? from.cols : to.cols;
    for (size_t r = 0; r < to.rows; r++) {
        float *row = to.data + r * to.cols;
        memcpy(row, from.data + r * from.cols, n * sizeof *row);
        memset(row + n, 0, (to.cols - n) * sizeof *row);
    }
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)state;
    (void)step;
    copy_rows(x, y);
    return ET_OK;
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)state;
    (void)step;
    (void)x;
    (void)dknobs;
    copy_rows(dy, dx);
    return ET_OK;
}

const struct et_system_type et_system_identity = {
    .name = "identity",
    .summary = "Copies its inputs: a control without any physics.",
    .state_size = sizeof(struct et__sizes),
    .params = et__sizes_params,
    .open = et__sizes_open,
    .describe = et__sizes_describe,
    .forward = forward,
    .vjp = vjp,
};
