/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces by way of the observer; see spiking_trace.h. */
#include "spiking_trace.h"

#include <etalon/array.h>
#include <etalon/system.h>

#include <stdio.h>
#include <string.h>

static void keep(void *user, size_t step, double time_s, struct et_view field, double dx_m,
                 const char *unit)
{
    (void)time_s, (void)dx_m, (void)unit;
    struct trace *trace = user;
    if (step < MAX_STEPS) trace->value[step] = field.data[0];
    trace->n = step + 1;
}

enum et_status et__spiking_trace(const char *yaml, const float *x, struct trace *trace)
{
    struct et_system *system = NULL;
    struct et_array in = {0}, out = {0};
    struct et_step step = {.seed = 5};
    struct et_observer observer = {1, keep, trace};
    *trace = (struct trace){0};
    ET_TRY(et_system_open_text(yaml, 1, &system));
    const struct et_system_info *info = et_system_info(system);
    enum et_status status = et_array_create(&in, 1, info->n_in);
    if (status == ET_OK) status = et_array_create(&out, 1, info->n_out);
    if (status == ET_OK) status = et_system_observe(system, &observer);
    if (status == ET_OK && x != NULL) memcpy(in.data, x, info->n_in * sizeof *x);
    if (status == ET_OK)
        status = et_system_forward(system, &step, et_array_view(&in), et_array_view(&out));
    et_array_destroy(&in);
    et_array_destroy(&out);
    et_system_close(system);
    return status;
}

enum et_status et__spiking_spikes(const char *network, const float *x, struct spikes *spikes)
{
    static struct trace trace;
    char yaml[1024];
    snprintf(yaml, sizeof yaml, "{type: spiking, frames: {show: spikes}, %s}", network);
    ET_TRY(et__spiking_trace(yaml, x, &trace));
    spikes->n = 0;
    for (size_t t = 0; t < trace.n && spikes->n < MAX_SPIKES; t++)
        if (trace.value[t] > 0) spikes->at[spikes->n++] = t;
    return ET_OK;
}
