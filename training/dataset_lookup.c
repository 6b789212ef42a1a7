/* SPDX-License-Identifier: Apache-2.0
 *
 * Key-value lookup: a sequence of pairs and, as its last token, a query.
 *
 *     token t < T   one-hot key k_t, one-hot value v_t       the keys of a sequence differ
 *     token T       one-hot key of one of the pairs, no value
 *     class         the value bound to that key
 *
 * Which value is right depends on a comparison of two tokens: a model that sums up what each token
 * says by itself (a linear one does) knows which values occur, not which one is asked for. */
#include "dataset_create.h"

#include <etalon/rng.h>

/* clang-format off */
static const struct et_param params[] = {
    {.name = "n", .kind = ET_PARAM_INT, .initial = "5000", .min = 2, .max = 1e7, .unit = "rows",
     .doc = "Sequences."},
    {.name = "pairs", .kind = ET_PARAM_INT, .initial = "8", .min = 1, .max = 1000,
     .doc = "Pairs of a sequence; it has one token more, the query."},
    {.name = "keys", .kind = ET_PARAM_INT, .initial = "16", .min = 1, .max = 1000,
     .doc = "Different keys, at least as many as pairs."},
    {.name = "values", .kind = ET_PARAM_INT, .initial = "8", .min = 2, .max = 1000,
     .doc = "Different values: the classes."},
    {0},
};
/* clang-format on */

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    size_t n = (size_t)et_config_int(config, "n"), pairs = (size_t)et_config_int(config, "pairs");
    size_t keys = (size_t)et_config_int(config, "keys");
    size_t values = (size_t)et_config_int(config, "values"), width = keys + values;
    if (keys < pairs)
        return et_config_error(config, "keys", "%zu pairs need as many different keys", pairs);
    ET_TRY(et__dataset_create(dataset, n, (pairs + 1) * width, values, NULL, 0));
    dataset->origin = "generated: key-value lookup";
    size_t *key = et_alloc(keys, sizeof *key);
    if (key == NULL) return ET_NOMEM;
    for (size_t r = 0; r < n; r++) {
        float *x = dataset->x.data + r * dataset->x.cols;
        for (size_t k = 0; k < keys; k++)
            key[k] = k;
        et_rng_shuffle(et_rng_derive(seed, r), ET_STREAM_DATA, 0, key, keys);
        size_t asked = et_rng_below(seed, ET_STREAM_DATA, 1, r, (uint32_t)pairs);
        for (size_t t = 0; t < pairs; t++) {
            uint32_t v = et_rng_below(seed, ET_STREAM_DATA, 2, r * pairs + t, (uint32_t)values);
            x[t * width + key[t]] = 1;
            x[t * width + keys + v] = 1;
            if (t == asked) dataset->label[r] = (int32_t)v;
        }
        x[pairs * width + key[asked]] = 1;
    }
    et_free(key);
    return ET_OK;
}

const struct et_dataset_type et_dataset_lookup = {
    .name = "lookup",
    .summary = "Key-value lookup sequences: which value is bound to the queried key (generated).",
    .params = params,
    .load = load,
};
