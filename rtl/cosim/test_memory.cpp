/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory model on its own: what it stores, in which order it answers, and that it sees every
 * violation of the protocol that it promises to see. */
#include "memory.hpp"

#include <cstdlib>
#include <memory>

#include <check.h> /* last: it takes the name fail */

using namespace et;

namespace
{

/* A memory with one buffer of two pages, and both sides of its port. */
struct rig {
    explicit rig(const char *address = "latency=2")
    {
        ck_assert_int_eq(parse_options(address, o), ET_OK);
        mem.reset(new memory(o, 8));
        host = mem->allocate(8192, base);
        ck_assert_ptr_nonnull(host);
    }
    void cycle()
    {
        mem->drive(to);
        mem->clock(to, from);
    }
    /* Holds what `from` says until `ready`, then lets go of `valid`. */
    void offer(bool &valid, const bool &ready)
    {
        valid = true;
        for (int i = 0; i < 1000; i++) {
            cycle();
            if (ready) break;
        }
        ck_assert(ready);
        valid = false;
    }
    void ask(axi_address &a, const bool &ready, uint64_t address, unsigned beats)
    {
        a.address = address;
        a.length = static_cast<uint8_t>(beats - 1);
        a.size = 3;
        a.burst = AXI_INCR;
        offer(a.valid, ready);
    }
    void send(uint64_t value, bool last, uint16_t strobes = 0xff)
    {
        from.wdata[0] = value;
        from.wlast = last;
        from.wstrb = strobes;
        offer(from.wvalid, to.wready);
    }
    uint8_t response()
    {
        from.bready = true;
        do {
            cycle();
        } while (!to.bvalid && mem->now() < 100000);
        ck_assert(to.bvalid);
        from.bready = false;
        return to.bresp;
    }
    uint64_t receive(bool last, uint8_t expected = AXI_OKAY)
    {
        from.rready = true;
        do {
            cycle();
        } while (!to.rvalid && mem->now() < 100000);
        ck_assert(to.rvalid);
        ck_assert_int_eq(to.rlast, last);
        ck_assert_uint_eq(to.rresp, expected);
        from.rready = false;
        return to.rdata[0];
    }
    void see(const char *violation)
    {
        ck_assert_msg(mem->violation().find(violation) != std::string::npos, "'%s' lacks '%s'",
                      mem->violation().c_str(), violation);
    }

    options o;
    std::unique_ptr<memory> mem;
    uint8_t *host = nullptr;
    uint64_t base = 0;
    axi_to_device to;
    axi_from_device from;
};

} // namespace

START_TEST(writes_and_reads)
{
    for (const char *address : {"latency=0", "latency=2", "latency=1-30,stall=0.5,seed=7"}) {
        rig r(address);
        r.ask(r.from.aw, r.to.awready, r.base + 64, 3);
        for (unsigned i = 0; i < 3; i++)
            r.send(100 + i, i == 2);
        ck_assert_uint_eq(r.response(), AXI_OKAY);
        r.send(0x1122334455667788, true, 0x0f); /* data before the address, half of the lanes */
        r.ask(r.from.aw, r.to.awready, r.base + 72, 1);
        ck_assert_uint_eq(r.response(), AXI_OKAY);
        r.ask(r.from.ar, r.to.arready, r.base + 64, 2);
        r.ask(r.from.ar, r.to.arready, r.base + 80, 1);
        ck_assert_uint_eq(r.receive(false), 100);
        ck_assert_uint_eq(r.receive(true), 0x55667788);
        ck_assert_uint_eq(r.receive(true), 102);
        ck_assert_str_eq(r.mem->violation().c_str(), "");
    }
}
END_TEST

START_TEST(writes_come_with_their_response)
{
    rig r("latency=20");
    r.ask(r.from.aw, r.to.awready, r.base, 1);
    r.send(1, true);
    for (int i = 0; i < 10; i++)
        r.cycle();
    ck_assert_uint_eq(r.host[0], 0);
    r.response();
    ck_assert_uint_eq(r.host[0], 1);
}
END_TEST

