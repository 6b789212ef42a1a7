/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings of event cameras, <path>/<class>/<file>, binned into frames [bins][channels]; a
 * channel is a pixel of one polarity, (polarity height + y) width + x. */
#include "aer.h"
#include "dataset_create.h"
#include "file_bytes.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct et_param params[] = {
    {.name = "path",
     .kind = ET_PARAM_STRING,
     .doc = "The folder, with a folder for each class; relative to the experiment file, or "
            "\"${ETALON_DATA}/...\"."},
    {.name = "path_test",
     .kind = ET_PARAM_STRING,
     .initial = "\"\"",
     .doc = "A second folder with the same classes, the test part; empty = no split of its own."},
    {.name = "format",
     .kind = ET_PARAM_CHOICE,
     .initial = "nmnist",
     .choices = ET__AER_CHOICES,
     .doc = "nmnist: 5 bytes an event, 34 x 34 pixels; the others: AEDAT 2 with the addresses of "
            "this sensor."},
    {.name = "files",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .doc = "Files to take from each class, the first ones by name; 0 = all."},
    {.name = "shrink",
     .kind = ET_PARAM_INT,
     .initial = "1",
     .min = 1,
     .max = 512,
     .doc = "So many pixels along each axis share a channel."},
    {.name = "polarity",
     .kind = ET_PARAM_CHOICE,
     .initial = "split",
     .choices = "split|merge",
     .doc = "Brighter and darker have channels of their own, or share them."},
    {.name = "bins",
     .kind = ET_PARAM_INT,
     .initial = "10",
     .min = 1,
     .max = 1 << 20,
     .doc = "Frames of a sample; features = bins x channels."},
    {.name = "window",
     .kind = ET_PARAM_REAL,
     .initial = "0.35",
     .min = 1e-9,
     .max = 1e6,
     .unit = "s",
     .doc = "Time that the frames cover."},
    {.name = "start",
     .kind = ET_PARAM_CHOICE,
     .initial = "first",
     .choices = "first|zero",
     .doc = "The window begins with the first event, or where the file's clock is 0."},
    {.name = "count",
     .kind = ET_PARAM_CHOICE,
     .initial = "any",
     .choices = "any|sum",
     .doc = "A frame holds 1 where there is any event, or the number of events."},
    {.name = "lenient",
     .kind = ET_PARAM_BOOL,
     .initial = "false",
     .doc = "Events outside the window are dropped and the order of times does not matter; "
            "otherwise both are errors."},
    {0},
};

#define NUMBERS_MAX ((size_t)1 << 30)
enum { NAMES_MAX = 1 << 21 };

/* ---- names ---- */

struct names {
    char **name; /* [n], sorted by their bytes */
    size_t n, capacity;
};

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        et_free(names->name[i]);
    et_free(names->name);
    *names = (struct names){0};
}

static enum et_status append(struct names *names, const char *name)
{
    if (names->n == NAMES_MAX)
        return et_error_set(ET_FORMAT, "more than %d names in a folder", (int)NAMES_MAX);
    if (names->n == names->capacity) {
        const size_t capacity = names->capacity > 0 ? 2 * names->capacity : 64;
        char **larger = et_alloc(capacity, sizeof *larger);
        if (larger == NULL) return ET_NOMEM;
        if (names->n > 0) memcpy(larger, names->name, names->n * sizeof *larger);
        et_free(names->name);
        names->name = larger;
        names->capacity = capacity;
    }
    names->name[names->n] = et_strdup(name);
    if (names->name[names->n] == NULL) return ET_NOMEM;
    names->n++;
    return ET_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folders or the files in a folder, hidden ones left out. */
static enum et_status list(const char *folder, bool folders, struct names *names)
{
    char path[2048];
    struct stat info;
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return et_error_set(errno == ENOENT ? ET_MISSING : ET_IO, "cannot list '%s': %s", folder,
                            strerror(errno));
    enum et_status status = ET_OK;
    // cppcheck-suppress readdirCalled ; readdir_r is deprecated, the stream is our own
    for (struct dirent *entry; status == ET_OK && (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path ||
            stat(path, &info) != 0)
            continue;
        if (folders ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode))
            status = append(names, entry->d_name);
    }
    closedir(directory);
    if (names->n > 0) qsort(names->name, names->n, sizeof *names->name, by_bytes);
    return status;
}

/* ---- loading ---- */

struct loading {
    const struct et_config *config;
    enum et__aer_format format;
    struct et__frames frames;
    size_t shrink, width, height; /* of the frames */
    bool merged;
    struct names classes;
    struct names files; /* paths of both parts */
    size_t n_train;
};

