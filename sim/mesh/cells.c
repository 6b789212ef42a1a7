/* SPDX-License-Identifier: Apache-2.0
 *
 * What cells with imperfect couplers do, how their known errors are corrected, and the coefficients
 * and derivatives that the kernels need. */
#include "mesh/mesh.h"

#include <etalon/array.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

const struct et__mesh_couplers et__mesh_ideal = {M_SQRT1_2, M_SQRT1_2, M_SQRT1_2, M_SQRT1_2};

void et__mesh_couplers_draw(struct et__mesh_couplers *couplers, size_t n_cells, double bias,
                            double sd, uint64_t seed, uint32_t stream)
{
    for (size_t i = 0; i < n_cells; i++) {
        float e[2];
        et_rng_fill_normal(seed, stream, 0, 2 * i, e, 2);
        double a0 = 0.25 * pi + bias + sd * (double)e[0];
        double a1 = 0.25 * pi + bias + sd * (double)e[1];
        couplers[i] = (struct et__mesh_couplers){cos(a0), sin(a0), cos(a1), sin(a1)};
    }
}

void et__mesh_cell_matrix(const struct et__mesh_couplers *k, double complex et, double complex ep,
                          double complex t[4])
{
    const double complex i = CMPLX(0, 1);
    t[0] = ep * (k->c1 * k->c0 * et - k->s1 * k->s0);
    t[1] = i * (k->c1 * k->s0 * et + k->s1 * k->c0);
    t[2] = ep * i * (k->s1 * k->c0 * et + k->c1 * k->s0);
    t[3] = k->c1 * k->c0 - k->s1 * k->s0 * et;
}

void et__mesh_matrix(const struct et__mesh_layout *layout, const struct et__mesh_couplers *couplers,
                     double gain, const double *phases, double complex *u)
{
    size_t n = layout->n;
    memset(u, 0, n * n * sizeof *u);
    for (size_t i = 0; i < n; i++)
        u[i * n + i] = 1;
    for (size_t i = 0; i < layout->n_cells; i++) {
        double complex t[4], *upper = u + layout->mode[i] * n, *lower = upper + n;
        et__mesh_cell_matrix(&couplers[i], et__mesh_phasor(phases[2 * i]),
                             et__mesh_phasor(phases[2 * i + 1]), t);
        for (size_t k = 0; k < n; k++) {
            double complex a = upper[k], b = lower[k];
            upper[k] = gain * (t[0] * a + t[1] * b);
            lower[k] = gain * (t[2] * a + t[3] * b);
        }
    }
    for (size_t w = 0; w < n; w++) {
        double complex out = et__mesh_phasor(phases[2 * layout->n_cells + w]);
        for (size_t k = 0; k < n; k++)
            u[w * n + k] *= out;
    }
}

