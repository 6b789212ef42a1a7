/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of physics: what each simulated system is checked against, how far off it may be, and
 * how far off it is.  `etalon bench physics` prints it, tests/physics/test_table.c enforces it.
 *
 * One file physics_<topic>.c for each family; et_add_physics(<topic>) in CMakeLists.txt adds its
 * list. */
#ifndef ETALON_BENCH_PHYSICS_H
#define ETALON_BENCH_PHYSICS_H

#include <etalon/error.h>

#include <stddef.h>

struct et__physics_check {
    const char *system;  /* name in `etalon list`, e.g. "diffraction" */
    const char *against; /* "Gaussian beam: waist w(z) at 3 Rayleigh lengths" */
    const char *unit;    /* of the error; "1" = relative */
    double asked;        /* largest error allowed */
    /* Measures the error, >= 0.  Takes seconds at most.  Errors: as the system's. */
    enum et_status (*measure)(double *error);
};

/* Check i of all families, NULL past the last. */
const struct et__physics_check *et__physics_checks(size_t i);

#endif
