/* SPDX-License-Identifier: Apache-2.0
 *
 * Dispatch to transports: URIs, checks, context, shared memory that is left at close, states. */
#include <etalon/array.h>
#include <etalon/experiment.h>
#include <etalon/transport.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "close.h"
#include "hw/transport_internal.h"

/* Four registers and any amount of memory; register 12 is refused by the bus. */
struct board {
    uint32_t reg[4];
    uint64_t next;
};

static int open_blocks, open_boards;
static bool tail_written;

static enum et_status board_open(void *state, const char *address)
{
    struct board *board = state;
    board->next = 4096;
    open_boards++;
    if (strcmp(address, "") == 0) return ET_OK;
    return et_error_set(ET_CONFIG, "address '%s' of a board", address);
}

static enum et_status board_read32(void *state, uint32_t address, uint32_t *value)
{
    struct board *board = state;
    if (address >= sizeof board->reg) return et_error_set(ET_DEVICE, "SLVERR");
    *value = board->reg[address / 4];
    return ET_OK;
}

static enum et_status board_write32(void *state, uint32_t address, uint32_t value)
{
    struct board *board = state;
    if (address >= 12) return et_error_set(ET_DEVICE, "SLVERR");
    board->reg[address / 4] = value;
    return ET_OK;
}

static enum et_status board_alloc(void *state, size_t bytes, struct et_dma *dma, void **cookie)
{
    struct board *board = state;
    void *host = et_alloc(bytes, 1);
    if (host == NULL) return ET_NOMEM;
    *dma = (struct et_dma){host, board->next, bytes};
    *cookie = host;
    board->next += (bytes + 4095) / 4096 * 4096;
    open_blocks++;
    return ET_OK;
}

static void board_free(void *state, struct et_dma *dma, void *cookie)
{
    (void)state;
    ck_assert_ptr_eq(dma->host, cookie);
    et_free(cookie);
    open_blocks--;
}

static enum et_status board_sync(void *state, const struct et_dma *dma, size_t offset, size_t n,
                                 enum et_dma_direction direction)
{
    (void)state;
    tail_written = offset + n == dma->bytes && direction == ET_TO_DEVICE;
    return ET_OK;
}

static enum et_status board_save(void *state, void **bytes, size_t *n)
{
    *n = sizeof(struct board);
    *bytes = et_alloc(1, *n);
    if (*bytes == NULL) return ET_NOMEM;
    memcpy(*bytes, state, *n);
    return ET_OK;
}

static enum et_status board_restore(void *state, const void *bytes, size_t n)
{
    if (n != sizeof(struct board)) return et_error_set(ET_FORMAT, "%zu bytes", n);
    memcpy(state, bytes, n);
    return ET_OK;
}

static void board_close(void *state)
{
    (void)state;
    open_boards--;
}

static const struct et_transport_type board_type = {
    .scheme = "board",
    .summary = "Registers of the test.",
    .address = "nothing",
    .state_size = sizeof(struct board),
    .open = board_open,
    .read32 = board_read32,
    .write32 = board_write32,
    .dma_alloc = board_alloc,
    .dma_free = board_free,
    .sync = board_sync,
    .save = board_save,
    .restore = board_restore,
    .close = board_close,
};

static const struct et_transport_type bare_type = {
    .scheme = "bare",
    .summary = "Registers only.",
    .address = "nothing",
    .state_size = sizeof(struct board),
    .open = board_open,
    .read32 = board_read32,
    .write32 = board_write32,
    .close = board_close,
};

static struct et_transport *open_board(const struct et_transport_type *type)
{
    struct et_transport *transport;
    char uri[32];
    snprintf(uri, sizeof uri, "%s:", type->scheme);
    assert_ok(et__transport_open_type(type, uri, &transport));
    ck_assert_str_eq(et_transport_uri(transport), uri);
    return transport;
}

