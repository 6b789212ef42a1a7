/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of benchmarks (generated from bench/CMakeLists.txt) and the rows that they fill. */
#include "bench.h"

#include <etalon/array.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct et_bench {
    struct et_bench_row *rows;
    size_t n, room;
    enum et_status status; /* of the first row that could not be kept */
};

const struct et_bench_entry *et_bench_entries(size_t i)
{
    static const struct et_bench_entry entries[] = {
#define ET_BENCH(name, summary) {#name, summary, et_bench_##name},
#include "benches.def"
#undef ET_BENCH
        {NULL, NULL, NULL},
    };
    for (size_t k = 0; entries[k].name != NULL; k++)
        if (k == i) return &entries[k];
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double et_bench_median(double *value, size_t n)
{
    qsort(value, n, sizeof *value, ascending);
    return value[n / 2];
}

static enum et_status grow(struct et_bench *bench)
{
    size_t room = bench->room ? 2 * bench->room : 16;
    struct et_bench_row *rows = et_alloc(room, sizeof *rows);
    if (rows == NULL) return ET_NOMEM;
    if (bench->n > 0) memcpy(rows, bench->rows, bench->n * sizeof *rows);
    et_free(bench->rows);
    bench->rows = rows;
    bench->room = room;
    return ET_OK;
}

void et_bench_add(struct et_bench *bench, const char *name, double value, const char *unit,
                  double limit, double ratio, double target)
{
    if (bench->status != ET_OK) return;
    if (bench->n == bench->room) bench->status = grow(bench);
    char *copy = bench->status == ET_OK ? et_strdup(name) : NULL;
    if (copy == NULL) {
        bench->status = ET_NOMEM;
        return;
    }
    bench->rows[bench->n++] = (struct et_bench_row){.name = copy,
                                                    .unit = unit,
                                                    .value = value,
                                                    .limit = limit,
                                                    .ratio = ratio,
                                                    .target = target};
}

enum et_status et_bench_run(const struct et_bench_entry *entry, struct et_bench **bench)
{
    *bench = et_alloc(1, sizeof **bench);
    if (*bench == NULL) return ET_NOMEM;
    ET_TRY_WHILE(entry->run(*bench), "running benchmark '%s'", entry->name);
    return (*bench)->status;
}

const struct et_bench_row *et_bench_rows(const struct et_bench *bench, size_t *n)
{
    *n = bench->n;
    return bench->rows;
}

void et_bench_close(struct et_bench *bench)
{
    if (bench == NULL) return;
    for (size_t i = 0; i < bench->n; i++)
        et_free(bench->rows[i].name);
    et_free(bench->rows);
    et_free(bench);
}

double et_bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void et_bench_peer(const char *script, const char *const *keys, double *values, size_t n)
{
    char command[512], line[1024];
    for (size_t i = 0; i < n; i++)
        values[i] = NAN;
    if (ET_BENCH_PEERS[0] == '\0') return;
    snprintf(command, sizeof command, "python3 '%s'/%s 2>&1", ET_BENCH_PEERS, script);
    FILE *pipe = popen(command, "r"); /* a fixed command: no input reaches it */
    if (pipe == NULL) return;
    while (fgets(line, sizeof line, pipe) != NULL) {
        for (size_t i = 0; i < n; i++) {
            char key[64];
            snprintf(key, sizeof key, "\"%s\": ", keys[i]);
            const char *found = strstr(line, key);
            if (found != NULL) values[i] = strtod(found + strlen(key), NULL);
        }
    }
    if (pclose(pipe) == 0) return;
    for (size_t i = 0; i < n; i++)
        values[i] = NAN;
}
