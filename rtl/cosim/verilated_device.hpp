/* SPDX-License-Identifier: Apache-2.0
 *
 * The device over one Verilated class; compiled once per configuration (model.cpp.in). */
#ifndef ETALON_COSIM_VERILATED_DEVICE_HPP
#define ETALON_COSIM_VERILATED_DEVICE_HPP

#include "device.hpp"

#include <verilated.h>
#include <verilated_save.h>
#ifdef ET_COSIM_TRACE
#include <verilated_fst_c.h>
#endif

namespace et
{

/* Verilator's streams over bytes in memory. */
class model_saver final : public VerilatedSerialize
{
  public:
    explicit model_saver(byte_writer &to) : to_(to)
    {
        m_isOpen = true;
        header();
    }
    void finish()
    {
        trailer();
        flush();
    }
    void flush() override
    {
        to_.raw(m_bufp, static_cast<size_t>(m_cp - m_bufp));
        m_cp = m_bufp;
    }

  private:
    byte_writer &to_;
};

class model_restorer final : public VerilatedDeserialize
{
  public:
    explicit model_restorer(byte_reader &from) : from_(from)
    {
        m_isOpen = true;
        m_endp = m_cp = m_bufp;
        header();
    }
    void finish()
    {
        trailer();
    }
    /* Moves what is left to the front and reads more; past the end come zeros, which no trailer
     * matches. */
    void fill() override
    {
        const size_t left = static_cast<size_t>(m_endp - m_cp);
        std::memmove(m_bufp, m_cp, left);
        const size_t room = bufferSize() - left;
        const size_t n = room < from_.left ? room : from_.left;
        from_.raw(m_bufp + left, n);
        std::memset(m_bufp + left + n, 0, room - n);
        m_cp = m_bufp;
        m_endp = m_bufp + bufferSize();
    }

