/* SPDX-License-Identifier: Apache-2.0
 *
 * A device in another process: the same bits, states, clients that are killed, clients that lie. */
#include <etalon/accelerator.h>
#include <etalon/rng.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/random_layer.h"
#include "drivers/wire.h"
#include "rtl/campaign.h"
#include "rtl/program.h"

static const struct {
    const char *config, *uri;
} devices[] = {
    {"8x16", "model:config=8x16"},
#define ET_RTL_CONFIG(name) {name, "verilator:config=" name ",stall=0.1,latency=1-20"},
#include "rtl_configs.def"
#undef ET_RTL_CONFIG
};
enum { N_DEVICES = sizeof devices / sizeof *devices, MEMORY = 8 << 20 };

/* -------------------------------------------------------------------------- the other side -- */

static char folder[] = "/tmp/etalon-unix-XXXXXX", path[80], uri[96];
static pid_t server;
static volatile sig_atomic_t asked_to_stop;

static void on_term(int number)
{
    (void)number;
    asked_to_stop = 1;
}

static bool stop_asked(void *user)
{
    (void)user;
    return asked_to_stop != 0;
}

static int serve(const char *device)
{
    struct et_transport_serve_options options = {.stopped = stop_asked, .memory_max = MEMORY};
    struct et_transport *transport;
    signal(SIGTERM, on_term);
    enum et_status status = et_transport_open(device, &transport);
    if (status == ET_OK) status = et_transport_serve(transport, path, &options);
    et_transport_close(transport);
    if (status != ET_OK) fprintf(stderr, "server: %s\n", et_error_message());
    return status == ET_OK ? 0 : 1;
}

static void pause_a_little(void)
{
    struct timespec t = {.tv_nsec = 10000000};
    nanosleep(&t, NULL);
}

static void start(const char *device)
{
    static int started;
    if (server > 0) { /* of a test that failed */
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/device%d", folder, started++);
    snprintf(uri, sizeof uri, "unix:%s", path);
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) _exit(serve(device));
    struct stat info;
    for (int i = 0; stat(path, &info) != 0; i++, pause_a_little())
        ck_assert_int_lt(i, 3000);
    pause_a_little();
}

/* The server must have come through all that, and end when it is asked to. */
static void stop(void)
{
    int state;
    kill(server, SIGTERM);
    ck_assert_int_eq(waitpid(server, &state, 0), server);
    server = 0;
    ck_assert_msg(WIFEXITED(state) && WEXITSTATUS(state) == 0, "the server ended with 0x%x", state);
    ck_assert_int_ne(access(path, F_OK), 0);
}

/* One layer through the driver: the device is well. */
static void expect_health(void)
{
    struct et_bnn_layer l = draw_layer(7, 60);
    struct numbers n = draw_numbers(&l, 2, 7);
    struct et_accelerator *a;
    size_t id;
    assert_ok(et_accelerator_open(uri, NULL, &a));
    assert_ok(et_accelerator_load(a, &l, n.w, n.threshold, n.flip, &id));
    assert_ok(et_accelerator_run(a, id, n.images, n.x, n.got));
    ck_assert_mem_eq(n.got, n.want, n.out_bytes);
    et_accelerator_close(a);
    free_numbers(&n);
}

/* ----------------------------------------------------------------------------------- tests -- */

START_TEST(the_same_bits_through_a_socket)
{
    start(devices[_i].uri);
    const char *served[] = {uri};
    campaign_run(devices[_i].config, served, 1, 11, 200, 2000);
    expect_health();
    stop();
}
END_TEST

