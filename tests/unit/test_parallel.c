/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool behind parallel loops under stress: helpers that come, helpers that come too late,
 * several owners of loops, a number of threads that changes, forks.  What hangs dies by alarm. */
#include <etalon/array.h>
#include <etalon/parallel.h>

#include <check.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "close.h"

#if defined(__SANITIZE_THREAD__)
#define FORKS 0 /* ThreadSanitizer ends a forked child that starts threads */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FORKS 0
#endif
#endif
#ifndef FORKS
#define FORKS 1
#endif

enum { PATIENCE_S = 100, MOST = 9, LENGTH = 40 };

static void sleep_us(long us)
{
    struct timespec t = {.tv_nsec = 1000 * us};
    nanosleep(&t, NULL);
}

/* A test that hangs dies alone: Check's own handler would take the whole process group along. */
static void start_alarm(void)
{
    signal(SIGALRM, SIG_DFL);
    alarm(PATIENCE_S);
}

static void stop_alarm(void)
{
    alarm(0);
}

/* ------------------------------------------------------------------------- one loop, watched -- */

/* A loop that watches its own promises; the body counts faults, the test asserts. */
struct watched {
    size_t threads;
    atomic_size_t done[LENGTH];
    atomic_bool busy[MOST]; /* is a call with this worker number running? */
    atomic_bool ended;
    atomic_size_t faults;
    long late_us; /* how long every seventh index takes */
};

static void watch(void *user, size_t i, size_t worker)
{
    struct watched *w = user;
    if (worker >= w->threads || atomic_load(&w->ended)) {
        atomic_fetch_add(&w->faults, 1);
        return;
    }
    if (atomic_exchange(&w->busy[worker], true)) atomic_fetch_add(&w->faults, 1);
    atomic_fetch_add(&w->done[i], 1);
    if (i % 7 == 0 && w->late_us > 0) sleep_us(w->late_us);
    atomic_store(&w->busy[worker], false);
    if (atomic_load(&w->ended)) atomic_fetch_add(&w->faults, 1);
}

/* Runs n indices; true when each ran once, on a legal worker of its own, before the end. */
static bool run_watched(struct watched *w, size_t n, et_parallel_body *body, void *user)
{
    et_parallel_for(n, body, user);
    atomic_store(&w->ended, true);
    bool right = atomic_load(&w->faults) == 0;
    for (size_t i = 0; i < LENGTH; i++)
        right = right && atomic_load(&w->done[i]) == (i < n);
    return right;
}

