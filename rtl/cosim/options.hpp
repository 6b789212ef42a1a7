/* SPDX-License-Identifier: Apache-2.0
 *
 * The address of a verilator: URI, "name=value,name=value". */
#ifndef ETALON_COSIM_OPTIONS_HPP
#define ETALON_COSIM_OPTIONS_HPP

#include <etalon/error.h>

#include <cstdint>
#include <string>

namespace et
{

struct options {
    std::string config;                          /* a name of rtl/configs.txt */
    uint64_t seed = 1;                           /* of everything that is random */
    uint64_t latency_min = 16, latency_max = 16; /* cycles from an address to its first answer */
    double stall = 0;                            /* probability that a channel is held, per cycle */
    uint64_t hang_after = 0;  /* bursts after which the memory is silent, 0 = never */
    uint64_t hang_cycles = 0; /* for how long, 0 = for ever */
    uint64_t slverr_first = 1, slverr_last = 0; /* addresses that answer SLVERR */
    uint64_t wait_cycles = 0;                   /* most cycles of one wait, 0 = time alone counts */
    std::string trace;                          /* FST file */
};

/* Errors: ET_CONFIG with the option and what it may be. */
et_status parse_options(const char *address, options &to) ET_CHECKED;

} // namespace et
#endif
