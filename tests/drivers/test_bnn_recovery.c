/* SPDX-License-Identifier: Apache-2.0
 *
 * A driver that is killed in another process, and memory behind the RTL that stops answering. */
#include "drivers/bnn_devices.h"
#include "drivers/random_layer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IMAGES = 40 };

static struct et_bnn_layer layer;
static struct numbers number;
static struct et_accelerator *accelerator;
static size_t id;

static void make_layer(void)
{
    layer = et_bnn_dense(300, 100);
    number = draw_numbers(&layer, IMAGES, 8);
}

static void free_layer(void)
{
    free_numbers(&number);
}

static enum et_status open_and_load(const char *uri, const struct et_accelerator_options *options)
{
    ET_TRY(et_accelerator_open(uri, options, &accelerator));
    return et_accelerator_load(accelerator, &layer, number.w, NULL, NULL, &id);
}

static enum et_status run(void)
{
    memset(number.got, 0, number.out_bytes);
    return et_accelerator_run(accelerator, id, IMAGES, number.x, number.got);
}

static void expect_right_answers(void)
{
    assert_ok(run());
    ck_assert_mem_eq(number.got, number.want, number.out_bytes);
}

/* ------------------------------------------------------------------------------ processes -- */

static char folder[] = "/tmp/etalon-recovery-XXXXXX";
static char served[64];
static pid_t server;

static bool parent_is_gone(void *user)
{
    return getppid() != *(pid_t *)user;
}

static void start_server(const char *uri)
{
    pid_t parent = getpid();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(served, sizeof served, "unix:%s/device", folder);
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server > 0) return;
    struct et_transport *transport;
    struct et_transport_serve_options options = {.stopped = parent_is_gone, .user = &parent};
    if (et_transport_open(uri, &transport) != ET_OK) _exit(1);
    _exit(et_transport_serve(transport, served, &options) != ET_OK);
}

static void stop_server(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    unlink(served + strlen("unix:"));
    rmdir(folder);
    memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
}

/* Until the server listens, or knows that the client before is dead. */
static enum et_status open_in_the_end(void)
{
    enum et_status status = ET_IO;
    for (int i = 0; i < 2000 && status != ET_OK; i++) {
        status = open_and_load(served, NULL);
        if (status != ET_OK) usleep(5000);
    }
    return status;
}

/* A program that works until it is killed; a byte on the pipe for every run that it begins. */
static pid_t start_victim(int *from)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t victim = fork();
    ck_assert_int_ge(victim, 0);
    if (victim == 0) {
        if (open_in_the_end() != ET_OK) _exit(1);
        while (write(ends[1], "", 1) == 1 && run() == ET_OK) {
        }
        _exit(1);
    }
    close(ends[1]);
    *from = ends[0];
    return victim;
}

START_TEST(a_killed_program_is_no_obstacle)
{
    start_server(device_uri(_i));
    for (int round = 1; round <= 4; round++) {
        char byte;
        int from, state;
        pid_t victim = start_victim(&from);
        for (int i = 0; i < round; i++)
            ck_assert_int_eq(read(from, &byte, 1), 1);
        kill(victim, SIGKILL);
        ck_assert_int_eq(waitpid(victim, &state, 0), victim);
        ck_assert(WIFSIGNALED(state));
        close(from);
        assert_ok(open_in_the_end());
        expect_right_answers();
        et_accelerator_close(accelerator);
    }
    stop_server();
}
END_TEST

/* ------------------------------------------------------------------------- silent memory -- */

/* Has this build the small Verilated configuration? */
static bool has_small_rtl(void)
{
    for (int i = 0; i < device_count(); i++)
        if (strncmp(device_uri(i), "verilator:config=8x16,", 22) == 0) return true;
    return false;
}

static void open_silent(unsigned cycles, const struct et_accelerator_options *options)
{
    char uri[96];
    snprintf(uri, sizeof uri, "verilator:config=8x16,hang_after=300,hang_cycles=%u", cycles);
    assert_ok(open_and_load(uri, options));
}

/* Runs until the memory is silent. */
static enum et_status run_into_silence(void)
{
    enum et_status status = ET_OK;
    for (int i = 0; i < 100 && status == ET_OK; i++)
        status = run();
    return status;
}

START_TEST(memory_that_is_silent_for_a_while_trips_the_watchdog)
{
    struct et_accelerator_options options = {.watchdog = 2000};
    if (!has_small_rtl()) return;
    open_silent(20000, &options);
    assert_status(run_into_silence(), ET_DEVICE);
    assert_message("made no progress for too many cycles (WATCHDOG)");
    expect_right_answers();
    et_accelerator_close(accelerator);
}
END_TEST

START_TEST(memory_that_is_silent_for_ever_is_kept)
{
    struct et_accelerator_options options = {.watchdog = 2000, .timeout_s = 1};
    if (!has_small_rtl()) return;
    open_silent(0, &options);
    ck_assert_int_ne(run_into_silence(), ET_OK);
    assert_message("stays allocated until it is closed");
    assert_status(run(), ET_DEVICE);
    assert_message("does not finish its bursts");
    et_accelerator_close(accelerator);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bnn recovery");
    TCase *tests = tcase_create("recovery");
    tcase_set_timeout(tests, 0);
    tcase_add_unchecked_fixture(tests, make_layer, free_layer);
    tcase_add_loop_test(tests, a_killed_program_is_no_obstacle, FIRST_DEVICE, device_count());
    tcase_add_test(tests, memory_that_is_silent_for_a_while_trips_the_watchdog);
    tcase_add_test(tests, memory_that_is_silent_for_ever_is_kept);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
