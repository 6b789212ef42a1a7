/* SPDX-License-Identifier: Apache-2.0
 *
 * Inputs of `etalon simulate`: a CSV file, or random numbers. */
#include "simulate_input.h"

#include <etalon/rng.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads the n_in numbers of a line into row. */
static enum et_status read_row(const char *path, size_t line, const char *text, size_t n_in,
                               float *row)
{
    const char *s = text;
    for (size_t i = 0; i < n_in; i++) {
        char *end;
        float value = strtof(s, &end);
        if (end == s || !isfinite(value))
            return et_error_set(ET_FORMAT,
                                "%s:%zu: error: number %zu of %zu is missing or not "
                                "finite",
                                path, line, i + 1, n_in);
        row[i] = value;
        s = end + strspn(end, " \t\r\n");
        if (i + 1 < n_in && *s == ',') s++;
    }
    if (*s == '\0') return ET_OK;
    return et_error_set(ET_FORMAT, "%s:%zu: error: the system takes %zu numbers, there are more",
                        path, line, n_in);
}

static bool is_heading(const char *text)
{
    const char *s = text + strspn(text, " \t");
    bool number = strncmp(s, "nan", 3) == 0 || strncmp(s, "inf", 3) == 0;
    return !number && (isalpha((unsigned char)*s) || *s == '"' || *s == '\'' || *s == '_');
}

static bool is_blank(const char *text)
{
    const char *s = text + strspn(text, " \t\r\n");
    return *s == '\0' || *s == '#';
}

static enum et_status append_row(struct et_array *x, size_t *used, const float *row)
{
    if (*used == x->rows) {
        struct et_array larger = {0};
        ET_TRY(et_array_create(&larger, x->rows ? 2 * x->rows : 64, x->cols));
        if (*used > 0) memcpy(larger.data, x->data, *used * x->cols * sizeof *x->data);
        et_array_destroy(x);
        *x = larger;
    }
    memcpy(x->data + *used * x->cols, row, x->cols * sizeof *row);
    ++*used;
    return ET_OK;
}

static enum et_status read_lines(FILE *file, const char *path, char **text, float *row,
                                 struct et_array *x)
{
    size_t capacity = 0, line = 0, used = 0;
    while (getline(text, &capacity, file) >= 0) {
        line++;
        if (is_blank(*text) || (line == 1 && is_heading(*text))) continue;
        ET_TRY(read_row(path, line, *text, x->cols, row));
        ET_TRY(append_row(x, &used, row));
    }
    if (ferror(file)) return et_error_set(ET_IO, "%s: %s", path, strerror(errno));
    if (used == 0) return et_error_set(ET_FORMAT, "%s:%zu: error: no sample", path, line);
    x->rows = used;
    return ET_OK;
}

enum et_status simulate_read_csv(const char *path, size_t n_in, struct et_array *x)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return et_error_set(errno == ENOENT ? ET_MISSING : ET_IO, "%s: %s", path, strerror(errno));
    char *text = NULL;
    float *row = et_alloc(n_in, sizeof *row);
    x->cols = n_in;
    enum et_status status = row ? read_lines(file, path, &text, row, x) : ET_NOMEM;
    et_free(row);
    free(text); /* getline's own */
    fclose(file);
    return status;
}

enum et_status simulate_draw(const struct et_system_info *info, uint64_t seed, size_t n,
                             struct et_array *x)
{
    float lo = info->in_min, hi = info->in_max;
    /* "No limit" may be infinite or the largest float: neither is a range to draw from. */
    if (!isfinite(lo) || lo < -1e6f) lo = -1;
    if (!isfinite(hi) || hi > 1e6f) hi = 1;
    ET_TRY(et_array_create(x, n, info->n_in));
    et_rng_fill_uniform(seed, ET_STREAM_USER, 0, 0, lo, hi, x->data, n * info->n_in);
    return ET_OK;
}
