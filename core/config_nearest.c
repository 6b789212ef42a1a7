/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: the known name that somebody may have meant. */
#include <etalon/config.h>

#include <ctype.h>
#include <string.h>

enum { NAME_MAX_COMPARED = 63 };

/* Insertions, deletions, replacements and swaps of neighbours that lead from a to b; letters of
 * either case are equal.  (Optimal string alignment: three rows of the usual table.) */
static size_t edit_distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][NAME_MAX_COMPARED + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            size_t best = above[j - 1] + (x != y);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                           y == tolower((unsigned char)a[i - 2]);
            if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *et_nearest_name(const char *wrong, const char *const *names, size_t n)
{
    size_t length = strlen(wrong), best = (length + 2) / 3 + 1;
    const char *nearest = NULL;
    if (length > NAME_MAX_COMPARED) return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t m = strlen(names[i]);
        if (m > NAME_MAX_COMPARED) continue;
        size_t distance = edit_distance(wrong, length, names[i], m);
        if (distance >= best || distance >= m) continue;
        best = distance;
        nearest = names[i];
    }
    return nearest;
}
