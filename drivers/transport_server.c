/* SPDX-License-Identifier: Apache-2.0
 *
 * The other end of "unix:": serves a transport to one client after the other.
 *
 * A client is not trusted: every length, offset and buffer is checked here.  When it goes, the
 * device stays as it is, at work perhaps.  Its memory is freed once the device cannot reach it any
 * more: when STATUS says that nothing is fetched, open or draining. */
#include "wire.h"

#include <etalon/array.h>
#include <etalon/transport.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bnn_registers.h"

enum { BUFFERS_MAX = 4096, BACKLOG = 1, ACCELERATOR_ID = 0x4e4e4245 };
static const size_t default_memory = (size_t)1 << 30;
static const double slice_s = 0.1; /* how often the server looks up */

struct buffer {
    struct et_dma dma;
    bool orphan; /* its client has gone */
};

struct server {
    struct et_transport *device;
    const struct et_transport_serve_options *options;
    size_t memory_max, memory;
    int listener;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    struct et__wire wire;
    bool greeted;
    struct buffer *buffer; /* [BUFFERS_MAX] */
    size_t n_buffers, n_orphans;
    unsigned char *state; /* saved, or about to be restored */
    size_t n_state;
};

static bool stopped(const struct server *s)
{
    return s->options->stopped != NULL && s->options->stopped(s->options->user);
}

static void tell(const struct server *s, const char *text)
{
    if (s->options->event != NULL) s->options->event(s->options->user, text);
}

/* --------------------------------------------------------------------------------- memory -- */

static struct buffer *find(struct server *s, uint64_t device)
{
    for (size_t i = 0; i < s->n_buffers; i++)
        if (s->buffer[i].dma.device == device && !s->buffer[i].orphan) return &s->buffer[i];
    et_error_set(ET_INVALID, "there is no buffer 0x%llx", (unsigned long long)device);
    return NULL;
}

static void free_buffer(struct server *s, struct buffer *b)
{
    s->memory -= b->dma.bytes;
    et_transport_dma_free(s->device, &b->dma);
    *b = s->buffer[--s->n_buffers];
}

enum activity { UNKNOWN, AT_REST, AT_WORK };

/* At rest: the device surely reaches no memory.  Only the accelerator's registers are known. */
static enum activity activity_of(struct server *s)
{
    const uint32_t at_work =
        UINT32_C(1) << ET__BNN_STATUS_BUSY_SHIFT | UINT32_C(1) << ET__BNN_STATUS_DRAINING_SHIFT;
    uint32_t id, status;
    bool known = et_transport_read32(s->device, ET__BNN_REG_ID, &id) == ET_OK &&
                 et_transport_read32(s->device, ET__BNN_REG_STATUS, &status) == ET_OK &&
                 id == ACCELERATOR_ID;
    if (!known) et_error_clear();
    if (!known) return UNKNOWN;
    return status & at_work ? AT_WORK : AT_REST;
}

static void free_orphans(struct server *s)
{
    if (s->n_orphans == 0 || activity_of(s) != AT_REST) return;
    for (size_t i = s->n_buffers; i-- > 0;)
        if (s->buffer[i].orphan) free_buffer(s, &s->buffer[i]);
    s->n_orphans = 0;
}

/* A client may give memory back while the device still works on it (it hangs, say): it is kept. */
static void free_or_keep(struct server *s, struct buffer *b)
{
    if (activity_of(s) != AT_WORK) {
        free_buffer(s, b);
        return;
    }
    b->orphan = true;
    s->n_orphans++;
}

/* ------------------------------------------------------------------------------- requests -- */

static enum et_status do_hello(struct server *s)
{
    uint64_t magic = et__wire_get(&s->wire, 4), version = et__wire_get(&s->wire, 4);
    ET_TRY(et__wire_end(&s->wire));
    if (magic != ET__WIRE_MAGIC || version == 0)
        return et_error_set(ET_FORMAT, "the client does not speak this protocol");
    s->greeted = true;
    et__wire_begin(&s->wire, ET__WIRE_HELLO, ET_OK);
    et__wire_put(&s->wire, ET__WIRE_VERSION, 4);
    return ET_OK;
}

