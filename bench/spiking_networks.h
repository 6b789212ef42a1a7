/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of large spiking networks. */
#ifndef ETALON_BENCH_SPIKING_NETWORKS_H
#define ETALON_BENCH_SPIKING_NETWORKS_H

#include "bench.h"

/* COBA and CUBA networks: synaptic events per second against what is promised and Brian 2. */
enum et_status et_bench_spiking_networks(struct et_bench *bench) ET_CHECKED;

#endif
