/* SPDX-License-Identifier: Apache-2.0
 *
 * CVODE and ARKODE behind integrator.h: the only file that includes their headers. */
#include "integrator.h"

#include <etalon/array.h>

#include <arkode/arkode_erkstep.h>
#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <stdbool.h>
#include <string.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>

enum { EXPLICIT_ORDER = 5 };

struct et__integrator {
    enum et__integrator_kind kind;
    size_t n, most;
    long counted; /* steps before the last restart */
    et__integrator_rates *rates;
    void *user;
    SUNContext context;
    N_Vector y;
    SUNMatrix matrix;
    SUNLinearSolver solver;
    void *memory;
};

static int call_rates(double t, N_Vector y, N_Vector dy, void *user)
{
    struct et__integrator *it = user;
    return it->rates(it->user, t, N_VGetArrayPointer(y), N_VGetArrayPointer(dy));
}

/* What the library would print. */
static void say_nothing(int code, const char *module, const char *function, char *message,
                        void *user)
{
    (void)code;
    (void)module;
    (void)function;
    (void)message;
    (void)user;
}

static bool is_explicit(const struct et__integrator *it)
{
    return it->kind == ET__INTEGRATOR_EXPLICIT;
}

static int open_explicit(struct et__integrator *it, double relative, double absolute)
{
    it->memory = ERKStepCreate(call_rates, 0, it->y, it->context);
    if (it->memory == NULL) return -1;
    int code = ERKStepSetErrHandlerFn(it->memory, say_nothing, NULL);
    if (code == 0) code = ERKStepSetUserData(it->memory, it);
    if (code == 0) code = ERKStepSetOrder(it->memory, EXPLICIT_ORDER);
    if (code == 0) code = ERKStepSStolerances(it->memory, relative, absolute);
    return code;
}

static int open_implicit(struct et__integrator *it, double relative, double absolute)
{
    it->matrix = SUNDenseMatrix((sunindextype)it->n, (sunindextype)it->n, it->context);
    if (it->matrix == NULL) return -1;
    it->solver = SUNLinSol_Dense(it->y, it->matrix, it->context);
    it->memory = CVodeCreate(it->kind == ET__INTEGRATOR_BDF ? CV_BDF : CV_ADAMS, it->context);
    if (it->solver == NULL || it->memory == NULL) return -1;
    int code = CVodeSetErrHandlerFn(it->memory, say_nothing, NULL);
    if (code == 0) code = CVodeSetUserData(it->memory, it);
    if (code == 0) code = CVodeInit(it->memory, call_rates, 0, it->y);
    if (code == 0) code = CVodeSStolerances(it->memory, relative, absolute);
    if (code == 0) code = CVodeSetLinearSolver(it->memory, it->solver, it->matrix);
    return code;
}

enum et_status et__integrator_open(struct et__integrator **integrator,
                                   enum et__integrator_kind kind, size_t n, double relative,
                                   double absolute, size_t most, et__integrator_rates *rates,
                                   void *user)
{
    struct et__integrator *it = et_alloc(1, sizeof *it);
    *integrator = it;
    if (it == NULL) return ET_NOMEM;
    *it = (struct et__integrator){.kind = kind, .n = n, .most = most, .rates = rates, .user = user};
    if (SUNContext_Create(NULL, &it->context) != 0)
        return et_error_set(ET_NOMEM, "SUNDIALS found no memory");
    it->y = N_VNew_Serial((sunindextype)n, it->context);
    if (it->y == NULL) return et_error_set(ET_NOMEM, "SUNDIALS found no memory");
    N_VConst(0, it->y);
    int code = is_explicit(it) ? open_explicit(it, relative, absolute)
                               : open_implicit(it, relative, absolute);
    if (code == 0) return ET_OK;
    return et_error_set(it->memory ? ET_INVALID : ET_NOMEM,
                        "SUNDIALS refuses %zu equations with tolerances %g and %g (code %d)", n,
                        relative, absolute, code);
}

void et__integrator_close(struct et__integrator *it)
{
    if (it == NULL) return;
    if (it->memory != NULL && is_explicit(it)) ERKStepFree(&it->memory);
    if (it->memory != NULL && !is_explicit(it)) CVodeFree(&it->memory);
    if (it->solver != NULL) SUNLinSolFree(it->solver);
    if (it->matrix != NULL) SUNMatDestroy(it->matrix);
    if (it->y != NULL) N_VDestroy(it->y);
    if (it->context != NULL) SUNContext_Free(&it->context);
    et_free(it);
}

static long steps_taken(struct et__integrator *it)
{
    long steps = 0;
    if (is_explicit(it))
        ERKStepGetNumSteps(it->memory, &steps);
    else
        CVodeGetNumSteps(it->memory, &steps);
    return steps;
}

static void start(struct et__integrator *it, double t)
{
    /* Both only fail for arguments that open has accepted before. */
    if (is_explicit(it))
        (void)ERKStepReInit(it->memory, call_rates, t, it->y);
    else
        (void)CVodeReInit(it->memory, t, it->y);
}

void et__integrator_begin(struct et__integrator *it, double t, const double *y)
{
    memcpy(N_VGetArrayPointer(it->y), y, it->n * sizeof *y);
    it->counted = 0;
    start(it, t);
}

void et__integrator_restart(struct et__integrator *it, double t)
{
    it->counted += steps_taken(it);
    start(it, t);
}

enum et__integrator_outcome et__integrator_run(struct et__integrator *it, double t_end, double wall,
                                               const double **y, double *t)
{
    long left = (long)it->most - it->counted - steps_taken(it);
    int code = 0;
    *y = N_VGetArrayPointer(it->y);
    if (left <= 0) {
        code = CV_TOO_MUCH_WORK;
    } else if (is_explicit(it)) {
        ERKStepSetMaxNumSteps(it->memory, left);
        ERKStepSetStopTime(it->memory, wall);
        code = ERKStepEvolve(it->memory, t_end, it->y, t, ARK_NORMAL);
    } else {
        CVodeSetMaxNumSteps(it->memory, left);
        CVodeSetStopTime(it->memory, wall);
        code = CVode(it->memory, t_end, it->y, t, CV_NORMAL);
    }
    if (code >= 0) return ET__INTEGRATOR_DONE;
    if (is_explicit(it))
        ERKStepGetCurrentTime(it->memory, t);
    else
        CVodeGetCurrentTime(it->memory, t);
    /* The numbers of these two are the same in both. */
    if (code == CV_TOO_MUCH_WORK) return ET__INTEGRATOR_MANY_STEPS;
    if (code <= CV_RHSFUNC_FAIL && code >= CV_UNREC_RHSFUNC_ERR) return ET__INTEGRATOR_NO_RATES;
    return ET__INTEGRATOR_STUCK;
}