static enum et_status do_read(struct server *s)
{
    uint32_t address = (uint32_t)et__wire_get(&s->wire, 4), value;
    ET_TRY(et__wire_end(&s->wire));
    ET_TRY(et_transport_read32(s->device, address, &value));
    et__wire_begin(&s->wire, ET__WIRE_READ, ET_OK);
    et__wire_put(&s->wire, value, 4);
    return ET_OK;
}

static enum et_status do_write(struct server *s)
{
    uint32_t address = (uint32_t)et__wire_get(&s->wire, 4);
    uint32_t value = (uint32_t)et__wire_get(&s->wire, 4);
    ET_TRY(et__wire_end(&s->wire));
    ET_TRY(et_transport_write32(s->device, address, value));
    free_orphans(s); /* it may have been an abort */
    et__wire_begin(&s->wire, ET__WIRE_WRITE, ET_OK);
    return ET_OK;
}

static enum et_status do_allocate(struct server *s)
{
    uint64_t bytes = et__wire_get(&s->wire, 8);
    ET_TRY(et__wire_end(&s->wire));
    if (s->n_buffers == BUFFERS_MAX)
        return et_error_set(ET_NOMEM, "more than %d buffers", BUFFERS_MAX);
    if (bytes > s->memory_max - s->memory)
        return et_error_set(ET_NOMEM, "%llu bytes are more than the %zu left of the %zu served",
                            (unsigned long long)bytes, s->memory_max - s->memory, s->memory_max);
    struct et_dma dma;
    ET_TRY(et_transport_dma_alloc(s->device, (size_t)bytes, &dma));
    s->buffer[s->n_buffers++] = (struct buffer){dma, false};
    s->memory += dma.bytes;
    et__wire_begin(&s->wire, ET__WIRE_ALLOCATE, ET_OK);
    et__wire_put(&s->wire, dma.device, 8);
    return ET_OK;
}

static enum et_status do_free(struct server *s)
{
    uint64_t name = et__wire_get(&s->wire, 8);
    ET_TRY(et__wire_end(&s->wire));
    struct buffer *b = find(s, name);
    if (b == NULL) return ET_INVALID;
    free_or_keep(s, b);
    et__wire_begin(&s->wire, ET__WIRE_FREE, ET_OK);
    return ET_OK;
}

/* The buffer `name`, when [offset, offset + n) lies in it. */
static struct buffer *find_part(struct server *s, uint64_t name, uint64_t offset, uint64_t n)
{
    struct buffer *b = find(s, name);
    if (b == NULL || (offset <= b->dma.bytes && n <= b->dma.bytes - offset)) return b;
    et_error_set(ET_INVALID, "%llu bytes at %llu of a buffer of %zu", (unsigned long long)n,
                 (unsigned long long)offset, b->dma.bytes);
    return NULL;
}

static enum et_status do_push(struct server *s)
{
    uint64_t name = et__wire_get(&s->wire, 8), offset = et__wire_get(&s->wire, 8);
    size_t n;
    const unsigned char *bytes = et__wire_rest(&s->wire, &n);
    ET_TRY(et__wire_end(&s->wire));
    struct buffer *b = find_part(s, name, offset, n);
    if (b == NULL) return ET_INVALID;
    memcpy((char *)b->dma.host + offset, bytes, n);
    ET_TRY(et_transport_sync(s->device, &b->dma, (size_t)offset, n, ET_TO_DEVICE));
    et__wire_begin(&s->wire, ET__WIRE_PUSH, ET_OK);
    return ET_OK;
}

