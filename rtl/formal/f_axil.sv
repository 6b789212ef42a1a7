/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_axil with bnn_regs behind it, and any master that keeps to the protocol: answers stay until
 * they are taken, one answer per request, within 2 cycles; SLVERR exactly for what is no register
 * or not 32 bits wide; what was written to SCRATCH is read back, by whole words only. */
`include "bnn_registers.svh"
module f_axil (
  input logic        clk,
  input logic        rst,
  input logic [11:0] awaddr,
  input logic        awvalid,
  input logic [31:0] wdata,
  input logic [3:0]  wstrb,
  input logic        wvalid,
  input logic        bready,
  input logic [11:0] araddr,
  input logic        arvalid,
  input logic        rready,
  input logic        soft_rst,
  input logic        flush,
  input logic [31:0] counter_data
);
  logic start = 1'b1;
  always_ff @(posedge clk) start <= 1'b0;
  always_comb assume (rst == start);

  logic awready, wready, bvalid, arready, rvalid;
  logic [1:0] bresp, rresp;
  logic [31:0] rdata;
  logic wr_en, wr_err, rd_en, rd_err;
  logic [11:0] wr_addr, rd_addr;
  logic [31:0] wr_data, rd_data;
  logic [3:0] wr_strb;

  bnn_axil dut (
    .clk, .rst,
    .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
    .s_axil_wdata(wdata), .s_axil_wstrb(wstrb), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
    .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready),
    .s_axil_araddr(araddr), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
    .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rready),
    .wr_en, .wr_addr, .wr_data, .wr_strb, .wr_err, .rd_en, .rd_addr, .rd_data, .rd_err
  );
  bnn_regs regs (
    .clk, .rst, .soft_rst, .flush,
    .wr_en, .wr_addr, .wr_data, .wr_strb, .wr_err, .rd_en, .rd_addr, .rd_data, .rd_err,
    .do_abort(), .do_reset(), .do_snapshot(), .do_clear(), .do_inject(), .inject_kind(),
    .inject_bit(), .err_clear(), .irq_clear(), .irq_test(), .irq_enable(), .enable(),
    .ring_base(), .ring_size(), .tail(), .watchdog(), .counter_index(), .counter_data,
    .status(6'd0), .err(12'd0), .err_tag(32'd0), .err_index(32'd0), .irq_stat(3'd0),
    .head(32'd0), .done(32'd0)
  );

  // The master: what it has asked for stays until it is taken.
  logic aw_held, w_held, ar_held;
  logic [11:0] last_awaddr, last_araddr;
  logic [31:0] last_wdata;
  logic [3:0] last_wstrb;
  always_ff @(posedge clk) begin
    aw_held <= !rst && awvalid && !awready;
    w_held  <= !rst && wvalid && !wready;
    ar_held <= !rst && arvalid && !arready;
    last_awaddr <= awaddr;
    last_araddr <= araddr;
    last_wdata  <= wdata;
    last_wstrb  <= wstrb;
  end
  always_comb if (!start) begin
    if (aw_held) assume (awvalid && awaddr == last_awaddr);
    if (w_held) assume (wvalid && wdata == last_wdata && wstrb == last_wstrb);
    if (ar_held) assume (arvalid && araddr == last_araddr);
  end

  // The map, told once more in another way.
  function automatic logic exists(input logic [11:0] a);
    exists = a[1:0] == 2'd0 && (a <= 12'h014 || (a >= 12'h020 && a <= 12'h060) ||
                                (a >= 12'h080 && a <= 12'h0e4));
  endfunction

  // Ghosts: requests that are open, and what the answers must be.
  logic [1:0] n_aw = 2'd0, n_w = 2'd0, wait_b = 2'd0;
  logic n_r = 1'b0;
  logic [11:0] open_aw, open_ar;
  logic [31:0] open_w, scratch = 32'd0;
  logic [3:0] open_strb;
  logic b_was = 1'b0, r_was = 1'b0;
  logic [1:0] b_last, r_last;
  logic [31:0] r_data_last, scratch_then;
  always_ff @(posedge clk) begin
    if (awvalid && awready) open_aw <= awaddr;
    if (wvalid && wready) begin
      open_w    <= wdata;
      open_strb <= wstrb;
    end
    if (arvalid && arready) begin
      open_ar      <= araddr;
      scratch_then <= scratch;
    end
    n_aw <= n_aw + {1'b0, awvalid && awready} - {1'b0, bvalid && bready};
    n_w  <= n_w + {1'b0, wvalid && wready} - {1'b0, bvalid && bready};
    n_r  <= (n_r && !(rvalid && rready)) || (arvalid && arready);
    if (n_aw != 2'd0 && n_w != 2'd0 && !bvalid) wait_b <= wait_b + 2'd1;
    else wait_b <= 2'd0;
    if (wr_en && open_aw == `BNN_REG_SCRATCH && open_strb == 4'hf) scratch <= open_w;
    if (soft_rst) scratch <= 32'd0;
    b_was       <= bvalid && !bready;
    r_was       <= rvalid && !rready;
    b_last      <= bresp;
    r_last      <= rresp;
    r_data_last <= rdata;
    if (rst) begin
      n_aw    <= 2'd0;
      n_w     <= 2'd0;
      n_r     <= 1'b0;
      wait_b  <= 2'd0;
      scratch <= 32'd0;
      b_was   <= 1'b0;
      r_was   <= 1'b0;
    end else begin
      if (bvalid) assert (n_aw != 2'd0 && n_w != 2'd0); // no answer without a request
      if (rvalid) assert (n_r);
      assert (n_aw <= 2'd2 && n_w <= 2'd2);
      assert (n_r == rvalid);                           // a read is answered in the next cycle
      assert (wait_b <= 2'd1);                          // a write within 2 cycles
      if (b_was) assert (bvalid && bresp == b_last);
      if (r_was) assert (rvalid && rresp == r_last && rdata == r_data_last);
      if (wr_en) assert (wr_addr == open_aw && wr_data == open_w && wr_strb == open_strb);
      if (wr_en) assert (wr_err == !(exists(open_aw) && open_strb == 4'hf));
      if (rvalid) assert (rresp == (exists(open_ar) ? 2'b00 : 2'b10));
      if (rvalid && open_ar == `BNN_REG_SCRATCH) assert (rdata == scratch_then);
      if (rvalid && open_ar == `BNN_REG_ID) assert (rdata == `BNN_RESET_ID);
    end
    cover (!rst && bvalid && bready && bresp == 2'b10);
    cover (!rst && rvalid && open_ar == `BNN_REG_SCRATCH && rdata == 32'h12345678);
  end
endmodule
