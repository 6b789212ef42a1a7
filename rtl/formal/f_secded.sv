/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_ecc_encode and bnn_ecc_decode: no error: unchanged; any one wrong bit of data or check bits:
 * corrected and told; any two: told as not correctable. */
module f_secded #(
  parameter int W = 32
) (
  input logic                 clk,
  input logic [W-1:0]         data,
  input logic [W+$clog2(W)+1:0] flips
);
  localparam int CB = $clog2(W) + 2;
  logic [CB-1:0] check;
  logic [W-1:0] fixed;
  logic corrected, uncorrectable;
  bnn_ecc_encode #(.W(W)) encode (.data, .check);
  bnn_ecc_decode #(.W(W)) decode (
    .data(data ^ flips[W-1:0]), .check(check ^ flips[W+CB-1:W]),
    .fixed, .corrected, .uncorrectable
  );

  int n;
  always_comb begin
    n = 0;
    for (int i = 0; i < W + CB; i = i + 1) n = n + (flips[i] ? 1 : 0);
  end
  always_ff @(posedge clk) begin
    if (n == 0) assert (!corrected && !uncorrectable && fixed == data);
    if (n == 1) assert (corrected && !uncorrectable && fixed == data);
    if (n == 2) assert (!corrected && uncorrectable);
  end
endmodule
