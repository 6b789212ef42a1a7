// SPDX-License-Identifier: Apache-2.0
//
// The array: PE popcounts over SIMD bits, weighting by planes, PE accumulators of 32 bits.
//
// With n = popcount((w ^ flip) & care) of a bank and s = popcount(care), one step adds
//   doubled ? 2 n - s : n,  times 2^shift, negated if `negate`
// which is the contribution of docs/accelerator.md for each of its modes.
//
//   cycle 0  weights, flip, care and the controls are valid (valid)
//   cycle 1  popcounts                 cycle 2  weighted terms; `start` of the sums is consumed
//   cycle 3  acc valid
//
// A step with `first` starts a sum: at 0, or at `start` if `resume`.
module bnn_array #(
  parameter int PE   = 32,
  parameter int SIMD = 32
) (
  input  logic               clk,
  input  logic               rst,
  input  logic               valid,
  input  logic               first,
  input  logic               negate,
  input  logic [3:0]         shift,
  input  logic [PE*SIMD-1:0] weights,
  input  logic [SIMD-1:0]    flip,
  input  logic [SIMD-1:0]    care,
  input  logic               doubled,
  input  logic               resume,
  input  logic [PE*32-1:0]   start,
  output logic [PE*32-1:0]   acc
);
  localparam int NW = $clog2(SIMD) + 1;

  logic          valid1, valid2, first1, first2, negate1;
  logic [3:0]    shift1;
  logic [NW-1:0] cared;
  always_ff @(posedge clk) begin
    valid1 <= valid && !rst;
    valid2 <= valid1 && !rst;
    if (valid) begin
      first1  <= first;
      negate1 <= negate;
      shift1  <= shift;
      cared   <= doubled ? NW'($countones(care)) : '0;
    end
    first2 <= first1;
  end

  function automatic logic [31:0] contribution(
    input logic [NW-1:0] n, input logic [NW-1:0] s, input logic twice, input logic minus,
    input logic [3:0] places
  );
    logic signed [NW+1:0] product;
    product = twice ? $signed({1'b0, n, 1'b0} - {2'b0, s}) : $signed({2'b0, n});
    if (minus) product = -product;
    contribution = 32'(product) << places;
  endfunction

  for (genvar p = 0; p < PE; p++) begin : g_pe
    logic [SIMD-1:0] counted;  // a signal: Icarus 11 miscounts the bits of an expression
    logic [NW-1:0]   count;
    logic [31:0]     term, sum;
    assign counted = (weights[p*SIMD +: SIMD] ^ flip) & care;
    always_ff @(posedge clk) begin
      if (valid) count <= NW'($countones(counted));
      if (valid1) term <= contribution(count, cared, doubled, negate1, shift1);
      if (valid2) sum <= (!first2 ? sum : resume ? start[p*32 +: 32] : '0) + term;
    end
    assign acc[p*32 +: 32] = sum;
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk) begin
    if (!rst) begin
      assert (!valid || shift <= 4'd14);
      assert (!valid1 || cared <= NW'(SIMD));
      assert (!valid1 || g_pe[0].count <= NW'(SIMD));
    end
  end
`endif
endmodule : bnn_array
