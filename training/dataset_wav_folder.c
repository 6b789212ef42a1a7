/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of recordings, one class each: "m01ae.wav" is vowel "ae" by speaker "m01".
 *
 * A file is averaged to one channel, brought to the wanted sampling rate, cut to a window of so
 * many samples, normalised, and faded at both ends, in this order.  Rows follow the files' names.
 */
#include "dataset_create.h"
#include "sound.h"
#include "sound_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct et_param params[] = {
    {.name = "path",
     .kind = ET_PARAM_STRING,
     .doc = "The folder; relative to the experiment file, or \"${ETALON_DATA}/...\"."},
    {.name = "files",
     .kind = ET_PARAM_STRING,
     .initial = "'[.](wav|WAV|flac|aiff|aif|au|ogg)$'",
     .doc = "Regular expression (POSIX extended) that the name of a sound file fits."},
    {.name = "label",
     .kind = ET_PARAM_STRING,
     .initial = "'^[a-z][0-9]+([a-z]+)[.]'",
     .doc = "Regular expression whose first group in parentheses is the class in a file's name; "
            "m01ae.wav: ae."},
    {.name = "group",
     .kind = ET_PARAM_STRING,
     .initial = "'^([a-z][0-9]+)[a-z]+[.]'",
     .doc = "Likewise the group (speaker); m01ae.wav: m01.  Empty = no groups."},
    {.name = "classes",
     .kind = ET_PARAM_STRINGS,
     .initial = "[]",
     .doc = "The classes to take, in order; empty = all that occur, sorted."},
    {.name = "groups",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .doc = "How many groups to take, evenly through their sorted names; 0 = all."},
    {.name = "rate",
     .kind = ET_PARAM_REAL,
     .initial = "16000",
     .min = 1,
     .max = 1e7,
     .unit = "Hz",
     .doc = "Sampling rate of the features; files of another rate are resampled."},
    {.name = "emphasis",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 1,
     .doc =
         "a of the pre-emphasis x[i] - a x[i-1], which lifts high frequencies; usual for speech: "
         "0.95."},
    {.name = "samples",
     .kind = ET_PARAM_INT,
     .initial = "1600",
     .min = 1,
     .max = 1e7,
     .doc = "Features of a row: samples of the window."},
    {.name = "position",
     .kind = ET_PARAM_CHOICE,
     .initial = "centre",
     .choices = "centre|start|loudest",
     .doc = "Where the window lies in a file: in the middle, at the start, or where it holds most "
            "energy."},
    {.name = "short",
     .kind = ET_PARAM_CHOICE,
     .initial = "refuse",
     .choices = "refuse|pad",
     .doc = "A file that is shorter than the window is an error, or gets zeros behind it (centre: "
            "on both sides)."},
    {.name = "normalise",
     .kind = ET_PARAM_CHOICE,
     .initial = "peak",
     .choices = "peak|rms|none",
     .doc = "What of a window is brought to `level`; a silent one is then an error."},
    {.name = "level",
     .kind = ET_PARAM_REAL,
     .initial = "1",
     .min = 1e-6,
     .max = 1e6,
     .doc = "Peak or root mean square after normalisation; full scale is 1."},
    {.name = "fade",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .unit = "s",
     .doc = "Rise and fall at the ends of the window, raised cosines: no clicks."},
    {0},
};

/* Rows x samples above this are a mistake. */
#define NUMBERS_MAX ((size_t)1 << 28)

struct loading {
    const struct et_config *config;
    const char *folder;
    struct et__sound_list list;
    char *path; /* room for the path of each file */
    size_t path_size;
};

/* First sample of the window of n samples that holds most energy; the earliest of equal ones. */
static size_t loudest(const struct et__sound *sound, size_t n)
{
    double energy = 0, most = -1;
    size_t first = 0;
    for (size_t i = 0; i < sound->n; i++) {
        energy += (double)sound->sample[i] * (double)sound->sample[i];
        if (i >= n) energy -= (double)sound->sample[i - n] * (double)sound->sample[i - n];
        /* differences of rounding are no reason to move */
        if (i + 1 < n || energy <= most * (1 + 1e-9)) continue;
        most = energy;
        first = i + 1 - n;
    }
    return first;
}

static enum et_status cut(const struct loading *l, const struct et__sound *sound, float *x,
                          size_t n)
{
    enum { CENTRE, START };
    size_t position = et_config_choice(l->config, "position");
    if (sound->n < n) {
        if (et_config_choice(l->config, "short") == 0)
            return et_error_set(ET_FORMAT,
                                "'%s' has %zu samples at %g Hz, fewer than the window's %zu; "
                                "`short: pad` would fill it with zeros",
                                l->path, sound->n, sound->rate, n);
        size_t before = position == CENTRE ? (n - sound->n) / 2 : 0;
        memcpy(x + before, sound->sample, sound->n * sizeof *x);
        return ET_OK;
    }
    size_t first = position == CENTRE  ? (sound->n - n) / 2
                   : position == START ? 0
                                       : loudest(sound, n);
    memcpy(x, sound->sample + first, n * sizeof *x);
    return ET_OK;
}

static enum et_status normalise(const struct loading *l, float *x, size_t n)
{
    enum { PEAK, RMS, NONE };
    size_t kind = et_config_choice(l->config, "normalise");
    double peak = 0, squares = 0, level = et_config_real(l->config, "level");
    for (size_t i = 0; i < n; i++) {
        peak = fmax(peak, fabs((double)x[i]));
        squares += (double)x[i] * (double)x[i];
    }
    double size = kind == PEAK ? peak : sqrt(squares / (double)n);
    if (kind == NONE) return ET_OK;
    if (!(size > 1e-20))
        return et_error_set(ET_FORMAT, "'%s' is silent in its window of %zu samples", l->path, n);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)x[i] * level / size);
    return ET_OK;
}

