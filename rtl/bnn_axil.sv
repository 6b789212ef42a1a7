/* SPDX-License-Identifier: Apache-2.0
 *
 * AXI4-Lite slave: turns the five channels into single reads and writes of registers.
 *
 *   wr_en, wr_addr, wr_data, wr_strb   one write, for one cycle; wr_err answers in the same cycle
 *   rd_en, rd_addr                     one read, for one cycle; rd_data and rd_err answer in the
 *                                      next cycle and stay until the next rd_en
 *
 * Address and data of a write may come in any order. A write takes 2 cycles from the later of both
 * to its response, a read 1; one of each kind at a time. */
module bnn_axil (
  input  logic        clk,
  input  logic        rst,
  input  logic [11:0] s_axil_awaddr,
  input  logic        s_axil_awvalid,
  output logic        s_axil_awready,
  input  logic [31:0] s_axil_wdata,
  input  logic [3:0]  s_axil_wstrb,
  input  logic        s_axil_wvalid,
  output logic        s_axil_wready,
  output logic [1:0]  s_axil_bresp,
  output logic        s_axil_bvalid,
  input  logic        s_axil_bready,
  input  logic [11:0] s_axil_araddr,
  input  logic        s_axil_arvalid,
  output logic        s_axil_arready,
  output logic [31:0] s_axil_rdata,
  output logic [1:0]  s_axil_rresp,
  output logic        s_axil_rvalid,
  input  logic        s_axil_rready,

  output logic        wr_en,
  output logic [11:0] wr_addr,
  output logic [31:0] wr_data,
  output logic [3:0]  wr_strb,
  input  logic        wr_err,
  output logic        rd_en,
  output logic [11:0] rd_addr,
  input  logic [31:0] rd_data,
  input  logic        rd_err
);
  logic aw_full, w_full, b_err;

  assign s_axil_awready = !aw_full;
  assign s_axil_wready  = !w_full;
  assign wr_en          = aw_full && w_full && !s_axil_bvalid;
  assign s_axil_bresp   = {b_err, 1'b0};

  assign s_axil_arready = !s_axil_rvalid;
  assign rd_en          = s_axil_arvalid && s_axil_arready && !rst;
  assign rd_addr        = s_axil_araddr;
  assign s_axil_rdata   = rd_data;
  assign s_axil_rresp   = {rd_err, 1'b0};

  always_ff @(posedge clk) begin
    if (s_axil_awvalid && s_axil_awready) begin
      aw_full <= 1'b1;
      wr_addr <= s_axil_awaddr;
    end
    if (s_axil_wvalid && s_axil_wready) begin
      w_full  <= 1'b1;
      wr_data <= s_axil_wdata;
      wr_strb <= s_axil_wstrb;
    end
    if (s_axil_bready) s_axil_bvalid <= 1'b0;
    if (wr_en) begin
      aw_full       <= 1'b0;
      w_full        <= 1'b0;
      s_axil_bvalid <= 1'b1;
      b_err         <= wr_err;
    end
    if (s_axil_rready) s_axil_rvalid <= 1'b0;
    if (rd_en) s_axil_rvalid <= 1'b1;
    if (rst) begin
      aw_full       <= 1'b0;
      w_full        <= 1'b0;
      s_axil_bvalid <= 1'b0;
      s_axil_rvalid <= 1'b0;
    end
  end

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic b_held, r_held;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    b_held <= s_axil_bvalid && !s_axil_bready && !rst;
    r_held <= s_axil_rvalid && !s_axil_rready && !rst;
    if (started && !rst) begin
      if (b_held) assert (s_axil_bvalid);
      if (r_held) assert (s_axil_rvalid);
      if (wr_en) assert (!s_axil_bvalid);
      if (rd_en) assert (!s_axil_rvalid);
    end
  end
`endif
endmodule
