/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.hpp"

#include <etalon/array.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace et
{
namespace
{

enum : uint64_t { PAGE = 4096 };
/* What random_word is asked for. */
enum : uint64_t { HOLD_AR, HOLD_R, HOLD_AW, HOLD_W, HOLD_B, LATENCY_R, LATENCY_W, NOISE };

unsigned log2_of(unsigned n)
{
    unsigned bits = 0;
    while ((1U << bits) < n)
        bits++;
    return bits;
}

uint64_t probability_word(double p)
{
    return static_cast<uint64_t>(p * 18446744073709551616.0);
}

bool same(const axi_address &a, const axi_address &b)
{
    return a.valid == b.valid && a.address == b.address && a.length == b.length &&
           a.size == b.size && a.burst == b.burst;
}

} // namespace

memory::memory(const options &o, unsigned beat_bytes)
    : seed_(o.seed), latency_min_(o.latency_min), latency_max_(o.latency_max),
      hang_after_(o.hang_after), hang_cycles_(o.hang_cycles), slverr_first_(o.slverr_first),
      slverr_last_(o.slverr_last), stall_(probability_word(o.stall)), beat_bytes_(beat_bytes),
      beat_size_(log2_of(beat_bytes))
{
}

memory::~memory()
{
    for (const region &r : regions_)
        et_free(r.memory);
}

void memory::violate(const char *format, ...)
{
    if (!violation_.empty()) return;
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    violation_ = text;
    std::snprintf(text, sizeof text, " (cycle %llu)", static_cast<unsigned long long>(now_));
    violation_ += text;
}

/* ------------------------------------------------------------------------------- buffers -- */

uint8_t *memory::allocate(size_t bytes, uint64_t &device)
{
    if (bytes > SIZE_MAX / 2) {
        et_error_set(ET_NOMEM, "no room for %zu bytes", bytes);
        return nullptr;
    }
    /* Whole beats: a device may read the rest of its last one. */
    bytes = (bytes + MAX_BEAT - 1) / MAX_BEAT * MAX_BEAT;
    /* First fit, a page apart, so that running over an end is seen. */
    device = BASE;
    size_t i = 0;
    for (; i < regions_.size() && regions_[i].device < device + bytes + PAGE; i++)
        device = (regions_[i].device + regions_[i].bytes + 2 * PAGE - 1) / PAGE * PAGE;
    void *whole = et_alloc(bytes + 2 * PAGE, 1);
    if (whole == nullptr) return nullptr;
    const uintptr_t start = (reinterpret_cast<uintptr_t>(whole) + PAGE - 1) / PAGE * PAGE;
    uint8_t *host = reinterpret_cast<uint8_t *>(start);
    regions_.insert(regions_.begin() + static_cast<std::ptrdiff_t>(i),
                    region{device, bytes, whole, host});
    return host;
}

void memory::release(uint64_t device)
{
    for (size_t i = 0; i < regions_.size(); i++) {
        if (regions_[i].device != device) continue;
        const region gone = regions_[i];
        regions_.erase(regions_.begin() + static_cast<std::ptrdiff_t>(i));
        for (std::deque<burst> *queue : {&reads_, &writes_})
            for (burst &b : *queue)
                if (b.host >= gone.host && b.host < gone.host + gone.bytes) {
                    b.host = nullptr;
                    violate("shared memory at 0x%llx was freed while the device used it",
                            static_cast<unsigned long long>(b.address));
                }
        et_free(gone.memory);
        return;
    }
}

uint8_t *memory::find(uint64_t address, size_t bytes) const
{
    for (const region &r : regions_) {
        if (address < r.device || address - r.device >= r.bytes) continue;
        const size_t offset = address - r.device;
        return r.bytes - offset >= bytes ? r.host + offset : nullptr;
    }
    return nullptr;
}

/* -------------------------------------------------------------------------------- drive -- */

bool memory::silent() const
{
    if (hang_after_ == 0 || accepted_ < hang_after_) return false;
    return hang_cycles_ == 0 || now_ - hang_since_ < hang_cycles_;
}

uint64_t memory::latency(uint64_t channel) const
{
    const uint64_t span = latency_max_ - latency_min_ + 1;
    return latency_min_ + (span > 1 ? random_word(seed_, channel, now_) % span : 0);
}

void memory::drive_busy(axi_to_device &to)
{
    const bool open = !silent();
    to = axi_to_device{};
    to.arready = open && reads_.size() < OUTSTANDING && !held(HOLD_AR);
    to.awready = open && writes_.size() < OUTSTANDING && !held(HOLD_AW);
    const bool place = unclaimed_ < EARLY_BEATS;
    to.wready = open && place && !held(HOLD_W);
    if (r_valid_ || (open && !reads_.empty() && !held(HOLD_R))) drive_read(to);
    if (b_valid_ || (open && !writes_.empty() && !held(HOLD_B))) drive_response(to);
}

void memory::drive_read(axi_to_device &to)
{
    const burst &b = reads_.front();
    if (!r_valid_) {
        if (b.due > now_) return;
        r_valid_ = true;
        offered_.rresp = b.response;
        offered_.rlast = b.done + 1 == b.beats;
        offered_.rdata[0] = offered_.rdata[1] = 0;
        if (b.host != nullptr && b.response == AXI_OKAY) {
            std::memcpy(offered_.rdata, b.host + size_t{b.done} * beat_bytes_, beat_bytes_);
        } else {
            offered_.rdata[0] = random_word(seed_, NOISE, now_);
        }
    }
    to.rvalid = true;
    to.rresp = offered_.rresp;
    to.rlast = offered_.rlast;
    to.rdata[0] = offered_.rdata[0];
    to.rdata[1] = offered_.rdata[1];
}

void memory::drive_response(axi_to_device &to)
{
    const burst &b = writes_.front();
    if (!b_valid_) {
        if (b.done < b.beats || b.due > now_) return;
        commit(b);
        b_valid_ = true;
        offered_.bresp = b.response;
    }
    to.bvalid = true;
    to.bresp = offered_.bresp;
}

void memory::commit(const burst &b)
{
    for (unsigned i = 0; i < b.beats; i++) {
        const beat &d = data_.front();
        if (b.host != nullptr && b.response == AXI_OKAY) {
            uint8_t *to = b.host + size_t{i} * beat_bytes_;
            const uint8_t *from = reinterpret_cast<const uint8_t *>(d.data);
            if (d.strobes == (1U << beat_bytes_) - 1) {
                std::memcpy(to, from, beat_bytes_);
            } else {
                for (unsigned k = 0; k < beat_bytes_; k++)
                    if (d.strobes >> k & 1) to[k] = from[k];
            }
        }
        data_.pop_front();
    }
}

/* -------------------------------------------------------------------------------- clock -- */

void memory::clock_busy(const axi_to_device &to, const axi_from_device &from)
{
    check_stable(to, from);
    if (to.rvalid && from.rready) {
        r_valid_ = false;
        if (++reads_.front().done == reads_.front().beats) reads_.pop_front();
    }
    if (to.bvalid && from.bready) {
        b_valid_ = false;
        writes_.pop_front();
    }
    if (to.arready && from.ar.valid) accept("AR", from.ar, LATENCY_R, reads_);
    if (to.awready && from.aw.valid) accept("AW", from.aw, LATENCY_W, writes_);
    if (to.wready && from.wvalid) {
        data_.push_back(beat{{from.wdata[0], from.wdata[1]}, from.wstrb, from.wlast});
        unclaimed_++;
    }
    if (unclaimed_ > 0) take_write_data();
}

void memory::accept(const char *channel, const axi_address &a, uint64_t random_channel,
                    std::deque<burst> &queue)
{
    check_address(channel, a);
    burst b{a.address, now_ + 1 + latency(random_channel), a.length + 1U, 0, AXI_OKAY, nullptr};
    bind(b);
    queue.push_back(b);
    if (++accepted_ == hang_after_) hang_since_ = now_;
}

/* The place of a burst in memory and its response. */
void memory::bind(burst &b) const
{
    const uint64_t first = b.address / beat_bytes_ * beat_bytes_;
    const uint64_t last = first + uint64_t{b.beats} * beat_bytes_ - 1;
    b.host = find(first, size_t{b.beats} * beat_bytes_);
    b.response = b.host != nullptr ? AXI_OKAY : AXI_DECERR;
    if (first <= slverr_last_ && last >= slverr_first_) b.response = AXI_SLVERR;
}

void memory::take_write_data()
{
    for (burst &b : writes_) {
        while (b.done < b.beats && unclaimed_ > 0) {
            const beat &d = data_[data_.size() - unclaimed_];
            unclaimed_--;
            b.done++;
            if (d.last != (b.done == b.beats))
                violate("WLAST is %d at beat %u of %u of the write to 0x%llx", d.last, b.done,
                        b.beats, static_cast<unsigned long long>(b.address));
            if (b.done == b.beats) b.due = now_ + 1 + latency(LATENCY_W);
        }
        if (unclaimed_ == 0) return;
    }
}

/* ------------------------------------------------------------------------------- checks -- */

void memory::check_stable(const axi_to_device &to, const axi_from_device &from)
{
    if (waiting_.ar.valid && !same(waiting_.ar, from.ar))
        violate("AR changed or fell before ARREADY (address 0x%llx, then 0x%llx)",
                static_cast<unsigned long long>(waiting_.ar.address),
                static_cast<unsigned long long>(from.ar.address));
    if (waiting_.aw.valid && !same(waiting_.aw, from.aw))
        violate("AW changed or fell before AWREADY (address 0x%llx, then 0x%llx)",
                static_cast<unsigned long long>(waiting_.aw.address),
                static_cast<unsigned long long>(from.aw.address));
    if (waiting_.wvalid &&
        (!from.wvalid || from.wlast != waiting_.wlast || from.wstrb != waiting_.wstrb ||
         from.wdata[0] != waiting_.wdata[0] || from.wdata[1] != waiting_.wdata[1]))
        violate("W changed or fell before WREADY");
    waiting_ = from;
    waiting_.ar.valid = from.ar.valid && !to.arready;
    waiting_.aw.valid = from.aw.valid && !to.awready;
    waiting_.wvalid = from.wvalid && !to.wready;
    held_ = waiting_.ar.valid || waiting_.aw.valid || waiting_.wvalid || to.rvalid || to.bvalid ||
            unclaimed_ > 0;
}

void memory::check_address(const char *channel, const axi_address &a)
{
    const unsigned long long address = a.address;
    const uint64_t first = a.address / beat_bytes_ * beat_bytes_;
    const uint64_t last = first + (uint64_t{a.length} + 1) * beat_bytes_ - 1;
    if (a.burst != AXI_INCR)
        violate("%s: burst type %u at 0x%llx is not INCR", channel, a.burst, address);
    if (a.size != beat_size_)
        violate("%s: size %u at 0x%llx is not that of the bus, %u", channel, a.size, address,
                beat_size_);
    if (first / PAGE != last / PAGE)
        violate("%s: the burst of %u beats at 0x%llx crosses 4 KiB", channel, a.length + 1U,
                address);
}

/* -------------------------------------------------------------------------------- state -- */

void memory::save_bursts(byte_writer &to, const std::deque<burst> &queue) const
{
    to.put(uint64_t{queue.size()});
    for (const burst &b : queue) {
        to.put(b.address);
        to.put(b.due);
        to.put(b.beats);
        to.put(b.done);
    }
}

void memory::restore_bursts(byte_reader &from, std::deque<burst> &queue) const
{
    queue.clear();
    const uint64_t n = from.get<uint64_t>();
    for (uint64_t i = 0; i < n; i++) {
        burst b{};
        from.get(b.address);
        from.get(b.due);
        from.get(b.beats);
        from.get(b.done);
        if (b.beats == 0 || b.beats > 256 || b.done > b.beats) throw bad_state("it is damaged");
        bind(b);
        queue.push_back(b);
    }
}

void memory::save(byte_writer &to) const
{
    to.put(uint64_t{regions_.size()});
    for (const region &r : regions_) {
        to.put(r.device);
        to.put(uint64_t{r.bytes});
    }
    for (const region &r : regions_)
        to.raw(r.host, r.bytes);
    to.put(now_);
    to.put(accepted_);
    to.put(hang_since_);
    save_bursts(to, reads_);
    save_bursts(to, writes_);
    to.put(uint64_t{data_.size()});
    to.put(uint64_t{unclaimed_});
    for (const beat &d : data_) {
        to.put(d.data[0]);
        to.put(d.data[1]);
        to.put(d.strobes);
        to.put(uint8_t{d.last});
    }
    for (const bool flag : {r_valid_, b_valid_, held_, offered_.rlast})
        to.put(uint8_t{flag});
    to.put(offered_.rresp);
    to.put(offered_.bresp);
    to.put(offered_.rdata[0]);
    to.put(offered_.rdata[1]);
    for (const axi_address *a : {&waiting_.ar, &waiting_.aw}) {
        to.put(uint8_t{a->valid});
        to.put(a->length);
        to.put(a->size);
        to.put(a->burst);
        to.put(a->address);
    }
    to.put(uint8_t{waiting_.wvalid});
    to.put(uint8_t{waiting_.wlast});
    to.put(waiting_.wstrb);
    to.put(waiting_.wdata[0]);
    to.put(waiting_.wdata[1]);
    to.text(violation_);
}

void memory::check_regions(byte_reader &from) const
{
    if (from.get<uint64_t>() != regions_.size()) throw bad_state("it has other shared memory");
    for (const region &r : regions_)
        if (from.get<uint64_t>() != r.device || from.get<uint64_t>() != r.bytes)
            throw bad_state("it has other shared memory");
}

void memory::check(byte_reader from) const
{
    check_regions(from);
}

void memory::restore(byte_reader &from)
{
    check_regions(from);
    for (const region &r : regions_)
        from.raw(r.host, r.bytes);
    from.get(now_);
    from.get(accepted_);
    from.get(hang_since_);
    restore_bursts(from, reads_);
    restore_bursts(from, writes_);
    const uint64_t n = from.get<uint64_t>();
    unclaimed_ = from.get<uint64_t>();
    data_.clear();
    for (uint64_t i = 0; i < n; i++) {
        beat d{};
        from.get(d.data[0]);
        from.get(d.data[1]);
        from.get(d.strobes);
        d.last = from.get<uint8_t>() != 0;
        data_.push_back(d);
    }
    for (bool *flag : {&r_valid_, &b_valid_, &held_, &offered_.rlast})
        *flag = from.get<uint8_t>() != 0;
    from.get(offered_.rresp);
    from.get(offered_.bresp);
    from.get(offered_.rdata[0]);
    from.get(offered_.rdata[1]);
    for (axi_address *a : {&waiting_.ar, &waiting_.aw}) {
        a->valid = from.get<uint8_t>() != 0;
        from.get(a->length);
        from.get(a->size);
        from.get(a->burst);
        from.get(a->address);
    }
    waiting_.wvalid = from.get<uint8_t>() != 0;
    waiting_.wlast = from.get<uint8_t>() != 0;
    from.get(waiting_.wstrb);
    from.get(waiting_.wdata[0]);
    from.get(waiting_.wdata[1]);
    violation_ = from.text();
    uint64_t claimed = unclaimed_;
    for (const burst &b : writes_)
        claimed += b.done;
    if (claimed != data_.size() || (r_valid_ && reads_.empty()) || (b_valid_ && writes_.empty()))
        throw bad_state("it is damaged");
}

} // namespace et
