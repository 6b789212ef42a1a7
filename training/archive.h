/* SPDX-License-Identifier: Apache-2.0
 *
 * A flat list of named matrices: everything that makes a trained (or half-trained) network. */
#ifndef ETALON_TRAINING_ARCHIVE_H
#define ETALON_TRAINING_ARCHIVE_H

#include "trainer.h"

#include <etalon/store.h>

struct et__entry {
    char path[96]; /* "layer-0/weight" */
    struct et_array data;
};

struct et__archive {
    struct et__entry *entry;
    size_t n, capacity;
};

/* Copies all tensors and fits of a trainer; with their optimiser moments and the stored
 * measurements when the training is to go on later.  *archive must be empty. */
enum et_status et__archive_capture(struct et__archive *archive, struct et_trainer *trainer,
                                   bool to_resume) ET_CHECKED;
/* The way back.  Errors: ET_FORMAT (an entry is missing or has another shape), ET_NOMEM. */
enum et_status et__archive_restore(const struct et__archive *archive, struct et_trainer *trainer,
                                   bool to_resume) ET_CHECKED;

enum et_status et__archive_write(const struct et__archive *archive, struct et_store *store,
                                 const char *group) ET_CHECKED;
enum et_status et__archive_read(struct et__archive *archive, struct et_store *store,
                                const char *group) ET_CHECKED;
/* The digest with names and numbers of an archive added to it (see et_digest_add). */
uint64_t et__archive_digest(const struct et__archive *archive, uint64_t digest);
void et__archive_destroy(struct et__archive *archive);

#endif
