/* SPDX-License-Identifier: Apache-2.0
 *
 * FFTW behind plain functions, and its wisdom in a cache file. */
#include "kernels/fft.h"

#include <etalon/array.h>
#include <etalon/log.h>

#include <errno.h>
#include <fcntl.h>
#include <fftw3.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 1024, DIGESTS_MAX = 256, WISDOM_MAX = 1 << 26 };

struct et__fft {
    fftwf_plan forward, backward;
};

/* FFTW's planner and what it knows belong to the process: everything below under one lock. */
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;
static char cache[PATH_MAX_BYTES]; /* the file that has been read; "" = none yet */
static bool usable;                /* false: plans of this process alone */
static uint64_t digests[DIGESTS_MAX];
static size_t n_digests; /* of different plans made so far */

/* ------------------------------------------------------------------------ name of the cache -- */

/* Appends the processor's name in lower case, everything else than letters and digits as '-'. */
static void append_processor(char *name, size_t size)
{
    char line[256] = "";
    const char *from = "unknown";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        from = colon + 1 + (colon[1] == ' ');
        break;
    }
    if (file) fclose(file);
    size_t n = strlen(name);
    for (; *from && *from != '\n' && n + 1 < size; from++) {
        bool upper = *from >= 'A' && *from <= 'Z';
        bool plain = (*from >= 'a' && *from <= 'z') || (*from >= '0' && *from <= '9');
        char letter = (char)(upper ? *from - 'A' + 'a' : plain ? *from : '-');
        if (letter != '-' || name[n - 1] != '-') name[n++] = letter;
    }
    name[n] = '\0';
}

/* Folder of caches, made when it is not there. */
static void cache_folder(char *folder, size_t size)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0])
        snprintf(folder, size, "%s", xdg);
    else
        snprintf(folder, size, "%s/.cache", home && home[0] ? home : "");
    if (mkdir(folder, 0777) != 0) errno = 0; /* there already, or opening the file will tell */
    size_t n = strlen(folder);
    snprintf(folder + n, size - n, "/etalon");
    if (mkdir(folder, 0777) != 0) errno = 0;
}

static void cache_path(char *path, size_t size)
{
    const char *given = getenv("ETALON_WISDOM");
    if (given && given[0]) {
        snprintf(path, size, "%s", given);
        return;
    }
    char folder[PATH_MAX_BYTES - 256], name[200];
    cache_folder(folder, sizeof folder);
    snprintf(name, sizeof name, "%.100s-", fftwf_version);
    append_processor(name, sizeof name);
    snprintf(path, size, "%s/%s.wisdom", folder, name);
}

/* -------------------------------------------------------------------- reading and writing it -- */

static void give_up(const char *what)
{
    if (usable)
        et_log(ET_LOG_WARNING,
               "FFT plans are measured anew and not kept, so results may differ from run to run in "
               "the last bits: %s: %s",
               cache, what);
    usable = false;
}

/* Adds the file's plans to what is known; a file that is not there yet has none. */
static enum et_status read_cache(void)
{
    struct stat about;
    int file = open(cache, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        if (errno != ENOENT) give_up(strerror(errno));
        return ET_OK;
    }
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > WISDOM_MAX) {
        close(file);
        give_up("is no file of FFT plans");
        return ET_OK;
    }
    size_t size = (size_t)about.st_size, n = 0;
    char *text = et_alloc(size + 1, 1);
    for (ssize_t got = 1; text && got > 0;) {
        got = read(file, text + n, size - n);
        if (got > 0) n += (size_t)got;
    }
    close(file);
    if (!text) return ET_NOMEM;
    if (n < size || fftwf_import_wisdom_from_string(text) == 0)
        give_up("is damaged or of another FFTW; remove it");
    et_free(text);
    return ET_OK;
}

/* Looks for the cache again when the environment names another one. */
static enum et_status find_cache(void)
{
    char path[PATH_MAX_BYTES];
    cache_path(path, sizeof path);
    if (strcmp(path, cache) == 0) return ET_OK;
    memcpy(cache, path, sizeof cache);
    fftwf_forget_wisdom();
    usable = true;
    enum et_status status = read_cache();
    if (status != ET_OK) cache[0] = '\0'; /* next time again */
    return status;
}

/* The lock is a file beside the cache, which itself is replaced.  -1 without one. */
static int lock_cache(void)
{
    char path[PATH_MAX_BYTES + 8];
    snprintf(path, sizeof path, "%s.lock", cache);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0) {
        give_up(strerror(errno));
        return -1;
    }
    int taken;
    while ((taken = flock(lock, LOCK_EX)) != 0 && errno == EINTR) {
    }
    if (taken == 0) return lock;
    give_up(strerror(errno));
    close(lock);
    return -1;
}

static void write_cache(const char *text)
{
    char path[PATH_MAX_BYTES + 8];
    snprintf(path, sizeof path, "%s.new", cache);
    FILE *file = fopen(path, "w");
    bool whole = file && fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file && fclose(file) != 0) whole = false;
    if (!whole || rename(path, cache) != 0) give_up(strerror(errno));
}

/* ---------------------------------------------------------------------------------- planning -- */

