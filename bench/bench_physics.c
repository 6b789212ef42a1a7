/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench physics`: every analytic check, its tolerance and the error measured now. */
#include "bench.h"
#include "physics.h"

#include <math.h>
#include <stdio.h>

#define ET_PHYSICS(topic) extern const struct et__physics_check et__physics_##topic[];
#include "physics.def"
#undef ET_PHYSICS

static const struct et__physics_check *const families[] = {
#define ET_PHYSICS(topic) et__physics_##topic,
#include "physics.def"
#undef ET_PHYSICS
};

const struct et__physics_check *et__physics_checks(size_t i)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const struct et__physics_check *check = families[f]; check->system; check++)
            if (i-- == 0) return check;
    return NULL;
}

enum et_status et_bench_physics(struct et_bench *bench)
{
    const struct et__physics_check *check;
    for (size_t i = 0; (check = et__physics_checks(i)) != NULL; i++) {
        double error = NAN;
        char name[160];
        ET_TRY_WHILE(check->measure(&error), "checking '%s': %s", check->system, check->against);
        snprintf(name, sizeof name, "%s: %s", check->system, check->against);
        double ratio = error > 0 ? check->asked / error : INFINITY;
        et_bench_add(bench, name, error, check->unit, check->asked, ratio, 1);
    }
    return ET_OK;
}
