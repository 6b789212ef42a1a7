/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads descriptors from the ring ahead of their use and hands them on one by one.
 *
 *   enable, ring_base, ring_size, tail   registers; stop: read nothing new
 *   rst                                  also forgets everything (abort)
 *   rd_valid, rd_addr, rd_ready          to the read master: always 64 bytes
 *   r_valid, r_data, r_err               the beats that come back, always taken
 *   desc_valid, desc_ready, desc         a whole descriptor, word 0 lowest
 *   desc_ok, desc_err                    its check sum is right; the memory refused a part of it
 *   head                                 descriptors handed on: the count of this one
 *   pending                              something has been asked for and not handed on
 *   ring_err                             TAIL is more than a ring ahead
 *
 * Up to 4 descriptors are on their way or wait. A descriptor is complete 512/AXI_DW + 1 cycles
 * after its first beat. */
module bnn_fetch #(
  parameter int AXI_DW = 64
) (
  input  logic              clk,
  input  logic              rst,
  input  logic              stop,
  input  logic              enable,
  input  logic [63:0]       ring_base,
  input  logic [3:0]        ring_size,
  input  logic [31:0]       tail,

  output logic              rd_valid,
  output logic [63:0]       rd_addr,
  input  logic              rd_ready,
  input  logic              r_valid,
  input  logic [AXI_DW-1:0] r_data,
  input  logic              r_err,

  output logic              desc_valid,
  input  logic              desc_ready,
  output logic [511:0]      desc,
  output logic              desc_ok,
  output logic              desc_err,
  output logic [31:0]       head,
  output logic              pending,
  output logic              ring_err
);
  localparam int BEATS = 512 / AXI_DW;
  localparam int BW    = $clog2(BEATS);
  localparam int AHEAD = 4;
  localparam logic [BW-1:0] LAST = BW'(BEATS - 1);

  logic [31:0] asked, ahead, entry;

  assign ahead    = tail - head;
  assign ring_err = enable && ahead > (32'd1 << ring_size);
  assign pending  = asked != head;
  assign rd_valid = enable && !stop && !ring_err && asked != tail &&
                    asked - head != 32'(AHEAD);
  assign entry    = asked & ~(32'hffffffff << ring_size);
  assign rd_addr  = ring_base + {26'b0, entry, 6'b0};

  // Room for what may be on its way, so that fetch never holds up the read channel.
  logic              b_valid, b_ready, b_err, b_room;
  logic [AXI_DW-1:0] b_data;
  logic [BW-1:0]     beat;

  bnn_fifo #(.WIDTH(AXI_DW + 1), .DEPTH(AHEAD * BEATS)) u_beats (
    .clk, .rst,
    .push_valid(r_valid), .push_ready(b_room), .push_data({r_err, r_data}),
    .pop_valid(b_valid), .pop_ready(b_ready), .pop_data({b_err, b_data})
  );
  assign b_ready = !desc_valid; // the check sum must stay while a descriptor waits

  logic [31:0] crc;
  bnn_crc #(.AXI_DW(AXI_DW)) u_crc (
    .clk, .clear(rst || (beat == '0 && b_valid && b_ready)), .en(b_valid && b_ready), .data(b_data), .crc, .ok(desc_ok)
  );

  always_ff @(posedge clk) begin
    if (rd_valid && rd_ready) asked <= asked + 32'd1;
    if (desc_valid && desc_ready) begin
      desc_valid <= 1'b0;
      head       <= head + 32'd1;
    end
    if (b_valid && b_ready) begin
      desc       <= {b_data, desc[511:AXI_DW]};
      desc_err   <= b_err || (beat != '0 && desc_err);
      desc_valid <= beat == LAST;
      beat       <= beat == LAST ? '0 : beat + BW'(1);
    end
    if (rst) begin
      asked      <= '0;
      head       <= '0;
      beat       <= '0;
      desc_valid <= 1'b0;
    end
  end

  logic unused;
  assign unused = &{1'b0, crc, b_room};

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic held;
  logic [31:0] last_head;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    held      <= desc_valid && !desc_ready && !rst;
    last_head <= head;
    if (started && !rst) begin
      assert (asked - head <= 32'(AHEAD));
      if (r_valid) assert (b_room);
      if (desc_valid) assert (pending);
      if (held) assert (desc_valid && head == last_head);
    end
  end
`endif
endmodule