START_TEST(a_uri_chooses)
{
    struct et_transport *transport;
    assert_status(et_transport_open("modell:", &transport), ET_CONFIG);
    assert_message("'modell:'; did you mean 'model:'?");
    assert_status(et_transport_open("model:config=9x9", &transport), ET_CONFIG);
    assert_message("there is no configuration '9x9', only 32x32, 8x16");
    assert_status(et_transport_open("something-else:x", &transport), ET_CONFIG);
    assert_message("there is no transport 'something-else:'");
    assert_status(et_transport_open("model", &transport), ET_CONFIG);
    assert_message("scheme:address");
    assert_status(et_transport_open(":x", &transport), ET_CONFIG);
    assert_status(et__transport_open_type(&board_type, "board:x:y", &transport), ET_CONFIG);
    assert_message("address 'x:y' of a board");
    assert_message("while opening transport 'board:x:y'");
    ck_assert_ptr_null(transport);
    et_transport_close(NULL);
    ck_assert_int_eq(open_boards, 0);
}
END_TEST

START_TEST(every_transport_is_listed)
{
    const struct et_type_entry *entry;
    bool model = false;
    for (size_t i = 0; (entry = et_experiment_types("transport", i)) != NULL; i++) {
        model = model || strcmp(entry->name, "model") == 0;
        if (entry->absent != NULL) continue;
        ck_assert_str_eq(entry->params[0].name, "address");
        ck_assert_uint_gt(strlen(entry->params[0].doc), 10);
        ck_assert_uint_gt(strlen(entry->summary), 10);
        ck_assert_ptr_nonnull(et__transport_find(entry->name, strlen(entry->name)));
    }
    ck_assert(model);
    ck_assert_ptr_null(et_transport_types("system", 0));
}
END_TEST

START_TEST(a_type_is_complete_or_refused)
{
    struct et_transport_type half[4] = {board_type, board_type, board_type, board_type};
    half[0].sync = NULL;
    half[1].restore = NULL;
    half[2].read32 = NULL;
    half[3].dma_alloc = NULL;
    static const char *const lacks[] = {"sync", "restore", "read32", "dma_alloc"};
    struct et_transport *transport;
    for (size_t i = 0; i < 4; i++) {
        assert_status(et__transport_open_type(&half[i], "board:", &transport), ET_INVALID);
        assert_message(lacks[i]);
    }
}
END_TEST

START_TEST(registers_are_checked_and_errors_say_where)
{
    struct et_transport *board = open_board(&board_type);
    uint32_t value = 1;
    assert_ok(et_transport_write32(board, 8, 0xabcd));
    assert_ok(et_transport_read32(board, 8, &value));
    ck_assert_uint_eq(value, 0xabcd);
    assert_status(et_transport_read32(board, 6, &value), ET_INVALID);
    assert_message("0x6 is not a multiple of 4");
    assert_status(et_transport_write32(board, 13, 0), ET_INVALID);
    assert_status(et_transport_read32(board, 0x24, &value), ET_DEVICE);
    assert_message("while reading register 0x24 of 'board:'");
    assert_status(et_transport_write32(board, 12, 5), ET_DEVICE);
    assert_message("while writing 0x5 to register 0x0c of 'board:'");
    et_transport_close(board);
}
END_TEST

START_TEST(memory_is_checked_and_freed_at_close)
{
    struct et_transport *board = open_board(&board_type);
    struct et_dma a, b, none = {0};
    assert_ok(et_transport_dma_alloc(board, 100, &a));
    assert_ok(et_transport_dma_alloc(board, 5000, &b));
    ck_assert_uint_ne(a.device, b.device);
    assert_ok(et_transport_sync(board, &a, 60, 40, ET_TO_DEVICE));
    ck_assert(tail_written);
    assert_status(et_transport_sync(board, &a, 60, 41, ET_TO_DEVICE), ET_INVALID);
    assert_status(et_transport_sync(board, &a, 101, 0, ET_TO_DEVICE), ET_INVALID);
    assert_status(et_transport_dma_alloc(board, 0, &none), ET_INVALID);
    et_transport_dma_free(board, &none);
    et_transport_dma_free(board, &a);
    ck_assert_ptr_null(a.host);
    ck_assert_int_eq(open_blocks, 1);
    et_transport_close(board);
    ck_assert_int_eq(open_blocks, 0);
    ck_assert_int_eq(open_boards, 0);
}
END_TEST

