/* SPDX-License-Identifier: Apache-2.0
 *
 * Parallel loops over independent outputs.
 *
 * The library is parallel in two places only: over the samples of a batch and over output tiles.
 * A loop body cannot fail (check before the loop) and writes only what belongs to its index. */
#ifndef ETALON_PARALLEL_H
#define ETALON_PARALLEL_H

#include <etalon/error.h>

#include <stddef.h>

/* Called once for each i in [0, n), in any order.  worker is in [0, et_parallel_threads()) and no
 * two calls that run at the same time share it: use it to pick a workspace. */
typedef void et_parallel_body(void *user, size_t i, size_t worker);

/* Sets the number of threads (0 = one per processor; at most 256).  Call before the first system
 * opens: workspaces are made per worker, and a system refuses to run with more threads than there
 * were when it was opened. */
ET_API void et_parallel_set_threads(size_t n);
/* The number of threads, at least 1. */
ET_API size_t et_parallel_threads(void);

/* Runs the body for all i and returns when all are done.  Any thread may call it: while one
 * thread's loop has the helpers, another thread's runs on that thread alone, and a loop inside a
 * parallel loop runs serially on its worker.  A process may fork between loops (the child gets
 * helpers of its own), but not in a body. */
ET_API void et_parallel_for(size_t n, et_parallel_body *body, void *user);

#endif