START_TEST(refuses_what_is_no_memory)
{
    rig r("slverr=0x100001000-0x100001fff");
    uint64_t second = 0;
    ck_assert_ptr_nonnull(r.mem->allocate(100, second));
    ck_assert_uint_ge(second, r.base + 8192 + 4096);
    for (const uint64_t address : {r.base - 8, r.base + 8192, second + 112, uint64_t{0}}) {
        r.ask(r.from.ar, r.to.arready, address, 1);
        r.receive(true, AXI_DECERR);
    }
    r.ask(r.from.ar, r.to.arready, second + 104, 1); /* the rest of the last beat */
    r.receive(true);
    r.ask(r.from.ar, r.to.arready, r.base + 4096, 1);
    r.receive(true, AXI_SLVERR);
    r.ask(r.from.aw, r.to.awready, r.base + 4104, 1);
    r.send(1, true);
    ck_assert_uint_eq(r.response(), AXI_SLVERR);
    ck_assert_uint_eq(r.host[4104], 0);
    ck_assert_str_eq(r.mem->violation().c_str(), "");
}
END_TEST

START_TEST(hangs_and_comes_back)
{
    rig r("hang_after=1,hang_cycles=50");
    r.ask(r.from.ar, r.to.arready, r.base, 1);
    r.from.rready = true;
    unsigned silent = 0;
    while (!r.to.rvalid) {
        r.cycle();
        ck_assert(!r.to.rvalid || silent >= 48);
        silent++;
    }
    ck_assert_uint_lt(silent, 80);
}
END_TEST

START_TEST(sees_bad_addresses)
{
    rig a, b, c;
    a.ask(a.from.ar, a.to.arready, a.base + 4096 - 8, 2);
    a.see("AR: the burst of 2 beats at 0x100000ff8 crosses 4 KiB");
    b.from.aw.address = b.base;
    b.from.aw.size = 2;
    b.from.aw.burst = AXI_INCR;
    b.offer(b.from.aw.valid, b.to.awready);
    b.see("AW: size 2 at 0x100000000 is not that of the bus, 3");
    c.from.ar.address = c.base;
    c.from.ar.size = 3;
    c.from.ar.burst = 0;
    c.offer(c.from.ar.valid, c.to.arready);
    c.see("AR: burst type 0 at 0x100000000 is not INCR");
}
END_TEST

START_TEST(sees_wrong_last)
{
    rig early, late;
    early.ask(early.from.aw, early.to.awready, early.base, 2);
    early.send(1, true);
    early.see("WLAST is 1 at beat 1 of 2");
    late.send(1, false);
    late.ask(late.from.aw, late.to.awready, late.base, 1);
    late.see("WLAST is 0 at beat 1 of 1");
}
END_TEST

/* A memory that is never ready: what waits must stay as it is. */
static void check_stable(void (*change)(axi_from_device &), const char *violation)
{
    rig r("hang_after=1");
    r.ask(r.from.ar, r.to.arready, r.base, 1);
    r.from.ar = {true, 0, 3, AXI_INCR, r.base};
    r.from.aw = {true, 0, 3, AXI_INCR, r.base + 64};
    r.from.wvalid = r.from.wlast = true;
    r.from.wstrb = 0xff;
    for (int i = 0; i < 3; i++)
        r.cycle();
    ck_assert_str_eq(r.mem->violation().c_str(), "");
    change(r.from);
    r.cycle();
    r.see(violation);
}

