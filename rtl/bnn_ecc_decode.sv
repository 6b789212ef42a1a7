// SPDX-License-Identifier: Apache-2.0
//
// Corrects one wrong bit of a word of bnn_ecc_encode and detects two, combinational.
//
//   fixed          the data, one wrong bit mended
//   corrected      one bit, of the data or of the check bits, was wrong
//   uncorrectable  more than one bit was wrong; fixed is the data as stored
module bnn_ecc_decode #(
  parameter int W  = 32,
  parameter int CB = $clog2(W) + 2
) (
  input  logic [W-1:0]  data,
  input  logic [CB-1:0] check,
  output logic [W-1:0]  fixed,
  output logic          corrected,
  output logic          uncorrectable
);
  localparam int L = $clog2(W);
  localparam logic [W-1:0] One = {{(W - 1) {1'b0}}, 1'b1};

  logic [CB-1:0] expected;
  bnn_ecc_encode #(.W(W), .CB(CB)) u_encode (.data(data), .check(expected));

  logic [CB-1:0] syndrome;
  logic [L-1:0]  low, below;
  logic          high;
  assign syndrome = expected ^ check;
  assign low      = syndrome[L-1:0];
  assign high     = syndrome[L];
  assign below    = low - 1'b1;

  // Odd syndromes: {1, k > 0} data bit k, {0, ones} data bit 0; one single 1 is a check bit; what
  // is left needs three wrong bits or more.
  logic in_data, column;
  assign in_data = high ? (low != '0) : (&low);
  assign column  = in_data || high || ((low & below) == '0);

  assign corrected     = (^syndrome) && column;
  assign uncorrectable = (syndrome != '0) && !corrected;
  assign fixed         = (corrected && in_data) ? data ^ (One << (high ? low : '0)) : data;

`ifndef SYNTHESIS
  always_comb begin
    assert (!(corrected && uncorrectable));
    assert (!(syndrome == '0 && corrected));
    assert (!(syndrome == '0) || fixed == data);
  end
`endif
endmodule : bnn_ecc_decode