START_TEST(errors_and_states_go_through)
{
    start(devices[_i].uri);
    struct rig rig;
    uint32_t value;
    void *state;
    size_t n;
    rig_open(&rig, uri);
    assert_status(et_transport_read32(rig.transport, 0x3fc, &value), ET_DEVICE);
    assert_message("SLVERR");
    assert_status(et_transport_write32(rig.transport, 0x3fc, 1), ET_DEVICE);
    rig_write(&rig, ET__BNN_REG_SCRATCH, 41);
    memset(rig.data.host, 3, RIG_DATA);
    rig_data_to(&rig);
    assert_ok(et_transport_save(rig.transport, &state, &n));
    rig_write(&rig, ET__BNN_REG_SCRATCH, 42);
    memset(rig.data.host, 4, RIG_DATA);
    rig_data_to(&rig);
    assert_ok(et_transport_restore(rig.transport, state, n));
    rig_data_from(&rig);
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_SCRATCH), 41);
    ck_assert_int_eq(((const char *)rig.data.host)[RIG_DATA - 1], 3);
    assert_status(et_transport_restore(rig.transport, state, n - 8), ET_FORMAT);
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_SCRATCH), 41);
    et_free(state);
    rig_close(&rig);
    stop();
}
END_TEST

/* Starts a long program and is gone without a word. */
static void die_at_work(void)
{
    struct rig rig;
    struct program *p = et_alloc(1, sizeof *p);
    rig_open(&rig, uri);
    program_begin(p, &rig.caps, 5, 3000);
    program_prime(p);
    program_jobs(p, 60);
    memcpy(rig.data.host, p->data, RIG_DATA);
    rig_data_to(&rig);
    for (size_t i = 0; i < 60; i++)
        rig_push(&rig, p->d[i]);
    rig_bell(&rig);
    rig_read(&rig, ET__BNN_REG_STATUS);
    _exit(rig_read(&rig, ET__BNN_REG_STATUS) & 1 ? 0 : 1);
}

START_TEST(the_next_client_recovers_a_busy_device)
{
    start(devices[_i].uri);
    for (int round = 0; round < 3; round++) {
        int state;
        pid_t client = fork();
        if (client == 0) die_at_work();
        ck_assert_int_eq(waitpid(client, &state, 0), client);
        ck_assert_msg(WIFEXITED(state) && WEXITSTATUS(state) == 0, "the device was not at work");
        struct et_transport *t;
        uint32_t status;
        enum et_status opened = ET_DEVICE;
        for (int i = 0; opened != ET_OK && i < 300; i++, pause_a_little())
            opened = et_transport_open(uri, &t); /* until the server knows that we are dead */
        assert_ok(opened);
        assert_ok(et_transport_read32(t, ET__BNN_REG_STATUS, &status));
        ck_assert_uint_eq(status & 1, 1);
        et_transport_close(t);
        pause_a_little();
        expect_health();
    }
    stop();
}
END_TEST

START_TEST(one_client_at_a_time_and_limits)
{
    start(devices[0].uri);
    struct et_transport *first, *second;
    struct et_dma dma;
    assert_ok(et_transport_open(uri, &first));
    assert_status(et_transport_open(uri, &second), ET_DEVICE);
    assert_message("in use by another client");
    assert_status(et_transport_dma_alloc(first, MEMORY + 1, &dma), ET_NOMEM);
    assert_ok(et_transport_dma_alloc(first, MEMORY, &dma));
    assert_status(et_transport_dma_alloc(first, 1, &(struct et_dma){0}), ET_NOMEM);
    et_transport_dma_free(first, &dma);
    assert_ok(et_transport_dma_alloc(first, MEMORY, &dma));
    et_transport_close(first);
    pause_a_little();
    stop();
    assert_status(et_transport_open(uri, &first), ET_IO);
    assert_message("nobody serves a device");
    char far[200];
    memset(far, 'x', sizeof far);
    memcpy(far, "unix:/", 6);
    far[sizeof far - 1] = '\0';
    assert_status(et_transport_open(far, &first), ET_CONFIG);
    assert_status(et_transport_open("unix:", &first), ET_CONFIG);
}
END_TEST

