/* SPDX-License-Identifier: Apache-2.0
 *
 * Dispatch to transports: opening by URI, checks, shared memory that is left at close, error
 * context.  A transport's file holds only how its bytes move. */
#include "transport_internal.h"

#include <etalon/array.h>

#include <assert.h>
#include <string.h>
#include <time.h>

enum { PAGE = 4096 };

/* Shared memory that is not yet freed. */
struct block {
    struct et_dma dma;
    void *cookie;
    struct block *next;
};

struct et_transport {
    const struct et_transport_type *type;
    void *state;
    char *uri;
    struct block *blocks;
};

/* ------------------------------------------------------------------------- open and close -- */

static const char *missing_member(const struct et_transport_type *type)
{
    if (type->open == NULL) return "open";
    if (type->read32 == NULL) return "read32";
    if (type->write32 == NULL) return "write32";
    bool memory = type->dma_alloc != NULL;
    if ((type->dma_free != NULL) != memory || (type->sync != NULL) != memory)
        return "dma_alloc, dma_free or sync";
    if ((type->save != NULL) != (type->restore != NULL)) return "save or restore";
    return NULL;
}

static enum et_status open_type(const struct et_transport_type *type, const char *uri,
                                struct et_transport **out)
{
    const char *missing = missing_member(type);
    if (missing != NULL)
        return et_error_set(ET_INVALID, "transport type '%s' lacks its member %s", type->scheme,
                            missing);
    struct et_transport *transport = et_alloc(1, sizeof *transport);
    if (transport == NULL) return ET_NOMEM;
    transport->type = type;
    transport->uri = et_strdup(uri);
    enum et_status status = ET_NOMEM;
    if (transport->uri != NULL) transport->state = et_alloc(1, type->state_size);
    if (transport->state != NULL)
        status = type->open(transport->state, strchr(transport->uri, ':') + 1);
    if (status == ET_OK)
        *out = transport;
    else
        et_transport_close(transport);
    return status;
}

enum et_status et__transport_open_type(const struct et_transport_type *type, const char *uri,
                                       struct et_transport **transport)
{
    assert(strchr(uri, ':') != NULL);
    *transport = NULL;
    ET_TRY_WHILE(open_type(type, uri, transport), "opening transport '%s'", uri);
    return ET_OK;
}

enum et_status et_transport_open(const char *uri, struct et_transport **transport)
{
    *transport = NULL;
    size_t n = strcspn(uri, ":");
    if (n == 0 || uri[n] == '\0')
        return et_error_set(ET_CONFIG,
                            "'%s' is no URI of a transport: it is written scheme:address", uri);
    const struct et_transport_type *type = et__transport_find(uri, n);
    if (type == NULL) return et_error_status();
    return et__transport_open_type(type, uri, transport);
}

void et_transport_close(struct et_transport *transport)
{
    if (transport == NULL) return;
    while (transport->blocks != NULL) {
        struct et_dma dma = transport->blocks->dma;
        et_transport_dma_free(transport, &dma);
    }
    if (transport->state != NULL && transport->type->close != NULL)
        transport->type->close(transport->state);
    et_free(transport->state);
    et_free(transport->uri);
    et_free(transport);
}

const char *et_transport_uri(const struct et_transport *transport)
{
    return transport->uri;
}

/* ------------------------------------------------------------------------------ registers -- */

static enum et_status check_address(uint32_t address)
{
    if (address % 4 == 0) return ET_OK;
    return et_error_set(ET_INVALID, "register address 0x%x is not a multiple of 4",
                        (unsigned)address);
}

enum et_status et_transport_read32(struct et_transport *transport, uint32_t address,
                                   uint32_t *value)
{
    *value = 0;
    ET_TRY(check_address(address));
    ET_TRY_WHILE(transport->type->read32(transport->state, address, value),
                 "reading register 0x%02x of '%s'", (unsigned)address, transport->uri);
    return ET_OK;
}

enum et_status et_transport_write32(struct et_transport *transport, uint32_t address,
                                    uint32_t value)
{
    ET_TRY(check_address(address));
    ET_TRY_WHILE(transport->type->write32(transport->state, address, value),
                 "writing 0x%x to register 0x%02x of '%s'", (unsigned)value, (unsigned)address,
                 transport->uri);
    return ET_OK;
}

/* -------------------------------------------------------------------------- shared memory -- */

static struct block **find_block(struct et_transport *transport, const struct et_dma *dma)
{
    struct block **at = &transport->blocks;
    while (*at != NULL && (*at)->dma.host != dma->host)
        at = &(*at)->next;
    return at;
}

static enum et_status allocate(struct et_transport *transport, size_t bytes, struct et_dma *dma)
{
    if (transport->type->dma_alloc == NULL)
        return et_error_set(ET_UNSUPPORTED, "transport '%s:' has no shared memory",
                            transport->type->scheme);
    if (bytes == 0) return et_error_set(ET_INVALID, "0 bytes of shared memory, at least 1");
    struct block *block = et_alloc(1, sizeof *block);
    if (block == NULL) return ET_NOMEM;
    enum et_status status =
        transport->type->dma_alloc(transport->state, bytes, &block->dma, &block->cookie);
    if (status != ET_OK) {
        et_free(block);
        return status;
    }
    assert(block->dma.host != NULL && block->dma.bytes >= bytes && block->dma.device % PAGE == 0);
    block->next = transport->blocks;
    transport->blocks = block;
    *dma = block->dma;
    return ET_OK;
}

