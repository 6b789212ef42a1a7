/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzed bytes as a recipe for a file: whoever cooks takes them one by one. */
#ifndef ETALON_TESTS_FUZZ_RECIPE_H
#define ETALON_TESTS_FUZZ_RECIPE_H

#include <etalon/store.h>

#include <stddef.h>
#include <stdint.h>

struct recipe {
    const uint8_t *bytes;
    size_t left;
    struct et_store *store;
};

/* 0 when none are left. */
static inline uint8_t next(struct recipe *r)
{
    if (r->left == 0) return 0;
    r->left--;
    return *r->bytes++;
}

#endif
