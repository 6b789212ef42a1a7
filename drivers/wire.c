/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <etalon/array.h>

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 8 };
/* A frame that has begun, or is to be taken, moves on within this time. */
static const double stall_s = 10;

enum et_status et__wire_open(struct et__wire *wire, int fd)
{
    *wire = (struct et__wire){.fd = fd, .frame = et_alloc(HEADER + ET__WIRE_PAYLOAD_MAX, 1)};
    if (wire->frame != NULL) return ET_OK;
    et__wire_close(wire);
    return ET_NOMEM;
}

void et__wire_close(struct et__wire *wire)
{
    if (wire->fd >= 0) close(wire->fd);
    et_free(wire->frame);
    *wire = (struct et__wire){.fd = -1};
}

double et__wire_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

enum et_status et__wire_path(const char *text, char *path, size_t room)
{
    if (strncmp(text, "unix:", 5) == 0) text += 5;
    size_t n = strlen(text);
    if (n == 0 || n >= room)
        return et_error_set(ET_CONFIG, "the path '%s' of a socket has %zu characters, 1 to %zu",
                            text, n, room - 1);
    memcpy(path, text, n + 1);
    return ET_OK;
}

/* -------------------------------------------------------------------------------- numbers -- */

static void write_number(unsigned char *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t read_number(const unsigned char *from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

void et__wire_begin(struct et__wire *wire, uint16_t operation, enum et_status status)
{
    wire->operation = operation;
    wire->status = (uint16_t)status;
    wire->n = wire->at = 0;
    wire->malformed = false;
}

void et__wire_put(struct et__wire *wire, uint64_t value, size_t bytes)
{
    assert(wire->n + bytes <= ET__WIRE_PAYLOAD_MAX);
    write_number(wire->frame + HEADER + wire->n, value, bytes);
    wire->n += bytes;
}

void et__wire_put_bytes(struct et__wire *wire, const void *from, size_t n)
{
    assert(wire->n + n <= ET__WIRE_PAYLOAD_MAX);
    memcpy(wire->frame + HEADER + wire->n, from, n);
    wire->n += n;
}

uint64_t et__wire_get(struct et__wire *wire, size_t bytes)
{
    if (wire->n - wire->at < bytes) {
        wire->malformed = true;
        return 0;
    }
    wire->at += bytes;
    return read_number(wire->frame + HEADER + wire->at - bytes, bytes);
}

const unsigned char *et__wire_rest(struct et__wire *wire, size_t *n)
{
    const unsigned char *rest = wire->frame + HEADER + wire->at;
    *n = wire->n - wire->at;
    wire->at = wire->n;
    return rest;
}

enum et_status et__wire_end(struct et__wire *wire)
{
    if (!wire->malformed && wire->at == wire->n) return ET_OK;
    return et_error_set(ET_FORMAT, "a frame of operation %u has a payload of %zu bytes",
                        wire->operation, wire->n);
}

/* ----------------------------------------------------------------------------- the stream -- */

static bool wait_for(int fd, short events, double patience_s)
{
    struct pollfd p = {.fd = fd, .events = events};
    double end = et__wire_now() + patience_s;
    for (;;) {
        double left = end - et__wire_now();
        int ms = left <= 0 ? 0 : left > 1e6 ? 1000000000 : (int)(left * 1000) + 1;
        int n = poll(&p, 1, ms);
        if (n > 0) return true;
        if (n == 0 || errno != EINTR) return false;
        if (left <= 0) return false;
    }
}

bool et__wire_stirs(const struct et__wire *wire, double patience_s)
{
    return wait_for(wire->fd, POLLIN | POLLRDHUP, patience_s);
}

enum et_status et__wire_send(struct et__wire *wire)
{
    write_number(wire->frame, wire->n, 4);
    write_number(wire->frame + 4, wire->operation, 2);
    write_number(wire->frame + 6, wire->status, 2);
    size_t n = HEADER + wire->n, sent = 0;
    while (sent < n) {
        ssize_t k = send(wire->fd, wire->frame + sent, n - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k > 0)
            sent += (size_t)k;
        else if (errno == EAGAIN && wait_for(wire->fd, POLLOUT, stall_s))
            continue;
        else if (errno != EINTR)
            return et_error_set(ET_IO, "the other side takes no more: %s", strerror(errno));
    }
    return ET_OK;
}

/* *end is when the frame must be complete; it is set by the first byte of a frame (0 before). */
static enum et_status receive_bytes(const struct et__wire *wire, unsigned char *to, size_t n,
                                    double patience_s, double *end)
{
    for (size_t have = 0; have < n;) {
        double left = *end > 0 ? *end - et__wire_now() : patience_s;
        if (!wait_for(wire->fd, POLLIN, left > 0 ? left : 0))
            return et_error_set(ET_TIMEOUT, "the other side %s %g s",
                                *end > 0 ? "did not end a frame within" : "has been silent for",
                                *end > 0 ? stall_s : patience_s);
        if (*end <= 0) *end = et__wire_now() + stall_s;
        ssize_t k = recv(wire->fd, to + have, n - have, MSG_DONTWAIT);
        if (k == 0) return et_error_set(ET_IO, "the other side has closed the connection");
        if (k > 0)
            have += (size_t)k;
        else if (errno != EAGAIN && errno != EINTR)
            return et_error_set(ET_IO, "the connection broke: %s", strerror(errno));
    }
    return ET_OK;
}

enum et_status et__wire_receive(struct et__wire *wire, double patience_s)
{
    unsigned char *header = wire->frame;
    double end = 0;
    ET_TRY(receive_bytes(wire, header, HEADER, patience_s, &end));
    size_t n = (size_t)read_number(header, 4);
    et__wire_begin(wire, (uint16_t)read_number(header + 4, 2), ET_OK);
    wire->status = (uint16_t)read_number(header + 6, 2);
    if (n > ET__WIRE_PAYLOAD_MAX)
        return et_error_set(ET_FORMAT, "a frame announces %zu bytes, at most %d", n,
                            ET__WIRE_PAYLOAD_MAX);
    if (n > 0) ET_TRY(receive_bytes(wire, wire->frame + HEADER, n, stall_s, &end));
    wire->n = n;
    return ET_OK;
}
