/* SPDX-License-Identifier: Apache-2.0
 *
 * The sound files of a folder and what their names say. */
#ifndef ETALON_TRAINING_SOUND_LIST_H
#define ETALON_TRAINING_SOUND_LIST_H

#include <etalon/config.h>

enum { ET__SOUND_KEY = 64 }; /* bytes of a class or group name, with its end */

struct et__sound_file {
    char *name; /* without the folder, owned */
    char label[ET__SOUND_KEY], group[ET__SOUND_KEY];
};

struct et__sound_list {
    struct et__sound_file *file; /* [n] in the order of the bytes of their names */
    size_t n, capacity;
    bool grouped;
};

/* Lists the folder by the patterns `files`, `label` and `group` of a configuration and keeps the
 * wanted `classes` and `groups`.  *list must be empty; destroy it also after a failure.
 * Errors: ET_IO, ET_CONFIG (a pattern that is none, a class without files), ET_FORMAT (a name that
 * the patterns do not fit; nothing is left), ET_NOMEM. */
enum et_status et__sound_list_read(const struct et_config *config, const char *folder,
                                   struct et__sound_list *list) ET_CHECKED;
void et__sound_list_destroy(struct et__sound_list *list);

#endif
