/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory, arrays and the matrix product.
 *
 * A view never owns; an array owns.  Both hold float32 in row-major order. */
#ifndef ETALON_ARRAY_H
#define ETALON_ARRAY_H

#include <etalon/error.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Returns count * size zeroed bytes aligned to 64, or NULL with an ET_NOMEM record (also when the
 * product overflows, and when a test makes this call fail).  A count of 0 gives a valid pointer.
 * Everything that the library allocates comes from here and goes back through et_free. */
ET_API void *et_alloc(size_t count, size_t size) ET_CHECKED;
/* Accepts NULL. */
ET_API void et_free(void *memory);

/* A copy of a string in et_alloc memory, or NULL with a record. */
ET_API char *et_strdup(const char *text) ET_CHECKED;

/* Test seam: the n-th et_alloc from now (1 = the next one) fails, once; 0 switches the seam off.
 * Counts over all threads. */
ET_API void et_alloc_fail_at(size_t n);

/* Element (r, c) is data[r * stride + c]; stride >= cols. */
struct et_view {
    float *data;
    size_t rows, cols, stride;
};

/* Contiguous (stride = cols).  All zero is a valid empty array. */
struct et_array {
    float *data;
    size_t rows, cols;
};

/* Makes a zeroed rows x cols array; *array must be empty.  Errors: ET_NOMEM. */
ET_API enum et_status et_array_create(struct et_array *array, size_t rows, size_t cols) ET_CHECKED;

/* Frees and empties; accepts an empty array. */
ET_API void et_array_destroy(struct et_array *array);

/* The whole of an array; valid until it is destroyed. */
ET_API struct et_view et_array_view(const struct et_array *array);
/* A contiguous view (stride = cols) of rows * cols numbers. */
ET_API struct et_view et_view_of(float *data, size_t rows, size_t cols);
/* Rows [first, first + count) of a view; asserts that they exist. */
ET_API struct et_view et_view_rows(struct et_view view, size_t first, size_t count);
/* Columns [first, first + count) of a view; asserts that they exist. */
ET_API struct et_view et_view_cols(struct et_view view, size_t first, size_t count);
/* Copies from into to, of the same shape (asserted); they must not overlap. */
ET_API void et_view_copy(struct et_view to, struct et_view from);

enum et_transpose { ET_PLAIN, ET_TRANSPOSED };

/* C = alpha op(A) op(B) + beta C.
 *
 * op(A) [m][k], op(B) [k][n], C [m][n], by the views' shapes; C must not overlap A or B.
 * The work is cut into tiles that depend on the shape alone and each tile is one single-threaded
 * BLAS call, so the bits do not depend on the thread count. */
ET_API void et_gemm(enum et_transpose ta, enum et_transpose tb, float alpha, struct et_view a,
                    struct et_view b, float beta, struct et_view c);

/* Tells BLAS and LAPACK to use one thread each; et_gemm does so by itself.  Call it before any
 * other use of them, or their bits depend on the number of processors. */
ET_API void et_blas_one_thread(void);

/* Seconds that all threads together have spent inside et_gemm since the program started. */
ET_API double et_gemm_seconds(void);

/* The BLAS in use and the kernels that it picked for this processor, e.g. "OpenBLAS 0.3.21 ...
 * Haswell".  Static. */
ET_API const char *et_gemm_library(void);

/* The FFTW in use, a digest of the plans that this process has made so far (equal digests: equal
 * algorithms, hence equal bits) and the cache file that they come from (see ETALON_WISDOM).
 * Borrowed until this thread's next call. */
ET_API const char *et_fft_wisdom(void);

#ifdef __cplusplus
}
#endif
#endif
