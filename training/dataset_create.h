/* SPDX-License-Identifier: Apache-2.0
 *
 * Room for a data set, shared by the loaders. */
#ifndef ETALON_TRAINING_DATASET_CREATE_H
#define ETALON_TRAINING_DATASET_CREATE_H

#include <etalon/dataset.h>

/* Makes x [rows][cols] and label [rows], zeroed; group [rows] too when with_groups, and class_name
 * copied from class_name[n_classes] unless that is NULL.  Errors: ET_NOMEM (the framework destroys
 * *dataset). */
enum et_status et__dataset_create(struct et_dataset *dataset, size_t rows, size_t cols,
                                  size_t n_classes, const char *const *class_name,
                                  int with_groups) ET_CHECKED;

#endif
