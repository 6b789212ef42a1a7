/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of sound files: listing, patterns (POSIX extended regular expressions), selection.  The
 * order is that of the bytes, whatever the file system and the locale. */
#include "sound_list.h"

#include <etalon/array.h>

#include <dirent.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 1 << 20 };

void et__sound_list_destroy(struct et__sound_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        et_free(list->file[i].name);
    et_free(list->file);
    *list = (struct et__sound_list){0};
}

static enum et_status compile(const struct et_config *config, const char *name, size_t captures,
                              regex_t *pattern)
{
    char why[128];
    const char *text = et_config_string(config, name);
    int failure = regcomp(pattern, text, REG_EXTENDED);
    if (failure != 0) {
        regerror(failure, pattern, why, sizeof why);
        return et_config_error(config, name, "'%s' is no regular expression: %s", text, why);
    }
    if (pattern->re_nsub >= captures) return ET_OK;
    regfree(pattern);
    return et_config_error(config, name, "'%s' has no group in parentheses to take the name from",
                           text);
}

static enum et_status append(struct et__sound_list *list, const char *name)
{
    if (list->n == FILES_MAX)
        return et_error_set(ET_FORMAT, "the folder holds more than %d sound files", FILES_MAX);
    if (list->n == list->capacity) {
        size_t wanted = list->capacity > 0 ? 2 * list->capacity : 256;
        struct et__sound_file *larger = et_alloc(wanted, sizeof *larger);
        if (larger == NULL) return ET_NOMEM;
        if (list->n > 0) memcpy(larger, list->file, list->n * sizeof *larger);
        et_free(list->file);
        list->file = larger;
        list->capacity = wanted;
    }
    if (!(list->file[list->n].name = et_strdup(name))) return ET_NOMEM;
    list->n++;
    return ET_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct et__sound_file *)a)->name,
                  ((const struct et__sound_file *)b)->name);
}

/* Hidden files are none of a collection's. */
static enum et_status list_names(const char *folder, const regex_t *files,
                                 struct et__sound_list *list)
{
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return et_error_set(ET_IO, "cannot list '%s': %s", folder, strerror(errno));
    enum et_status status = ET_OK;
    // cppcheck-suppress readdirCalled ; readdir_r is deprecated, the stream is our own
    for (struct dirent *entry; status == ET_OK && (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.' && regexec(files, entry->d_name, 0, NULL, 0) == 0)
            status = append(list, entry->d_name);
    closedir(directory);
    if (status != ET_OK || list->n == 0) return status;
    qsort(list->file, list->n, sizeof *list->file, by_name);
    return ET_OK;
}

/* The first group in parentheses of a pattern in a name. */
static enum et_status take_key(const struct et_config *config, const char *which,
                               const regex_t *pattern, const char *name, char key[ET__SOUND_KEY])
{
    regmatch_t match[2];
    const char *text = et_config_string(config, which);
    if (regexec(pattern, name, 2, match, 0) != 0 || match[1].rm_so < 0)
        return et_error_set(ET_FORMAT, "file '%.200s' does not fit the pattern of its %s, '%s'",
                            name, which, text);
    size_t length = (size_t)(match[1].rm_eo - match[1].rm_so);
    if (length == 0 || length >= ET__SOUND_KEY)
        return et_error_set(ET_FORMAT,
                            "file '%.200s': the pattern of its %s, '%s', finds %zu characters; "
                            "1 to %d make a name",
                            name, which, text, length, ET__SOUND_KEY - 1);
    memcpy(key, name + match[1].rm_so, length);
    key[length] = '\0';
    return ET_OK;
}

static enum et_status take_keys(const struct et_config *config, const char *which,
                                struct et__sound_list *list)
{
    regex_t pattern;
    enum et_status status = compile(config, which, 1, &pattern);
    if (status != ET_OK) return status;
    for (size_t i = 0; i < list->n && status == ET_OK; i++) {
        struct et__sound_file *file = &list->file[i];
        status = take_key(config, which, &pattern, file->name,
                          *which == 'l' ? file->label : file->group);
    }
    regfree(&pattern);
    return status;
}

/* Drops the files that are not marked. */
static void keep_marked(struct et__sound_list *list, const bool *keep)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (keep[i])
            list->file[n++] = list->file[i];
        else
            et_free(list->file[i].name);
    }
    list->n = n;
}

