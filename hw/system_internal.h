/* SPDX-License-Identifier: Apache-2.0
 *
 * What the wrappers of this folder share with the dispatch. */
#ifndef ETALON_HW_SYSTEM_INTERNAL_H
#define ETALON_HW_SYSTEM_INTERNAL_H

#include <etalon/array.h>
#include <etalon/system.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer for as many rows as the largest batch so far.  A wrapper cannot know the batch when it
 * opens, and cutting a batch is not allowed in front of a STATEFUL system; so its buffers grow on
 * the first batch of a new largest size and forward allocates nothing afterwards. */
struct et__workspace {
    float *data;
    size_t capacity; /* numbers */
};

/* Makes *view a contiguous rows x cols view of the buffer, contents undefined.
 * Errors: ET_NOMEM (the buffer stays as it was). */
enum et_status et__workspace_get(struct et__workspace *workspace, size_t rows, size_t cols,
                                 struct et_view *view) ET_CHECKED;
void et__workspace_free(struct et__workspace *workspace);

/* The type of a name, or NULL with a record: ET_UNSUPPORTED (absent from this build) or ET_CONFIG
 * (unknown). */
const struct et_system_type *et__system_type_find(const char *name);

/* Fills *info with what a wrapper around one system inherits: everything. */
void et__system_inherit(struct et_system_info *info, const struct et_system *inner);

/* Opens the system of parameter `name` (a TYPE) of a wrapper's configuration.  It gets the
 * wrapper's own seed: wrapping a device does not make it another device. */
enum et_status et__system_open_inner(const struct et_config *config, const char *name,
                                     uint64_t seed, struct et_system **inner) ET_CHECKED;

/* Moves contiguous inputs of a system into its legal range. */
void et__clip_inputs(struct et_view x, const struct et_system *system);

/* A seed for a wrapper's own random numbers, different from that of a system of the same type
 * further inside (which has the same seed). */
uint64_t et__wrapper_seed(uint64_t seed, const struct et_system *inner);

#endif
