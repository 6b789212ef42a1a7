/* SPDX-License-Identifier: Apache-2.0
 *
 * A transport: how bytes reach a device.
 *
 * A URI chooses it: the scheme names the transport, the rest is its address.
 *
 *     struct et_transport *t;
 *     ET_TRY(et_transport_open("verilator:config=32x32", &t));
 *     ET_TRY(et_transport_read32(t, 0x000, &id));
 *     et_transport_close(t);
 *
 * The first half of this header is for drivers, the second for authors of transports.  A handle
 * belongs to one thread at a time; different handles are independent. */
#ifndef ETALON_TRANSPORT_H
#define ETALON_TRANSPORT_H

#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct et_transport;
struct et_type_entry;

/* Memory that host and device share.  `host` is where the host sees it, `device` what a register
 * or a descriptor calls it.  Who writes on one side calls et_transport_sync before the other side
 * looks: in one address space that costs nothing, across a process or a cache it moves bytes. */
struct et_dma {
    void *host;
    uint64_t device;
    size_t bytes;
};

enum et_dma_direction { ET_TO_DEVICE, ET_FROM_DEVICE };

/* Opens "scheme:address".  *transport is the caller's.
 * Errors: ET_CONFIG (no scheme, unknown scheme with the nearest known one, malformed address),
 * ET_UNSUPPORTED (absent from this build, with the reason), ET_IO, ET_DEVICE, ET_NOMEM. */
ET_API enum et_status et_transport_open(const char *uri,
                                        struct et_transport **transport) ET_CHECKED;
/* Frees all shared memory with it; accepts NULL. */
ET_API void et_transport_close(struct et_transport *transport);

/* The URI it was opened with. */
ET_API const char *et_transport_uri(const struct et_transport *transport);

/* One 32-bit register; address in bytes, a multiple of 4.
 * Errors: ET_DEVICE (the bus refused it), ET_TIMEOUT (it does not answer), ET_IO. */
ET_API enum et_status et_transport_read32(struct et_transport *transport, uint32_t address,
                                          uint32_t *value) ET_CHECKED;
ET_API enum et_status et_transport_write32(struct et_transport *transport, uint32_t address,
                                           uint32_t value) ET_CHECKED;

/* Zeroed shared memory, aligned to 4096.  Errors: ET_NOMEM, ET_UNSUPPORTED (no memory access). */
ET_API enum et_status et_transport_dma_alloc(struct et_transport *transport, size_t bytes,
                                             struct et_dma *dma) ET_CHECKED;
/* Empties *dma; accepts an empty one.  The device must not reach it any more. */
ET_API void et_transport_dma_free(struct et_transport *transport, struct et_dma *dma);
/* Makes bytes [offset, offset + n) that one side wrote visible to the other. */
ET_API enum et_status et_transport_sync(struct et_transport *transport, const struct et_dma *dma,
                                        size_t offset, size_t n,
                                        enum et_dma_direction direction) ET_CHECKED;

/* Waits until the device's interrupt line is high (*fired = true) or the time is over
 * (*fired = false, which is no error).  The line is level-triggered: the driver lowers it by
 * clearing its cause.  A simulated device runs while the host waits. */
ET_API enum et_status et_transport_wait(struct et_transport *transport, double timeout_s,
                                        bool *fired) ET_CHECKED;

/* The state of a simulated device, its memory included, to go on from later.  *bytes is the
 * caller's, freed with et_free.  Errors: ET_UNSUPPORTED (real hardware), ET_NOMEM, ET_FORMAT (a
 * state of another build or of other shared memory). */
ET_API enum et_status et_transport_save(struct et_transport *transport, void **bytes,
                                        size_t *n) ET_CHECKED;
ET_API enum et_status et_transport_restore(struct et_transport *transport, const void *bytes,
                                           size_t n) ET_CHECKED;

/* ------------------------------------------------------------------------------ serving -- */

/* How a server tells what happens and learns when to end.  All may be NULL or 0. */
struct et_transport_serve_options {
    bool (*stopped)(void *user);                 /* asked about ten times a second */
    void (*event)(void *user, const char *text); /* "listening", "a client has come", ... */
    void *user;
    size_t memory_max; /* bytes of shared memory that clients may hold; 0 = 1 GiB */
};

/* Serves a transport to clients in other processes, which open it as "unix:/path": one client at a
 * time, until *stopped* says so.  A client that goes leaves the device as it is; its shared memory
 * stays until the device is at rest.  The protocol: docs/remote-transport.md.
 *
 * listen  "unix:/path", for this user alone; a socket file that nobody listens at is replaced
 * Errors: ET_CONFIG (path too long), ET_IO, ET_NOMEM. */
ET_API enum et_status
et_transport_serve(struct et_transport *transport, const char *listen,
                   const struct et_transport_serve_options *options) ET_CHECKED;

/* --------------------------------------------------------------- for authors of transports -- */

/* One const object per file, the file's only exported symbol: et_transport_<scheme>.
 *
 * The framework allocates the state (zeroed), checks alignment and ranges, adds error context and
 * frees shared memory that is left at close. */
struct et_transport_type {
    const char *scheme, *summary;
    const char *address; /* how the part after "scheme:" is written, one line with an example */
    size_t state_size;

    /* REQUIRED.  On failure the framework calls close. */
    enum et_status (*open)(void *state, const char *address);
    enum et_status (*read32)(void *state, uint32_t address, uint32_t *value);
    enum et_status (*write32)(void *state, uint32_t address, uint32_t value);
    /* OPTIONAL, all three or none.  *cookie is the transport's own and comes back to dma_free. */
    enum et_status (*dma_alloc)(void *state, size_t bytes, struct et_dma *dma, void **cookie);
    void (*dma_free)(void *state, struct et_dma *dma, void *cookie);
    enum et_status (*sync)(void *state, const struct et_dma *dma, size_t offset, size_t n,
                           enum et_dma_direction direction);
    /* OPTIONAL; without it the framework polls nothing and reports "not fired" after the time. */
    enum et_status (*wait)(void *state, double timeout_s, bool *fired);
    /* OPTIONAL, both or none. */
    enum et_status (*save)(void *state, void **bytes, size_t *n);
    enum et_status (*restore)(void *state, const void *bytes, size_t n);
    /* OPTIONAL.  Also called after a failed open. */
    void (*close)(void *state);
};

/* Entry i of the family "transport" (and of no other), NULL past the last. */
ET_API const struct et_type_entry *et_transport_types(const char *family, size_t i);

#ifdef __cplusplus
}
#endif
#endif