static enum et_status list_part(struct loading *l, const char *folder)
{
    const size_t limit = (size_t)et_config_int(l->config, "files");
    char path[4096];
    for (size_t c = 0; c < l->classes.n; c++) {
        struct names found = {0};
        snprintf(path, sizeof path, "%s/%s", folder, l->classes.name[c]);
        enum et_status status = list(path, false, &found);
        if (status == ET_OK && found.n == 0)
            status = et_error_set(ET_FORMAT, "'%s' holds no file", path);
        for (size_t i = 0; i < found.n && (limit == 0 || i < limit) && status == ET_OK; i++) {
            snprintf(path, sizeof path, "%s/%s/%s", folder, l->classes.name[c], found.name[i]);
            status = append(&l->files, path);
        }
        free_names(&found);
        ET_TRY(status);
    }
    return ET_OK;
}

static enum et_status list_parts(struct loading *l)
{
    char *folder = NULL;
    const char *test = et_config_string(l->config, "path_test");
    ET_TRY(et_config_file(l->config, et_config_string(l->config, "path"), &folder));
    enum et_status status = list(folder, true, &l->classes);
    if (status == ET_OK && l->classes.n == 0)
        status = et_error_set(ET_FORMAT, "'%s' holds no folder of a class", folder);
    if (status == ET_OK) status = list_part(l, folder);
    et_free(folder);
    if (status != ET_OK || *test == '\0') return status;
    l->n_train = l->files.n;
    ET_TRY(et_config_file(l->config, test, &folder));
    status = list_part(l, folder);
    et_free(folder);
    return status;
}

/* From the pixels of the sensor to those of the frames; times from the start of the window. */
static void place(const struct loading *l, struct et__spikes *spikes)
{
    size_t width, height;
    et__aer_size(l->format, &width, &height);
    const bool first = et_config_choice(l->config, "start") == 0;
    const double start = first && spikes->n > 0 ? spikes->time[0] : 0;
    for (size_t i = 0; i < spikes->n; i++) {
        const size_t unit = spikes->unit[i], x = unit % width / l->shrink;
        const size_t y = unit / width % height / l->shrink;
        const size_t p = l->merged ? 0 : unit / (width * height);
        spikes->unit[i] = (uint32_t)((p * l->height + y) * l->width + x);
        spikes->time[i] -= start;
    }
}

static enum et_status load_file(const struct loading *l, const char *path, float *x)
{
    struct et__bytes bytes = {0};
    struct et__spikes spikes = {0};
    ET_TRY(et__bytes_read(path, &bytes));
    enum et_status status = et__aer_parse(path, l->format, bytes.data, bytes.size, &spikes);
    if (status == ET_OK) {
        place(l, &spikes);
        status = et__spikes_bin(path, &l->frames, &spikes, x);
    }
    et__spikes_destroy(&spikes);
    et__bytes_destroy(&bytes);
    return status;
}

/* The class is the last folder of a path. */
static int32_t class_of(const struct loading *l, const char *path)
{
    const char *end = strrchr(path, '/'), *begin = end;
    while (begin > path && begin[-1] != '/')
        begin--;
    for (size_t c = 0; c < l->classes.n; c++)
        if (strlen(l->classes.name[c]) == (size_t)(end - begin) &&
            memcmp(l->classes.name[c], begin, (size_t)(end - begin)) == 0)
            return (int32_t)c;
    return -1;
}

static enum et_status load_files(struct loading *l, struct et_dataset *dataset)
{
    size_t width, height;
    et__aer_size(l->format, &width, &height);
    l->width = (width + l->shrink - 1) / l->shrink;
    l->height = (height + l->shrink - 1) / l->shrink;
    l->frames.units = l->width * l->height * (l->merged ? 1 : 2);
    const size_t cols = l->frames.bins * l->frames.units;
    ET_TRY(list_parts(l));
    if (cols > NUMBERS_MAX / l->files.n)
        return et_config_error(l->config, "bins",
                               "%zu files of %zu x %zu features are more than %zu numbers",
                               l->files.n, l->frames.bins, l->frames.units, NUMBERS_MAX);
    ET_TRY(et__dataset_create(dataset, l->files.n, cols, l->classes.n,
                              (const char *const *)l->classes.name, 0));
    dataset->origin = "event camera";
    dataset->n_train = l->n_train;
    for (size_t i = 0; i < l->files.n; i++) {
        dataset->label[i] = class_of(l, l->files.name[i]);
        ET_TRY(load_file(l, l->files.name[i], dataset->x.data + i * cols));
    }
    return ET_OK;
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    (void)seed;
    struct loading l = {
        .config = config,
        .format = (enum et__aer_format)et_config_choice(config, "format"),
        .frames = {.bins = (size_t)et_config_int(config, "bins"),
                   .merge = 1,
                   .window = et_config_real(config, "window"),
                   .clip = et_config_choice(config, "count") == 0,
                   .lenient = et_config_bool(config, "lenient")},
        .shrink = (size_t)et_config_int(config, "shrink"),
        .merged = et_config_choice(config, "polarity") == 1,
    };
    enum et_status status = load_files(&l, dataset);
    free_names(&l.classes);
    free_names(&l.files);
    return status;
}

const struct et_dataset_type et_dataset_events_folder = {
    .name = "events-folder",
    .summary = "Recordings of event cameras (N-MNIST, AEDAT 2) in folders of classes.",
    .params = params,
    .load = load,
};
