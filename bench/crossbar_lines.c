/* SPDX-License-Identifier: Apache-2.0
 *
 * A crossbar with its batch. */
#include "crossbar_lines.h"

enum et_status et__crossbar_lines_open(const char *yaml, size_t batch,
                                       struct et__crossbar_lines *lines)
{
    *lines = (struct et__crossbar_lines){0};
    enum et_status status = et_system_open_text(yaml, 3, &lines->system);
    if (status == ET_OK)
        status = et_array_create(&lines->x, batch, et_system_info(lines->system)->n_in);
    if (status == ET_OK)
        status = et_array_create(&lines->y, batch, et_system_info(lines->system)->n_out);
    if (status != ET_OK) et__crossbar_lines_close(lines);
    return status;
}

enum et_status et__crossbar_lines_run(struct et__crossbar_lines *lines)
{
    struct et_step step = {.seed = 3, .index = 1};
    return et_system_forward(lines->system, &step, et_array_view(&lines->x),
                             et_array_view(&lines->y));
}

void et__crossbar_lines_close(struct et__crossbar_lines *lines)
{
    et_system_close(lines->system);
    et_array_destroy(&lines->x);
    et_array_destroy(&lines->y);
    *lines = (struct et__crossbar_lines){0};
}
