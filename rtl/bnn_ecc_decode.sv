// SPDX-License-Identifier: Apache-2.0
//
// Corrects one wrong bit of a weight word (bnn_ecc_encode) and detects two; results one cycle after en.
//
//   fixed          the data, one wrong bit mended
//   corrected      one bit, of the data or of the check bits, was wrong; for one cycle
//   uncorrectable  more than one bit was wrong, fixed is the data as stored; for one cycle
module bnn_ecc_decode #(
  parameter int W  = 32,
  parameter int CB = $clog2(W) + 2
) (
  input  logic          clk,
  input  logic          rst,
  input  logic          en,
  input  logic [W-1:0]  data,
  input  logic [CB-1:0] check,
  output logic [W-1:0]  fixed,
  output logic          corrected,
  output logic          uncorrectable
);
  localparam int L = CB - 2;
  localparam logic [W-1:0] One = {{(W - 1) {1'b0}}, 1'b1};

  // The wrong data bit, if a syndrome is the column of one: {1, k > 0} or {0, ones}.
  function automatic logic [W-1:0] wrong_bit(input logic [CB-1:0] syndrome);
    if (syndrome[L]) wrong_bit = (syndrome[L-1:0] != '0) ? One << syndrome[L-1:0] : '0;
    else wrong_bit = (&syndrome[L-1:0]) ? One : '0;
  endfunction

  // What is not a column, of data or (one single 1) of a check bit, needs more wrong bits.
  function automatic logic is_column(input logic [CB-1:0] syndrome);
    logic [L-1:0] below;
    below = syndrome[L-1:0] - 1'b1;
    is_column = (^syndrome) &&
                (syndrome[L] || (&syndrome[L-1:0]) || (syndrome[L-1:0] & below) == '0);
  endfunction

  logic [CB-1:0] expected, syndrome;
  bnn_ecc_encode #(.W(W), .CB(CB)) u_encode (.en(en), .data(data), .check(expected));
  assign syndrome = en ? expected ^ check : '0;

  always_ff @(posedge clk) begin
    corrected     <= 1'b0;
    uncorrectable <= 1'b0;
    if (en) fixed <= data;
    if (syndrome != '0 && !rst) begin
      if (is_column(syndrome)) begin
        fixed     <= data ^ wrong_bit(syndrome);
        corrected <= 1'b1;
      end else begin
        uncorrectable <= 1'b1;
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk) begin
    if (!rst) begin
      assert (corrected !== 1'b1 || uncorrectable !== 1'b1);
      assert (en !== 1'b0 || syndrome == '0);
      assert (!is_column('0));
    end
  end
`endif
endmodule : bnn_ecc_decode
