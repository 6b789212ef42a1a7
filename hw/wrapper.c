/* SPDX-License-Identifier: Apache-2.0
 *
 * What wrappers have in common: growing workspaces, the inner system, its legal range, seeds. */
#include "system_internal.h"

#include <etalon/rng.h>

#include <math.h>

enum et_status et__workspace_get(struct et__workspace *workspace, size_t rows, size_t cols,
                                 struct et_view *view)
{
    size_t count = rows * cols;
    if (count > workspace->capacity) {
        float *data = et_alloc(count, sizeof *data);
        if (data == NULL) return ET_NOMEM;
        et_free(workspace->data);
        workspace->data = data;
        workspace->capacity = count;
    }
    *view = et_view_of(workspace->data, rows, cols);
    return ET_OK;
}

void et__workspace_free(struct et__workspace *workspace)
{
    et_free(workspace->data);
    *workspace = (struct et__workspace){0};
}

void et__system_inherit(struct et_system_info *info, const struct et_system *inner)
{
    *info = *et_system_info(inner);
}

enum et_status et__system_open_inner(const struct et_config *config, const char *name,
                                     uint64_t seed, struct et_system **inner)
{
    return et_system_open(et_config_at(config, name, 0), seed, inner);
}

void et__clip_inputs(struct et_view x, const struct et_system *system)
{
    const struct et_system_info *info = et_system_info(system);
    for (size_t i = 0; i < x.rows * x.cols; i++)
        x.data[i] = fminf(fmaxf(x.data[i], info->in_min), info->in_max);
}

uint64_t et__wrapper_seed(uint64_t seed, const struct et_system *inner)
{
    uint64_t depth = 1;
    while ((inner = et_system_inner(inner, 0)) != NULL)
        depth++;
    return et_rng_derive(seed, depth << 32);
}
