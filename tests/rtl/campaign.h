/* SPDX-License-Identifier: Apache-2.0
 *
 * The same random programs on several devices at once: memory, records and counters must be equal
 * bit for bit. */
#ifndef ETALON_TESTS_CAMPAIGN_H
#define ETALON_TESTS_CAMPAIGN_H

#include <stddef.h>
#include <stdint.h>

/* Runs at least n descriptors on "model:" and on every device of `uri` (at most 4), all of
 * configuration `config`, turn by turn.  The test fails with the seed at the first difference.
 * Returns the number of descriptors. */
size_t campaign_run(const char *config, const char *const *uri, size_t n_uris, uint64_t seed,
                    size_t n, uint32_t most_steps);

#endif