static fftwf_plan make_plan(const struct et__fft_layout *l, int sign, float complex *field,
                            unsigned flags)
{
    int n[2] = {(int)l->ny, (int)l->nx}, embed[2] = {(int)l->ny, (int)l->pitch};
    bool flat = l->ny == 1;
    fftwf_complex *at = (fftwf_complex *)field;
    return fftwf_plan_many_dft(flat ? 1 : 2, flat ? n + 1 : n, (int)l->count, at,
                               flat ? NULL : embed, (int)l->stride, (int)l->step, at,
                               flat ? NULL : embed, (int)l->stride, (int)l->step, sign, flags);
}

/* Measures, keeps the result, and makes the plan again from what has been kept, as any other
 * process will. */
static fftwf_plan measure(const struct et__fft_layout *l, int sign, float complex *field)
{
    fftwf_plan plan = make_plan(l, sign, field, FFTW_MEASURE);
    char *text = fftwf_export_wisdom_to_string();
    if (!plan || !text) goto out;
    if (usable) write_cache(text);
    fftwf_forget_wisdom();
    fftwf_plan again = NULL;
    if (fftwf_import_wisdom_from_string(text) != 0)
        again = make_plan(l, sign, field, FFTW_MEASURE | FFTW_WISDOM_ONLY);
    if (again) {
        fftwf_destroy_plan(plan);
        plan = again;
    }
out:
    free(text);
    return plan;
}

/* Digest of the steps that a plan consists of. */
static void note_plan(fftwf_plan plan)
{
    uint64_t digest = 14695981039346656037U; /* FNV-1a */
    char *text = fftwf_sprint_plan(plan);
    for (const char *c = text; c && *c; c++)
        digest = (digest ^ (unsigned char)*c) * 1099511628211U;
    free(text);
    size_t at = 0;
    while (at < n_digests && digests[at] < digest)
        at++;
    if (n_digests == DIGESTS_MAX || (at < n_digests && digests[at] == digest)) return;
    memmove(digests + at + 1, digests + at, (n_digests - at) * sizeof *digests);
    digests[at] = digest;
    n_digests++;
}

static enum et_status plan_direction(const struct et__fft_layout *l, int sign, float complex *field,
                                     fftwf_plan *plan)
{
    const unsigned known = FFTW_MEASURE | FFTW_WISDOM_ONLY;
    *plan = make_plan(l, sign, field, known);
    if (!*plan) {
        int lock = usable ? lock_cache() : -1;
        enum et_status status = lock >= 0 ? read_cache() : ET_OK; /* somebody may have been first */
        if (status == ET_OK && lock >= 0) *plan = make_plan(l, sign, field, known);
        if (status == ET_OK && !*plan) *plan = measure(l, sign, field);
        if (lock >= 0) close(lock);
        ET_TRY(status);
    }
    if (!*plan) return et_error_set(ET_NOMEM, "no memory for an FFT of %zu x %zu", l->ny, l->nx);
    note_plan(*plan);
    return ET_OK;
}

enum et_status et__fft_create(const struct et__fft_layout *l, struct et__fft **fft)
{
    size_t rows = l->ny > 1 ? (l->ny - 1) * l->pitch : 0;
    size_t extent = (rows + l->nx - 1) * l->stride + (l->count - 1) * l->step + 1;
    enum et_status status = ET_NOMEM;
    float complex *field = NULL; /* measuring overwrites it */
    *fft = et_alloc(1, sizeof **fft);
    if (*fft) field = et_alloc(extent, sizeof *field);
    if (field) {
        pthread_mutex_lock(&planner);
        status = find_cache();
        if (status == ET_OK) status = plan_direction(l, FFTW_FORWARD, field, &(*fft)->forward);
        if (status == ET_OK) status = plan_direction(l, FFTW_BACKWARD, field, &(*fft)->backward);
        pthread_mutex_unlock(&planner);
    }
    et_free(field);
    if (status == ET_OK) return ET_OK;
    et__fft_destroy(*fft);
    *fft = NULL;
    return status;
}

void et__fft_destroy(struct et__fft *fft)
{
    if (!fft) return;
    pthread_mutex_lock(&planner);
    if (fft->forward) fftwf_destroy_plan(fft->forward);
    if (fft->backward) fftwf_destroy_plan(fft->backward);
    pthread_mutex_unlock(&planner);
    et_free(fft);
}

void et__fft_forward(const struct et__fft *fft, float complex *field)
{
    fftwf_execute_dft(fft->forward, (fftwf_complex *)field, (fftwf_complex *)field);
}

void et__fft_backward(const struct et__fft *fft, float complex *field)
{
    fftwf_execute_dft(fft->backward, (fftwf_complex *)field, (fftwf_complex *)field);
}

size_t et__fft_size(size_t n, size_t multiple)
{
    for (size_t parts = (n + multiple - 1) / multiple;; parts++) {
        size_t rest = parts;
        for (size_t prime = 2; prime <= 5; prime += prime == 2 ? 1 : 2)
            while (rest % prime == 0)
                rest /= prime;
        if (rest == 1) return parts * multiple;
    }
}

const char *et_fft_wisdom(void)
{
    static _Thread_local char text[PATH_MAX_BYTES + 128];
    uint64_t digest = 14695981039346656037U;
    pthread_mutex_lock(&planner);
    if (find_cache() != ET_OK) et_error_clear();
    for (size_t i = 0; i < n_digests; i++)
        digest = (digest ^ digests[i]) * 1099511628211U;
    snprintf(text, sizeof text, "%.60s, %zu plans, digest %016" PRIx64 ", %s%s", fftwf_version,
             n_digests, digest, usable ? "cache " : "no cache: ", cache);
    pthread_mutex_unlock(&planner);
    return text;
}
