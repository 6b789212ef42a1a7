/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices that nothing moves.
 *
 *   limit      cycles; 0 = never
 *   busy       there is work; progress: some of it was done in this cycle
 *   bite       one cycle, when limit cycles of work without progress are over */
module bnn_watchdog (
  input  logic        clk,
  input  logic        rst,
  input  logic [31:0] limit,
  input  logic        busy,
  input  logic        progress,
  output logic        bite
);
  logic [31:0] still;

  assign bite = busy && !progress && limit != 32'd0 && still + 32'd1 >= limit;

  always_ff @(posedge clk) begin
    still <= busy && !progress && !bite ? still + 32'd1 : 32'd0;
    if (rst) still <= '0;
  end

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic was_bite;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    was_bite <= bite;
    if (started && !rst) begin
      if (limit == 32'd0) assert (!bite);
      if (progress) assert (!bite);
      if (was_bite) assert (still == 32'd0);
    end
  end
`endif
endmodule
