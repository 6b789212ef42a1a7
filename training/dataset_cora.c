/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes of a citation graph with binary features, one a line, as Cora comes here:
 *
 *     # a comment
 *     id label split(train|val|test|none) index index ...
 *
 * Ids count from 0; the indices of the features that are 1 rise.  Training rows come first, then
 * those of the test part; the rest is left out or learns with the training rows.
 *
 * Split: Yang, Cohen & Salakhutdinov, ICML 2016 ("planetoid"): 20 nodes of each class to train,
 * 500 to validate, 1000 to test. */
#include "dataset_create.h"
#include "file_bytes.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* clang-format off */
static const struct et_param params[] = {
    {.name = "nodes", .kind = ET_PARAM_STRING, .initial = "\"${ETALON_DATA}/cora/cora.nodes.txt\"",
     .doc = "File of the nodes."},
    {.name = "features", .kind = ET_PARAM_INT, .initial = "1433", .min = 1, .max = 1000000,
     .doc = "Features of a node."},
    {.name = "classes", .kind = ET_PARAM_INT, .initial = "7", .min = 2, .max = 65536,
     .doc = "Labels are 0 .. classes - 1."},
    {.name = "train", .kind = ET_PARAM_CHOICE, .initial = "planetoid",
     .choices = "planetoid|validation|rest",
     .doc = "Training rows: the split's own, those and the validation nodes, all but the test."},
    {.name = "normalise", .kind = ET_PARAM_BOOL, .initial = "true",
     .doc = "Divide a row by the number of its words; a row without any stays 0."},
    {0},
};
/* clang-format on */

enum part { TRAIN, VALIDATION, TEST, NONE, N_PARTS };
static const char *const part_name[N_PARTS] = {"train", "val", "test", "none"};

/* Where the reader stands. */
struct reader {
    const char *path, *at;
    size_t line, nodes;
    size_t features, classes;
    enum part last_kept; /* parts up to this one train, and NONE with it when it is NONE */
};

/* The next word of the line; false at its end. */
static bool next_word(struct reader *r, const char **word, size_t *length)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')
        r->at++;
    *word = r->at;
    while (*r->at != '\0' && !isspace((unsigned char)*r->at))
        r->at++;
    *length = (size_t)(r->at - *word);
    return *length > 0;
}

/* A whole number below `limit`. */
static enum et_status next_number(struct reader *r, const char *what, size_t limit, size_t *value)
{
    const char *word;
    size_t length;
    if (!next_word(r, &word, &length))
        return et_error_set(ET_FORMAT, "%s:%zu: the line ends before the %s", r->path, r->line,
                            what);
    *value = 0;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)word[i]) || i > 9)
            return et_error_set(ET_FORMAT, "%s:%zu: %s '%.*s' is not a whole number", r->path,
                                r->line, what, (int)(length < 40 ? length : 40), word);
        *value = 10 * *value + (size_t)(word[i] - '0');
    }
    if (*value < limit) return ET_OK;
    return et_error_set(ET_FORMAT, "%s:%zu: %s %zu is outside 0 .. %zu", r->path, r->line, what,
                        *value, limit - 1);
}

static enum et_status next_part(struct reader *r, enum part *part)
{
    const char *word;
    size_t length;
    (void)next_word(r, &word, &length);
    for (size_t i = 0; i < N_PARTS; i++)
        if (length == strlen(part_name[i]) && memcmp(word, part_name[i], length) == 0) {
            *part = (enum part)i;
            return ET_OK;
        }
    return et_error_set(ET_FORMAT, "%s:%zu: split '%.*s' is none of train, val, test, none",
                        r->path, r->line, (int)(length < 40 ? length : 40), word);
}

/* Features of a line into x [features], NULL = only check them. */
static enum et_status read_features(struct reader *r, float *x, bool normalise)
{
    size_t count = 0, above = 0;
    for (; *r->at == ' ' || *r->at == '\t' || *r->at == '\r'; r->at++) {
    }
    while (*r->at != '\n' && *r->at != '\0') {
        size_t index;
        ET_TRY(next_number(r, "feature", r->features, &index));
        if (count > 0 && index < above)
            return et_error_set(ET_FORMAT, "%s:%zu: feature %zu does not follow in rising order",
                                r->path, r->line, index);
        if (x != NULL) x[index] = 1;
        above = index + 1;
        count++;
        for (; *r->at == ' ' || *r->at == '\t' || *r->at == '\r'; r->at++) {
        }
    }
    for (size_t i = 0; x != NULL && normalise && count > 0 && i < r->features; i++)
        x[i] /= (float)count;
    return ET_OK;
}