START_TEST(what_a_transport_lacks_is_said)
{
    struct et_transport *bare = open_board(&bare_type);
    struct et_dma dma;
    void *bytes;
    size_t n;
    bool fired = true;
    assert_status(et_transport_dma_alloc(bare, 64, &dma), ET_UNSUPPORTED);
    assert_status(et_transport_save(bare, &bytes, &n), ET_UNSUPPORTED);
    assert_status(et_transport_restore(bare, "", 0), ET_UNSUPPORTED);
    assert_ok(et_transport_wait(bare, 0, &fired));
    ck_assert(!fired);
    assert_status(et_transport_wait(bare, -1, &fired), ET_INVALID);
    et_transport_close(bare);
}
END_TEST

START_TEST(a_state_returns_to_its_own_kind_only)
{
    struct et_transport *board = open_board(&board_type), *other = open_board(&board_type);
    struct et_dma dma;
    void *bytes;
    size_t n;
    uint32_t value;
    assert_ok(et_transport_write32(board, 4, 77));
    assert_ok(et_transport_dma_alloc(board, 100, &dma));
    assert_ok(et_transport_save(board, &bytes, &n));
    assert_status(et_transport_restore(other, bytes, n), ET_FORMAT);
    assert_message("other shared memory");
    assert_ok(et_transport_dma_alloc(other, 100, &dma));
    assert_ok(et_transport_restore(other, bytes, n));
    assert_ok(et_transport_read32(other, 4, &value));
    ck_assert_uint_eq(value, 77);
    for (size_t cut = 0; cut < n; cut++)
        assert_status(et_transport_restore(other, bytes, cut), ET_FORMAT);
    ((char *)bytes)[8] = 'x';
    assert_status(et_transport_restore(other, bytes, n), ET_FORMAT);
    assert_message("not the state of a 'board:' device");
    et_free(bytes);
    et_transport_close(board);
    et_transport_close(other);
}
END_TEST

START_TEST(failing_allocations_leak_nothing)
{
    enum et_status status = ET_NOMEM;
    for (size_t n = 1; status == ET_NOMEM; n++) {
        struct et_transport *board = NULL;
        struct et_dma dma;
        void *bytes = NULL;
        size_t size;
        et_alloc_fail_at(n);
        status = et__transport_open_type(&board_type, "board:", &board);
        if (status == ET_OK) status = et_transport_dma_alloc(board, 10, &dma);
        if (status == ET_OK) status = et_transport_save(board, &bytes, &size);
        if (status == ET_OK) status = et_transport_restore(board, bytes, size);
        et_alloc_fail_at(0);
        et_free(bytes);
        et_transport_close(board);
        ck_assert_int_eq(open_blocks + open_boards, 0);
    }
    assert_ok(status);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport");
    TCase *tests = tcase_create("dispatch");
    tcase_add_test(tests, a_uri_chooses);
    tcase_add_test(tests, every_transport_is_listed);
    tcase_add_test(tests, a_type_is_complete_or_refused);
    tcase_add_test(tests, registers_are_checked_and_errors_say_where);
    tcase_add_test(tests, memory_is_checked_and_freed_at_close);
    tcase_add_test(tests, what_a_transport_lacks_is_said);
    tcase_add_test(tests, a_state_returns_to_its_own_kind_only);
    tcase_add_test(tests, failing_allocations_leak_nothing);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