static enum et_status check_chunk(uint64_t n)
{
    if (n <= ET__WIRE_CHUNK) return ET_OK;
    return et_error_set(ET_INVALID, "%llu bytes in one frame, at most %d", (unsigned long long)n,
                        ET__WIRE_CHUNK);
}

static enum et_status do_pull(struct server *s)
{
    uint64_t name = et__wire_get(&s->wire, 8), offset = et__wire_get(&s->wire, 8);
    uint64_t n = et__wire_get(&s->wire, 8);
    ET_TRY(et__wire_end(&s->wire));
    ET_TRY(check_chunk(n));
    struct buffer *b = find_part(s, name, offset, n);
    if (b == NULL) return ET_INVALID;
    ET_TRY(et_transport_sync(s->device, &b->dma, (size_t)offset, (size_t)n, ET_FROM_DEVICE));
    et__wire_begin(&s->wire, ET__WIRE_PULL, ET_OK);
    et__wire_put_bytes(&s->wire, (const char *)b->dma.host + offset, (size_t)n);
    return ET_OK;
}

/* Who comes while another client is served is told so. */
static void refuse_others(struct server *s)
{
    static const char text[] = "the device is in use by another client";
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    struct et__wire other;
    if (et__wire_open(&other, fd) == ET_OK && et__wire_receive(&other, slice_s) == ET_OK) {
        et__wire_begin(&other, other.operation, ET_DEVICE);
        et__wire_put_bytes(&other, text, sizeof text - 1);
        if (et__wire_send(&other) != ET_OK) et_error_clear();
    }
    et_error_clear();
    et__wire_close(&other);
}

/* In slices, to notice a client that has gone and a server that is to end.  A device that returns
 * early has nothing more to do by itself. */
static enum et_status do_wait(struct server *s)
{
    uint64_t bits = et__wire_get(&s->wire, 8);
    ET_TRY(et__wire_end(&s->wire));
    double timeout_s;
    memcpy(&timeout_s, &bits, sizeof timeout_s);
    if (!(timeout_s >= 0 && timeout_s <= 1e9))
        return et_error_set(ET_INVALID, "time-out = %g s is outside [0, 1e9] s", timeout_s);
    bool fired = false;
    double start = et__wire_now(), left = timeout_s;
    do {
        double slice = left < slice_s ? left : slice_s, before = et__wire_now();
        ET_TRY(et_transport_wait(s->device, slice, &fired));
        if (fired || et__wire_now() - before < slice / 2) break;
        if (et__wire_stirs(&s->wire, 0)) break; /* the client has gone */
        refuse_others(s);
        left = start + timeout_s - et__wire_now();
    } while (left > 0 && !stopped(s));
    et__wire_begin(&s->wire, ET__WIRE_WAIT, ET_OK);
    et__wire_put(&s->wire, fired, 1);
    return ET_OK;
}

/* --------------------------------------------------------------------------------- states -- */

static void drop_state(struct server *s)
{
    et_free(s->state);
    s->state = NULL;
    s->n_state = 0;
}

static enum et_status do_save(struct server *s)
{
    ET_TRY(et__wire_end(&s->wire));
    void *bytes;
    drop_state(s);
    ET_TRY(et_transport_save(s->device, &bytes, &s->n_state));
    s->state = bytes;
    et__wire_begin(&s->wire, ET__WIRE_SAVE, ET_OK);
    et__wire_put(&s->wire, s->n_state, 8);
    return ET_OK;
}

static enum et_status check_part(const struct server *s, uint64_t offset, uint64_t n)
{
    if (offset <= s->n_state && n <= s->n_state - offset) return check_chunk(n);
    return et_error_set(ET_INVALID, "%llu bytes at %llu of a state of %zu", (unsigned long long)n,
                        (unsigned long long)offset, s->n_state);
}