struct node {
    size_t label;
    enum part part;
};

/* The part of a node of the next line; false at the end of the file. */
static enum et_status next_node(struct reader *r, struct node *node, bool *found)
{
    for (;;) {
        r->line++;
        while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')
            r->at++;
        if (*r->at == '#')
            while (*r->at != '\n' && *r->at != '\0')
                r->at++;
        if (*r->at != '\n') break;
        r->at++;
    }
    *found = *r->at != '\0';
    if (!*found) return ET_OK;
    size_t id;
    ET_TRY(next_number(r, "node", SIZE_MAX, &id));
    if (id != r->nodes)
        return et_error_set(ET_FORMAT, "%s:%zu: node %zu where node %zu is due", r->path, r->line,
                            id, r->nodes);
    r->nodes++;
    ET_TRY(next_number(r, "label", r->classes, &node->label));
    return next_part(r, &node->part);
}

static bool trains(const struct reader *r, enum part part)
{
    return part != TEST && part <= r->last_kept;
}

/* First pass (dataset->x empty): checks and counts.  Second pass: fills. */
static enum et_status read_nodes(struct reader r, bool normalise, size_t count[2],
                                 struct et_dataset *dataset)
{
    size_t next[2] = {0, count[0]}, rows[2] = {0, 0};
    for (;;) {
        struct node node = {0};
        bool found;
        ET_TRY(next_node(&r, &node, &found));
        if (!found) break;
        float *x = NULL;
        int side = node.part == TEST ? 1 : trains(&r, node.part) ? 0 : -1;
        if (side >= 0) rows[side]++;
        if (side >= 0 && dataset->x.data != NULL) {
            x = dataset->x.data + next[side] * r.features;
            dataset->label[next[side]++] = (int32_t)node.label;
        }
        ET_TRY(read_features(&r, x, normalise));
        if (*r.at == '\n') r.at++;
    }
    count[0] = rows[0];
    count[1] = rows[1];
    return ET_OK;
}

static enum et_status read_text(const struct et_config *config, const char *path,
                                const struct et__bytes *bytes, struct et_dataset *dataset)
{
    static const enum part last_kept[] = {TRAIN, VALIDATION, NONE};
    struct reader reader = {
        .path = path,
        .at = (const char *)bytes->data,
        .features = (size_t)et_config_int(config, "features"),
        .classes = (size_t)et_config_int(config, "classes"),
        .last_kept = last_kept[et_config_choice(config, "train")],
    };
    bool normalise = et_config_bool(config, "normalise");
    if (strlen(reader.at) != bytes->size)
        return et_error_set(ET_FORMAT, "%s: a zero byte at %zu: not a text", path,
                            strlen(reader.at));
    size_t count[2] = {0, 0};
    ET_TRY(read_nodes(reader, normalise, count, dataset));
    for (int side = 0; side < 2; side++)
        if (count[side] == 0)
            return et_error_set(ET_FORMAT, "%s: no node of split %s", path,
                                part_name[side ? TEST : TRAIN]);
    ET_TRY(
        et__dataset_create(dataset, count[0] + count[1], reader.features, reader.classes, NULL, 0));
    dataset->n_train = count[0];
    dataset->origin = "nodes of a citation graph";
    return read_nodes(reader, normalise, count, dataset);
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    (void)seed;
    char *path = NULL;
    struct et__bytes bytes = {0};
    enum et_status status = et_config_file(config, et_config_string(config, "nodes"), &path);
    if (status == ET_OK) status = et__bytes_read(path, &bytes);
    if (status == ET_OK) status = read_text(config, path, &bytes, dataset);
    et__bytes_destroy(&bytes);
    et_free(path);
    return status;
}

const struct et_dataset_type et_dataset_cora = {
    .name = "cora",
    .summary = "Nodes of a citation graph with binary features, such as Cora.",
    .params = params,
    .load = load,
};
