/* SPDX-License-Identifier: Apache-2.0
 *
 * Fixed steps of stochastic differential equations; see sde.h. */
#include "sde.h"

#include <string.h>

/* Scratch: z, f, g of the reversible scheme; place, f, g of a stage. */
struct room {
    double *z, *f, *g, *at, *f_new, *g_new;
};

size_t et__sde_work(const struct et__sde *sde)
{
    return 4 * sde->n + 2 * sde->n * sde->sources;
}

static struct room lay_out(const struct et__sde *sde, double *work)
{
    size_t n = sde->n, noise = n * sde->sources;
    struct room room = {.z = work, .f = work + n, .at = work + 2 * n, .f_new = work + 3 * n};
    room.g = noise > 0 ? work + 4 * n : NULL;
    room.g_new = noise > 0 ? room.g + noise : NULL;
    return room;
}

/* y += factor (f dt + g dW) */
static void add(const struct et__sde *sde, double factor, const double *f, double dt,
                const double *g, const double *dw, double *y)
{
    for (size_t i = 0; i < sde->n; i++) {
        double sum = f[i] * dt;
        for (size_t k = 0; k < sde->sources; k++)
            sum += g[i * sde->sources + k] * dw[k];
        y[i] += factor * sum;
    }
}

static void runge_kutta(const struct et__sde *sde, double t, double dt, double *y,
                        const struct room *room)
{
    static const double ahead[] = {0, 0.5, 0.5, 1}, weight[] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
    double *sum = room->z;
    memset(sum, 0, sde->n * sizeof *sum);
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < sde->n; i++)
            room->at[i] = y[i] + (k > 0 ? ahead[k] * dt * room->f[i] : 0);
        sde->rates(sde->user, t + ahead[k] * dt, room->at, room->f, NULL);
        for (size_t i = 0; i < sde->n; i++)
            sum[i] += weight[k] * room->f[i];
    }
    for (size_t i = 0; i < sde->n; i++)
        y[i] += dt * sum[i];
}

static void heun(const struct et__sde *sde, double t, double dt, const double *dw, double *y,
                 const struct room *room)
{
    sde->rates(sde->user, t, y, room->f, room->g);
    memcpy(room->at, y, sde->n * sizeof *y);
    add(sde, 1, room->f, dt, room->g, dw, room->at);
    sde->rates(sde->user, t + dt, room->at, room->f_new, room->g_new);
    add(sde, 0.5, room->f, dt, room->g, dw, y);
    add(sde, 0.5, room->f_new, dt, room->g_new, dw, y);
}

static void reversible(const struct et__sde *sde, double t, double dt, const double *dw, double *y,
                       const struct room *room)
{
    size_t n = sde->n;
    for (size_t i = 0; i < n; i++)
        room->at[i] = 2 * y[i] - room->z[i];
    add(sde, 1, room->f, dt, room->g, dw, room->at);
    sde->rates(sde->user, t + dt, room->at, room->f_new, room->g_new);
    add(sde, 0.5, room->f, dt, room->g, dw, y);
    add(sde, 0.5, room->f_new, dt, room->g_new, dw, y);
    memcpy(room->z, room->at, n * sizeof *y);
    memcpy(room->f, room->f_new, n * sizeof *y);
    if (room->g) memcpy(room->g, room->g_new, n * sde->sources * sizeof *y);
}

void et__sde_begin(const struct et__sde *sde, enum et__sde_scheme scheme, double t, const double *y,
                   double *work)
{
    struct room room = lay_out(sde, work);
    memcpy(room.z, y, sde->n * sizeof *y);
    et__sde_refresh(sde, scheme, t, work);
}

void et__sde_refresh(const struct et__sde *sde, enum et__sde_scheme scheme, double t, double *work)
{
    struct room room = lay_out(sde, work);
    if (scheme == ET__SDE_REVERSIBLE) sde->rates(sde->user, t, room.z, room.f, room.g);
}

void et__sde_step(const struct et__sde *sde, enum et__sde_scheme scheme, double t, double dt,
                  const double *dw, double *y, double *work)
{
    struct room room = lay_out(sde, work);
    if (scheme == ET__SDE_RK4)
        runge_kutta(sde, t, dt, y, &room);
    else if (scheme == ET__SDE_HEUN)
        heun(sde, t, dt, dw, y, &room);
    else
        reversible(sde, t, dt, dw, y, &room);
}