static enum et_status do_state_get(struct server *s)
{
    uint64_t offset = et__wire_get(&s->wire, 8), n = et__wire_get(&s->wire, 8);
    ET_TRY(et__wire_end(&s->wire));
    ET_TRY(check_part(s, offset, n));
    et__wire_begin(&s->wire, ET__WIRE_STATE_GET, ET_OK);
    et__wire_put_bytes(&s->wire, s->state + offset, (size_t)n);
    return ET_OK;
}

static enum et_status do_state_new(struct server *s)
{
    uint64_t n = et__wire_get(&s->wire, 8);
    ET_TRY(et__wire_end(&s->wire));
    if (n > s->memory_max)
        return et_error_set(ET_NOMEM, "a state of %llu bytes, at most %zu", (unsigned long long)n,
                            s->memory_max);
    drop_state(s);
    s->state = et_alloc((size_t)n, 1);
    if (s->state == NULL) return ET_NOMEM;
    s->n_state = (size_t)n;
    et__wire_begin(&s->wire, ET__WIRE_STATE_NEW, ET_OK);
    return ET_OK;
}

static enum et_status do_state_put(struct server *s)
{
    uint64_t offset = et__wire_get(&s->wire, 8);
    size_t n;
    const unsigned char *bytes = et__wire_rest(&s->wire, &n);
    ET_TRY(et__wire_end(&s->wire));
    ET_TRY(check_part(s, offset, n));
    if (n > 0) memcpy(s->state + offset, bytes, n);
    et__wire_begin(&s->wire, ET__WIRE_STATE_PUT, ET_OK);
    return ET_OK;
}

static enum et_status do_restore(struct server *s)
{
    ET_TRY(et__wire_end(&s->wire));
    if (s->state == NULL) return et_error_set(ET_INVALID, "there is no state to go on from");
    enum et_status status = et_transport_restore(s->device, s->state, s->n_state);
    drop_state(s);
    ET_TRY(status);
    et__wire_begin(&s->wire, ET__WIRE_RESTORE, ET_OK);
    return ET_OK;
}

static enum et_status (*const handler[ET__WIRE_OPERATIONS])(struct server *) = {
    [ET__WIRE_HELLO] = do_hello,         [ET__WIRE_READ] = do_read,
    [ET__WIRE_WRITE] = do_write,         [ET__WIRE_ALLOCATE] = do_allocate,
    [ET__WIRE_FREE] = do_free,           [ET__WIRE_PUSH] = do_push,
    [ET__WIRE_PULL] = do_pull,           [ET__WIRE_WAIT] = do_wait,
    [ET__WIRE_SAVE] = do_save,           [ET__WIRE_STATE_GET] = do_state_get,
    [ET__WIRE_STATE_NEW] = do_state_new, [ET__WIRE_STATE_PUT] = do_state_put,
    [ET__WIRE_RESTORE] = do_restore,
};

/* ---------------------------------------------------------------------------- connections -- */

/* Serves the request that was received.  An error is an answer; a malformed frame ends the
 * connection after it. */
static enum et_status answer(struct server *s)
{
    uint16_t operation = s->wire.operation;
    enum et_status status;
    if (operation >= ET__WIRE_OPERATIONS || handler[operation] == NULL)
        status = et_error_set(ET_FORMAT, "there is no operation %u", operation);
    else if (!s->greeted && operation != ET__WIRE_HELLO)
        status = et_error_set(ET_FORMAT, "operation %u before the greeting", operation);
    else
        status = handler[operation](s);
    if (status != ET_OK) {
        const char *text = et_error_message();
        et__wire_begin(&s->wire, operation, status);
        et__wire_put_bytes(&s->wire, text, strlen(text));
    }
    bool malformed = status == ET_FORMAT && operation != ET__WIRE_RESTORE;
    ET_TRY(et__wire_send(&s->wire));
    return malformed ? ET_FORMAT : ET_OK;
}

