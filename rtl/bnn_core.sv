// SPDX-License-Identifier: Apache-2.0
//
// The compute half of the accelerator (docs/accelerator.md): boundary only; the datapath follows.
module bnn_core #(
  parameter int PE     = 32,
  parameter int SIMD   = 32,
  parameter int AXI_DW = 64,
  parameter int WDEPTH = 2048,
  parameter int ADEPTH = 4096,
  parameter int TDEPTH = 256,
  parameter int ODEPTH = 4096,
  parameter int CDEPTH = 256
) (
  input  logic              clk,
  input  logic              rst,
  input  logic              ld_valid,
  input  logic [1:0]        ld_target,
  input  logic [15:0]       ld_addr,
  input  logic [15:0]       ld_lane,
  input  logic [AXI_DW-1:0] ld_data,
  input  logic              cmd_valid,
  output logic              cmd_ready,
  input  logic [351:0]      cmd_words,
  output logic              done_valid,
  input  logic              done_ready,
  output logic [15:0]       done_error,
  input  logic              st_en,
  input  logic [15:0]       st_addr,
  output logic [AXI_DW-1:0] st_data,
  input  logic              inject_valid,
  input  logic [1:0]        inject_kind,
  input  logic [7:0]        inject_bit,
  output logic              busy,
  output logic              step,
  output logic              stall_out,
  output logic [15:0]       ecc_ce,
  output logic [15:0]       ecc_ue,
  output logic [15:0]       parity
);
  // Until the datapath lands every command ends with a FIELD error.
  localparam int Unused = PE + SIMD + WDEPTH + ADEPTH + TDEPTH + ODEPTH + CDEPTH;
  logic unused;
  assign unused = &{Unused == 0, ld_valid, ld_target, ld_addr, ld_lane, ld_data, cmd_words, st_en,
                    st_addr, inject_valid, inject_kind, inject_bit};
  always_ff @(posedge clk) begin
    if (rst) done_valid <= 1'b0;
    else if (cmd_valid && cmd_ready) done_valid <= 1'b1;
    else if (done_ready) done_valid <= 1'b0;
  end
  assign cmd_ready  = !done_valid;
  assign done_error = 16'h0004;
  assign busy       = done_valid;
  assign step       = 1'b0;
  assign stall_out  = 1'b0;
  assign st_data    = '0;
  assign ecc_ce     = '0;
  assign ecc_ue     = '0;
  assign parity     = '0;
endmodule : bnn_core
