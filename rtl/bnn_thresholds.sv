// SPDX-License-Identifier: Apache-2.0
//
// Threshold buffer and the search in it: PE banks of 32-bit entries, and per bank a bisection that
// finds one bit of the code per cycle, highest first.
//
//   write    AXI_DW/32 banks per beat: beat `wr_beat` of word `wr_addr`
//   take     `sums` are captured into `value` (0 in lanes that do not exist); with `search`, entry
//            `middle` of every bank is read
//   compare  the cycles after take: `value` against the entry; `half` is the distance to the next
//            entry, 0 in the last cycle, when the finished code (0 in lanes that do not exist)
//            enters `code`: as it is (fresh) or if it is larger (pooling)
//   shift    code moves down one plane; `plane` is bit 0 of all codes
//
// A take may come with the last compare of the search before.
module bnn_thresholds #(
  parameter int PE     = 32,
  parameter int AXI_DW = 64,
  parameter int TDEPTH = 256,
  parameter int AW     = $clog2(TDEPTH)
) (
  input  logic              clk,
  input  logic              wr_en,
  input  logic [AW-1:0]     wr_addr,
  input  logic [15:0]       wr_beat,
  input  logic [AXI_DW-1:0] wr_data,
  input  logic              take,
  input  logic              search,
  input  logic [AW-1:0]     middle,
  input  logic [PE*32-1:0]  sums,
  input  logic [PE-1:0]     take_lanes,
  input  logic              compare,
  input  logic              begins,
  input  logic              ends,
  input  logic [AW-1:0]     half,
  input  logic [PE-1:0]     lanes,
  input  logic              fresh,
  input  logic              shift,
  output logic [PE*32-1:0]  value,
  output logic [PE-1:0]     plane
);
  localparam int Banks = AXI_DW / 32;

  logic start, seek;
  assign start = take && search;
  assign seek  = start || (compare && !ends);

  for (genvar p = 0; p < PE; p++) begin : g_pe
    logic          we, at_least, flip;
    logic [31:0]   entry, level, v;
    logic [AW-1:0] at, next;
    logic [7:0]    found, c;
    logic [6:0]    so_far;
    assign we = wr_en && wr_beat == 16'(p / Banks);
    bnn_ram #(.WIDTH(32), .DEPTH(TDEPTH), .AW(AW)) u_bank (
      .clk(clk), .we(we), .waddr(wr_addr), .wdata(wr_data[(p%Banks)*32 +: 32]),
      .re(seek), .raddr(next), .rdata(entry)
    );
    assign level = {entry[30], entry[30:0]};
    assign flip  = entry[31];
    always_comb begin
      at_least = 1'b0;
      next     = middle;
      found    = '0;
      if (compare) begin
        at_least = $signed(v) >= $signed(level);
        if (!start) next = at_least ? at + half : at - half;
        found = {begins ? 7'd0 : so_far, at_least != flip};
      end
    end

    always_ff @(posedge clk) begin
      if (take) v <= take_lanes[p] ? sums[p*32 +: 32] : '0;
      if (seek) at <= next;
      if (compare) so_far <= found[6:0];
      if (compare && ends) begin
        if (!lanes[p]) c <= '0;
        else if (fresh || found > c) c <= found;
      end else if (shift) begin
        c <= c >> 1;
      end
    end
    assign value[p*32 +: 32] = v;
    assign plane[p] = c[0];
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk) begin
    if (wr_en === 1'b1) assert (32'(wr_beat) < PE / Banks);
    if (start === 1'b1) assert (32'(middle) < TDEPTH);
    if (compare === 1'b1) assert (ends == (half == '0));
    if (take === 1'b1) assert (compare !== 1'b1 || ends);
  end
`endif
endmodule : bnn_thresholds
