/* SPDX-License-Identifier: Apache-2.0
 *
 * The one door to the heap, so that tests can make the n-th allocation fail. */
#include <etalon/array.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One cache line; also the widest vector register. */
enum { ALIGNMENT = 64 };

/* Allocations left until one fails; 0 = seam off. */
static atomic_size_t countdown;

static int must_fail(void)
{
    size_t left = atomic_load(&countdown);
    while (left > 0)
        if (atomic_compare_exchange_weak(&countdown, &left, left - 1)) return left == 1;
    return 0;
}

void et_alloc_fail_at(size_t n)
{
    atomic_store(&countdown, n);
}

void *et_alloc(size_t count, size_t size)
{
    if (size > 0 && count > (SIZE_MAX - 2 * ALIGNMENT) / size) {
        et_error_set(ET_NOMEM, "%zu elements of %zu bytes do not fit in memory", count, size);
        return NULL;
    }
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0) bytes = ALIGNMENT;
    void *memory = must_fail() ? NULL : aligned_alloc(ALIGNMENT, bytes);
    if (memory == NULL) {
        et_error_set(ET_NOMEM, "no room for %zu bytes", bytes);
        return NULL;
    }
    return memset(memory, 0, bytes);
}

void et_free(void *memory)
{
    free(memory);
}

char *et_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = et_alloc(bytes, 1);
    return copy ? memcpy(copy, text, bytes) : NULL;
}
