// SPDX-License-Identifier: Apache-2.0
//
// Activation buffer: beats of R SIMD words, each word with a parity bit, and the preparation of the
// operands that all PE share.
//
//   write   one beat; wr_damage flips one data bit of the beat after its parity was taken
//   read    beat rd_addr, SIMD word rd_word of it, when rd_en; two cycles after `step` the operands
//           are valid: a bank computes popcount((weights ^ flip) & care)
//
//   in_image    the step reads the buffer (rd_en); otherwise it lies outside the image
//   zero_bits outside the image activations are zero bits; otherwise nothing is counted
//   channels  the SIMD channels that exist
//   bad       the word that was read has wrong parity; valid with the operands, for one cycle
module bnn_activations #(
  parameter int SIMD   = 32,
  parameter int AXI_DW = 64,
  parameter int ADEPTH = 4096,
  parameter int AW     = $clog2(ADEPTH),
  parameter int RW     = (AXI_DW > SIMD) ? $clog2(AXI_DW / SIMD) : 1
) (
  input  logic              clk,
  input  logic              rst,
  input  logic              wr_en,
  input  logic [AW-1:0]     wr_addr,
  input  logic [AXI_DW-1:0] wr_data,
  input  logic [SIMD-1:0]   wr_damage,
  input  logic              step,
  input  logic              in_image,
  input  logic [AW-1:0]     rd_addr,
  input  logic [RW-1:0]     rd_word,
  input  logic [SIMD-1:0]   channels,
  input  logic              zero_bits,
  input  logic              xnor_mode,
  output logic [SIMD-1:0]   flip,
  output logic [SIMD-1:0]   care,
  output logic              bad
);
  localparam int R = AXI_DW / SIMD;

  logic [R-1:0] parity;
  for (genvar r = 0; r < R; r++) begin : g_parity
    assign parity[r] = ^wr_data[r*SIMD +: SIMD];
  end

  logic [AXI_DW-1:0] beat;
  logic [R-1:0]      beat_parity;
  logic              read;
  assign read = step && in_image;
  bnn_ram #(.WIDTH(AXI_DW), .DEPTH(ADEPTH), .AW(AW)) u_data (
    .clk(clk), .we(wr_en), .waddr(wr_addr), .wdata(wr_data ^ AXI_DW'(wr_damage)),
    .re(read), .raddr(rd_addr), .rdata(beat)
  );
  bnn_ram #(.WIDTH(R), .DEPTH(ADEPTH), .AW(AW)) u_parity (
    .clk(clk), .we(wr_en), .waddr(wr_addr), .wdata(parity),
    .re(read), .raddr(rd_addr), .rdata(beat_parity)
  );

  logic            valid_q, inside_q;
  logic [RW-1:0]   word_q;
  logic [SIMD-1:0] channels_q;
  always_ff @(posedge clk) begin
    valid_q    <= step && !rst;
    inside_q   <= in_image;
    word_q     <= rd_word;
    channels_q <= channels;
  end

  logic [SIMD-1:0] word, a, counted;
  logic            word_parity;
  if (R > 1) begin : g_select
    assign word        = beat[word_q*SIMD +: SIMD];
    assign word_parity = beat_parity[word_q];
  end else begin : g_whole
    assign word        = beat;
    assign word_parity = beat_parity[0];
    logic unused;
    assign unused = word_q;
  end
  assign a       = inside_q ? word : '0;
  assign counted = (inside_q || zero_bits) ? channels_q : '0;

  always_ff @(posedge clk) begin
    bad <= valid_q && inside_q && (^word != word_parity) && !rst;
    if (valid_q) begin
      flip <= xnor_mode ? ~a : '0;
      care <= xnor_mode ? counted : counted & a;
    end
  end

`ifndef SYNTHESIS
  initial assert (R * SIMD == AXI_DW);
  always_ff @(posedge clk) begin
    if (!rst) begin
      assert (!step || channels != '0);
      assert (!valid_q || R > 1 || word_q == '0);
      assert (!valid_q || 32'(word_q) < R);
    end
  end
`endif
endmodule : bnn_activations
