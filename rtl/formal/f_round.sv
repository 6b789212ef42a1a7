/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_round against the formula, for one weight and all pairs of up to MOST planes, beats with any gaps:
 * every number leaves once, in order, plane by plane, as
 *
 *   min(floor((q + 2^(D-1)) / 2^D), 2^(kept-1) - 1). */
module f_round_pair #(
  parameter int STORED = 8,
  parameter int KEPT   = 4
) (
  input logic clk,
  input logic rst,
  input logic in_valid,
  input logic in_bit
);
  logic start = 1'b1;
  always_ff @(posedge clk) start <= 1'b0;
  always_comb assume (rst == start);
  localparam int D = STORED - KEPT;

  logic out_valid, out_bit, out_last;
  bnn_round #(.AXI_DW(1)) dut (
    .clk, .rst, .stored(4'(STORED)), .kept(4'(KEPT)), .in_valid, .in_data(in_bit), .out_valid,
    .out_data(out_bit), .out_last
  );

  // The planes so far, the newest highest; with the sign that comes now it is the number.
  logic [STORED-2:0] q = '0;
  logic [3:0] n_in = 4'd0;
  logic signed [STORED:0] sum;
  logic signed [KEPT:0] high;
  logic [KEPT-1:0] rounded, expected = '0;
  logic [3:0] n_out = 4'd0; // planes that have still to leave
  always_comb begin
    sum = {in_bit, in_bit, q} + ({{STORED{1'b0}}, 1'b1} << (D - 1));
    high = sum[STORED:D];
    rounded = high[KEPT-1:0];
    if (!high[KEPT] && high[KEPT-1]) rounded = ~({{(KEPT-1){1'b0}}, 1'b1} << (KEPT - 1));
  end
  always_ff @(posedge clk) if (!rst) begin
    assert (out_valid == (n_out != 4'd0));
    if (out_valid) begin
      assert (out_bit == expected[0]);
      assert (out_last == (n_out == 4'd1));
      n_out    <= n_out - 4'd1;
      expected <= expected >> 1;
    end
    if (in_valid) begin
      n_in <= n_in + 4'd1;
      q    <= {in_bit, q} >> 1;
      if (n_in == 4'(STORED - 1)) begin
        assert (n_out == 4'd0); // the last number has left in time
        n_in     <= 4'd0;
        expected <= rounded;
        n_out    <= 4'(KEPT);
      end
    end
  end
endmodule

module f_round #(
  parameter int MOST = 8
) (
  input logic clk,
  input logic rst,
  input logic in_valid,
  input logic in_bit
);
  logic start = 1'b1;
  always_ff @(posedge clk) start <= 1'b0;
  always_comb assume (rst == start);

  genvar s, k;
  generate
    for (s = 2; s <= MOST; s = s + 1) begin : gen_stored
      for (k = 1; k < s; k = k + 1) begin : gen_kept
        f_round_pair #(.STORED(s), .KEPT(k)) pair (.clk, .rst, .in_valid, .in_bit);
      end
    end
  endgenerate
endmodule
