/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ETALON_TRAINING_DRIVE_H
#define ETALON_TRAINING_DRIVE_H

#include "network.h"

/* x [rows][n_in] from h [rows][n_h]; formulas in drive.c.  The stage's drive_fit must exist when
 * the drive needs one. */
void et__drive(const struct et__stage *stage, struct et_view h, struct et_view x);

#endif
