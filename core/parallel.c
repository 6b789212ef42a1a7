/* SPDX-License-Identifier: Apache-2.0
 *
 * Parallel loops over a pool of threads that sleep between loops.
 *
 * Why not OpenMP: its threads spin at the end of every loop, so on a machine with anything else to
 * do a short loop waits whole scheduler slices (measured: 3.7 s instead of 0.04 s for a small
 * experiment beside a compiler), and ThreadSanitizer does not understand it.  Here the calling
 * thread works through the loop itself; helpers join while there is work, and a helper that wakes
 * too late is not waited for. */
#include <etalon/parallel.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

enum {
    THREADS_MAX = 256,
    SPINS = 256 /* some microseconds: loops often follow each other closely */
};

struct loop {
    size_t n, threads;
    et_parallel_body *body;
    void *user;
    atomic_size_t next;    /* index to be done */
    atomic_size_t workers; /* numbers given out */
    atomic_size_t active;  /* helpers inside; changes under the lock only */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct loop *loop;        /* open for helpers, or NULL; under the lock */
    atomic_size_t generation; /* grows with every loop */
    size_t started;           /* helpers; under the lock */
    bool fork_handled;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .work = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

static atomic_size_t n_threads; /* 0 = not set yet */

/* Worker number in the loop that this thread is inside of, plus one; 0 = outside. */
static _Thread_local size_t inside;

void et_parallel_set_threads(size_t n)
{
    if (n == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        n = online > 0 ? (size_t)online : 1;
    }
    atomic_store(&n_threads, n > THREADS_MAX ? THREADS_MAX : n);
}

size_t et_parallel_threads(void)
{
    if (atomic_load(&n_threads) == 0) et_parallel_set_threads(0);
    return atomic_load(&n_threads);
}

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void work_through(struct loop *loop)
{
    size_t worker = atomic_fetch_add(&loop->workers, 1);
    if (worker >= loop->threads) return;
    inside = worker + 1;
    for (size_t i; (i = atomic_fetch_add(&loop->next, 1)) < loop->n;)
        loop->body(loop->user, i, worker);
    inside = 0;
}

static void *help(void *unused)
{
    (void)unused;
    size_t seen = 0;
    for (;;) {
        for (int spin = 0; spin < SPINS && atomic_load(&pool.generation) == seen; spin++)
            relax();
        pthread_mutex_lock(&pool.lock);
        while (pool.loop == NULL || atomic_load(&pool.generation) == seen)
            pthread_cond_wait(&pool.work, &pool.lock);
        seen = atomic_load(&pool.generation);
        struct loop *loop = pool.loop;
        atomic_fetch_add(&loop->active, 1);
        pthread_mutex_unlock(&pool.lock);

        work_through(loop);

        /* A broadcast: owners of several loops may be waiting, each for its own helpers. */
        pthread_mutex_lock(&pool.lock);
        if (atomic_fetch_sub(&loop->active, 1) == 1) pthread_cond_broadcast(&pool.done);
        pthread_mutex_unlock(&pool.lock);
    }
    return NULL;
}

/* A forked child has no helpers. */
static void forget_helpers(void)
{
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.work, NULL);
    pthread_cond_init(&pool.done, NULL);
    pool.loop = NULL;
    pool.started = 0;
}

/* Under the lock.  With fewer helpers than wanted the loop only takes longer. */
static void start_helpers(size_t wanted)
{
    if (!pool.fork_handled) pool.fork_handled = pthread_atfork(NULL, NULL, forget_helpers) == 0;
    pthread_attr_t detached;
    if (pthread_attr_init(&detached) != 0) return;
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    while (pool.started < wanted && pthread_create(&thread, &detached, help, NULL) == 0)
        pool.started++;
    pthread_attr_destroy(&detached);
}

/* Opens the loop to helpers; false while another thread's loop is open to them. */
static bool open_loop(struct loop *loop)
{
    pthread_mutex_lock(&pool.lock);
    bool is_free = pool.loop == NULL;
    if (is_free) {
        start_helpers(loop->threads - 1);
        pool.loop = loop;
        atomic_fetch_add(&pool.generation, 1);
        pthread_cond_broadcast(&pool.work);
    }
    pthread_mutex_unlock(&pool.lock);
    return is_free;
}

/* Nobody may join any more; waits for those who did.  The last of them leaves under the lock, so
 * nobody looks at the loop once this returns. */
static void close_loop(const struct loop *loop)
{
    pthread_mutex_lock(&pool.lock);
    pool.loop = NULL;
    pthread_mutex_unlock(&pool.lock);
    for (int spin = 0; spin < SPINS && atomic_load(&loop->active) > 0; spin++)
        relax();
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&loop->active) > 0)
        pthread_cond_wait(&pool.done, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

void et_parallel_for(size_t n, et_parallel_body *body, void *user)
{
    struct loop loop = {.n = n, .threads = et_parallel_threads(), .body = body, .user = user};
    if (loop.threads > n) loop.threads = n;
    if (inside == 0 && loop.threads > 1 && open_loop(&loop)) {
        work_through(&loop);
        close_loop(&loop);
        return;
    }
    size_t worker = inside != 0 ? inside - 1 : 0;
    for (size_t i = 0; i < n; i++)
        body(user, i, worker);
}
