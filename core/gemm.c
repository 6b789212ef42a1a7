/* SPDX-License-Identifier: Apache-2.0
 *
 * A matrix product whose bits do not depend on the thread count.
 *
 * A threaded BLAS cuts the work by the number of threads, and the cut decides the order of the
 * sums.  Here the cut is a function of the shape alone: C is divided into blocks along its longer
 * side, and each block is one call of a BLAS that is told to use one thread.  Cutting one side
 * only means that just one of A and B is packed more than once, the smaller one. */
#include <etalon/array.h>
#include <etalon/parallel.h>

#include <assert.h>
#include <cblas.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* Rows (or columns) of a block: enough work for one call to run at full speed, and enough blocks
 * to share between threads.  A multiple of every SGEMM micro-tile in use. */
enum { BLOCK_MIN = 64, BLOCK_MAX = 512, BLOCKS_WANTED = 4 };

/* Below so many multiplications starting threads costs more than it saves; the blocks, and so the
 * bits, are the same. */
static const double serial_below = 4e6;

struct product {
    enum et_transpose ta, tb;
    float alpha, beta;
    struct et_view a, b, c;
    size_t k, block;
    int by_rows;
};

static atomic_ullong nanoseconds;

static unsigned long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long long)t.tv_sec * 1000000000ULL + (unsigned long long)t.tv_nsec;
}

double et_gemm_seconds(void)
{
    return 1e-9 * (double)atomic_load(&nanoseconds);
}

const char *et_gemm_library(void)
{
    return openblas_get_config();
}

static size_t block_length(size_t n)
{
    size_t block = (n / BLOCKS_WANTED + BLOCK_MIN - 1) / BLOCK_MIN * BLOCK_MIN;
    if (block < BLOCK_MIN) block = BLOCK_MIN;
    return block > BLOCK_MAX ? BLOCK_MAX : block;
}

static void multiply_block(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct product *p = user;
    struct et_view a = p->a, b = p->b, c = p->c;
    size_t first = i * p->block, side = p->by_rows ? c.rows : c.cols;
    size_t length = side - first < p->block ? side - first : p->block;
    if (p->by_rows) {
        c = et_view_rows(c, first, length);
        a.data += p->ta == ET_PLAIN ? first * a.stride : first;
    } else {
        c = et_view_cols(c, first, length);
        b.data += p->tb == ET_PLAIN ? first : first * b.stride;
    }
    unsigned long long start = now_ns();
    cblas_sgemm(CblasRowMajor, p->ta == ET_PLAIN ? CblasNoTrans : CblasTrans,
                p->tb == ET_PLAIN ? CblasNoTrans : CblasTrans, (blasint)c.rows, (blasint)c.cols,
                (blasint)p->k, p->alpha, a.data, (blasint)a.stride, b.data, (blasint)b.stride,
                p->beta, c.data, (blasint)c.stride);
    atomic_fetch_add(&nanoseconds, now_ns() - start);
}

static void use_one_thread(void)
{
    openblas_set_num_threads(1);
}

void et_blas_one_thread(void)
{
    static pthread_once_t single_threaded = PTHREAD_ONCE_INIT;
    pthread_once(&single_threaded, use_one_thread);
}

void et_gemm(enum et_transpose ta, enum et_transpose tb, float alpha, struct et_view a,
             struct et_view b, float beta, struct et_view c)
{
    size_t m = ta == ET_PLAIN ? a.rows : a.cols, k = ta == ET_PLAIN ? a.cols : a.rows;
    size_t n = tb == ET_PLAIN ? b.cols : b.rows;
    assert((tb == ET_PLAIN ? b.rows : b.cols) == k && c.rows == m && c.cols == n);
    if (c.rows == 0 || c.cols == 0) return;
    et_blas_one_thread();
    int by_rows = c.rows >= c.cols;
    size_t side = by_rows ? c.rows : c.cols, block = block_length(side);
    struct product p = {ta, tb, alpha, beta, a, b, c, k, block, by_rows};
    size_t blocks = (side + block - 1) / block;
    if ((double)m * (double)n * (double)k >= serial_below) {
        et_parallel_for(blocks, multiply_block, &p);
        return;
    }
    for (size_t i = 0; i < blocks; i++)
        multiply_block(&p, i, 0);
}
