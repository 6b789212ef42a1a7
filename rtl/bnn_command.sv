// SPDX-License-Identifier: Apache-2.0
//
// The COMPUTE at work: holds words 4 to 14 of its descriptor, judges the fields and derives what
// the nest and the output stage need. `legal` and the fields are valid one cycle after `accept`;
// what is derived (last_lanes and below) two cycles after it.
//
//   last_lanes      output channels of the last tile that exist
//   last_channels   input channels of the last chunk that exist
//   last_tile       number of the last tile; last_chunk: of the last chunk of input channels
//   post_last       cycles that the output stage takes for one output, minus 1
`include "bnn_registers.svh"
module bnn_command #(
  parameter int PE     = 32,
  parameter int SIMD   = 32,
  parameter int AXI_DW = 64
) (
  input  logic            clk,
  input  logic            rst,
  input  logic            accept,
  input  logic [351:0]    words,
  output logic            legal,
  output logic            xnor_mode,
  output logic            doubled,
  output logic            a_signed,
  output logic            w_signed,
  output logic            zero_bits,
  output logic            resume,
  output logic            final_sums,
  output logic            codes,
  output logic            raw16,
  output logic [2:0]      a_last,
  output logic [2:0]      w_last,
  output logic [3:0]      o_bits,
  output logic [3:0]      pool,
  output logic [15:0]     h,
  output logic [15:0]     w,
  output logic [3:0]      k_h,
  output logic [3:0]      k_w,
  output logic [3:0]      stride_y,
  output logic [3:0]      stride_x,
  output logic [3:0]      pad_top,
  output logic [3:0]      pad_left,
  output logic [15:0]     out_h,
  output logic [15:0]     out_w,
  output logic [15:0]     a_base,
  output logic [15:0]     w_base,
  output logic [15:0]     t_base,
  output logic [15:0]     acc_base,
  output logic [15:0]     out_base,
  output logic [15:0]     out_pixel,
  output logic [15:0]     out_plane,
  output logic [15:0]     first_tile,
  output logic [15:0]     a_pixel,
  output logic [15:0]     a_plane,
  output logic [PE-1:0]   last_lanes,
  output logic [SIMD-1:0] last_channels,
  output logic [15:0]     last_tile,
  output logic [15:0]     last_chunk,
  output logic [6:0]      post_last
);
  localparam int PL = $clog2(PE);
  localparam int SL = $clog2(SIMD);
  localparam int PlaneBeats = (PE > AXI_DW) ? PE / AXI_DW : 1;

  logic [479:128] d;
  always_ff @(posedge clk) if (accept && !rst) d <= words;

  logic [1:0]  mode, out_kind;
  logic [3:0]  a_bits, w_bits;
  logic [15:0] c_in, c_out;
  assign mode       = d[`BNN_D_COMPUTE_MODE_MSB:`BNN_D_COMPUTE_MODE_LSB];
  assign a_signed   = d[`BNN_D_COMPUTE_A_SIGNED_LSB];
  assign w_signed   = d[`BNN_D_COMPUTE_W_SIGNED_LSB];
  assign zero_bits  = d[`BNN_D_COMPUTE_PAD_ZERO_BITS_LSB];
  assign resume     = !d[`BNN_D_COMPUTE_INIT_LSB];
  assign final_sums = d[`BNN_D_COMPUTE_FINAL_LSB];
  assign out_kind   = d[`BNN_D_COMPUTE_OUTPUT_MSB:`BNN_D_COMPUTE_OUTPUT_LSB];
  assign a_bits     = d[`BNN_D_COMPUTE_A_BITS_MSB:`BNN_D_COMPUTE_A_BITS_LSB];
  assign w_bits     = d[`BNN_D_COMPUTE_W_BITS_MSB:`BNN_D_COMPUTE_W_BITS_LSB];
  assign o_bits     = d[`BNN_D_COMPUTE_O_BITS_MSB:`BNN_D_COMPUTE_O_BITS_LSB];
  assign pool       = d[`BNN_D_COMPUTE_POOL_MSB:`BNN_D_COMPUTE_POOL_LSB];
  assign c_in       = d[`BNN_D_COMPUTE_C_IN_MSB:`BNN_D_COMPUTE_C_IN_LSB];
  assign c_out      = d[`BNN_D_COMPUTE_C_OUT_MSB:`BNN_D_COMPUTE_C_OUT_LSB];
  assign h          = d[`BNN_D_COMPUTE_H_MSB:`BNN_D_COMPUTE_H_LSB];
  assign w          = d[`BNN_D_COMPUTE_W_MSB:`BNN_D_COMPUTE_W_LSB];
  assign k_h        = d[`BNN_D_COMPUTE_K_H_MSB:`BNN_D_COMPUTE_K_H_LSB];
  assign k_w        = d[`BNN_D_COMPUTE_K_W_MSB:`BNN_D_COMPUTE_K_W_LSB];
  assign stride_y   = d[`BNN_D_COMPUTE_STRIDE_Y_MSB:`BNN_D_COMPUTE_STRIDE_Y_LSB];
  assign stride_x   = d[`BNN_D_COMPUTE_STRIDE_X_MSB:`BNN_D_COMPUTE_STRIDE_X_LSB];
  assign pad_top    = d[`BNN_D_COMPUTE_PAD_TOP_MSB:`BNN_D_COMPUTE_PAD_TOP_LSB];
  assign pad_left   = d[`BNN_D_COMPUTE_PAD_LEFT_MSB:`BNN_D_COMPUTE_PAD_LEFT_LSB];
  assign out_h      = d[`BNN_D_COMPUTE_OUT_H_MSB:`BNN_D_COMPUTE_OUT_H_LSB];
  assign out_w      = d[`BNN_D_COMPUTE_OUT_W_MSB:`BNN_D_COMPUTE_OUT_W_LSB];
  assign a_base     = d[`BNN_D_COMPUTE_A_BASE_MSB:`BNN_D_COMPUTE_A_BASE_LSB];
  assign w_base     = d[`BNN_D_COMPUTE_W_BASE_MSB:`BNN_D_COMPUTE_W_BASE_LSB];
  assign t_base     = d[`BNN_D_COMPUTE_T_BASE_MSB:`BNN_D_COMPUTE_T_BASE_LSB];
  assign acc_base   = d[`BNN_D_COMPUTE_ACC_BASE_MSB:`BNN_D_COMPUTE_ACC_BASE_LSB];
  assign out_base   = d[`BNN_D_COMPUTE_OUT_BASE_MSB:`BNN_D_COMPUTE_OUT_BASE_LSB];
  assign out_pixel  = d[`BNN_D_COMPUTE_OUT_PIXEL_MSB:`BNN_D_COMPUTE_OUT_PIXEL_LSB];
  assign out_plane  = d[`BNN_D_COMPUTE_OUT_PLANE_MSB:`BNN_D_COMPUTE_OUT_PLANE_LSB];
  assign first_tile = d[`BNN_D_COMPUTE_FIRST_TILE_MSB:`BNN_D_COMPUTE_FIRST_TILE_LSB];
  assign a_pixel    = d[`BNN_D_COMPUTE_A_PIXEL_MSB:`BNN_D_COMPUTE_A_PIXEL_LSB];
  assign a_plane    = d[`BNN_D_COMPUTE_A_PLANE_MSB:`BNN_D_COMPUTE_A_PLANE_LSB];

  assign xnor_mode = mode == 2'd0;
  assign doubled   = mode != 2'd1;
  assign codes     = out_kind == 2'd0;
  assign raw16     = out_kind == 2'd1;
  assign a_last    = 3'(a_bits - 4'd1);
  assign w_last    = 3'(w_bits - 4'd1);

  // Bits of word 4 to 14 that no field has.
  logic reserved;
  assign reserved = d[135] || (|d[139:138]) || (|d[159:156]) || (|d[255:248]) || (|d[479:448]);

  logic planes_legal, signs_legal, pool_legal, sizes_legal;
  assign planes_legal = a_bits != '0 && a_bits <= 4'd8 && w_bits != '0 && w_bits <= 4'd8 &&
                        o_bits != '0 && o_bits <= 4'd8 && (codes || o_bits == 4'd1);
  assign signs_legal  = !(a_signed && xnor_mode) && !(w_signed && doubled);
  assign pool_legal   = pool != '0 && pool <= 4'd8 && (pool == 4'd1 || (final_sums && codes));
  assign sizes_legal  = c_in != '0 && c_out != '0 && h != '0 && w != '0 && k_h != '0 && k_w != '0 &&
                        stride_y != '0 && stride_x != '0 && out_h != '0 && out_w != '0;
  assign legal = mode != 2'd3 && out_kind != 2'd3 && !reserved && planes_legal && signs_legal &&
                 pool_legal && sizes_legal;

  logic accepted;
  logic [15:0] out_above, in_above;
  assign out_above = c_out - 16'd1;
  assign in_above  = c_in - 16'd1;
  always_ff @(posedge clk) begin
    accepted <= accept && !rst;
    if (accepted) begin
      // The mask of n - 1 counted from 0 has ones up to that place.
      last_lanes    <= ~({{(PE - 1) {1'b1}}, 1'b0} << out_above[PL-1:0]);
      last_channels <= ~({{(SIMD - 1) {1'b1}}, 1'b0} << in_above[SL-1:0]);
      last_tile     <= out_above >> PL;
      last_chunk    <= in_above >> SL;
      if (!final_sums) post_last <= '0;
      else if (codes) post_last <= 7'(o_bits) * 7'(PlaneBeats) - 7'd1;
      else post_last <= raw16 ? 7'(PE * 16 / AXI_DW - 1) : 7'(PE * 32 / AXI_DW - 1);
    end
  end

`ifndef SYNTHESIS
  logic settled;
  always_ff @(posedge clk) begin
    settled <= accepted && !rst;
    if (!rst && settled && legal) begin
      assert (last_lanes[0]);
      assert (last_channels[0]);
      assert (post_last < 7'd64);
      assert (!resume || !xnor_mode || !a_signed);
    end
  end
`endif
endmodule : bnn_command
