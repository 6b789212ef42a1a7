/* SPDX-License-Identifier: Apache-2.0
 *
 * A Verilated accelerator with its memory: registers by AXI4-Lite, an interrupt line, a clock that
 * runs while somebody asks for something. */
#ifndef ETALON_COSIM_DEVICE_HPP
#define ETALON_COSIM_DEVICE_HPP

#include "memory.hpp"

#include <functional>
#include <memory>

namespace et
{

class device
{
  public:
    device(const options &o, unsigned beat_bytes) : mem(o, beat_bytes) {}
    virtual ~device() = default;
    device(const device &) = delete;
    device &operator=(const device &) = delete;

    /* One access on AXI4-Lite; *response is the bus's. False when it is not answered. */
    virtual bool read(uint32_t address, uint32_t &value, uint8_t &response) = 0;
    virtual bool write(uint32_t address, uint32_t value, uint8_t &response) = 0;
    /* Runs up to `cycles` cycles, fewer when the interrupt line rises; returns the line. */
    virtual bool run(uint64_t cycles) = 0;
    virtual bool interrupt() const = 0;
    /* Everything but the memory. */
    virtual void save_model(byte_writer &to) = 0;
    virtual void restore_model(byte_reader &from) = 0;

    memory mem;
};

/* A configuration that was compiled in. */
struct model_entry {
    const char *name;
    bool traceable;
    std::unique_ptr<device> (*create)(const options &o);
};
/* Ends with a name that is NULL. */
extern const model_entry models[];

} // namespace et
#endif
