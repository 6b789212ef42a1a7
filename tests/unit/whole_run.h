/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole experiments in a folder of their own: run, interrupt, resume, digest. */
#ifndef ETALON_TESTS_UNIT_WHOLE_RUN_H
#define ETALON_TESTS_UNIT_WHOLE_RUN_H

#include <etalon/etalon.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "close.h"

static char folder[64], experiment_path[128], output[128];

static inline void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/etalon-training-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(experiment_path, sizeof experiment_path, "%s/e.yaml", folder);
    snprintf(output, sizeof output, "%s/e.h5", folder);
}

static inline void remove_folder(void)
{
    unlink(experiment_path);
    unlink(output);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left behind */
}

static inline void write_experiment(const char *text)
{
    FILE *file = fopen(experiment_path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static inline struct et_experiment *load(const char *text, const char *set)
{
    struct et_experiment *experiment;
    const char *overrides[] = {set};
    write_experiment(text);
    assert_ok(et_experiment_load(experiment_path, overrides, set != NULL, &experiment));
    return experiment;
}

/* Asks to stop when the count of batches is used up. */
static inline bool stop_after(void *user)
{
    size_t *left = user;
    if (left == NULL) return false;
    if (*left > 0) --*left;
    return *left == 0;
}

static inline enum et_status run(const char *text, const char *set, bool resume, size_t *ticks_left)
{
    struct et_experiment *experiment = load(text, set);
    struct et_run_options options = {
        .output = output, .resume = resume, .should_stop = stop_after, .user = ticks_left};
    enum et_status status = et_experiment_run(experiment, &options);
    et_experiment_close(experiment);
    return status;
}

static inline uint64_t digest(void)
{
    struct et_store *store;
    uint64_t value;
    assert_ok(et_store_open(output, &store));
    assert_ok(et_store_digest(store, &value));
    et_store_close(store);
    return value;
}

/* Interrupted after any number of batches below `most` and resumed, again and again, a run ends
 * with the same bytes. */
static inline void resume_bit_for_bit(const char *text, size_t most)
{
    assert_ok(run(text, NULL, false, NULL));
    uint64_t whole = digest();
    for (size_t batches = 1; batches < most; batches += 3) {
        size_t left = batches;
        assert_status(run(text, NULL, false, &left), ET_INTERRUPTED);
        left = 5;
        while (run(text, NULL, true, &left) == ET_INTERRUPTED)
            left = 7;
        ck_assert_msg(digest() == whole, "%s: another result after batch %zu", text, batches);
    }
}

/* One thread or eight, the same bytes. */
static inline void same_bytes_at_any_threads(const char *text)
{
    et_parallel_set_threads(1);
    assert_ok(run(text, NULL, false, NULL));
    uint64_t one = digest();
    et_parallel_set_threads(8);
    assert_ok(run(text, NULL, false, NULL));
    uint64_t eight = digest();
    et_parallel_set_threads(2);
    ck_assert(one == eight);
}

static inline const struct et_control_result *control(const struct et_run_summary *summary,
                                                      const char *name)
{
    for (size_t i = 0; i < summary->n_controls; i++)
        if (strcmp(summary->controls[i].name, name) == 0) return &summary->controls[i];
    ck_abort_msg("no control '%s'", name);
    return NULL;
}

#endif