/* theta' for which the couplers pass |T_00| = straight; the nearest possible when there is none. */
static double splitting(const struct et__mesh_couplers *k, double straight, bool *reached)
{
    double p = k->c1 * k->c0, q = k->s1 * k->s0;
    double cosine = (p * p + q * q - straight * straight) / (2 * p * q);
    *reached = fabs(cosine) <= 1 + 1e-12;
    return acos(cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
}

/* With t the ideal cell and e the real one at theta', phi' = 0:
 *     t = diag(e^{i psi_0}, e^{i psi_1}) e diag(e^{i phi'}, 1)
 * where the moduli agree.  psi come from the second column, phi' from the larger element of the
 * first.  The psi are carried to the next cells: an input phase of lambda_0 on the upper and
 * lambda_1 on the lower mode is lambda_1 on both outputs and phi += lambda_0 - lambda_1. */
size_t et__mesh_correct(const struct et__mesh_layout *layout,
                        const struct et__mesh_couplers *couplers, double *phases, double *lambda)
{
    size_t missed = 0;
    for (size_t w = 0; w < layout->n; w++)
        lambda[w] = 0;
    for (size_t i = 0; i < layout->n_cells; i++) {
        double complex t[4], e[4];
        double *theta = &phases[2 * i], *phi = theta + 1, *l = lambda + layout->mode[i];
        bool reached;
        et__mesh_cell_matrix(&et__mesh_ideal, et__mesh_phasor(*theta), et__mesh_phasor(*phi), t);
        *theta = splitting(&couplers[i], cabs(t[0]), &reached);
        if (!reached) missed++;
        et__mesh_cell_matrix(&couplers[i], et__mesh_phasor(*theta), 1, e);
        double psi0 = carg(t[1]) - carg(e[1]), psi1 = carg(t[3]) - carg(e[3]);
        bool straight = cabs(t[0]) > cabs(t[2]);
        double turn = straight ? carg(t[0]) - carg(e[0]) - psi0 : carg(t[2]) - carg(e[2]) - psi1;
        *phi = fmod(turn + l[0] - l[1] + 6 * pi, 2 * pi);
        double common = l[1];
        l[0] = fmod(common + psi0, 2 * pi);
        l[1] = fmod(common + psi1, 2 * pi);
    }
    for (size_t w = 0; w < layout->n; w++)
        phases[2 * layout->n_cells + w] =
            fmod(phases[2 * layout->n_cells + w] + lambda[w] + 2 * pi, 2 * pi);
    return missed;
}

enum et_status et__mesh_create(struct et__mesh *mesh, enum et__mesh_topology topology, size_t n,
                               double gain)
{
    mesh->gain = gain;
    ET_TRY(et__mesh_layout_create(&mesh->layout, topology, n));
    size_t cells = mesh->layout.n_cells;
    mesh->n_phases = 2 * cells + n;
    if (!(mesh->couplers = et_alloc(cells, sizeof *mesh->couplers))) return ET_NOMEM;
    if (!(mesh->phases = et_alloc(mesh->n_phases, sizeof *mesh->phases))) return ET_NOMEM;
    if (!(mesh->lambda = et_alloc(n, sizeof *mesh->lambda))) return ET_NOMEM;
    if (!(mesh->cells = et_alloc(cells, sizeof *mesh->cells))) return ET_NOMEM;
    if (!(mesh->gauge = et_alloc(cells, sizeof *mesh->gauge))) return ET_NOMEM;
    if (!(mesh->out = et_alloc(2 * n, sizeof *mesh->out))) return ET_NOMEM;
    mesh->plan = (struct et__mesh_plan){
        .n = n, .n_cells = cells, .mode = mesh->layout.mode, .cell = mesh->cells, .out = mesh->out};
    return ET_OK;
}

void et__mesh_destroy(struct et__mesh *mesh)
{
    et__mesh_layout_destroy(&mesh->layout);
    et_free(mesh->couplers);
    et_free(mesh->phases);
    et_free(mesh->lambda);
    et_free(mesh->cells);
    et_free(mesh->gauge);
    et_free(mesh->out);
    *mesh = (struct et__mesh){0};
}

/* z / |z|, or 1 for what has no direction. */
static double complex direction(double complex z)
{
    double size = cabs(z);
    return size > 1e-300 ? z / size : 1;
}

/* T = diag(p0, p1) [[s, c], [c, -s]] diag(q, 1).  The smaller of s and c may vanish; its phasor is
 * then free, and the other three elements settle the rest. */
static void factor(const double complex t[4], double *s, double *c, double complex p[2],
                   double complex *q)
{
    *s = cabs(t[0]);
    *c = cabs(t[1]);
    double size = 1 / hypot(*s, *c);
    *s *= size;
    *c *= size;
    p[0] = direction(t[1]);
    p[1] = -direction(t[3]);
    *q = *s > *c ? direction(t[0]) * conj(p[0]) : direction(t[2]) * conj(p[1]);
}

void et__mesh_realise(struct et__mesh *mesh)
{
    const struct et__mesh_layout *layout = &mesh->layout;
    for (size_t w = 0; w < layout->n; w++)
        mesh->lambda[w] = 1;
    for (size_t i = 0; i < layout->n_cells; i++) {
        double complex t[4], p[2], q, *l = mesh->lambda + layout->mode[i];
        double s, c;
        et__mesh_cell_matrix(&mesh->couplers[i], et__mesh_phasor(mesh->phases[2 * i]),
                             et__mesh_phasor(mesh->phases[2 * i + 1]), t);
        factor(t, &s, &c, p, &q);
        q *= l[0] * conj(l[1]);
        double complex common = l[1];
        l[0] = common * p[0];
        l[1] = common * p[1];
        double complex w = conj(l[0]) * l[1];
        mesh->cells[i] = (struct et__mesh_cell){(float)creal(q), (float)cimag(q),
                                                (float)(mesh->gain * s), (float)(mesh->gain * c)};
        mesh->gauge[i] = (struct et__mesh_gauge){(float)creal(w), (float)cimag(w)};
    }
    for (size_t w = 0; w < layout->n; w++) {
        double complex out =
            direction(mesh->lambda[w]) * et__mesh_phasor(mesh->phases[2 * layout->n_cells + w]);
        mesh->out[2 * w] = (float)creal(out);
        mesh->out[2 * w + 1] = (float)cimag(out);
    }
}

/* A phase p in the cell changes the fields behind it by dp i H u with H = v v^H, v being the arm's
 * way to the outputs: (s p0, c p1) for phi, (cos a1, i sin a1) for theta.  Then
 *     dL/dp = |v_0|^2 A0 + |v_1|^2 A1 + Re(i v_0 v_1^* lambda_0^* lambda_1 Z),
 * where for phi the gauge takes p0 and p1 out. */
void et__mesh_derivatives(const struct et__mesh *mesh, const struct et__mesh_sums *sums,
                          const double *out_sums, double *dphases)
{
    size_t cells = mesh->layout.n_cells;
    for (size_t i = 0; i < cells; i++) {
        const struct et__mesh_couplers *k = &mesh->couplers[i];
        const struct et__mesh_sums *sum = &sums[i];
        double w_re = (double)mesh->gauge[i].w_re, w_im = (double)mesh->gauge[i].w_im;
        double s = (double)mesh->cells[i].s, c = (double)mesh->cells[i].c;
        dphases[2 * i] += k->c1 * k->c1 * sum->a0 + k->s1 * k->s1 * sum->a1 +
                          k->c1 * k->s1 * (w_re * sum->z_re - w_im * sum->z_im);
        dphases[2 * i + 1] +=
            (s * s * sum->a0 + c * c * sum->a1 - s * c * sum->z_im) / (s * s + c * c);
    }
    for (size_t w = 0; w < mesh->layout.n; w++)
        dphases[2 * cells + w] += out_sums[w];
}