/* More helpers may be there than a later loop wants: they must not get numbers beyond its own. */
START_TEST(worker_numbers_follow_the_number_of_threads)
{
    static const size_t threads[] = {2, MOST, 3, 1, 5, 2};
    for (size_t round = 0; round < 3000; round++) {
        size_t count = threads[round % (sizeof threads / sizeof *threads)];
        et_parallel_set_threads(count);
        struct watched w = {.threads = count, .late_us = round % 50 == 0 ? 100 : 0};
        ck_assert_msg(run_watched(&w, round % LENGTH, watch, &w), "round %zu, %zu threads", round,
                      count);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------- meetings -- */

struct meeting {
    atomic_size_t present;
    size_t wanted;
};

/* Comes back only when as many threads are in the loop as are wanted. */
static void meet(void *user, size_t i, size_t worker)
{
    (void)i;
    (void)worker;
    struct meeting *m = user;
    atomic_fetch_add(&m->present, 1);
    while (atomic_load(&m->present) < m->wanted)
        sleep_us(1);
}

/* A wakeup that gets lost leaves somebody alone in here. */
START_TEST(helpers_come_to_every_loop)
{
    for (size_t round = 0; round < 1000; round++) {
        size_t threads = round % 100 < 50 ? 2 : 4;
        et_parallel_set_threads(threads);
        struct meeting m = {.wanted = threads};
        if (round % 16 == 0) sleep_us(500); /* helpers have gone to sleep for good */
        et_parallel_for(threads, meet, &m);
        ck_assert_uint_eq(atomic_load(&m.present), threads);
    }
}
END_TEST

/* ---------------------------------------------------------------------------- several owners -- */

enum { OWNERS = 3, SESSIONS = 300, OWNED_LOOPS = 4 };

/* Helpers are slower than the owner, so that it goes to sleep waiting for them. */
struct owned {
    pthread_t owner;
    struct watched watched;
};

static void visit_owned(void *user, size_t i, size_t worker)
{
    struct owned *o = user;
    watch(&o->watched, i, worker);
    sleep_us(pthread_equal(pthread_self(), o->owner) ? 1 : 150);
    if (atomic_load(&o->watched.ended)) atomic_fetch_add(&o->watched.faults, 1);
}

static void *own_loops(void *wrong)
{
    for (size_t round = 0; round < OWNED_LOOPS; round++) {
        struct owned o = {.owner = pthread_self(), .watched = {.threads = 3}};
        if (!run_watched(&o.watched, 6, visit_owned, &o))
            atomic_fetch_add((atomic_size_t *)wrong, 1);
    }
    return NULL;
}

/* Each owner waits for its own helpers and none is forgotten, also when nobody opens another loop
 * that could wake it by chance: hence the many short sessions. */
START_TEST(several_threads_own_loops_at_once)
{
    pthread_t owner[OWNERS];
    atomic_size_t wrong = 0;
    et_parallel_set_threads(3);
    for (size_t session = 0; session < SESSIONS; session++) {
        for (size_t i = 0; i < OWNERS; i++)
            ck_assert_int_eq(pthread_create(&owner[i], NULL, own_loops, &wrong), 0);
        for (size_t i = 0; i < OWNERS; i++)
            pthread_join(owner[i], NULL);
    }
    ck_assert_uint_eq(atomic_load(&wrong), 0);
}
END_TEST

/* A helper of the first loop is held until the second loop is over. */
struct held {
    atomic_bool helper_in, release;
    pthread_t owner;
};

static void hold(void *user, size_t i, size_t worker)
{
    (void)i;
    (void)worker;
    struct held *h = user;
    if (pthread_equal(pthread_self(), h->owner)) {
        while (!atomic_load(&h->helper_in)) /* leaves an index to the helper */
            sleep_us(1);
        return;
    }
    atomic_store(&h->helper_in, true);
    while (!atomic_load(&h->release))
        sleep_us(1);
}

static void *own_held_loop(void *user)
{
    struct held *h = user;
    h->owner = pthread_self();
    et_parallel_for(2, hold, h);
    return NULL;
}

START_TEST(an_owner_that_waits_does_not_block_the_others)
{
    et_parallel_set_threads(2);
    for (size_t round = 0; round < 20; round++) {
        struct held h = {0};
        pthread_t owner;
        ck_assert_int_eq(pthread_create(&owner, NULL, own_held_loop, &h), 0);
        while (!atomic_load(&h.helper_in))
            sleep_us(1);
        sleep_us(200);
        struct watched w = {.threads = 2};
        ck_assert(run_watched(&w, LENGTH, watch, &w));
        atomic_store(&h.release, true);
        pthread_join(owner, NULL);
    }
}
END_TEST

/* ----------------------------------------------------------------------------------- nesting -- */

struct nest {
    pthread_t thread;
    size_t worker;
    atomic_size_t strangers, calls;
};

static void visit_inner(void *user, size_t i, size_t worker)
{
    (void)i;
    struct nest *n = user;
    if (!pthread_equal(pthread_self(), n->thread) || worker != n->worker)
        atomic_fetch_add(&n->strangers, 1);
    atomic_fetch_add(&n->calls, 1);
}

static void visit_outer(void *user, size_t i, size_t worker)
{
    struct nest *nest = (struct nest *)user + i;
    nest->thread = pthread_self();
    nest->worker = worker;
    et_parallel_for(5, visit_inner, nest);
    if (i > LENGTH - 4) sleep_us(20 * (long)(i % 4)); /* the owner ends before some helpers */
    et_parallel_for(5, visit_inner, nest);
}

START_TEST(inner_loops_stay_on_their_worker)
{
    et_parallel_set_threads(4);
    for (size_t round = 0; round < 300; round++) {
        struct nest nests[LENGTH] = {0};
        et_parallel_for(LENGTH, visit_outer, nests);
        for (size_t i = 0; i < LENGTH; i++) {
            ck_assert_uint_eq(atomic_load(&nests[i].strangers), 0);
            ck_assert_uint_eq(atomic_load(&nests[i].calls), 10);
        }
    }
}
END_TEST

/* ----------------------------------------------------------------------------- fork and exit -- */

struct background {
    atomic_bool stop;
    atomic_size_t wrong;
};

static void *loop_until_stopped(void *user)
{
    struct background *b = user;
    while (!atomic_load(&b->stop)) {
        struct watched w = {.threads = 3};
        if (!run_watched(&w, 8, watch, &w)) atomic_fetch_add(&b->wrong, 1);
    }
    return NULL;
}

/* A child has helpers of its own, whatever the pool was doing when it was made.  That a program
 * may end while helpers sleep shows at the end of this one. */
static int in_child(void)
{
    start_alarm();
    struct meeting m = {.wanted = 3};
    et_parallel_for(3, meet, &m);
    struct watched w = {.threads = 3};
    return atomic_load(&m.present) == 3 && run_watched(&w, LENGTH, watch, &w) ? 42 : 1;
}

START_TEST(a_forked_child_has_helpers_of_its_own)
{
    pthread_t other;
    struct background background = {0};
    et_parallel_set_threads(3);
    ck_assert_int_eq(pthread_create(&other, NULL, loop_until_stopped, &background), 0);
    for (size_t round = 0; FORKS && round < 60; round++) {
        fflush(NULL);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) _exit(in_child());
        int status = 0;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 42, "round %zu: status %x", round,
                      (unsigned)status);
    }
    atomic_store(&background.stop, true);
    pthread_join(other, NULL);
    ck_assert_uint_eq(atomic_load(&background.wrong), 0);
}
END_TEST