START_TEST(sees_unstable_channels)
{
    check_stable([](axi_from_device &f) { f.ar.valid = false; }, "AR changed or fell");
    check_stable([](axi_from_device &f) { f.ar.address += 8; }, "AR changed or fell");
    check_stable([](axi_from_device &f) { f.aw.valid = false; }, "AW changed or fell");
    check_stable([](axi_from_device &f) { f.aw.length = 1; }, "AW changed or fell");
    check_stable([](axi_from_device &f) { f.wvalid = false; }, "W changed or fell");
    check_stable([](axi_from_device &f) { f.wdata[0] = 1; }, "W changed or fell");
    check_stable([](axi_from_device &f) { f.wstrb = 1; }, "W changed or fell");
    check_stable([](axi_from_device &f) { f.wlast = false; }, "W changed or fell");
}
END_TEST

START_TEST(sees_memory_freed_too_early)
{
    rig r("latency=20");
    r.ask(r.from.ar, r.to.arready, r.base, 1);
    r.mem->release(r.base);
    r.see("shared memory at 0x100000000 was freed while the device used it");
    r.receive(true, AXI_OKAY);
}
END_TEST

START_TEST(goes_on_from_a_saved_state)
{
    rig r("latency=3-40,stall=0.3");
    for (unsigned i = 0; i < 8192; i++)
        r.host[i] = static_cast<uint8_t>(i);
    r.ask(r.from.ar, r.to.arready, r.base + 8, 2);
    r.ask(r.from.aw, r.to.awready, r.base + 16, 2);
    r.send(42, false);
    byte_writer saved;
    r.mem->save(saved);
    std::string first, second;
    for (std::string *run : {&first, &second}) {
        byte_reader from(saved.bytes.data(), saved.bytes.size());
        r.mem->restore(from);
        ck_assert_uint_eq(from.left, 0);
        ck_assert_uint_eq(r.host[16], 16);
        r.to = axi_to_device{};
        r.send(43, true);
        for (int i = 0; i < 2; i++)
            *run += std::to_string(r.receive(i == 1)) + "@" + std::to_string(r.mem->now()) + " ";
        r.response();
        *run += std::to_string(r.mem->now());
        ck_assert_uint_eq(r.host[16], 42);
        ck_assert_uint_eq(r.host[24], 43);
    }
    ck_assert_str_eq(first.c_str(), second.c_str());
}
END_TEST

START_TEST(refuses_bad_options)
{
    const struct {
        const char *address, *message;
    } cases[] = {
        {"speed=3", "there is no option 'speed'"},
        {"seed", "'seed' is not OPTION=VALUE"},
        {"seed=x", "seed=x is no whole number"},
        {"seed=-1", "seed=-1 is no whole number"},
        {"seed=99999999999999999999", "is no whole number"},
        {"stall=1", "stall=1 is not a probability from 0 to 0.95"},
        {"stall=nan", "is not a probability"},
        {"latency=9-3", "latency=9-3 is not a number or FIRST-LAST"},
        {"latency=1000000", "is more than 100000 cycles"},
        {"slverr=5", "slverr=5 is not FIRST-LAST"},
        {"hang_after=1,,seed=2", "'' is not OPTION=VALUE"},
    };
    for (const auto &c : cases) {
        options o;
        ck_assert_int_eq(parse_options(c.address, o), ET_CONFIG);
        ck_assert_msg(std::strstr(et_error_message(), c.message) != nullptr, "%s: %s", c.address,
                      et_error_message());
    }
}
END_TEST

int main()
{
    Suite *suite = suite_create("cosim memory");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, writes_and_reads);
    tcase_add_test(tcase, writes_come_with_their_response);
    tcase_add_test(tcase, refuses_what_is_no_memory);
    tcase_add_test(tcase, hangs_and_comes_back);
    tcase_add_test(tcase, sees_bad_addresses);
    tcase_add_test(tcase, sees_wrong_last);
    tcase_add_test(tcase, sees_unstable_channels);
    tcase_add_test(tcase, sees_memory_freed_too_early);
    tcase_add_test(tcase, goes_on_from_a_saved_state);
    tcase_add_test(tcase, refuses_bad_options);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
