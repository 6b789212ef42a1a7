/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of `etalon bench spiking` about passes without learning. */
#ifndef ETALON_BENCH_SPIKING_FORWARD_H
#define ETALON_BENCH_SPIKING_FORWARD_H

#include "bench.h"

/* One thread; each row beside the dense matrix products of the same layers, without neurons. */
enum et_status et_bench_spiking_forward(struct et_bench *bench) ET_CHECKED;

#endif
