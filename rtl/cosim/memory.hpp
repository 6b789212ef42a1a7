/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory behind the accelerator: buffers that host and device share, and the AXI4 subordinate
 * that serves them.
 *
 * Bursts are answered in order, up to OUTSTANDING in flight, each after its latency; every channel
 * may be held back at random.  Write data may come before their address.  A write reaches the
 * buffer when its response is offered, not before, so a device that believes too early is found
 * out.  Outside the buffers the answer is DECERR.
 *
 * Every cycle is checked against the protocol; the first violation is kept as a sentence.
 *
 *     drive(to);            what the memory drives in this cycle, from its state alone
 *     ... settle the device's combinational logic ...
 *     clock(to, from);      both sides' handshakes of this cycle */
#ifndef ETALON_COSIM_MEMORY_HPP
#define ETALON_COSIM_MEMORY_HPP

#include "axi.hpp"
#include "bytes.hpp"
#include "options.hpp"

#include <deque>
#include <string>
#include <vector>

namespace et
{

/* A random word as a function of seed, channel and time: the finaliser of SplitMix64 (Steele, Lea,
 * Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). */
inline uint64_t random_word(uint64_t seed, uint64_t channel, uint64_t time)
{
    uint64_t z = seed + 0x9e3779b97f4a7c15U * (1 + channel) + 0xd1342543de82ef95U * time;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

class memory
{
  public:
    enum { OUTSTANDING = 8, MAX_BEAT = 16, EARLY_BEATS = 8 };
    /* Where the first buffer lies: above 4 GiB, so that both halves of an address matter. */
    static constexpr uint64_t BASE = uint64_t{1} << 32;

    memory(const options &o, unsigned beat_bytes);
    ~memory();
    memory(const memory &) = delete;
    memory &operator=(const memory &) = delete;

    /* A zeroed buffer, aligned to 4096 on both sides; NULL when there is no room. */
    uint8_t *allocate(size_t bytes, uint64_t &device);
    void release(uint64_t device);

    void drive(axi_to_device &to)
    {
        now_++;
        if (reads_.empty() && writes_.empty() && stall_ == 0 && !hang_after_) {
            to = axi_to_device{};
            to.arready = to.awready = to.wready = true;
            return;
        }
        drive_busy(to);
    }
    void clock(const axi_to_device &to, const axi_from_device &from)
    {
        if (from.ar.valid || from.aw.valid || from.wvalid || to.rvalid || to.bvalid || held_)
            clock_busy(to, from);
    }

    /* True with the seeded probability `stall`; channels 16 and up are the caller's. */
    bool held(uint64_t channel) const
    {
        return stall_ != 0 && random_word(seed_, channel, now_) < stall_;
    }

    uint64_t now() const
    {
        return now_;
    }
    /* The first violation of the protocol, "" for none. */
    const std::string &violation() const
    {
        return violation_;
    }
    void violate(const char *format, ...) ET_PRINTF(2, 3);

    void save(byte_writer &to) const;
    /* Throws bad_state; check() first, then nothing is changed that does not fit. */
    void check(byte_reader from) const;
    void restore(byte_reader &from);

  private:
    struct region {
        uint64_t device;
        size_t bytes;
        void *memory; /* as allocated */
        uint8_t *host;
    };
    struct burst {
        uint64_t address, due;
        unsigned beats, done;
        uint8_t response;
        uint8_t *host; /* of the beat at `address`, NULL without memory */
    };
    struct beat {
        uint64_t data[2];
        uint16_t strobes;
        bool last;
    };

    void drive_busy(axi_to_device &to);
    void clock_busy(const axi_to_device &to, const axi_from_device &from);
    void drive_read(axi_to_device &to);
    void drive_response(axi_to_device &to);
    void accept(const char *channel, const axi_address &a, uint64_t random_channel,
                std::deque<burst> &queue);
    void take_write_data();
    void commit(const burst &b);
    void check_stable(const axi_to_device &to, const axi_from_device &from);
    void check_address(const char *channel, const axi_address &a);
    uint8_t *find(uint64_t address, size_t bytes) const;
    void bind(burst &b) const;
    bool silent() const;
    uint64_t latency(uint64_t channel) const;
    void save_bursts(byte_writer &to, const std::deque<burst> &queue) const;
    void restore_bursts(byte_reader &from, std::deque<burst> &queue) const;
    void check_regions(byte_reader &from) const;

    const uint64_t seed_, latency_min_, latency_max_, hang_after_, hang_cycles_;
    const uint64_t slverr_first_, slverr_last_;
    const uint64_t stall_; /* probability times 2^64 */
    const unsigned beat_bytes_, beat_size_;
    std::vector<region> regions_; /* by address */

    uint64_t now_ = 0, accepted_ = 0, hang_since_ = 0;
    std::deque<burst> reads_, writes_;
    std::deque<beat> data_; /* accepted write data that are not in memory yet, oldest burst first */
    size_t unclaimed_ = 0;  /* the last of them whose address has not come */
    bool r_valid_ = false, b_valid_ = false, held_ = false;
    axi_to_device offered_;   /* payload of r and b while they wait */
    axi_from_device waiting_; /* what the device offered and the memory did not take */
    std::string violation_;
};

} // namespace et
#endif
