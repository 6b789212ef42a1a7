/* SPDX-License-Identifier: Apache-2.0
 *
 * The mesh kernels for each instruction set; the processor decides at run time. */
#include "kernels/mesh.h"

#define LANES 8
#define LANES_TARGET
#define NAME(x) x##_portable
#include "kernels/mesh_lanes.h"
#undef LANES
#undef LANES_TARGET
#undef NAME

#if defined __x86_64__
#define LANES        8
#define LANES_TARGET __attribute__((target("avx2,fma")))
#define NAME(x)      x##_avx2
#include "kernels/mesh_lanes.h"
#undef LANES
#undef LANES_TARGET
#undef NAME

#define LANES        16
#define LANES_TARGET __attribute__((target("avx512f,avx512vl,avx512dq,fma")))
#define NAME(x)      x##_avx512
#include "kernels/mesh_lanes.h"
#undef LANES
#undef LANES_TARGET
#undef NAME
#endif

#define KERNELS(set)                                                                               \
    {                                                                                              \
#set, sweep_##set, back_##set, product_##set, arithmetic_##set                             \
    }

const struct et__mesh_kernels *et__mesh_kernels(size_t i)
{
    static const struct et__mesh_kernels all[] = {
#if defined __x86_64__
        KERNELS(avx512),
        KERNELS(avx2),
#endif
        KERNELS(portable),
    };
    const bool runs[sizeof all / sizeof *all] = {
#if defined __x86_64__
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512dq"),
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"),
#endif
        true,
    };
    for (size_t at = 0; at < sizeof all / sizeof *all; at++)
        if (runs[at] && i-- == 0) return &all[at];
    return NULL;
}

void et__mesh_sweep(const struct et__mesh_plan *plan, float *field)
{
    et__mesh_kernels(0)->sweep(plan, field);
}

void et__mesh_back(const struct et__mesh_plan *plan, float *u, float *g, struct et__mesh_sums *sums,
                   double *phase)
{
    et__mesh_kernels(0)->back(plan, u, g, sums, phase);
}

void et__mesh_product(const float *m, size_t rows, size_t columns, bool real, const float *x,
                      float *z)
{
    et__mesh_kernels(0)->product(m, rows, columns, real, x, z);
}
