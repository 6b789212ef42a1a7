/* SPDX-License-Identifier: Apache-2.0
 *
 * The acoustic kernel against analytic solutions. */
#include "physics.h"
#include "pml_reflection.h"

#include <math.h>

/* Amplitude that comes back from the default layer, relative to what goes in. */
static enum et_status grazing(double *error)
{
    double decibel;
    ET_TRY(et__pml_reflection(ET__PML_GRAZING, 20, 1e-10, &decibel));
    *error = pow(10, decibel / 20);
    return ET_OK;
}

static enum et_status near_normal(double *error)
{
    double decibel;
    ET_TRY(et__pml_reflection(ET__PML_NEAR_NORMAL, 10, 1e-10, &decibel));
    *error = pow(10, decibel / 20);
    return ET_OK;
}

const struct et__physics_check et__physics_acoustic[] = {
    {"acoustic", "absorbing layer, 10 cells, 9 degrees: open space", "1", 1e-3, near_normal},
    {"acoustic", "absorbing layer, 20 cells, 79 degrees: open space", "1", 1e-3, grazing},
    {0},
};
