/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest life of the accelerator in a second simulator: one layer of 16 inputs and 8 outputs
 * for two vectors, from the doorbell to the interrupt.  The results are checked against sums that
 * this bench makes itself.  Run by icarus.sh. */
`include "bnn_registers.svh"
`timescale 1ns / 1ns
module icarus;
  localparam int LANES = 8, BITS = 16, PIXELS = 2;
  localparam int RING = 0, WEIGHTS = 64, ACTIVATIONS = 72, RESULTS = 80, RECORD = 96; // words of 64

  logic clk = 1'b0, rst_n = 1'b0, irq;
  always #5 clk = !clk;

  // ------------------------------------------------------------------------- registers by bus --
  logic [11:0] awaddr = 0, araddr = 0;
  logic [31:0] wdata = 0, rdata;
  logic        awvalid = 0, wvalid = 0, bready = 0, arvalid = 0, rready = 0;
  logic        awready, wready, bvalid, arready, rvalid;
  logic [1:0]  bresp, rresp;

  task write_register(input logic [11:0] address, input logic [31:0] value);
    @(negedge clk);
    awaddr = address; wdata = value; awvalid = 1; wvalid = 1; bready = 1;
    @(negedge clk);
    awvalid = 0; wvalid = 0;
    while (!bvalid) @(negedge clk);
    if (bresp != 0) fail("a register refused a write");
    @(negedge clk);
    bready = 0;
  endtask

  task read_register(input logic [11:0] address, output logic [31:0] value);
    @(negedge clk);
    araddr = address; arvalid = 1; rready = 1;
    @(negedge clk);
    arvalid = 0;
    while (!rvalid) @(negedge clk);
    value = rdata;
    if (rresp != 0) fail("a register refused a read");
    @(negedge clk);
    rready = 0;
  endtask

  task fail(input [40*8-1:0] what);
    $display("FAIL: %0s", what);
    $finish;
  endtask

  // ---------------------------------------------------------------------------------- memory --
  logic [63:0] mem [0:127];
  logic [63:0] m_araddr, m_awaddr, m_wdata;
  logic [7:0]  m_arlen, m_awlen, m_wstrb;
  logic        m_arvalid, m_rready, m_awvalid, m_wvalid, m_wlast, m_bready;
  logic        reading = 0, writing = 0, answering = 0;
  logic [6:0]  r_at, w_at;
  logic [7:0]  r_left;

  always @(posedge clk) begin
    if (m_arvalid && !reading) begin
      reading <= 1;
      r_at    <= m_araddr[9:3];
      r_left  <= m_arlen;
    end
    if (reading && m_rready) begin
      r_at   <= r_at + 7'd1;
      r_left <= r_left - 8'd1;
      if (r_left == 0) reading <= 0;
    end
    if (m_awvalid && !writing && !answering) begin
      writing <= 1;
      w_at    <= m_awaddr[9:3];
    end
    if (writing && m_wvalid) begin
      if (m_wstrb == 8'hff) mem[w_at] <= m_wdata;
      w_at <= w_at + 7'd1;
      if (m_wlast) begin
        writing   <= 0;
        answering <= 1;
      end
    end
    if (answering && m_bready) answering <= 0;
  end

  bnn_top #(
    .PE(LANES), .SIMD(BITS), .AXI_DW(64), .WDEPTH(16), .ADEPTH(16), .TDEPTH(16), .ODEPTH(16),
    .CDEPTH(16)
  ) dut (
    .clk, .rst_n, .irq,
    .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
    .s_axil_wdata(wdata), .s_axil_wstrb(4'hf), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
    .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready),
    .s_axil_araddr(araddr), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
    .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rready),
    .m_axi_araddr(m_araddr), .m_axi_arlen(m_arlen), .m_axi_arsize(), .m_axi_arburst(),
    .m_axi_arcache(), .m_axi_arprot(), .m_axi_arvalid(m_arvalid), .m_axi_arready(!reading),
    .m_axi_rdata(mem[r_at]), .m_axi_rresp(2'b00), .m_axi_rlast(r_left == 0),
    .m_axi_rvalid(reading), .m_axi_rready(m_rready),
    .m_axi_awaddr(m_awaddr), .m_axi_awlen(m_awlen), .m_axi_awsize(), .m_axi_awburst(),
    .m_axi_awcache(), .m_axi_awprot(), .m_axi_awvalid(m_awvalid),
    .m_axi_awready(!writing && !answering), .m_axi_wdata(m_wdata), .m_axi_wstrb(m_wstrb),
    .m_axi_wlast(m_wlast), .m_axi_wvalid(m_wvalid), .m_axi_wready(writing),
    .m_axi_bresp(2'b00), .m_axi_bvalid(answering), .m_axi_bready(m_bready)
  );

  // --------------------------------------------------------------------------------- program --
  logic [511:0] d; // the descriptor that is being made
  integer       entries = 0;

  task push;
    logic [31:0] crc;
    integer      i;
    crc = '1;
    for (i = 0; i < 480; i = i + 1)
      crc = (crc >> 1) ^ ((crc[0] ^ d[i]) ? 32'hedb88320 : 32'h0);
    d[511:480] = ~crc;
    for (i = 0; i < 8; i = i + 1) mem[RING + 8 * entries + i] = d[64*i +: 64];
    entries = entries + 1;
    d = '0;
  endtask

  // Fields of a new descriptor are 0. Icarus makes no names of macros from parts.
  task put(input integer lsb, input logic [31:0] field);
    d = d | ({480'd0, field} << lsb);
  endtask

  task make_program;
    d = '0;
    put(`BNN_D_ANY_OPCODE_LSB, 1);
    put(`BNN_D_LOAD_ADDRESS_LO_LSB, 8 * WEIGHTS);
    put(`BNN_D_LOAD_STORED_LSB, 1);
    put(`BNN_D_LOAD_KEPT_LSB, 1);
    put(`BNN_D_LOAD_LENGTH_LSB, 2);
    put(`BNN_D_LOAD_ROWS_LSB, 1);
    push;
    put(`BNN_D_ANY_OPCODE_LSB, 1);
    put(`BNN_D_LOAD_ADDRESS_LO_LSB, 8 * ACTIVATIONS);
    put(`BNN_D_LOAD_TARGET_LSB, 1);
    put(`BNN_D_LOAD_LENGTH_LSB, PIXELS);
    put(`BNN_D_LOAD_ROWS_LSB, 1);
    put(`BNN_D_ANY_PUSH_NEXT_LSB, 1);
    push;
    put(`BNN_D_ANY_OPCODE_LSB, 2);
    put(`BNN_D_ANY_POP_PREV_LSB, 1);
    put(`BNN_D_ANY_PUSH_NEXT_LSB, 1);
    put(`BNN_D_COMPUTE_INIT_LSB, 1);
    put(`BNN_D_COMPUTE_FINAL_LSB, 1);
    put(`BNN_D_COMPUTE_OUTPUT_LSB, 1);
    put(`BNN_D_COMPUTE_A_BITS_LSB, 1);
    put(`BNN_D_COMPUTE_W_BITS_LSB, 1);
    put(`BNN_D_COMPUTE_O_BITS_LSB, 1);
    put(`BNN_D_COMPUTE_POOL_LSB, 1);
    put(`BNN_D_COMPUTE_C_IN_LSB, BITS);
    put(`BNN_D_COMPUTE_C_OUT_LSB, LANES);
    put(`BNN_D_COMPUTE_H_LSB, 1);
    put(`BNN_D_COMPUTE_W_LSB, PIXELS);
    put(`BNN_D_COMPUTE_K_H_LSB, 1);
    put(`BNN_D_COMPUTE_K_W_LSB, 1);
    put(`BNN_D_COMPUTE_STRIDE_Y_LSB, 1);
    put(`BNN_D_COMPUTE_STRIDE_X_LSB, 1);
    put(`BNN_D_COMPUTE_OUT_H_LSB, 1);
    put(`BNN_D_COMPUTE_OUT_W_LSB, PIXELS);
    put(`BNN_D_COMPUTE_A_PIXEL_LSB, 1);
    put(`BNN_D_COMPUTE_A_PLANE_LSB, 1);
    put(`BNN_D_COMPUTE_OUT_PIXEL_LSB, 2);
    push;
    put(`BNN_D_ANY_OPCODE_LSB, 3);
    put(`BNN_D_ANY_POP_PREV_LSB, 1);
    put(`BNN_D_STORE_ADDRESS_LO_LSB, 8 * RESULTS);
    put(`BNN_D_STORE_LENGTH_LSB, 2 * PIXELS);
    put(`BNN_D_STORE_ROWS_LSB, 1);
    push;
    put(`BNN_D_ANY_OPCODE_LSB, 4);
    put(`BNN_D_ANY_TAG_LSB, 32'hcafe);
    put(`BNN_D_ANY_COMPLETE_LSB, 1);
    put(`BNN_D_ANY_IRQ_LSB, 1);
    put(`BNN_D_ANY_COMPLETION_LO_LSB, 8 * RECORD);
    push;
  endtask

  task check_results;
    integer     pixel, lane, b, sum;
    logic signed [15:0] got;
    for (pixel = 0; pixel < PIXELS; pixel = pixel + 1)
      for (lane = 0; lane < LANES; lane = lane + 1) begin
        sum = 0;
        for (b = 0; b < BITS; b = b + 1)
          sum = sum + ((mem[ACTIVATIONS + pixel][b] ==
                        mem[WEIGHTS + lane / 4][16 * (lane % 4) + b]) ? 1 : -1);
        got = mem[RESULTS + 2 * pixel + lane / 4][16 * (lane % 4) +: 16];
        if (got != sum) begin
          $display("vector %0d, output %0d: %0d, not %0d", pixel, lane, got, sum);
          fail("wrong result");
        end
      end
  endtask

  logic [31:0] value;
  integer      i;
  initial begin
    for (i = 0; i < 128; i = i + 1) mem[i] = 0;
    mem[WEIGHTS]         = 64'h0123_4567_89ab_cdef;
    mem[WEIGHTS + 1]     = 64'hffff_0000_5a5a_8001;
    mem[ACTIVATIONS]     = 64'hdead_beef_0000_c3a5; // beyond 16 channels: anything
    mem[ACTIVATIONS + 1] = 64'h0000_0000_0000_7e01;
    make_program;
    repeat (5) @(negedge clk);
    rst_n = 1;
    read_register(`BNN_REG_ID, value);
    if (value != 32'h4e4e4245) fail("wrong ID");
    write_register(`BNN_REG_RING_SIZE, 3);
    write_register(`BNN_REG_IRQ_EN, 7);
    write_register(`BNN_REG_WATCHDOG, 1000);
    write_register(`BNN_REG_CTRL, 1);
    write_register(`BNN_REG_TAIL, entries);
    while (!irq) @(negedge clk);
    read_register(`BNN_REG_ERR, value);
    if (value != 0) fail("ERR is not 0");
    read_register(`BNN_REG_DONE, value);
    if (value != entries) fail("DONE is not the number of descriptors");
    if (mem[RECORD] != 64'h8000_0000_0000_cafe) fail("wrong completion record");
    check_results;
    $display("PASS");
    $finish;
  end

  initial begin
    #200000 fail("no end");
  end
endmodule
