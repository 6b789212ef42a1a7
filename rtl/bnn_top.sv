/* SPDX-License-Identifier: Apache-2.0
 *
 * The binarized accelerator (docs/accelerator.md): AXI4-Lite registers, an AXI4 master, one
 * interrupt line, one clock. This file only connects:
 *
 *   bnn_axil, bnn_regs, bnn_irq, bnn_counters        the host's side
 *   bnn_fetch, bnn_dispatch, three queues            the ring
 *   bnn_load, bnn_issue + bnn_core, bnn_store        the engines
 *   bnn_tokens, bnn_retire                           what keeps them in step, their ends
 *   bnn_control, bnn_watchdog                        errors, abort, reset
 *   bnn_read, bnn_write                              the memory
 *
 * The register map is rtl/registers.txt (bnn_regs). Latencies are told in each module; from the
 * doorbell to the first request of the first LOAD of a ring it is the memory's latency plus
 * 512/AXI_DW + 8 cycles. */
`include "bnn_registers.svh"
module bnn_top #(
  parameter int PE     = 32,
  parameter int SIMD   = 32,
  parameter int AXI_DW = 64,
  parameter int WDEPTH = 2048,
  parameter int ADEPTH = 4096,
  parameter int TDEPTH = 256,
  parameter int ODEPTH = 4096,
  parameter int CDEPTH = 256
) (
  input  logic                clk,
  input  logic                rst_n, // synchronous, active low

  // AXI4-Lite slave
  input  logic [11:0]         s_axil_awaddr,
  input  logic                s_axil_awvalid,
  output logic                s_axil_awready,
  input  logic [31:0]         s_axil_wdata,
  input  logic [3:0]          s_axil_wstrb,
  input  logic                s_axil_wvalid,
  output logic                s_axil_wready,
  output logic [1:0]          s_axil_bresp,
  output logic                s_axil_bvalid,
  input  logic                s_axil_bready,
  input  logic [11:0]         s_axil_araddr,
  input  logic                s_axil_arvalid,
  output logic                s_axil_arready,
  output logic [31:0]         s_axil_rdata,
  output logic [1:0]          s_axil_rresp,
  output logic                s_axil_rvalid,
  input  logic                s_axil_rready,

  // AXI4 master: one ID, everything in order
  output logic [63:0]         m_axi_araddr,
  output logic [7:0]          m_axi_arlen,
  output logic [2:0]          m_axi_arsize,
  output logic [1:0]          m_axi_arburst,
  output logic [3:0]          m_axi_arcache,
  output logic [2:0]          m_axi_arprot,
  output logic                m_axi_arvalid,
  input  logic                m_axi_arready,
  input  logic [AXI_DW-1:0]   m_axi_rdata,
  input  logic [1:0]          m_axi_rresp,
  input  logic                m_axi_rlast,
  input  logic                m_axi_rvalid,
  output logic                m_axi_rready,
  output logic [63:0]         m_axi_awaddr,
  output logic [7:0]          m_axi_awlen,
  output logic [2:0]          m_axi_awsize,
  output logic [1:0]          m_axi_awburst,
  output logic [3:0]          m_axi_awcache,
  output logic [2:0]          m_axi_awprot,
  output logic                m_axi_awvalid,
  input  logic                m_axi_awready,
  output logic [AXI_DW-1:0]   m_axi_wdata,
  output logic [AXI_DW/8-1:0] m_axi_wstrb,
  output logic                m_axi_wlast,
  output logic                m_axi_wvalid,
  input  logic                m_axi_wready,
  input  logic [1:0]          m_axi_bresp,
  input  logic                m_axi_bvalid,
  output logic                m_axi_bready,

  output logic                irq
);

  logic rst, flush, stop, soft_rst, core_rst;
  assign rst = !rst_n;

  // ------------------------------------------------------------------------------- registers --
  logic         wr_en, wr_err, rd_en, rd_err;
  logic [11:0]  wr_addr, rd_addr;
  logic [31:0]  wr_data, rd_data;
  logic [3:0]   wr_strb;
  logic         do_abort, do_reset, do_snapshot, do_clear, do_inject, enable;
  logic [1:0]   inject_kind;
  logic [7:0]   inject_bit;
  logic [11:0]  err, err_clear;
  logic [2:0]   irq_stat, irq_clear, irq_test, irq_enable;
  logic [63:0]  ring_base;
  logic [3:0]   ring_size;
  logic [31:0]  tail, head, done, watchdog, err_tag, err_index, counter_data;
  logic [4:0]   counter_index;
  logic         busy, halted, draining, load_works, compute_works, store_works;

  bnn_axil u_axil (
    .clk, .rst,
    .s_axil_awaddr, .s_axil_awvalid, .s_axil_awready, .s_axil_wdata, .s_axil_wstrb,
    .s_axil_wvalid, .s_axil_wready, .s_axil_bresp, .s_axil_bvalid, .s_axil_bready,
    .s_axil_araddr, .s_axil_arvalid, .s_axil_arready, .s_axil_rdata, .s_axil_rresp,
    .s_axil_rvalid, .s_axil_rready,
    .wr_en, .wr_addr, .wr_data, .wr_strb, .wr_err, .rd_en, .rd_addr, .rd_data, .rd_err
  );

  bnn_regs #(
    .PE(PE), .SIMD(SIMD), .AXI_DW(AXI_DW), .WDEPTH(WDEPTH), .ADEPTH(ADEPTH), .TDEPTH(TDEPTH),
    .ODEPTH(ODEPTH), .CDEPTH(CDEPTH)
  ) u_regs (
    .clk, .rst, .soft_rst, .flush,
    .wr_en, .wr_addr, .wr_data, .wr_strb, .wr_err, .rd_en, .rd_addr, .rd_data, .rd_err,
    .do_abort, .do_reset, .do_snapshot, .do_clear, .do_inject, .inject_kind, .inject_bit,
    .err_clear, .irq_clear, .irq_test, .irq_enable, .enable, .ring_base, .ring_size, .tail,
    .watchdog, .counter_index, .counter_data,
    .status({store_works, compute_works, load_works, draining, halted, busy}),
    .err, .err_tag, .err_index, .irq_stat, .head, .done
  );

  logic irq_error, irq_drained, irq_done;
  bnn_irq #(.N(3)) u_irq (
    .clk, .rst(rst || soft_rst), .set({irq_drained, irq_error, irq_done}), .test(irq_test),
    .clear(irq_clear), .enable(irq_enable), .stat(irq_stat), .irq
  );

  // ------------------------------------------------------------------------------------ ring --
  logic              fetch_valid, fetch_ready, load_rd_valid, load_rd_ready, rd_idle;
  logic [63:0]       fetch_addr, load_rd_addr;
  logic [31:0]       load_rd_beats;
  logic [6:0]        load_rd_take;
  logic              r_fetch, r_load, r_load_ready, r_err;
  logic [AXI_DW-1:0] r_data;

  logic         desc_valid, desc_ready, desc_ok, desc_err, fetch_pending, ring_err;
  logic [511:0] desc;

  bnn_fetch #(.AXI_DW(AXI_DW)) u_fetch (
    .clk, .rst(rst || flush), .stop, .enable, .ring_base, .ring_size, .tail,
    .rd_valid(fetch_valid), .rd_addr(fetch_addr), .rd_ready(fetch_ready),
    .r_valid(r_fetch), .r_data, .r_err,
    .desc_valid, .desc_ready, .desc, .desc_ok, .desc_err, .head, .pending(fetch_pending), .ring_err
  );

  logic [126:0] info, dispatch_info;
  logic [3:0]   dep;
  logic [11:0]  dispatch_err;
  logic         lq_push, lq_room, cq_push, cq_room, sq_push, sq_room, simple_valid,
                simple_ready;

  bnn_dispatch u_dispatch (
    .stop, .desc_valid, .desc_ready, .desc, .desc_ok, .desc_err, .index(head), .done,
    .info, .dep,
    .load_valid(lq_push), .load_ready(lq_room), .compute_valid(cq_push), .compute_ready(cq_room),
    .store_valid(sq_push), .store_ready(sq_room), .simple_valid, .simple_ready,
    .err(dispatch_err), .err_info(dispatch_info)
  );

  logic [3:0]   tk_pop, tk_push, tk_have, tk_full;
  bnn_tokens u_tokens (
    .clk, .rst(rst || flush), .pop(tk_pop), .push(tk_push), .have(tk_have), .full(tk_full)
  );

  // ------------------------------------------------------------------------------------ load --
  logic         lq_valid, lq_pop, l_pop, l_push;
  logic [126:0] l_info;
  logic [63:0]  l_addr;
  logic [1:0]   l_target;
  logic [3:0]   l_stored, l_kept;
  logic [15:0]  l_place, l_length, l_rows;
  logic [31:0]  l_stride;

  bnn_fifo #(.WIDTH(283), .DEPTH(4)) u_load_queue (
    .clk, .rst(rst || flush), .push_valid(lq_push), .push_ready(lq_room),
    .push_data({dep[1], dep[3], info,
                desc[`BNN_D_LOAD_ADDRESS_HI_MSB:`BNN_D_LOAD_ADDRESS_LO_LSB],
                desc[`BNN_D_LOAD_TARGET_MSB:`BNN_D_LOAD_TARGET_LSB],
                desc[`BNN_D_LOAD_STORED_MSB:`BNN_D_LOAD_STORED_LSB],
                desc[`BNN_D_LOAD_KEPT_MSB:`BNN_D_LOAD_KEPT_LSB],
                desc[`BNN_D_LOAD_PLACE_MSB:`BNN_D_LOAD_PLACE_LSB],
                desc[`BNN_D_LOAD_LENGTH_MSB:`BNN_D_LOAD_LENGTH_LSB],
                desc[`BNN_D_LOAD_ROWS_MSB:`BNN_D_LOAD_ROWS_LSB],
                desc[`BNN_D_LOAD_STRIDE_MSB:`BNN_D_LOAD_STRIDE_LSB]}),
    .pop_valid(lq_valid), .pop_ready(lq_pop),
    .pop_data({l_pop, l_push, l_info, l_addr, l_target, l_stored, l_kept, l_place, l_length,
               l_rows, l_stride})
  );

  logic              ld_valid, lf_valid, lf_ready, lf_push, ln_valid;
  logic [1:0]        ld_target;
  logic [15:0]       ld_addr, ld_lane;
  logic [AXI_DW-1:0] ld_data;
  logic [126:0]      lf_info, load_err_info, ln_info;
  logic [11:0]       load_err;

  bnn_load #(
    .PE(PE), .SIMD(SIMD), .AXI_DW(AXI_DW), .WDEPTH(WDEPTH), .ADEPTH(ADEPTH), .TDEPTH(TDEPTH)
  ) u_load (
    .clk, .rst(rst || flush), .stop,
    .q_valid(lq_valid), .q_ready(lq_pop), .q_pop(l_pop), .q_push(l_push),
    .q_info(l_info), .q_addr(l_addr), .q_target(l_target), .q_stored(l_stored), .q_kept(l_kept),
    .q_place(l_place), .q_length(l_length), .q_rows(l_rows), .q_stride(l_stride),
    .have(tk_have[1]), .pop(tk_pop[1]),
    .rd_valid(load_rd_valid), .rd_addr(load_rd_addr), .rd_beats(load_rd_beats),
    .rd_ready(load_rd_ready), .rd_take(load_rd_take),
    .r_valid(r_load), .r_ready(r_load_ready), .r_data, .r_err,
    .ld_valid, .ld_target, .ld_addr, .ld_lane, .ld_data,
    .fin_valid(lf_valid), .fin_ready(lf_ready), .fin_push(lf_push), .fin_info(lf_info),
    .err(load_err), .err_info(load_err_info), .working(load_works),
    .name_valid(ln_valid), .name_info(ln_info)
  );

  // --------------------------------------------------------------------------------- compute --
  logic         cq_valid, cq_pop;
  logic [351:0] cmd_words;
  logic [3:0]   c_dep;
  logic [126:0] c_info;

  bnn_fifo #(.WIDTH(483), .DEPTH(4)) u_compute_queue (
    .clk, .rst(rst || flush), .push_valid(cq_push), .push_ready(cq_room),
    .push_data({dep, info, desc[479:128]}),
    .pop_valid(cq_valid), .pop_ready(cq_pop), .pop_data({c_dep, c_info, cmd_words})
  );

  logic         cmd_valid, cmd_ready, core_done, core_done_ready, cf_valid, cf_ready, cn_valid;
  logic [15:0]  core_error;
  logic [1:0]   cf_push;
  logic [126:0] cf_info, cn_info;
  logic [11:0]  compute_err;
  logic         wait_load, wait_store;

  bnn_issue u_issue (
    .clk, .rst(rst || flush), .stop,
    .q_valid(cq_valid), .q_ready(cq_pop), .q_dep(c_dep), .q_info(c_info),
    .have({tk_have[3], tk_have[0]}), .pop({tk_pop[3], tk_pop[0]}),
    .cmd_valid, .cmd_ready, .done_valid(core_done), .done_ready(core_done_ready),
    .done_error(core_error),
    .fin_valid(cf_valid), .fin_ready(cf_ready), .fin_push(cf_push), .fin_info(cf_info),
    .err(compute_err), .working(compute_works), .name_valid(cn_valid), .name_info(cn_info),
    .wait_load, .wait_store
  );

  logic              st_en, core_busy, step, stall_out;
  logic [15:0]       st_addr, ecc_ce, ecc_ue, parity;
  logic [AXI_DW-1:0] st_data;

  bnn_core #(
    .PE(PE), .SIMD(SIMD), .AXI_DW(AXI_DW), .WDEPTH(WDEPTH), .ADEPTH(ADEPTH), .TDEPTH(TDEPTH),
    .ODEPTH(ODEPTH), .CDEPTH(CDEPTH)
  ) u_core (
    .clk, .rst(core_rst),
    .ld_valid, .ld_target, .ld_addr, .ld_lane, .ld_data,
    .cmd_valid, .cmd_ready, .cmd_words, .done_valid(core_done), .done_ready(core_done_ready),
    .done_error(core_error), .st_en, .st_addr, .st_data,
    .inject_valid(do_inject), .inject_kind, .inject_bit,
    .busy(core_busy), .step, .stall_out, .ecc_ce, .ecc_ue, .parity
  );

  // ----------------------------------------------------------------------------------- store --
  logic         sq_valid, sq_pop, s_pop, s_push;
  logic [126:0] s_info;
  logic [63:0]  s_addr;
  logic [15:0]  s_place, s_length, s_rows, s_out_stride;
  logic [31:0]  s_stride;

  bnn_fifo #(.WIDTH(289), .DEPTH(4)) u_store_queue (
    .clk, .rst(rst || flush), .push_valid(sq_push), .push_ready(sq_room),
    .push_data({dep[0], dep[2], info,
                desc[`BNN_D_STORE_ADDRESS_HI_MSB:`BNN_D_STORE_ADDRESS_LO_LSB],
                desc[`BNN_D_STORE_PLACE_MSB:`BNN_D_STORE_PLACE_LSB],
                desc[`BNN_D_STORE_LENGTH_MSB:`BNN_D_STORE_LENGTH_LSB],
                desc[`BNN_D_STORE_ROWS_MSB:`BNN_D_STORE_ROWS_LSB],
                desc[`BNN_D_STORE_STRIDE_MSB:`BNN_D_STORE_STRIDE_LSB],
                desc[`BNN_D_STORE_OUT_STRIDE_MSB:`BNN_D_STORE_OUT_STRIDE_LSB]}),
    .pop_valid(sq_valid), .pop_ready(sq_pop),
    .pop_data({s_pop, s_push, s_info, s_addr, s_place, s_length, s_rows, s_stride,
               s_out_stride})
  );

  logic              st_valid, st_last, st_ready, sd_valid, sd_ready, b_store, b_last, b_err;
  logic [63:0]       st_waddr;
  logic [31:0]       st_beats;
  logic [6:0]        st_take;
  logic [AXI_DW-1:0] sd_data;
  logic              sf_valid, sf_ready, sf_push, sn_valid;
  logic [126:0]      sf_info, store_err_info, sn_info;
  logic [11:0]       store_err;

  bnn_store #(.AXI_DW(AXI_DW), .ODEPTH(ODEPTH)) u_store (
    .clk, .rst(rst || flush), .stop,
    .q_valid(sq_valid), .q_ready(sq_pop), .q_pop(s_pop), .q_push(s_push),
    .q_info(s_info), .q_addr(s_addr), .q_place(s_place), .q_length(s_length), .q_rows(s_rows),
    .q_stride(s_stride), .q_out_stride(s_out_stride), .have(tk_have[2]), .pop(tk_pop[2]),
    .wr_valid(st_valid), .wr_addr(st_waddr), .wr_beats(st_beats), .wr_last(st_last),
    .wr_ready(st_ready), .wr_take(st_take),
    .sd_valid, .sd_ready, .sd_data, .b_store, .b_last, .b_err, .st_en, .st_addr, .st_data,
    .fin_valid(sf_valid), .fin_ready(sf_ready), .fin_push(sf_push), .fin_info(sf_info),
    .err(store_err), .err_info(store_err_info), .working(store_works),
    .name_valid(sn_valid), .name_info(sn_info)
  );

  // ------------------------------------------------------------------------------------- end --
  logic         guilty_valid, guilty_ready, rec_valid, rec_done, rec_err, retire_idle;
  logic [11:0]  guilty_err, retire_err;
  logic [126:0] guilty_info, retire_err_info;
  logic [63:3]  rec_addr;
  logic [63:0]  rec_data;
  logic [2:0]   retired;

  bnn_retire u_retire (
    .clk, .rst(rst || flush), .idle(retire_idle),
    .load_valid(lf_valid), .load_ready(lf_ready), .load_push(lf_push), .load_info(lf_info),
    .compute_valid(cf_valid), .compute_ready(cf_ready), .compute_push(cf_push),
    .compute_info(cf_info),
    .store_valid(sf_valid), .store_ready(sf_ready), .store_push(sf_push), .store_info(sf_info),
    .simple_valid, .simple_ready, .simple_info(info),
    .guilty_valid, .guilty_ready, .guilty_err, .guilty_info,
    .push(tk_push), .full(tk_full),
    .rec_valid, .rec_addr, .rec_data, .rec_done, .rec_err,
    .retired, .done, .irq(irq_done), .err(retire_err), .err_info(retire_err_info)
  );

  logic wr_idle, bite, progress;
  bnn_control u_control (
    .clk, .rst, .do_abort, .do_reset, .err_clear,
    .e_retire(retire_err), .e_retire_info(retire_err_info),
    .e_store(store_err), .e_store_info(store_err_info),
    .e_compute(compute_err), .e_compute_info(cf_info),
    .e_load(load_err), .e_load_info(load_err_info),
    .e_dispatch(dispatch_err), .e_dispatch_info(dispatch_info),
    .e_ring(ring_err), .e_watchdog(bite), .head, .name_dispatch(desc_valid),
    .name_store(sn_valid), .name_store_info(sn_info),
    .name_compute(cn_valid), .name_compute_info(cn_info),
    .name_load(ln_valid), .name_load_info(ln_info),
    .quiet(rd_idle && wr_idle && retire_idle),
    .stop, .flush, .soft_rst, .core_rst, .halted, .draining,
    .guilty_valid, .guilty_ready, .guilty_err, .guilty_info,
    .err, .err_tag, .err_index, .irq_error, .irq_drained
  );

  assign busy = fetch_pending || head != done || !rd_idle || !wr_idle;
  assign progress = (m_axi_arvalid && m_axi_arready) || (m_axi_rvalid && m_axi_rready) ||
                    (m_axi_awvalid && m_axi_awready) || (m_axi_wvalid && m_axi_wready) ||
                    (m_axi_bvalid && m_axi_bready) || step || core_done || desc_ready ||
                    retired != 3'd0;
  bnn_watchdog u_watchdog (
    .clk, .rst(rst || stop), .limit(watchdog), .busy, .progress, .bite
  );

  // A COMPUTE that is done and waits for the place of its record executes nothing.
  logic compute_counts;
  assign compute_counts = compute_works && !(core_done && !core_done_ready);

  bnn_counters u_counters (
    .clk, .rst(rst || soft_rst), .snapshot(do_snapshot), .clear(do_clear),
    .tick({m_axi_wvalid && m_axi_wready, m_axi_rvalid && m_axi_rready, stall_out, wait_store,
           wait_load, step, compute_counts, busy, 1'b1}),
    .jobs(retired), .ecc_ce, .ecc_ue, .parity, .index(counter_index), .data(counter_data)
  );

  // ---------------------------------------------------------------------------------- memory --
  bnn_read #(.AXI_DW(AXI_DW)) u_read (
    .clk, .rst, .stop, .flush, .idle(rd_idle),
    .fetch_valid, .fetch_addr, .fetch_ready,
    .load_valid(load_rd_valid), .load_addr(load_rd_addr), .load_beats(load_rd_beats),
    .load_ready(load_rd_ready), .load_take(load_rd_take),
    .r_fetch, .r_load, .r_load_ready, .r_data, .r_err,
    .m_axi_araddr, .m_axi_arlen, .m_axi_arsize, .m_axi_arburst, .m_axi_arcache, .m_axi_arprot,
    .m_axi_arvalid, .m_axi_arready, .m_axi_rdata, .m_axi_rresp, .m_axi_rlast, .m_axi_rvalid,
    .m_axi_rready
  );

  bnn_write #(.AXI_DW(AXI_DW)) u_write (
    .clk, .rst, .stop, .flush, .idle(wr_idle),
    .rec_valid, .rec_addr, .rec_data, .rec_done, .rec_err,
    .st_valid, .st_addr(st_waddr), .st_beats, .st_last, .st_ready, .st_take,
    .sd_valid, .sd_ready, .sd_data, .b_store, .b_last, .b_err,
    .m_axi_awaddr, .m_axi_awlen, .m_axi_awsize, .m_axi_awburst, .m_axi_awcache, .m_axi_awprot,
    .m_axi_awvalid, .m_axi_awready, .m_axi_wdata, .m_axi_wstrb, .m_axi_wlast, .m_axi_wvalid,
    .m_axi_wready, .m_axi_bresp, .m_axi_bvalid, .m_axi_bready
  );

  logic unused; // what the core does is seen by compute_works
  assign unused = &{1'b0, core_busy};

`ifndef SYNTHESIS
  logic started = 1'b0;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    if (started && !rst) begin
      assert (!(r_fetch && r_load));
      assert (!stop || !(desc_ready || cmd_valid));
      assert (!irq || irq_stat != 3'd0);
      if (retired != 3'd0) assert (head - done >= 32'(retired) || simple_valid);
    end
  end
`endif
endmodule
