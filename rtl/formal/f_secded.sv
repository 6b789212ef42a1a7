/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_ecc_encode and bnn_ecc_decode: no error: unchanged; any one wrong bit of data or check bits:
 * corrected and told; any two: told as not correctable. In the cycle after the word. */
module f_secded #(
  parameter int W = 32
) (
  input logic                   clk,
  input logic                   en,
  input logic [W-1:0]           data,
  input logic [W+$clog2(W)+1:0] flips
);
  localparam int CB = $clog2(W) + 2;
  logic was = 1'b0; // after reset, in the first cycle
  logic [CB-1:0] check;
  logic [W-1:0] fixed;
  logic corrected, uncorrectable;
  bnn_ecc_encode #(.W(W)) encode (.en(1'b1), .data, .check);
  bnn_ecc_decode #(.W(W)) decode (
    .clk, .rst(!was), .en, .data(data ^ flips[W-1:0]), .check(check ^ flips[W+CB-1:W]),
    .fixed, .corrected, .uncorrectable
  );

  int n;
  always_comb begin
    n = 0;
    for (int i = 0; i < W + CB; i = i + 1) n = n + (flips[i] ? 1 : 0);
  end

  logic was_en, last_was = 1'b0;
  logic [1:0] last_n;
  logic [W-1:0] last_data;
  always_ff @(posedge clk) begin
    was       <= 1'b1;
    last_was  <= was;
    was_en    <= en;
    last_n    <= n > 2 ? 2'd3 : n[1:0];
    last_data <= data;
    if (was && last_was && !was_en) assert (!corrected && !uncorrectable);
    if (was && last_was && was_en) begin
      if (last_n == 2'd0) assert (!corrected && !uncorrectable && fixed == last_data);
      if (last_n == 2'd1) assert (corrected && !uncorrectable && fixed == last_data);
      if (last_n == 2'd2) assert (!corrected && uncorrectable);
    end
  end
endmodule
