/* SPDX-License-Identifier: Apache-2.0
 *
 * Transport "unix:": a device that another process serves (et_transport_serve) at a local socket.
 *
 * Shared memory lies in the server; the host's copy follows it only in et_transport_sync. */
#include "wire.h"

#include <etalon/array.h>
#include <etalon/transport.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAGE = 4096 };
/* How long an answer may take beyond what the request itself asks for. */
static const double answer_s = 60;

struct remote {
    struct et__wire wire;
    bool lost; /* the stream is out of step: nothing can be asked any more */
};

/* ------------------------------------------------------------------------------ requests -- */

/* The server's message carries its code's text, as et_error_set would put it in front again. */
static enum et_status remote_error(struct et__wire *wire)
{
    size_t n;
    const char *text = (const char *)et__wire_rest(wire, &n);
    enum et_status status = (enum et_status)wire->status;
    if (status < ET_INVALID || status > ET_INTERRUPTED)
        return et_error_set(ET_FORMAT, "the server answers with unknown status %u", wire->status);
    const char *kind = et_status_text(status);
    size_t skip = strlen(kind);
    if (n > skip + 2 && memcmp(text, kind, skip) == 0 && memcmp(text + skip, ": ", 2) == 0) {
        text += skip + 2;
        n -= skip + 2;
    }
    if (n >= ET_ERROR_MESSAGE_MAX) n = ET_ERROR_MESSAGE_MAX - 1;
    return et_error_set(status, "%.*s", (int)n, text);
}

static enum et_status exchange(struct remote *r, double patience_s)
{
    uint16_t operation = r->wire.operation;
    ET_TRY(et__wire_send(&r->wire));
    ET_TRY(et__wire_receive(&r->wire, patience_s));
    if (r->wire.operation != operation)
        return et_error_set(ET_FORMAT, "the server answers %u to request %u", r->wire.operation,
                            operation);
    return ET_OK;
}

/* Sends the frame that was begun and receives its answer. */
static enum et_status ask(struct remote *r, double patience_s)
{
    if (r->lost) return et_error_set(ET_IO, "the connection to the server is lost");
    enum et_status status = exchange(r, patience_s);
    if (status != ET_OK) {
        r->lost = true;
        return status;
    }
    return r->wire.status == ET_OK ? ET_OK : remote_error(&r->wire);
}

/* -------------------------------------------------------------------------- open and close -- */

static enum et_status greet(struct remote *r)
{
    et__wire_begin(&r->wire, ET__WIRE_HELLO, ET_OK);
    et__wire_put(&r->wire, ET__WIRE_MAGIC, 4);
    et__wire_put(&r->wire, ET__WIRE_VERSION, 4);
    ET_TRY(ask(r, answer_s));
    uint64_t version = et__wire_get(&r->wire, 4);
    ET_TRY(et__wire_end(&r->wire));
    if (version == ET__WIRE_VERSION) return ET_OK;
    return et_error_set(ET_UNSUPPORTED, "the server speaks version %llu, this program %d",
                        (unsigned long long)version, ET__WIRE_VERSION);
}

static enum et_status unix_open(void *state, const char *address)
{
    struct remote *r = state;
    r->wire.fd = -1;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    ET_TRY(et__wire_path(address, at.sun_path, sizeof at.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return et_error_set(ET_IO, "no socket: %s", strerror(errno));
    ET_TRY(et__wire_open(&r->wire, fd));
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) != 0)
        return et_error_set(ET_IO, "nobody serves a device at '%s': %s", at.sun_path,
                            strerror(errno));
    return greet(r);
}

static void unix_close(void *state)
{
    struct remote *r = state;
    et__wire_close(&r->wire);
}

/* ------------------------------------------------------------------- registers, interrupt -- */

static enum et_status unix_read32(void *state, uint32_t address, uint32_t *value)
{
    struct remote *r = state;
    et__wire_begin(&r->wire, ET__WIRE_READ, ET_OK);
    et__wire_put(&r->wire, address, 4);
    ET_TRY(ask(r, answer_s));
    *value = (uint32_t)et__wire_get(&r->wire, 4);
    return et__wire_end(&r->wire);
}

static enum et_status unix_write32(void *state, uint32_t address, uint32_t value)
{
    struct remote *r = state;
    et__wire_begin(&r->wire, ET__WIRE_WRITE, ET_OK);
    et__wire_put(&r->wire, address, 4);
    et__wire_put(&r->wire, value, 4);
    ET_TRY(ask(r, answer_s));
    return et__wire_end(&r->wire);
}

static enum et_status unix_wait(void *state, double timeout_s, bool *fired)
{
    struct remote *r = state;
    uint64_t bits;
    memcpy(&bits, &timeout_s, sizeof bits);
    et__wire_begin(&r->wire, ET__WIRE_WAIT, ET_OK);
    et__wire_put(&r->wire, bits, 8);
    ET_TRY(ask(r, timeout_s + answer_s));
    *fired = et__wire_get(&r->wire, 1) != 0;
    return et__wire_end(&r->wire);
}

/* -------------------------------------------------------------------------- shared memory -- */

static void free_remote(struct remote *r, uint64_t buffer)
{
    struct et_error_record kept;
    et_error_take(&kept);
    et__wire_begin(&r->wire, ET__WIRE_FREE, ET_OK);
    et__wire_put(&r->wire, buffer, 8);
    if (ask(r, answer_s) != ET_OK) et_error_clear(); /* the server frees it when we are gone */
    et_error_put(&kept);
}

