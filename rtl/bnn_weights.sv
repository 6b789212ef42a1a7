// SPDX-License-Identifier: Apache-2.0
//
// Weight buffer: PE banks of SIMD bits, each word with its own SECDED check bits.
//
//   write   R = AXI_DW/SIMD banks per beat: lane group `wr_group` of word `wr_addr`; `wr_damage`
//           flips bits {check, data} of the group's first word after encoding (error injection)
//   read    all PE banks of word rd_addr; one cycle later the words are decoded, two cycles after
//           rd_en `word` holds them corrected, with the number of corrected and of lost bank words
module bnn_weights #(
  parameter int PE     = 32,
  parameter int SIMD   = 32,
  parameter int AXI_DW = 64,
  parameter int WDEPTH = 2048,
  parameter int AW     = $clog2(WDEPTH),
  parameter int CB     = $clog2(SIMD) + 2
) (
  input  logic               clk,
  input  logic               rst,
  input  logic               wr_en,
  input  logic [AW-1:0]      wr_addr,
  input  logic [15:0]        wr_group,
  input  logic [AXI_DW-1:0]  wr_data,
  input  logic [SIMD+CB-1:0] wr_damage,
  input  logic               rd_en,
  input  logic [AW-1:0]      rd_addr,
  output logic [PE*SIMD-1:0] word,
  output logic [15:0]        ecc_ce,
  output logic [15:0]        ecc_ue
);
  localparam int R      = AXI_DW / SIMD;
  localparam int Groups = PE / R;

  logic [AXI_DW-1:0] stored_data;
  logic [R*CB-1:0]   check, stored_check;
  for (genvar r = 0; r < R; r++) begin : g_encode
    bnn_ecc_encode #(.W(SIMD), .CB(CB)) u_encode (
      .en   (wr_en),
      .data (wr_data[r*SIMD +: SIMD]),
      .check(check[r*CB +: CB])
    );
  end
  assign stored_data  = wr_data ^ AXI_DW'(wr_damage[SIMD-1:0]);
  assign stored_check = check ^ (R * CB)'(wr_damage[SIMD +: CB]);

  logic read;
  always_ff @(posedge clk) read <= rd_en && !rst;

  logic [PE-1:0] corrected, lost;
  for (genvar g = 0; g < Groups; g++) begin : g_group
    logic              we;
    logic [AXI_DW-1:0] data_q;
    logic [R*CB-1:0]   check_q;
    assign we = wr_en && wr_group == 16'(g);

    bnn_ram #(.WIDTH(AXI_DW), .DEPTH(WDEPTH), .AW(AW)) u_data (
      .clk(clk), .we(we), .waddr(wr_addr), .wdata(stored_data),
      .re(rd_en), .raddr(rd_addr), .rdata(data_q)
    );
    bnn_ram #(.WIDTH(R * CB), .DEPTH(WDEPTH), .AW(AW)) u_check (
      .clk(clk), .we(we), .waddr(wr_addr), .wdata(stored_check),
      .re(rd_en), .raddr(rd_addr), .rdata(check_q)
    );

    for (genvar r = 0; r < R; r++) begin : g_bank
      bnn_ecc_decode #(.W(SIMD), .CB(CB)) u_decode (
        .clk          (clk),
        .rst          (rst),
        .en           (read),
        .data         (data_q[r*SIMD +: SIMD]),
        .check        (check_q[r*CB +: CB]),
        .fixed        (word[(g*R+r)*SIMD +: SIMD]),
        .corrected    (corrected[g*R+r]),
        .uncorrectable(lost[g*R+r])
      );
    end
  end

  assign ecc_ce = (|corrected) ? 16'($countones(corrected)) : '0;
  assign ecc_ue = (|lost) ? 16'($countones(lost)) : '0;

`ifndef SYNTHESIS
  always_ff @(posedge clk) begin
    if (!rst) begin
      assert (!wr_en || wr_group < 16'(Groups));
      assert (ecc_ce <= 16'(PE));
      assert (ecc_ue <= 16'(PE));
    end
  end
`endif
endmodule : bnn_weights
