/* SPDX-License-Identifier: Apache-2.0
 *
 * Parallel loops by OpenMP, or by POSIX threads in builds without it (ThreadSanitizer does not
 * understand OpenMP's run-time library). */
#include <etalon/parallel.h>

#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#else
#include <pthread.h>
#include <stdatomic.h>
#endif

enum { THREADS_MAX = 256 };

static size_t n_threads; /* 0 = not set yet */

/* Worker number of the loop that this thread is inside of, plus one; 0 = outside. */
static _Thread_local size_t inside;

void et_parallel_set_threads(size_t n)
{
    if (n == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        n = online > 0 ? (size_t)online : 1;
    }
    n_threads = n > THREADS_MAX ? THREADS_MAX : n;
}

size_t et_parallel_threads(void)
{
    if (n_threads == 0) et_parallel_set_threads(0);
    return n_threads;
}

#ifdef _OPENMP

static void run_threads(size_t n, size_t threads, et_parallel_body *body, void *user)
{
#pragma omp parallel num_threads((int)threads)
    {
        size_t worker = (size_t)omp_get_thread_num();
        inside = worker + 1;
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < n; i++)
            body(user, i, worker);
        inside = 0;
    }
}

#else

struct crew {
    size_t n;
    et_parallel_body *body;
    void *user;
    atomic_size_t next, workers;
};

static void *work(void *argument)
{
    struct crew *crew = argument;
    size_t worker = atomic_fetch_add(&crew->workers, 1);
    inside = worker + 1;
    for (size_t i; (i = atomic_fetch_add(&crew->next, 1)) < crew->n;)
        crew->body(crew->user, i, worker);
    inside = 0;
    return NULL;
}

static void run_threads(size_t n, size_t threads, et_parallel_body *body, void *user)
{
    struct crew crew = {.n = n, .body = body, .user = user};
    pthread_t thread[THREADS_MAX];
    size_t started = 0;
    while (started + 1 < threads && pthread_create(&thread[started], NULL, work, &crew) == 0)
        started++;
    work(&crew); /* the calling thread works too, and alone when no other could start */
    for (size_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
}

#endif

void et_parallel_for(size_t n, et_parallel_body *body, void *user)
{
    size_t threads = et_parallel_threads();
    if (threads > n) threads = n;
    if (inside != 0 || threads <= 1) {
        size_t worker = inside != 0 ? inside - 1 : 0;
        for (size_t i = 0; i < n; i++)
            body(user, i, worker);
        return;
    }
    run_threads(n, threads, body, user);
}
