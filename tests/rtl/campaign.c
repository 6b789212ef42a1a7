/* SPDX-License-Identifier: Apache-2.0 */
#include "rtl/campaign.h"

#include <etalon/array.h>

#include <stdio.h>

#include "rtl/cycles.h"
#include "rtl/program.h"

enum { DEVICES_MAX = 5, ROUND = 120 };

struct campaign {
    const char *config;
    uint64_t seed;
    struct program *program;
    struct rig rig[DEVICES_MAX]; /* the first is the model */
    const char *uri[DEVICES_MAX];
    size_t n_rigs, done;
    uint64_t compute; /* cycles of all COMPUTEs by the formula */
};

static void compare_memory(const struct campaign *c, size_t i)
{
    const unsigned char *want = c->rig[0].data.host, *got = c->rig[i].data.host;
    if (memcmp(want, got, RIG_DATA) == 0) return;
    size_t at = 0;
    while (want[at] == got[at])
        at++;
    ck_abort_msg("%s, seed %llu, descriptors %zu to %zu: byte 0x%zx of the data is 0x%02x, "
                 "0x%02x in the model",
                 c->uri[i], (unsigned long long)c->seed, c->done, c->done + c->program->n, at,
                 got[at], want[at]);
}

static void compare_counters(struct campaign *c, size_t i)
{
    static const struct {
        uint32_t address;
        const char *name;
    } counters[] = {
        {ET__BNN_COUNTER_STEPS, "STEPS"},       {ET__BNN_COUNTER_JOBS, "JOBS"},
        {ET__BNN_COUNTER_RD_BEATS, "RD_BEATS"}, {ET__BNN_COUNTER_WR_BEATS, "WR_BEATS"},
        {ET__BNN_COUNTER_ECC_CE, "ECC_CE"},     {ET__BNN_COUNTER_ECC_UE, "ECC_UE"},
        {ET__BNN_COUNTER_PARITY, "PARITY"},
    };
    for (size_t k = 0; k < sizeof counters / sizeof *counters; k++) {
        uint64_t want = rig_counter(&c->rig[0], counters[k].address);
        uint64_t got = rig_counter(&c->rig[i], counters[k].address);
        ck_assert_msg(want == got,
                      "%s, seed %llu, descriptors to %zu: counter %s is %llu, not %llu", c->uri[i],
                      (unsigned long long)c->seed, c->done + c->program->n, counters[k].name,
                      (unsigned long long)got, (unsigned long long)want);
    }
}

/* Time is part of the contract; the model knows none. */
static void compare_time(struct campaign *c, size_t i)
{
    uint64_t got = rig_counter(&c->rig[i], ET__BNN_COUNTER_COMPUTE);
    if (strncmp(c->uri[i], "verilator:", 10) != 0) return; /* perhaps a served model */
    ck_assert_msg(got == c->compute, "%s, seed %llu: counter COMPUTE is %llu, not %llu", c->uri[i],
                  (unsigned long long)c->seed, (unsigned long long)got,
                  (unsigned long long)c->compute);
}

static void check_health(struct campaign *c, size_t i)
{
    uint32_t err = rig_read(&c->rig[i], ET__BNN_REG_ERR);
    uint32_t index = rig_read(&c->rig[i], ET__BNN_REG_ERR_INDEX);
    ck_assert_msg(err == 0, "%s, seed %llu: ERR is 0x%x at descriptor %u", c->uri[i],
                  (unsigned long long)c->seed, err, index);
}

/* All devices in turn, a little each, until all are through. */
static void run_round(struct campaign *c)
{
    struct program *p = c->program;
    size_t running = c->n_rigs;
    bool ended[DEVICES_MAX] = {false};
    for (size_t i = 0; i < c->n_rigs; i++) {
        c->rig[i].pushed = 0;
        memcpy(c->rig[i].data.host, p->data, RIG_DATA);
        rig_data_to(&c->rig[i]);
    }
    while (running > 0) {
        for (size_t i = 0; i < c->n_rigs; i++) {
            if (ended[i] || !rig_feed(&c->rig[i], p->d, p->n)) continue;
            ended[i] = true;
            running--;
        }
    }
    for (size_t i = 0; i < p->n; i++)
        if (et__bnn_get(&p->d[i], ET__BNN_ANY_OPCODE) == ET__BNN_OP_COMPUTE)
            c->compute += cycles_of(&p->d[i], &p->caps).compute;
    for (size_t i = 0; i < c->n_rigs; i++) {
        check_health(c, i);
        rig_data_from(&c->rig[i]);
    }
    for (size_t i = 1; i < c->n_rigs; i++) {
        compare_memory(c, i);
        compare_counters(c, i);
        compare_time(c, i);
    }
    c->done += p->n;
}

size_t campaign_run(const char *config, const char *const *uri, size_t n_uris, uint64_t seed,
                    size_t n, uint32_t most_steps)
{
    struct campaign c = {.config = config, .seed = seed, .n_rigs = n_uris + 1};
    ck_assert_uint_lt(n_uris, DEVICES_MAX);
    char model[64];
    snprintf(model, sizeof model, "model:config=%s", config);
    c.uri[0] = model;
    for (size_t i = 0; i < n_uris; i++)
        c.uri[i + 1] = uri[i];
    for (size_t i = 0; i < c.n_rigs; i++)
        rig_open(&c.rig[i], c.uri[i]);
    c.program = et_alloc(1, sizeof *c.program);
    ck_assert_ptr_nonnull(c.program);
    program_begin(c.program, &c.rig[0].caps, seed, most_steps);
    program_prime(c.program);
    while (c.done < n) {
        program_jobs(c.program, ROUND);
        run_round(&c);
        program_next(c.program);
    }
    et_free(c.program);
    for (size_t i = 0; i < c.n_rigs; i++)
        rig_close(&c.rig[i]);
    return c.done;
}