enum et_status et_transport_dma_alloc(struct et_transport *transport, size_t bytes,
                                      struct et_dma *dma)
{
    *dma = (struct et_dma){0};
    ET_TRY_WHILE(allocate(transport, bytes, dma), "taking %zu bytes of shared memory of '%s'",
                 bytes, transport->uri);
    return ET_OK;
}

void et_transport_dma_free(struct et_transport *transport, struct et_dma *dma)
{
    if (dma->host == NULL) return;
    struct block **at = find_block(transport, dma), *block = *at;
    assert(block != NULL);
    *at = block->next;
    transport->type->dma_free(transport->state, &block->dma, block->cookie);
    et_free(block);
    *dma = (struct et_dma){0};
}

enum et_status et_transport_sync(struct et_transport *transport, const struct et_dma *dma,
                                 size_t offset, size_t n, enum et_dma_direction direction)
{
    assert(*find_block(transport, dma) != NULL);
    if (offset > dma->bytes || n > dma->bytes - offset)
        return et_error_set(ET_INVALID, "bytes [%zu, %zu) of %zu bytes of shared memory of '%s'",
                            offset, offset + n, dma->bytes, transport->uri);
    if (n == 0) return ET_OK;
    ET_TRY_WHILE(transport->type->sync(transport->state, dma, offset, n, direction),
                 "moving %zu bytes %s '%s'", n, direction == ET_TO_DEVICE ? "to" : "from",
                 transport->uri);
    return ET_OK;
}

/* ------------------------------------------------------------------------------- waiting -- */

static void sleep_for(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    nanosleep(&left, NULL);
}

enum et_status et_transport_wait(struct et_transport *transport, double timeout_s, bool *fired)
{
    *fired = false;
    if (!(timeout_s >= 0 && timeout_s <= 1e9))
        return et_error_set(ET_INVALID, "time-out = %g s is outside [0, 1e9] s", timeout_s);
    if (transport->type->wait == NULL) {
        sleep_for(timeout_s);
        return ET_OK;
    }
    ET_TRY_WHILE(transport->type->wait(transport->state, timeout_s, fired),
                 "waiting for an interrupt of '%s'", transport->uri);
    return ET_OK;
}

/* ------------------------------------------------------------------------ save and restore -- */

/* In front of a transport's own bytes: what a restore needs to refuse another device's state. */
struct saved {
    char magic[8];
    char scheme[24];
    uint64_t n_blocks; /* then device address and size of each */
};
static const char magic[8] = "ETDEVST1";

static size_t header_bytes(const struct et_transport *transport)
{
    size_t n = 0;
    for (const struct block *b = transport->blocks; b != NULL; b = b->next)
        n++;
    return sizeof(struct saved) + n * 2 * sizeof(uint64_t);
}

static void write_header(const struct et_transport *transport, unsigned char *to)
{
    struct saved saved = {.n_blocks = 0};
    memcpy(saved.magic, magic, sizeof magic);
    strncpy(saved.scheme, transport->type->scheme, sizeof saved.scheme - 1);
    unsigned char *entry = to + sizeof saved;
    for (const struct block *b = transport->blocks; b != NULL; b = b->next) {
        uint64_t place[2] = {b->dma.device, b->dma.bytes};
        entry = (unsigned char *)memcpy(entry, place, sizeof place) + sizeof place;
        saved.n_blocks++;
    }
    memcpy(to, &saved, sizeof saved);
}

static enum et_status no_saving(const struct et_transport *transport)
{
    if (transport->type->save != NULL) return ET_OK;
    return et_error_set(ET_UNSUPPORTED, "the state of '%s' cannot be saved", transport->uri);
}

enum et_status et_transport_save(struct et_transport *transport, void **bytes, size_t *n)
{
    *bytes = NULL;
    *n = 0;
    ET_TRY(no_saving(transport));
    void *own = NULL;
    size_t n_own = 0, head = header_bytes(transport);
    ET_TRY_WHILE(transport->type->save(transport->state, &own, &n_own), "saving the state of '%s'",
                 transport->uri);
    unsigned char *all = et_alloc(head + n_own, 1);
    if (all != NULL) {
        write_header(transport, all);
        memcpy(all + head, own, n_own);
        *bytes = all;
        *n = head + n_own;
    }
    et_free(own);
    return all ? ET_OK : ET_NOMEM;
}

static enum et_status restore(struct et_transport *transport, const unsigned char *bytes, size_t n)
{
    size_t head = header_bytes(transport);
    unsigned char *want = et_alloc(head, 1);
    if (want == NULL) return ET_NOMEM;
    write_header(transport, want);
    bool same_kind =
        n >= sizeof(struct saved) && memcmp(bytes, want, offsetof(struct saved, n_blocks)) == 0;
    bool same_memory = same_kind && n >= head && memcmp(bytes, want, head) == 0;
    et_free(want);
    if (!same_kind)
        return et_error_set(ET_FORMAT, "this is not the state of a '%s:' device",
                            transport->type->scheme);
    if (!same_memory)
        return et_error_set(ET_FORMAT, "the state was saved with other shared memory");
    return transport->type->restore(transport->state, bytes + head, n - head);
}

enum et_status et_transport_restore(struct et_transport *transport, const void *bytes, size_t n)
{
    ET_TRY(no_saving(transport));
    ET_TRY_WHILE(restore(transport, bytes, n), "restoring the state of '%s'", transport->uri);
    return ET_OK;
}
