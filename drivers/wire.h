/* SPDX-License-Identifier: Apache-2.0
 *
 * The frames that carry a transport over a stream socket (docs/remote-transport.md).
 *
 * A frame is a header of 8 bytes, {payload bytes, operation, status}, and the payload.  Numbers are
 * little-endian.  Whatever comes in is hostile until it has been checked: reading past the payload
 * gives 0 and marks the frame as malformed, and a length above the limit is never read. */
#ifndef ETALON_DRIVERS_WIRE_H
#define ETALON_DRIVERS_WIRE_H

#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ET__WIRE_VERSION = 1 };
/* Bytes of memory or of a saved state in one frame. */
enum { ET__WIRE_CHUNK = 1 << 20, ET__WIRE_PAYLOAD_MAX = ET__WIRE_CHUNK + 64 };

/* The first payload of a connection begins with this, "ETDV". */
#define ET__WIRE_MAGIC UINT32_C(0x56445445)

enum et__wire_operation {
    ET__WIRE_HELLO = 1, /* u32 magic, u32 version    -> u32 version */
    ET__WIRE_READ,      /* u32 address               -> u32 value */
    ET__WIRE_WRITE,     /* u32 address, u32 value    -> */
    ET__WIRE_ALLOCATE, /* u64 bytes                 -> u64 device address, which names the buffer */
    ET__WIRE_FREE,     /* u64 buffer                -> */
    ET__WIRE_PUSH,     /* u64 buffer, u64 offset, bytes -> */
    ET__WIRE_PULL,     /* u64 buffer, u64 offset, u64 n -> bytes */
    ET__WIRE_WAIT,     /* f64 seconds               -> u8 fired */
    ET__WIRE_SAVE,     /*                           -> u64 bytes of a state that is kept */
    ET__WIRE_STATE_GET, /* u64 offset, u64 n         -> bytes of that state */
    ET__WIRE_STATE_NEW, /* u64 bytes                 -> room for a state */
    ET__WIRE_STATE_PUT, /* u64 offset, bytes         -> */
    ET__WIRE_RESTORE,   /*                           -> */
    ET__WIRE_OPERATIONS
};

struct et__wire {
    int fd;
    unsigned char *frame; /* header and payload */
    uint16_t operation, status;
    size_t n, at; /* of the payload: its bytes, and where the next number is */
    bool malformed;
};

/* Owns fd from now on, also when it fails.  Errors: ET_NOMEM. */
enum et_status et__wire_open(struct et__wire *wire, int fd) ET_CHECKED;
void et__wire_close(struct et__wire *wire);

/* Starts a frame; then numbers of `bytes` bytes, or bytes as they are.  What does not fit is a bug
 * (asserted). */
void et__wire_begin(struct et__wire *wire, uint16_t operation, enum et_status status);
void et__wire_put(struct et__wire *wire, uint64_t value, size_t bytes);
void et__wire_put_bytes(struct et__wire *wire, const void *from, size_t n);
/* Errors: ET_IO. */
enum et_status et__wire_send(struct et__wire *wire) ET_CHECKED;

/* Receives a frame; its first byte may take `patience_s`, the rest has to follow at once.
 * Errors: ET_IO (the other side is gone), ET_TIMEOUT, ET_FORMAT (a length beyond the limit). */
enum et_status et__wire_receive(struct et__wire *wire, double patience_s) ET_CHECKED;
uint64_t et__wire_get(struct et__wire *wire, size_t bytes);
/* The rest of the payload. */
const unsigned char *et__wire_rest(struct et__wire *wire, size_t *n);
/* ET_OK when the payload was read exactly to its end.  Errors: ET_FORMAT. */
enum et_status et__wire_end(struct et__wire *wire) ET_CHECKED;

/* True when the other side has closed or something has arrived. */
bool et__wire_stirs(const struct et__wire *wire, double patience_s);

/* Seconds of a clock that never steps back. */
double et__wire_now(void);

/* "unix:/path" or "/path" to a path that fits a socket address.  Errors: ET_CONFIG. */
enum et_status et__wire_path(const char *text, char *path, size_t room) ET_CHECKED;

#endif
