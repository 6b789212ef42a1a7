/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of address events: AEDAT 2 (header of text, then pairs of big-endian numbers, address and
 * microseconds) and N-MNIST (5 bytes an event). */
#ifndef ETALON_TRAINING_AER_H
#define ETALON_TRAINING_AER_H

#include "spikes.h"

enum et__aer_format {
    ET__AER_NMNIST,
    ET__AER_DVS128,
    ET__AER_DVS_GESTURE,
    ET__AER_DAVIS346,
    ET__AER_FORMATS
};
/* "nmnist|dvs128|dvs-gesture|davis346", in the order of the enumeration. */
#define ET__AER_CHOICES "nmnist|dvs128|dvs-gesture|davis346"

/* Pixels of the sensor. */
void et__aer_size(enum et__aer_format format, size_t *width, size_t *height);

/* Reads all events of a file in memory; unit = (polarity height + y) width + x, times in s as the
 * file has them.  *spikes is to be destroyed by the caller after success.
 * Errors: ET_FORMAT naming the file, the event and its value (header, truncated event, address
 * beyond the sensor), ET_NOMEM. */
enum et_status et__aer_parse(const char *name, enum et__aer_format format,
                             const unsigned char *data, size_t size,
                             struct et__spikes *spikes) ET_CHECKED;

#endif