static void serve_client(struct server *s)
{
    const double patience_s = 10; /* the bytes have begun to come */
    const double greeting_s = 2;  /* who has nothing to say must not keep the others out */
    const double start = et__wire_now();
    enum et_status status = ET_OK;
    s->greeted = false;
    while (status == ET_OK && !stopped(s)) {
        if (!et__wire_stirs(&s->wire, 0)) refuse_others(s);
        if (!et__wire_stirs(&s->wire, slice_s)) {
            if (!s->greeted && et__wire_now() - start > greeting_s)
                status = et_error_set(ET_TIMEOUT, "no greeting within %g s", greeting_s);
            continue;
        }
        status = et__wire_receive(&s->wire, patience_s);
        if (status == ET_OK) status = answer(s);
    }
    if (status != ET_OK) tell(s, et_error_message());
    et_error_clear();
    et__wire_close(&s->wire);
    drop_state(s);
    for (size_t i = 0; i < s->n_buffers; i++) {
        s->n_orphans += !s->buffer[i].orphan;
        s->buffer[i].orphan = true;
    }
}

static enum et_status accept_clients(struct server *s)
{
    struct et__wire door = {.fd = s->listener};
    while (!stopped(s)) {
        if (!et__wire_stirs(&door, slice_s)) continue;
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EAGAIN)) continue;
        if (fd < 0) return et_error_set(ET_IO, "no more clients: %s", strerror(errno));
        ET_TRY(et__wire_open(&s->wire, fd));
        free_orphans(s);
        tell(s, "a client has come");
        serve_client(s);
        tell(s, "the client has gone");
    }
    return ET_OK;
}

/* A socket file that nobody listens at is in the way only by its name. */
static void remove_stale(const struct sockaddr_un *at)
{
    struct stat info;
    if (lstat(at->sun_path, &info) != 0 || !S_ISSOCK(info.st_mode)) return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    if (connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 && errno == ECONNREFUSED)
        unlink(at->sun_path);
    close(fd);
}

static enum et_status listen_at(struct server *s, const char *text)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    ET_TRY(et__wire_path(text, at.sun_path, sizeof at.sun_path));
    remove_stale(&at);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0) return et_error_set(ET_IO, "no socket: %s", strerror(errno));
    if (bind(s->listener, (const struct sockaddr *)&at, sizeof at) != 0)
        return et_error_set(ET_IO, "cannot listen at '%s': %s", at.sun_path, strerror(errno));
    memcpy(s->path, at.sun_path, sizeof s->path);
    /* For this user alone; nobody can connect before listen. */
    if (chmod(s->path, S_IRUSR | S_IWUSR) != 0 || listen(s->listener, BACKLOG) != 0)
        return et_error_set(ET_IO, "cannot listen at '%s': %s", s->path, strerror(errno));
    return ET_OK;
}

static enum et_status run_server(struct server *s, const char *listen)
{
    s->buffer = et_alloc(BUFFERS_MAX, sizeof *s->buffer);
    if (s->buffer == NULL) return ET_NOMEM;
    ET_TRY(listen_at(s, listen));
    tell(s, "listening");
    return accept_clients(s);
}

enum et_status et_transport_serve(struct et_transport *transport, const char *listen,
                                  const struct et_transport_serve_options *options)
{
    static const struct et_transport_serve_options none;
    struct server s = {.device = transport, .options = options ? options : &none, .listener = -1};
    s.memory_max = s.options->memory_max ? s.options->memory_max : default_memory;
    s.wire.fd = -1;
    enum et_status status = run_server(&s, listen);
    if (status != ET_OK)
        et_error_while("serving '%s' at '%s'", et_transport_uri(transport), listen);
    if (s.path[0] != '\0') unlink(s.path);
    if (s.listener >= 0) close(s.listener);
    while (s.n_buffers > 0)
        free_buffer(&s, &s.buffer[s.n_buffers - 1]);
    et_free(s.buffer);
    return status;
}
