/* SPDX-License-Identifier: Apache-2.0
 *
 * The registers. The map is rtl/registers.txt; docs/accelerator.md shows it as a table. What a
 * register of the host's own holds lives here; state of the device comes in and commands go out.
 *
 *   wr_*, rd_*     from bnn_axil; a write acts in its cycle, a read answers in the next one
 *   soft_rst       returns every register to its reset value
 *   flush          an abort or reset is under way: TAIL and ENABLE stay 0
 *   do_*           commands, one cycle, in the cycle of the write
 *
 * Writes with other strobes than 1111 and addresses without a register answer an error and do
 * nothing. Writes to what is read-only are ignored. */
`include "bnn_registers.svh"
module bnn_regs #(
  parameter int PE     = 32,
  parameter int SIMD   = 32,
  parameter int AXI_DW = 64,
  parameter int WDEPTH = 2048,
  parameter int ADEPTH = 4096,
  parameter int TDEPTH = 256,
  parameter int ODEPTH = 4096,
  parameter int CDEPTH = 256
) (
  input  logic        clk,
  input  logic        rst,
  input  logic        soft_rst,
  input  logic        flush,

  input  logic        wr_en,
  input  logic [11:0] wr_addr,
  input  logic [31:0] wr_data,
  input  logic [3:0]  wr_strb,
  output logic        wr_err,
  input  logic        rd_en,
  input  logic [11:0] rd_addr,
  output logic [31:0] rd_data,
  output logic        rd_err,

  output logic        do_abort,
  output logic        do_reset,
  output logic        do_snapshot,
  output logic        do_clear,
  output logic        do_inject,
  output logic [1:0]  inject_kind,
  output logic [7:0]  inject_bit,
  output logic [11:0] err_clear,
  output logic [2:0]  irq_clear,
  output logic [2:0]  irq_test,
  output logic [2:0]  irq_enable,
  output logic        enable,
  output logic [63:0] ring_base,
  output logic [3:0]  ring_size,
  output logic [31:0] tail,
  output logic [31:0] watchdog,
  output logic [4:0]  counter_index,
  input  logic [31:0] counter_data,

  input  logic [5:0]  status,
  input  logic [11:0] err,
  input  logic [31:0] err_tag,
  input  logic [31:0] err_index,
  input  logic [2:0]  irq_stat,
  input  logic [31:0] head,
  input  logic [31:0] done
);
  localparam logic [7:0] MAJOR = 8'd1;
  localparam logic [7:0] MINOR = 8'd0;
  localparam logic [11:0] LAST_COUNTER = `BNN_COUNTER_PARITY + 12'd4;

  logic [31:0] scratch;
  logic        wr_known, wr_ok, rd_counter;

  function automatic logic is_counter(input logic [11:0] addr);
    is_counter = addr >= `BNN_COUNTER_CYCLES && addr <= LAST_COUNTER && addr[1:0] == 2'b00;
  endfunction

  always_comb begin
    case (wr_addr)
      `BNN_REG_ID, `BNN_REG_VERSION, `BNN_REG_CAPS0, `BNN_REG_CAPS1, `BNN_REG_CAPS2,
      `BNN_REG_CAPS3, `BNN_REG_CTRL, `BNN_REG_STATUS, `BNN_REG_ERR, `BNN_REG_ERR_TAG,
      `BNN_REG_ERR_INDEX, `BNN_REG_IRQ_EN, `BNN_REG_IRQ_STAT, `BNN_REG_IRQ_TEST,
      `BNN_REG_RING_BASE_LO, `BNN_REG_RING_BASE_HI, `BNN_REG_RING_SIZE, `BNN_REG_HEAD,
      `BNN_REG_TAIL, `BNN_REG_DONE, `BNN_REG_WATCHDOG, `BNN_REG_SCRATCH,
      `BNN_REG_INJECT: wr_known = 1'b1;
      default: wr_known = is_counter(wr_addr);
    endcase
  end
  assign wr_err = !wr_known || wr_strb != 4'b1111;
  assign wr_ok  = wr_en && !wr_err;

  // Commands and write-one bits act in the cycle of the write.
  logic ctrl;
  assign ctrl        = wr_ok && wr_addr == `BNN_REG_CTRL;
  assign do_abort    = ctrl && wr_data[`BNN_CTRL_ABORT_LSB];
  assign do_reset    = ctrl && wr_data[`BNN_CTRL_RESET_LSB];
  assign do_snapshot = ctrl && wr_data[`BNN_CTRL_SNAPSHOT_LSB];
  assign do_clear    = ctrl && wr_data[`BNN_CTRL_CLEAR_LSB];
  assign do_inject   = wr_ok && wr_addr == `BNN_REG_INJECT;
  assign inject_kind = wr_data[`BNN_INJECT_KIND_MSB:`BNN_INJECT_KIND_LSB];
  assign inject_bit  = wr_data[`BNN_INJECT_BIT_MSB:`BNN_INJECT_BIT_LSB];
  assign err_clear   = wr_ok && wr_addr == `BNN_REG_ERR ? wr_data[11:0] : 12'd0;
  assign irq_clear   = wr_ok && wr_addr == `BNN_REG_IRQ_STAT ? wr_data[2:0] : 3'd0;
  assign irq_test    = wr_ok && wr_addr == `BNN_REG_IRQ_TEST ? wr_data[2:0] : 3'd0;

  always_ff @(posedge clk) begin
    if (wr_ok) begin
      case (wr_addr)
        `BNN_REG_CTRL:     enable     <= wr_data[`BNN_CTRL_ENABLE_LSB];
        `BNN_REG_IRQ_EN:   irq_enable <= wr_data[2:0];
        `BNN_REG_TAIL:     tail       <= wr_data;
        `BNN_REG_WATCHDOG: watchdog   <= wr_data;
        `BNN_REG_SCRATCH:  scratch    <= wr_data;
        `BNN_REG_RING_BASE_LO: if (!enable) ring_base[31:0] <= {wr_data[31:6], 6'b0};
        `BNN_REG_RING_BASE_HI: if (!enable) ring_base[63:32] <= wr_data;
        `BNN_REG_RING_SIZE:    if (!enable) ring_size <= wr_data[3:0];
        default: ;
      endcase
    end
    if (rst || soft_rst || flush) begin
      enable <= 1'b0;
      tail   <= `BNN_RESET_TAIL;
    end
    if (rst || soft_rst) begin
      irq_enable <= '0;
      watchdog   <= `BNN_RESET_WATCHDOG;
      scratch    <= `BNN_RESET_SCRATCH;
      ring_base  <= {`BNN_RESET_RING_BASE_HI, `BNN_RESET_RING_BASE_LO};
      ring_size  <= '0;
    end
  end

  assign rd_counter    = is_counter(rd_addr);
  assign counter_index = rd_counter ? 5'((rd_addr - `BNN_COUNTER_CYCLES) >> 2) : 5'd0;

  always_ff @(posedge clk) begin
    if (rd_en) begin
      rd_err <= 1'b0;
      case (rd_addr)
        `BNN_REG_ID:           rd_data <= `BNN_RESET_ID;
        `BNN_REG_VERSION:      rd_data <= {MAJOR, MINOR, `BNN_MAP_HASH};
        `BNN_REG_CAPS0:        rd_data <= {16'(SIMD), 16'(PE)};
        `BNN_REG_CAPS1:        rd_data <= {16'(WDEPTH), 16'(AXI_DW)};
        `BNN_REG_CAPS2:        rd_data <= {16'(ODEPTH), 16'(ADEPTH)};
        `BNN_REG_CAPS3:        rd_data <= {16'(CDEPTH), 16'(TDEPTH)};
        `BNN_REG_CTRL:         rd_data <= {31'b0, enable};
        `BNN_REG_STATUS:       rd_data <= {26'b0, status};
        `BNN_REG_ERR:          rd_data <= {20'b0, err};
        `BNN_REG_ERR_TAG:      rd_data <= err_tag;
        `BNN_REG_ERR_INDEX:    rd_data <= err_index;
        `BNN_REG_IRQ_EN:       rd_data <= {29'b0, irq_enable};
        `BNN_REG_IRQ_STAT:     rd_data <= {29'b0, irq_stat};
        `BNN_REG_RING_BASE_LO: rd_data <= ring_base[31:0];
        `BNN_REG_RING_BASE_HI: rd_data <= ring_base[63:32];
        `BNN_REG_RING_SIZE:    rd_data <= {28'b0, ring_size};
        `BNN_REG_HEAD:         rd_data <= head;
        `BNN_REG_TAIL:         rd_data <= tail;
        `BNN_REG_DONE:         rd_data <= done;
        `BNN_REG_WATCHDOG:     rd_data <= watchdog;
        `BNN_REG_SCRATCH:      rd_data <= scratch;
        `BNN_REG_IRQ_TEST,
        `BNN_REG_INJECT:       rd_data <= 32'd0;
        default: begin
          rd_data <= rd_counter ? counter_data : 32'd0;
          rd_err  <= !rd_counter;
        end
      endcase
    end
    if (rst) begin
      rd_data <= '0;
      rd_err  <= 1'b0;
    end
  end

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic was_enabled, cleared;
  logic [63:0] last_base;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    was_enabled <= enable && !rst && !soft_rst;
    cleared     <= rst || soft_rst || flush;
    last_base   <= ring_base;
    if (started && !rst) begin
      assert (ring_base[5:0] == 6'd0);
      if (was_enabled) assert (ring_base == last_base);
      if (cleared) assert (!enable && tail == 32'd0);
      if (wr_err) assert (!do_abort && !do_reset && !do_inject);
    end
  end
`endif
endmodule
