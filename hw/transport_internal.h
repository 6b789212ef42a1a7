/* SPDX-License-Identifier: Apache-2.0
 *
 * A transport whose type is in no registry: a program's own, a test's that injects faults. */
#ifndef ETALON_HW_TRANSPORT_INTERNAL_H
#define ETALON_HW_TRANSPORT_INTERNAL_H

#include <etalon/transport.h>

/* As et_transport_open with a known type; uri is for messages and, behind its first ':', the
 * address. */
enum et_status et__transport_open_type(const struct et_transport_type *type, const char *uri,
                                       struct et_transport **transport) ET_CHECKED;

/* The type of a scheme of n letters, or NULL with a record: ET_UNSUPPORTED (absent from this
 * build) or ET_CONFIG (unknown, with the nearest name). */
const struct et_transport_type *et__transport_find(const char *scheme, size_t n);

#endif