static void fade(const struct loading *l, float *x, size_t n)
{
    const double pi = 3.141592653589793;
    double ramp = et_config_real(l->config, "fade") * et_config_real(l->config, "rate");
    for (size_t i = 0; i < n && (double)i + 0.5 < ramp; i++) {
        float rise = (float)(0.5 * (1 - cos(pi * ((double)i + 0.5) / ramp)));
        x[i] *= rise;
        x[n - 1 - i] *= rise;
    }
}

static void emphasise(const struct loading *l, struct et__sound *sound)
{
    float a = (float)et_config_real(l->config, "emphasis");
    for (size_t i = sound->n; i-- > 1;)
        sound->sample[i] -= a * sound->sample[i - 1];
}

static enum et_status load_file(struct loading *l, size_t i, struct et_dataset *dataset)
{
    struct et__sound sound = {0}, resampled = {0};
    double rate = et_config_real(l->config, "rate");
    size_t n = dataset->x.cols;
    float *x = dataset->x.data + i * n;
    snprintf(l->path, l->path_size, "%s/%s", l->folder, l->list.file[i].name);
    enum et_status status = et__sound_read(l->path, &sound);
    if (status == ET_OK && fabs(sound.rate - rate) > 1e-9 * rate) {
        status = et__sound_resample(l->path, &sound, rate, &resampled);
        et__sound_destroy(&sound);
        sound = resampled;
    }
    if (status == ET_OK) emphasise(l, &sound);
    if (status == ET_OK) status = cut(l, &sound, x, n);
    if (status == ET_OK) status = normalise(l, x, n);
    if (status == ET_OK) fade(l, x, n);
    et__sound_destroy(&sound);
    return status;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Numbers the distinct names in sorted order; afterwards they stand in names[0 .. *distinct - 1].
 */
static void number_names(const struct et__sound_list *list, bool labels, const char **names,
                         int32_t *id, size_t *distinct)
{
    for (size_t i = 0; i < list->n; i++)
        names[i] = labels ? list->file[i].label : list->file[i].group;
    qsort(names, list->n, sizeof *names, by_text);
    *distinct = 0;
    for (size_t i = 0; i < list->n; i++)
        if (i == 0 || strcmp(names[*distinct - 1], names[i]) != 0) names[(*distinct)++] = names[i];
    for (size_t i = 0; i < list->n; i++) {
        const char *key = labels ? list->file[i].label : list->file[i].group;
        const char **found = bsearch(&key, names, *distinct, sizeof *names, by_text);
        id[i] = (int32_t)(found - names);
    }
}

/* With a list of classes their order counts, not that of the names. */
static enum et_status name_classes(struct loading *l, const char **names,
                                   struct et_dataset *dataset)
{
    size_t listed = et_config_count(l->config, "classes"), n;
    number_names(&l->list, true, names, dataset->label, &n);
    for (size_t c = 0; c < listed; c++)
        names[c] = et_config_string_at(l->config, "classes", c);
    for (size_t i = 0; listed > 0 && i < l->list.n; i++)
        for (size_t c = 0; c < listed; c++)
            if (strcmp(names[c], l->list.file[i].label) == 0) dataset->label[i] = (int32_t)c;
    if (listed > 0) n = listed;
    if (!(dataset->class_name = et_alloc(n, sizeof *dataset->class_name))) return ET_NOMEM;
    for (; dataset->n_classes < n; dataset->n_classes++)
        if (!(dataset->class_name[dataset->n_classes] = et_strdup(names[dataset->n_classes])))
            return ET_NOMEM;
    return ET_OK;
}

static enum et_status number_files(struct loading *l, struct et_dataset *dataset)
{
    size_t listed = et_config_count(l->config, "classes"), groups;
    const char **names = et_alloc(l->list.n + listed, sizeof *names);
    if (names == NULL) return ET_NOMEM;
    if (l->list.grouped) number_names(&l->list, false, names, dataset->group, &groups);
    enum et_status status = name_classes(l, names, dataset);
    et_free(names);
    return status;
}

static enum et_status load_files(struct loading *l, struct et_dataset *dataset)
{
    size_t samples = (size_t)et_config_int(l->config, "samples"), longest = 0;
    ET_TRY(et__sound_list_read(l->config, l->folder, &l->list));
    if (samples > NUMBERS_MAX / l->list.n)
        return et_config_error(l->config, "samples",
                               "%zu files of %zu samples are more than %zu numbers", l->list.n,
                               samples, NUMBERS_MAX);
    for (size_t i = 0; i < l->list.n; i++)
        longest = strlen(l->list.file[i].name) > longest ? strlen(l->list.file[i].name) : longest;
    l->path_size = strlen(l->folder) + longest + 2;
    if (!(l->path = et_alloc(l->path_size, 1))) return ET_NOMEM;
    ET_TRY(et__dataset_create(dataset, l->list.n, samples, 0, NULL, l->list.grouped));
    dataset->origin = "sound files";
    ET_TRY(number_files(l, dataset));
    for (size_t i = 0; i < l->list.n; i++)
        ET_TRY(load_file(l, i, dataset));
    return ET_OK;
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    (void)seed;
    char *folder = NULL;
    ET_TRY(et_config_file(config, et_config_string(config, "path"), &folder));
    struct loading loading = {.config = config, .folder = folder};
    enum et_status status = load_files(&loading, dataset);
    et__sound_list_destroy(&loading.list);
    et_free(loading.path);
    et_free(folder);
    return status;
}

const struct et_dataset_type et_dataset_wav_folder = {
    .name = "wav-folder",
    .summary = "Recordings in a folder; class and speaker from the files' names.",
    .params = params,
    .load = load,
};
