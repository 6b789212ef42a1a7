/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of fields, and the places where sound enters and leaves them. */
#include "wave.h"

#include <etalon/array.h>

#include <stdlib.h>
#include <string.h>

enum et_status et__wave_field_create(struct et__wave_field *field, const struct et__wave_plan *plan,
                                     size_t lanes)
{
    field->lanes = lanes;
    field->real = et__wave_real(plan->precision);
    field->frame = plan->frame;
    field->left = lanes == 1 ? plan->left : plan->frame;
    field->pitch = lanes == 1 ? plan->pitch : plan->nx + 2 * plan->frame;
    field->size = field->pitch * (plan->ny + 2 * field->frame) * lanes;
    /* half a page apart: see row_pitch of wave_plan.c */
    size_t page = ET__WAVE_PAGE / field->real;
    size_t apart = (field->size + page - 1) / page * page + page / 2;
    if (!(field->memory = et_alloc(apart + field->size, field->real))) return ET_NOMEM;
    field->now = field->memory;
    field->previous = (char *)field->memory + apart * field->real;
    if (!plan->has_pml) return ET_OK;
    field->n_phi_x = plan->pml.n_phi_x * lanes;
    field->n_phi_y = plan->pml.n_phi_y * lanes;
    if (!(field->phi_x = et_alloc(field->n_phi_x, field->real))) return ET_NOMEM;
    if (!(field->phi_y = et_alloc(field->n_phi_y, field->real))) return ET_NOMEM;
    return ET_OK;
}

void et__wave_field_destroy(struct et__wave_field *field)
{
    et_free(field->memory);
    et_free(field->phi_x);
    et_free(field->phi_y);
    *field = (struct et__wave_field){0};
}

void et__wave_field_clear(struct et__wave_field *field)
{
    memset(field->now, 0, field->size * field->real);
    memset(field->previous, 0, field->size * field->real);
    if (field->phi_x) memset(field->phi_x, 0, field->n_phi_x * field->real);
    if (field->phi_y) memset(field->phi_y, 0, field->n_phi_y * field->real);
}

static int by_row(const void *a, const void *b)
{
    const struct et__wave_port *pa = a, *pb = b;
    if (pa->y != pb->y) return pa->y < pb->y ? -1 : 1;
    return (pa->index > pb->index) - (pa->index < pb->index);
}

static enum et_status sort_ports(const size_t (*places)[2], size_t n, size_t ny,
                                 struct et__wave_port **ports, size_t **rows)
{
    if (!(*ports = et_alloc(n, sizeof **ports))) return ET_NOMEM;
    if (!(*rows = et_alloc(ny + 1, sizeof **rows))) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        (*ports)[i] = (struct et__wave_port){.x = places[i][0], .y = places[i][1], .index = i};
    if (n > 0) qsort(*ports, n, sizeof **ports, by_row);
    for (size_t i = 0, y = 0; y <= ny; y++) {
        while (i < n && (*ports)[i].y < y)
            i++;
        (*rows)[y] = i;
    }
    return ET_OK;
}

enum et_status et__wave_ports_create(struct et__wave_ports *ports, const struct et__wave_plan *plan,
                                     const size_t (*sources)[2], size_t n_sources,
                                     const size_t (*probes)[2], size_t n_probes)
{
    ports->n_sources = n_sources;
    ports->n_probes = n_probes;
    ET_TRY(sort_ports(sources, n_sources, plan->ny, &ports->sources, &ports->source_rows));
    return sort_ports(probes, n_probes, plan->ny, &ports->probes, &ports->probe_rows);
}

void et__wave_ports_destroy(struct et__wave_ports *ports)
{
    et_free(ports->sources);
    et_free(ports->probes);
    et_free(ports->source_rows);
    et_free(ports->probe_rows);
    *ports = (struct et__wave_ports){0};
}
