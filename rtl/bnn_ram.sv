// SPDX-License-Identifier: Apache-2.0
//
// Memory with one write port and one read port, the shape of a block RAM.
//
//   write  takes effect at the clock edge; a read of the same word in that cycle gives the old one
//   read   rdata is valid one cycle after re and holds until the next re
//
// Power-on content is zero, which is a valid code word of the weights' SECDED code and of the
// activations' parity. Addresses must lie below DEPTH.
module bnn_ram #(
  parameter int WIDTH = 32,
  parameter int DEPTH = 256,
  parameter int AW    = $clog2(DEPTH)
) (
  input  logic             clk,
  input  logic             we,
  input  logic [AW-1:0]    waddr,
  input  logic [WIDTH-1:0] wdata,
  input  logic             re,
  input  logic [AW-1:0]    raddr,
  output logic [WIDTH-1:0] rdata
);
  logic [WIDTH-1:0] mem[DEPTH];

  initial for (int i = 0; i < DEPTH; i++) mem[i] = '0;

  always_ff @(posedge clk) begin
    if (we) mem[waddr] <= wdata;
    if (re) rdata <= mem[raddr];
  end

`ifndef SYNTHESIS
  initial assert (WIDTH > 0 && DEPTH > 1);
  always_ff @(posedge clk) begin
    if (we === 1'b1) assert (32'(waddr) < DEPTH);
    if (re === 1'b1) assert (32'(raddr) < DEPTH);
  end
`endif
endmodule : bnn_ram