/* -------------------------------------------------------------------------- unloaded library -- */

/* Sleeping helpers need the library's code, so dlclose must leave it where it is. */
START_TEST(the_shared_library_stays_while_helpers_sleep)
{
    void *library = dlopen(ETALON_SHARED, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    void (*set_threads)(size_t), (*loop)(size_t, et_parallel_body *, void *);
    *(void **)&set_threads = dlsym(library, "et_parallel_set_threads");
    *(void **)&loop = dlsym(library, "et_parallel_for");
    ck_assert(set_threads != NULL && loop != NULL);
    set_threads(3);
    struct meeting m = {.wanted = 3};
    loop(3, meet, &m);
    ck_assert_int_eq(dlclose(library), 0);
    library = dlopen(ETALON_SHARED, RTLD_NOW | RTLD_NOLOAD);
    ck_assert_msg(library != NULL, "the library is gone");
    ck_assert_int_eq(dlclose(library), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parallel loops");
    TCase *tcase = tcase_create("pool");
    tcase_set_timeout(tcase, 0);
    tcase_add_checked_fixture(tcase, start_alarm, stop_alarm);
    tcase_add_test(tcase, worker_numbers_follow_the_number_of_threads);
    tcase_add_test(tcase, helpers_come_to_every_loop);
    tcase_add_test(tcase, several_threads_own_loops_at_once);
    tcase_add_test(tcase, an_owner_that_waits_does_not_block_the_others);
    tcase_add_test(tcase, inner_loops_stay_on_their_worker);
    tcase_add_test(tcase, a_forked_child_has_helpers_of_its_own);
    tcase_add_test(tcase, the_shared_library_stays_while_helpers_sleep);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