static enum et_status select_classes(const struct et_config *config, struct et__sound_list *list,
                                     bool *keep)
{
    size_t n_classes = et_config_count(config, "classes");
    if (n_classes == 0) return ET_OK;
    memset(keep, 0, list->n * sizeof *keep);
    for (size_t c = 0; c < n_classes; c++) {
        const char *wanted = et_config_string_at(config, "classes", c);
        size_t found = 0;
        for (size_t i = 0; i < list->n; i++) {
            if (strcmp(list->file[i].label, wanted) != 0) continue;
            if (keep[i])
                return et_config_error(config, "classes", "class '%s' is listed twice", wanted);
            keep[i] = true;
            found++;
        }
        if (found == 0)
            return et_config_error(config, "classes", "no file is of class '%s'", wanted);
    }
    keep_marked(list, keep);
    return ET_OK;
}

static int by_group(const void *a, const void *b)
{
    return strcmp((*(const struct et__sound_file *const *)a)->group,
                  (*(const struct et__sound_file *const *)b)->group);
}

/* Keeps the files of so many groups, taken evenly through the sorted names. */
static enum et_status select_groups(const struct et_config *config, struct et__sound_list *list,
                                    bool *keep)
{
    size_t wanted = (size_t)et_config_int(config, "groups"), n_groups = 1, at = 0;
    if (!list->grouped || wanted == 0) return ET_OK;
    const struct et__sound_file **sorted = et_alloc(list->n, sizeof *sorted);
    if (sorted == NULL) return ET_NOMEM;
    for (size_t i = 0; i < list->n; i++)
        sorted[i] = &list->file[i];
    qsort(sorted, list->n, sizeof *sorted, by_group);
    for (size_t i = 1; i < list->n; i++)
        n_groups += strcmp(sorted[i]->group, sorted[i - 1]->group) != 0;
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0) at += strcmp(sorted[i]->group, sorted[i - 1]->group) != 0;
        /* group number `at` is one of floor(k n_groups / wanted) */
        size_t k = (at * wanted + n_groups - 1) / n_groups;
        keep[sorted[i] - list->file] = wanted >= n_groups || k * n_groups / wanted == at;
    }
    et_free(sorted);
    keep_marked(list, keep);
    return ET_OK;
}

static enum et_status select_files(const struct et_config *config, struct et__sound_list *list)
{
    bool *keep = et_alloc(list->n, sizeof *keep);
    if (keep == NULL) return ET_NOMEM;
    enum et_status status = select_classes(config, list, keep);
    if (status == ET_OK) status = select_groups(config, list, keep);
    et_free(keep);
    return status;
}

enum et_status et__sound_list_read(const struct et_config *config, const char *folder,
                                   struct et__sound_list *list)
{
    regex_t files;
    list->grouped = *et_config_string(config, "group") != '\0';
    if (!list->grouped && et_config_int(config, "groups") > 0)
        return et_config_error(config, "groups", "groups needs a pattern `group`");
    ET_TRY(compile(config, "files", 0, &files));
    enum et_status status = list_names(folder, &files, list);
    regfree(&files);
    if (status != ET_OK) return status;
    if (list->n == 0)
        return et_error_set(ET_FORMAT, "no file in '%s' fits the pattern `files`, '%s'", folder,
                            et_config_string(config, "files"));
    ET_TRY(take_keys(config, "label", list));
    if (list->grouped) ET_TRY(take_keys(config, "group", list));
    return select_files(config, list);
}
