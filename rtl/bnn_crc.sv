/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32 (IEEE 802.3, as in zlib) of a stream of beats, lowest byte first.
 *
 *   clear   starts again
 *   en      takes data into the sum; clear with en starts with this beat
 *   ok      what was taken since the start ended with its own CRC, low byte first
 *
 * Latency 1 cycle. ok compares the register with the residue that every message followed by its
 * CRC leaves. */
module bnn_crc #(
  parameter int AXI_DW = 64
) (
  input  logic              clk,
  input  logic              clear,
  input  logic              en,
  input  logic [AXI_DW-1:0] data,
  output logic [31:0]       crc,
  output logic              ok
);
  localparam logic [31:0] POLYNOMIAL = 32'hedb88320; // bits in reverse, as the data comes
  localparam logic [31:0] RESIDUE    = 32'hdebb20e3;

  function automatic logic [31:0] advance(input logic [31:0] from, input logic [AXI_DW-1:0] bits);
    logic [31:0] c;
    c = from;
    for (int i = 0; i < AXI_DW; i = i + 1)
      c = {1'b0, c[31:1]} ^ (POLYNOMIAL & {32{c[0] ^ bits[i]}});
    advance = c;
  endfunction

  assign ok = crc == RESIDUE;

  always_ff @(posedge clk) begin
    if (en) crc <= advance(clear ? 32'hffffffff : crc, data);
    else if (clear) crc <= 32'hffffffff;
  end

`ifndef SYNTHESIS
  // The register moves only when told to; zero data leave neither the start nor zero unchanged.
  logic started = 1'b0;
  logic was_en, was_clear;
  logic [31:0] last;
  always_ff @(posedge clk) begin
    if (clear) started <= 1'b1;
    was_en    <= en;
    was_clear <= clear;
    last      <= crc;
    if (started) begin
      if (!was_en && !was_clear) assert (crc == last);
      if (!was_en && was_clear) assert (crc == 32'hffffffff);
      if (ok) assert (crc[0]);
    end
  end
`endif
endmodule