static enum et_status unix_alloc(void *state, size_t bytes, struct et_dma *dma, void **cookie)
{
    struct remote *r = state;
    et__wire_begin(&r->wire, ET__WIRE_ALLOCATE, ET_OK);
    et__wire_put(&r->wire, bytes, 8);
    ET_TRY(ask(r, answer_s));
    uint64_t device = et__wire_get(&r->wire, 8);
    ET_TRY(et__wire_end(&r->wire));
    if (device % PAGE != 0)
        return et_error_set(ET_FORMAT, "the server gives memory at 0x%llx, no multiple of %d",
                            (unsigned long long)device, PAGE);
    unsigned char *memory = et_alloc(bytes / PAGE + 2, PAGE);
    if (memory == NULL) {
        free_remote(r, device);
        return et_error_set(ET_NOMEM, "no room for the host's copy of %zu bytes", bytes);
    }
    *dma = (struct et_dma){memory + (PAGE - (uintptr_t)memory % PAGE) % PAGE, device, bytes};
    *cookie = memory;
    return ET_OK;
}

static void unix_free(void *state, struct et_dma *dma, void *cookie)
{
    free_remote(state, dma->device);
    et_free(cookie);
}

/* The rest of an answer: n bytes. */
static enum et_status take(struct et__wire *wire, void *to, size_t n)
{
    size_t got;
    const unsigned char *bytes = et__wire_rest(wire, &got);
    if (got != n)
        return et_error_set(ET_FORMAT, "the server gives %zu bytes instead of %zu", got, n);
    memcpy(to, bytes, n);
    return ET_OK;
}

static enum et_status push(struct remote *r, const struct et_dma *dma, size_t offset, size_t n)
{
    et__wire_begin(&r->wire, ET__WIRE_PUSH, ET_OK);
    et__wire_put(&r->wire, dma->device, 8);
    et__wire_put(&r->wire, offset, 8);
    et__wire_put_bytes(&r->wire, (const char *)dma->host + offset, n);
    ET_TRY(ask(r, answer_s));
    return et__wire_end(&r->wire);
}

static enum et_status pull(struct remote *r, const struct et_dma *dma, size_t offset, size_t n)
{
    et__wire_begin(&r->wire, ET__WIRE_PULL, ET_OK);
    et__wire_put(&r->wire, dma->device, 8);
    et__wire_put(&r->wire, offset, 8);
    et__wire_put(&r->wire, n, 8);
    ET_TRY(ask(r, answer_s));
    return take(&r->wire, (char *)dma->host + offset, n);
}

static size_t chunk(size_t left)
{
    return left < ET__WIRE_CHUNK ? left : ET__WIRE_CHUNK;
}

static enum et_status unix_sync(void *state, const struct et_dma *dma, size_t offset, size_t n,
                                enum et_dma_direction direction)
{
    for (size_t end = offset + n; offset < end; offset += chunk(end - offset))
        ET_TRY((direction == ET_TO_DEVICE ? push : pull)(state, dma, offset, chunk(end - offset)));
    return ET_OK;
}

/* ------------------------------------------------------------------------ save and restore -- */

static enum et_status get_state(struct remote *r, unsigned char *to, size_t n)
{
    for (size_t at = 0; at < n; at += chunk(n - at)) {
        et__wire_begin(&r->wire, ET__WIRE_STATE_GET, ET_OK);
        et__wire_put(&r->wire, at, 8);
        et__wire_put(&r->wire, chunk(n - at), 8);
        ET_TRY(ask(r, answer_s));
        ET_TRY(take(&r->wire, to + at, chunk(n - at)));
    }
    return ET_OK;
}

static enum et_status unix_save(void *state, void **bytes, size_t *n)
{
    struct remote *r = state;
    et__wire_begin(&r->wire, ET__WIRE_SAVE, ET_OK);
    ET_TRY(ask(r, answer_s));
    size_t size = (size_t)et__wire_get(&r->wire, 8);
    ET_TRY(et__wire_end(&r->wire));
    unsigned char *all = et_alloc(size, 1);
    if (all == NULL) return ET_NOMEM;
    enum et_status status = get_state(r, all, size);
    if (status != ET_OK) {
        et_free(all);
        return status;
    }
    *bytes = all;
    *n = size;
    return ET_OK;
}

static enum et_status unix_restore(void *state, const void *bytes, size_t n)
{
    struct remote *r = state;
    et__wire_begin(&r->wire, ET__WIRE_STATE_NEW, ET_OK);
    et__wire_put(&r->wire, n, 8);
    ET_TRY(ask(r, answer_s));
    for (size_t at = 0; at < n; at += chunk(n - at)) {
        et__wire_begin(&r->wire, ET__WIRE_STATE_PUT, ET_OK);
        et__wire_put(&r->wire, at, 8);
        et__wire_put_bytes(&r->wire, (const char *)bytes + at, chunk(n - at));
        ET_TRY(ask(r, answer_s));
    }
    et__wire_begin(&r->wire, ET__WIRE_RESTORE, ET_OK);
    ET_TRY(ask(r, answer_s));
    return et__wire_end(&r->wire);
}

const struct et_transport_type et_transport_unix = {
    .scheme = "unix",
    .summary = "A device that another process serves at a local socket.",
    .address = "path of the socket, e.g. /run/user/1000/device (see etalon serve)",
    .state_size = sizeof(struct remote),
    .open = unix_open,
    .read32 = unix_read32,
    .write32 = unix_write32,
    .dma_alloc = unix_alloc,
    .dma_free = unix_free,
    .sync = unix_sync,
    .wait = unix_wait,
    .save = unix_save,
    .restore = unix_restore,
    .close = unix_close,
};
