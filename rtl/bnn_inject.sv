// SPDX-License-Identifier: Apache-2.0
//
// Error injection (register INJECT): once armed, the next word written to the buffer it names is
// damaged; combinational towards the write, disarmed after it.
//
//   kind  1 one bit of a weight word, 2 two neighbouring bits of it, 3 one bit of an activation
//         word, 0 disarms
//   bit_at modulo the width of the stored word: SIMD + CB for weights (check bits above the data),
//         SIMD for activations
module bnn_inject #(
  parameter int SIMD = 32,
  parameter int CB   = $clog2(SIMD) + 2
) (
  input  logic               clk,
  input  logic               rst,
  input  logic               arm,
  input  logic [1:0]         kind,
  input  logic [7:0]         bit_at,
  input  logic               weights_written,
  input  logic               activations_written,
  output logic [SIMD+CB-1:0] weight_damage,
  output logic [SIMD-1:0]    activation_damage
);
  localparam int W = SIMD + CB;
  localparam logic [W-1:0]    One = {{(W - 1) {1'b0}}, 1'b1};
  localparam logic [SIMD-1:0] OneBit = {{(SIMD - 1) {1'b0}}, 1'b1};

  // bit_at modulo W by subtractions, enough for any W >= 16.
  logic [11:0] rest, next;
  always_comb begin
    rest = 12'(bit_at);
    for (int k = 3; k >= 0; k--) if (rest >= 12'(W << k)) rest = rest - 12'(W << k);
    next = (rest == 12'(W - 1)) ? '0 : rest + 12'd1;
  end

  logic         weights_armed, activations_armed;
  logic [W-1:0] pattern;
  logic [SIMD-1:0] pattern_a;
  always_ff @(posedge clk) begin
    if (rst) begin
      weights_armed     <= 1'b0;
      activations_armed <= 1'b0;
    end else if (arm) begin
      weights_armed     <= kind == 2'd1 || kind == 2'd2;
      activations_armed <= kind == 2'd3;
      pattern           <= (kind == 2'd2) ? (One << rest) | (One << next) : One << rest;
      pattern_a         <= OneBit << (bit_at % 8'(SIMD));
    end else begin
      if (weights_written) weights_armed <= 1'b0;
      if (activations_written) activations_armed <= 1'b0;
    end
  end
  assign weight_damage     = weights_armed ? pattern : '0;
  assign activation_damage = activations_armed ? pattern_a : '0;

`ifndef SYNTHESIS
  always_ff @(posedge clk) begin
    if (!rst) begin
      assert (!arm || rest < 12'(W));
      assert (!(weights_armed === 1'b1 && activations_armed === 1'b1));
      assert (weights_armed !== 1'b1 || (pattern != '0 && $countones(pattern) <= 2));
    end
  end
`endif
endmodule : bnn_inject
