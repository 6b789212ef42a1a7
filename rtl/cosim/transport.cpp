/* SPDX-License-Identifier: Apache-2.0
 *
 * The transport "verilator:": the accelerator's RTL, compiled, in this process.  Every handle has
 * its own device and memory.  Exceptions end here. */
#include "device.hpp"
#include "hooks.hpp"

#include <etalon/array.h>
#include <etalon/transport.h>

#include <chrono>
#include <exception>
#include <new>

namespace et
{
namespace
{

struct handle {
    device *dev;
    std::string *config;
    options *opt;
    /* A failed assertion leaves the model in the middle of a cycle: it is not used again. */
    std::string *failure;
};

const char magic[] = "etalon verilator 1";

/* FNV-1a. */
uint64_t digest_of(const uint8_t *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325U;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3U;
    return h;
}

/* Runs `action` on a healthy device and turns whatever goes wrong into a status. */
template <class Action> et_status guarded(void *state, Action action)
{
    handle &h = *static_cast<handle *>(state);
    if (h.failure != nullptr && !h.failure->empty())
        return et_error_set(ET_DEVICE, "the simulated device stopped: %s", h.failure->c_str());
    try {
        ET_TRY(action(h));
        if (h.dev != nullptr && !h.dev->mem.violation().empty())
            return et_error_set(ET_DEVICE, "protocol violation: %s",
                                h.dev->mem.violation().c_str());
        return ET_OK;
    } catch (const model_failed &e) {
        if (h.failure != nullptr) *h.failure = e.what();
        return et_error_set(ET_DEVICE, "the simulated device stopped: %s", e.what());
    } catch (const std::bad_alloc &) {
        return et_error_set(ET_NOMEM, "no room for the simulated device");
    } catch (const bad_state &e) {
        return et_error_set(ET_FORMAT, "not a state of this device: %s", e.what());
    } catch (const std::exception &e) {
        return et_error_set(ET_IO, "verilator: %s", e.what());
    }
}

std::string known_models()
{
    std::string names;
    for (const model_entry *m = models; m->name != nullptr; m++)
        names += (names.empty() ? "" : ", ") + std::string(m->name);
    return names;
}

et_status open_device(void *state, const char *address)
{
    return guarded(state, [address](handle &h) -> et_status {
        h.opt = new options;
        h.failure = new std::string;
        options &o = *h.opt;
        if (models->name == nullptr)
            return et_error_set(ET_UNSUPPORTED, "verilator: no configuration was compiled in");
        o.config = models->name;
        ET_TRY(parse_options(address, o));
        for (const model_entry *m = models; m->name != nullptr; m++) {
            if (o.config != m->name) continue;
            if (!o.trace.empty() && !m->traceable)
                return et_error_set(ET_UNSUPPORTED,
                                    "verilator: config=%s was compiled without tracing", m->name);
            h.dev = m->create(o).release();
            return ET_OK;
        }
        return et_error_set(ET_CONFIG, "verilator: config=%s is not one of %s", o.config.c_str(),
                            known_models().c_str());
    });
}

void close_device(void *state)
{
    handle &h = *static_cast<handle *>(state);
    delete h.dev;
    delete h.opt;
    delete h.failure;
    h = handle{};
}

et_status answer(const char *what, uint32_t address, bool answered, uint8_t response)
{
    if (!answered)
        return et_error_set(ET_TIMEOUT, "the device does not answer a %s of register 0x%03x", what,
                            address);
    if (response != AXI_OKAY)
        return et_error_set(ET_DEVICE, "the device refused a %s of register 0x%03x (%s)", what,
                            address, response == AXI_DECERR ? "DECERR" : "SLVERR");
    return ET_OK;
}

et_status outside(uint32_t address)
{
    return et_error_set(ET_DEVICE, "register 0x%x is outside the device's 4096 bytes", address);
}

et_status read_register(void *state, uint32_t address, uint32_t *value)
{
    if (address >= 4096) return outside(address);
    return guarded(state, [=](handle &h) {
        uint8_t response = AXI_OKAY;
        const bool answered = h.dev->read(address, *value, response);
        return answer("read", address, answered, response);
    });
}

et_status write_register(void *state, uint32_t address, uint32_t value)
{
    if (address >= 4096) return outside(address);
    return guarded(state, [=](handle &h) {
        uint8_t response = AXI_OKAY;
        const bool answered = h.dev->write(address, value, response);
        return answer("write", address, answered, response);
    });
}

et_status allocate(void *state, size_t bytes, struct et_dma *dma, void **cookie)
{
    return guarded(state, [=](handle &h) -> et_status {
        dma->host = h.dev->mem.allocate(bytes, dma->device);
        if (dma->host == nullptr) return ET_NOMEM;
        dma->bytes = bytes;
        *cookie = nullptr;
        return ET_OK;
    });
}

void release(void *state, struct et_dma *dma, void *)
{
    static_cast<handle *>(state)->dev->mem.release(dma->device);
}

et_status synchronise(void *, const struct et_dma *, size_t, size_t, enum et_dma_direction)
{
    return ET_OK; /* one address space */
}

/* Time passes here.  At least one slice runs, so that who polls with no time gets on too. */
et_status wait_for(void *state, double timeout_s, bool *fired)
{
    enum : uint64_t { SLICE = 512 };
    return guarded(state, [=](handle &h) -> et_status {
        using clock = std::chrono::steady_clock;
        const auto start = clock::now();
        uint64_t left = h.opt->wait_cycles != 0 ? h.opt->wait_cycles : UINT64_MAX;
        for (;;) {
            const uint64_t n = left < SLICE ? left : SLICE;
            *fired = h.dev->run(n);
            left -= n;
            if (*fired || left == 0 || !h.dev->mem.violation().empty()) return ET_OK;
            const std::chrono::duration<double> gone = clock::now() - start;
            if (gone.count() >= timeout_s) return ET_OK;
        }
    });
}

/* magic, configuration, memory, model; then a digest of it all. */
std::vector<uint8_t> state_of(handle &h)
{
    byte_writer to;
    to.text(magic);
    to.text(h.opt->config);
    h.dev->mem.save(to);
    h.dev->save_model(to);
    to.put(digest_of(to.bytes.data(), to.bytes.size()));
    return to.bytes;
}

et_status save(void *state, void **bytes, size_t *n)
{
    return guarded(state, [=](handle &h) -> et_status {
        const std::vector<uint8_t> all = state_of(h);
        *bytes = et_alloc(all.size(), 1);
        if (*bytes == nullptr) return ET_NOMEM;
        std::memcpy(*bytes, all.data(), all.size());
        *n = all.size();
        return ET_OK;
    });
}

void restore_parts(handle &h, byte_reader &from)
{
    h.dev->mem.restore(from);
    h.dev->restore_model(from);
}

et_status restore(void *state, const void *bytes, size_t n)
{
    return guarded(state, [=](handle &h) -> et_status {
        const uint8_t *p = static_cast<const uint8_t *>(bytes);
        uint64_t digest = 0;
        if (n < sizeof digest) throw bad_state("it ends early");
        std::memcpy(&digest, p + n - sizeof digest, sizeof digest);
        if (digest_of(p, n - sizeof digest) != digest) throw bad_state("its check sum is wrong");
        byte_reader from(p, n - sizeof digest);
        if (from.text() != magic) throw bad_state("it is of another kind");
        const std::string config = from.text();
        if (config != h.opt->config) throw bad_state("it is of configuration " + config);
        h.dev->mem.check(from);
        const std::vector<uint8_t> before = state_of(h);
        try {
            restore_parts(h, from);
        } catch (const std::exception &e) {
            byte_reader back(before.data(), before.size());
            back.text();
            back.text();
            restore_parts(h, back);
            throw bad_state(e.what());
        }
        return ET_OK;
    });
}

} // namespace
} // namespace et

extern "C" {
extern const struct et_transport_type et_transport_verilator;
const struct et_transport_type et_transport_verilator = {
    .scheme = "verilator",
    .summary = "The accelerator's RTL, compiled by Verilator, in this process.",
    .address = "OPTION=VALUE,... (config, seed, latency, stall, trace, wait_cycles, hang_after, "
               "hang_cycles, slverr), e.g. config=8x16,seed=3,stall=0.2",
    .state_size = sizeof(et::handle),
    .open = et::open_device,
    .read32 = et::read_register,
    .write32 = et::write_register,
    .dma_alloc = et::allocate,
    .dma_free = et::release,
    .sync = et::synchronise,
    .wait = et::wait_for,
    .save = et::save,
    .restore = et::restore,
    .close = et::close_device,
};
}
