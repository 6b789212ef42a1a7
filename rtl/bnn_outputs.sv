// SPDX-License-Identifier: Apache-2.0
//
// Output buffer: ODEPTH beats of AXI_DW bits, written in LANES parts that can be chosen one by one,
// read whole; rdata is valid one cycle after re.
module bnn_outputs #(
  parameter int AXI_DW = 64,
  parameter int ODEPTH = 4096,
  parameter int LANES  = 2,
  parameter int AW     = $clog2(ODEPTH)
) (
  input  logic              clk,
  input  logic              we,
  input  logic [AW-1:0]     waddr,
  input  logic [LANES-1:0]  wlanes,
  input  logic [AXI_DW-1:0] wdata,
  input  logic              re,
  input  logic [AW-1:0]     raddr,
  output logic [AXI_DW-1:0] rdata
);
  localparam int Width = AXI_DW / LANES;

  for (genvar k = 0; k < LANES; k++) begin : g_lane
    bnn_ram #(.WIDTH(Width), .DEPTH(ODEPTH), .AW(AW)) u_lane (
      .clk(clk), .we(we && wlanes[k]), .waddr(waddr), .wdata(wdata[k*Width +: Width]),
      .re(re), .raddr(raddr), .rdata(rdata[k*Width +: Width])
    );
  end

`ifndef SYNTHESIS
  initial assert (Width * LANES == AXI_DW);
  always_ff @(posedge clk) begin
    if (we === 1'b1) assert (wlanes != '0);
    if (re === 1'b1) assert (32'(raddr) < ODEPTH);
  end
`endif
endmodule : bnn_outputs