/* A connection that says whatever it likes. */
static int connect_raw(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void greet(struct et__wire *w)
{
    et__wire_begin(w, ET__WIRE_HELLO, ET_OK);
    et__wire_put(w, ET__WIRE_MAGIC, 4);
    et__wire_put(w, ET__WIRE_VERSION, 4);
    assert_ok(et__wire_send(w));
    assert_ok(et__wire_receive(w, 30));
}

/* One request of three 64-bit numbers after a greeting that was accepted. */
static void lie(uint16_t operation, const uint64_t number[3], size_t bytes)
{
    struct et__wire w;
    do { /* the last client may not have been noticed to be gone */
        assert_ok(et__wire_open(&w, connect_raw()));
        greet(&w);
        if (w.status == ET_OK) break;
        et__wire_close(&w);
        pause_a_little();
    } while (true);
    et__wire_begin(&w, operation, ET_OK);
    for (size_t i = 0; i < 3 && bytes >= 8; i++, bytes -= 8)
        et__wire_put(&w, number[i], 8);
    et__wire_put(&w, 0, bytes % 8);
    assert_ok(et__wire_send(&w));
    assert_ok(et__wire_receive(&w, 30));
    et__wire_close(&w);
}

START_TEST(lies_are_answered_and_do_no_harm)
{
    start(devices[_i].uri);
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t r[4];
        et_rng_block(3, ET_STREAM_USER, 0, i, r);
        static const uint64_t extreme[] = {0,         1,          4096,       UINT64_MAX,
                                           INT64_MAX, 1ULL << 32, 1ULL << 20, (1ULL << 32) + 4096};
        uint64_t number[3] = {extreme[r[1] % 8], extreme[r[2] % 8], extreme[r[3] % 8]};
        if (r[0] % (ET__WIRE_OPERATIONS + 2) == ET__WIRE_WAIT) number[0] = 0x7ff8000000000000;
        lie((uint16_t)(r[0] % (ET__WIRE_OPERATIONS + 2)), number, r[0] >> 8 & 31);
    }
    expect_health();
    stop();
}
END_TEST

/* A connection that never says anything loses its place, however long that takes. */
START_TEST(silence_does_not_hold_the_device)
{
    start(devices[0].uri);
    int silent = connect_raw();
    struct et_transport *client;
    while (et_transport_open(uri, &client) != ET_OK)
        pause_a_little();
    et_transport_close(client);
    close(silent);
    expect_health();
    stop();
}
END_TEST

START_TEST(broken_frames_do_no_harm)
{
    start(devices[_i].uri);
    static const char *const junk[] = {
        "",
        "E",
        "GET / HTTP/1.1\r\n\r\n",
        "\xff\xff\xff\xff\x01\x00\x00\x00",
        "\x08\x00\x00\x00",
        "\xff\xff\xff\x7f\x00\x00\x00\x00 and more",
    };
    static const size_t length[] = {0, 1, 18, 8, 4, 17};
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
        int fd = connect_raw();
        ck_assert_int_eq(send(fd, junk[i], length[i], MSG_NOSIGNAL), (ssize_t)length[i]);
        close(fd);
        pause_a_little();
    }
    expect_health();
    stop();
}
END_TEST

int main(void)
{
    if (mkdtemp(folder) == NULL) return EXIT_FAILURE;
    Suite *suite = suite_create("unix");
    TCase *tests = tcase_create("remote");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, the_same_bits_through_a_socket, 0, N_DEVICES);
    tcase_add_loop_test(tests, errors_and_states_go_through, 0, N_DEVICES);
    tcase_add_loop_test(tests, the_next_client_recovers_a_busy_device, 0, N_DEVICES);
    tcase_add_test(tests, one_client_at_a_time_and_limits);
    tcase_add_loop_test(tests, lies_are_answered_and_do_no_harm, 0, 1);
    tcase_add_test(tests, silence_does_not_hold_the_device);
    tcase_add_loop_test(tests, broken_frames_do_no_harm, 0, 1);
    suite_add_tcase(suite, tests);
    int result = suite_result(suite);
    rmdir(folder);
    return result;
}
