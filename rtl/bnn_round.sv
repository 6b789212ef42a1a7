/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds weights again while they are loaded: `stored` bit planes come in, lowest first, one beat
 * each, and leave as `kept` < stored planes,
 *
 *   q' = min(floor((q + 2^(D-1)) / 2^D), 2^(kept-1) - 1),  D = stored - kept, two's complement.
 *
 * Adding 2^(D-1) and dropping D planes is adding plane D-1 to what remains: a carry that runs from
 * plane to plane, except where all remaining value bits are 1 and the sign is 0: that number is
 * the largest already.
 *
 * The kept planes follow the last stored one, one per cycle. They are gone before their places
 * are needed again, since plane k of the next number comes D >= 1 cycles after plane k has left:
 * input never waits. out_last marks the highest plane. */
module bnn_round #(
  parameter int AXI_DW = 64
) (
  input  logic              clk,
  input  logic              rst,
  input  logic [3:0]        stored,
  input  logic [3:0]        kept,
  input  logic              in_valid,
  input  logic [AXI_DW-1:0] in_data,
  output logic              out_valid,
  output logic [AXI_DW-1:0] out_data,
  output logic              out_last
);
  logic [3:0]          plane, left, out_plane, dropped, slot;
  logic                in_last;
  logic [AXI_DW-1:0]   half, ones, carry;
  logic [AXI_DW-1:0]   kept_planes [0:7]; // 7 are used

  assign dropped   = stored - kept;
  assign slot      = plane - dropped;
  assign in_last   = plane + 4'd1 == stored;
  assign out_valid = left != 4'd0;
  assign out_last  = left == 4'd1;
  assign out_data  = kept_planes[out_plane[2:0]] ^ carry;

  always_ff @(posedge clk) begin
    if (out_valid) begin
      carry     <= carry & kept_planes[out_plane[2:0]];
      out_plane <= out_plane + 4'd1;
      left      <= left - 4'd1;
    end
    if (in_valid) begin
      plane <= in_last ? 4'd0 : plane + 4'd1;
      if (plane + 4'd1 == dropped) begin
        half <= in_data;
        ones <= '1;
      end
      if (plane >= dropped) begin
        kept_planes[slot[2:0]] <= in_data;
        ones <= ones & in_data;
      end
      if (in_last) begin
        carry     <= half & (in_data | ~ones); // ones: all value bits so far
        out_plane <= 4'd0;
        left      <= kept;
      end
    end
    if (rst) begin
      plane <= 4'd0;
      left  <= 4'd0;
    end
  end

`ifndef SYNTHESIS
  logic started = 1'b0;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    if (started && !rst && in_valid) begin
      assert (kept >= 4'd1 && kept < stored && stored <= 4'd8);
      assert (plane < stored);
      if (in_last) assert (left <= 4'd1);
      if (out_valid && plane >= dropped) assert (out_plane >= slot);
    end
  end
`endif
endmodule