  private:
    byte_reader &from_;
};

inline void words_of(const QData &port, uint64_t to[2])
{
    to[0] = port;
}
inline void words_of(const VlWide<4> &port, uint64_t to[2])
{
    to[0] = uint64_t{port[1]} << 32 | port[0];
    to[1] = uint64_t{port[3]} << 32 | port[2];
}
inline void words_to(const uint64_t from[2], QData &port)
{
    port = from[0];
}
inline void words_to(const uint64_t from[2], VlWide<4> &port)
{
    for (unsigned i = 0; i < 4; i++)
        port[i] = static_cast<uint32_t>(from[i / 2] >> (32 * (i % 2)));
}

template <class Model> class verilated_device final : public device
{
  public:
    verilated_device(const options &o, unsigned beat_bytes) : device(o, beat_bytes)
    {
        /* What reset does not set starts as noise: nothing may depend on it. */
        context_.randReset(2);
        context_.randSeed(static_cast<int>(random_word(o.seed, 99, 0) >> 33));
        context_.fatalOnError(false);
#ifdef ET_COSIM_TRACE
        context_.traceEverOn(!o.trace.empty());
#endif
        model_.reset(new Model(&context_, "top"));
#ifdef ET_COSIM_TRACE
        if (!o.trace.empty()) {
            trace_.reset(new VerilatedFstC);
            model_->trace(trace_.get(), 99);
            trace_->open(o.trace.c_str());
            if (!trace_->isOpen()) throw std::runtime_error("cannot write " + o.trace);
        }
#endif
        /* The noise is not meant for what the host drives. */
        model_->clk = model_->rst_n = 0;
        model_->s_axil_awvalid = model_->s_axil_wvalid = model_->s_axil_bready = 0;
        model_->s_axil_arvalid = model_->s_axil_rready = 0;
        context_.assertOn(false); /* noise obeys nothing */
        for (unsigned i = 0; i < RESET_CYCLES; i++)
            cycle();
        model_->rst_n = 1;
        cycle();
        context_.assertOn(true);
    }

    ~verilated_device() override
    {
#ifdef ET_COSIM_TRACE
        if (trace_) trace_->close();
#endif
        model_->final();
    }

    bool read(uint32_t address, uint32_t &value, uint8_t &response) override
    {
        Model &m = *model_;
        m.s_axil_araddr = static_cast<SData>(address);
        m.s_axil_arvalid = 1;
        bool sent = false, offered = false;
        uint32_t first = 0;
        for (unsigned i = 0; i < ANSWER_CYCLES; i++) {
            m.s_axil_rready = !mem.held(HOLD_LITE);
            settle();
            const bool address_taken = m.s_axil_arvalid && m.s_axil_arready;
            const bool done = m.s_axil_rvalid && m.s_axil_rready;
            if (m.s_axil_rvalid && !(sent || address_taken))
                mem.violate("AXI4-Lite: RVALID without a read");
            if (offered && (!m.s_axil_rvalid || m.s_axil_rdata != first))
                mem.violate("AXI4-Lite: R changed or fell before RREADY");
            offered = m.s_axil_rvalid;
            first = m.s_axil_rdata;
            if (done) {
                value = m.s_axil_rdata;
                response = m.s_axil_rresp;
            }
            finish();
            sent = sent || address_taken;
            if (address_taken) m.s_axil_arvalid = 0;
            if (done) {
                m.s_axil_rready = 0;
                return true;
            }
        }
        m.s_axil_arvalid = m.s_axil_rready = 0;
        return false;
    }

    bool write(uint32_t address, uint32_t value, uint8_t &response) override
    {
        Model &m = *model_;
        m.s_axil_awaddr = static_cast<SData>(address);
        m.s_axil_wdata = value;
        m.s_axil_wstrb = 0xf;
        /* Either channel may come first. */
        const bool address_late = mem.held(HOLD_LITE + 1);
        const bool data_late = !address_late && mem.held(HOLD_LITE + 2);
        bool address_sent = false, data_sent = false, done = false;
        for (unsigned i = 0; i < ANSWER_CYCLES && !done; i++) {
            m.s_axil_awvalid = !address_sent && !(i < LATE_CYCLES && address_late);
            m.s_axil_wvalid = !data_sent && !(i < LATE_CYCLES && data_late);
            m.s_axil_bready = !mem.held(HOLD_LITE);
            settle();
            done = m.s_axil_bvalid && m.s_axil_bready;
            const bool address_taken = m.s_axil_awvalid && m.s_axil_awready;
            const bool data_taken = m.s_axil_wvalid && m.s_axil_wready;
            if (m.s_axil_bvalid && !(address_sent && data_sent) && !(address_taken || data_taken))
                mem.violate("AXI4-Lite: BVALID before the write");
            if (done) response = m.s_axil_bresp;
            finish();
            address_sent = address_sent || address_taken;
            data_sent = data_sent || data_taken;
        }
        m.s_axil_awvalid = m.s_axil_wvalid = m.s_axil_bready = 0;
        return done;
    }

    bool run(uint64_t cycles) override
    {
        for (uint64_t i = 0; i < cycles && !model_->irq; i++)
            cycle();
        return model_->irq;
    }

    bool interrupt() const override
    {
        return model_->irq;
    }

    void save_model(byte_writer &to) override
    {
        model_saver stream(to);
        uint64_t time = context_.time();
        stream << time;
        stream << *model_;
        stream.finish();
    }

    void restore_model(byte_reader &from) override
    {
        model_restorer stream(from);
        uint64_t time = 0;
        stream >> time;
        stream >> *model_;
        stream.finish();
        context_.time(time);
    }

  private:
    enum { RESET_CYCLES = 8, ANSWER_CYCLES = 4096, LATE_CYCLES = 3 };
    enum { HOLD_LITE = 16 };

    /* The first half of a cycle: inputs, then everything between registers. */
    void settle()
    {
        Model &m = *model_;
        mem.drive(to_);
        m.m_axi_arready = to_.arready;
        m.m_axi_awready = to_.awready;
        m.m_axi_wready = to_.wready;
        m.m_axi_rvalid = to_.rvalid;
        if (to_.rvalid) {
            m.m_axi_rlast = to_.rlast;
            m.m_axi_rresp = to_.rresp;
            words_to(to_.rdata, m.m_axi_rdata);
        }
        m.m_axi_bvalid = to_.bvalid;
        if (to_.bvalid) m.m_axi_bresp = to_.bresp;
        m.clk = 0;
        m.eval();
        dump();
    }

    /* The second half: handshakes, then the edge. */
    void finish()
    {
        Model &m = *model_;
        from_.rready = m.m_axi_rready;
        from_.bready = m.m_axi_bready;
        from_.ar.valid = m.m_axi_arvalid;
        if (from_.ar.valid) {
            from_.ar.address = m.m_axi_araddr;
            from_.ar.length = m.m_axi_arlen;
            from_.ar.size = m.m_axi_arsize;
            from_.ar.burst = m.m_axi_arburst;
        }
        from_.aw.valid = m.m_axi_awvalid;
        if (from_.aw.valid) {
            from_.aw.address = m.m_axi_awaddr;
            from_.aw.length = m.m_axi_awlen;
            from_.aw.size = m.m_axi_awsize;
            from_.aw.burst = m.m_axi_awburst;
        }
        from_.wvalid = m.m_axi_wvalid;
        if (from_.wvalid) {
            from_.wlast = m.m_axi_wlast;
            from_.wstrb = m.m_axi_wstrb;
            words_of(m.m_axi_wdata, from_.wdata);
        }
        if (!m.rst_n) {
            if (from_.ar.valid || from_.aw.valid || from_.wvalid) in_reset_++;
            if (in_reset_ > RESET_CYCLES / 2) mem.violate("a valid signal is high during reset");
            from_ = axi_from_device{};
        }
        mem.clock(to_, from_);
        m.clk = 1;
        m.eval();
        dump();
    }

    void cycle()
    {
        settle();
        finish();
    }

    void dump()
    {
#ifdef ET_COSIM_TRACE
        if (trace_) trace_->dump(context_.time());
        context_.timeInc(1);
#endif
    }

    VerilatedContext context_;
    std::unique_ptr<Model> model_;
#ifdef ET_COSIM_TRACE
    std::unique_ptr<VerilatedFstC> trace_;
#endif
    axi_to_device to_;
    axi_from_device from_;
    unsigned in_reset_ = 0;
};

} // namespace et
#endif
