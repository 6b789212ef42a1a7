/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_read with any clients and any memory that keep to the protocol: requests are stable, no burst
 * crosses 4 KiB, each burst's beats reach the client that asked for it (any one, chosen by the
 * prover) and no other, none in an abort, and an abort begins nothing. */
module f_read (
  input logic        clk,
  input logic        stop,
  input logic        flush,
  input logic        fetch_valid,
  input logic [63:0] fetch_addr,
  input logic        load_valid,
  input logic [63:0] load_addr,
  input logic [31:0] load_beats,
  input logic        r_load_ready,
  input logic        arready,
  input logic        rvalid,
  input logic        rlast,
  input logic [1:0]  rresp,
  input logic [63:0] rdata
);
  logic rst = 1'b1;
  always_ff @(posedge clk) rst <= 1'b0;
  (* anyconst *) logic [3:0] chosen;

  logic idle, fetch_ready, load_ready, r_fetch, r_load, r_err, arvalid, rready;
  logic [6:0] load_take;
  logic [63:0] r_data, araddr;
  logic [7:0] arlen;
  logic [2:0] arsize, arprot;
  logic [1:0] arburst;
  logic [3:0] arcache;
  bnn_read #(.AXI_DW(64), .OPEN(4)) dut (
    .clk, .rst, .stop, .flush, .idle, .fetch_valid, .fetch_addr, .fetch_ready, .load_valid,
    .load_addr, .load_beats, .load_ready, .load_take, .r_fetch, .r_load, .r_load_ready, .r_data,
    .r_err, .m_axi_araddr(araddr), .m_axi_arlen(arlen), .m_axi_arsize(arsize),
    .m_axi_arburst(arburst), .m_axi_arcache(arcache), .m_axi_arprot(arprot),
    .m_axi_arvalid(arvalid), .m_axi_arready(arready), .m_axi_rdata(rdata), .m_axi_rresp(rresp),
    .m_axi_rlast(rlast), .m_axi_rvalid(rvalid), .m_axi_rready(rready)
  );

  logic [3:0] n_asked = 4'd0, n_ar = 4'd0, n_r = 4'd0;
  logic known = 1'b0, for_fetch = 1'b0, was_flush = 1'b0, ar_held = 1'b0;
  always_comb begin
    assume (fetch_addr[5:0] == 6'd0 && fetch_addr[63:13] == '0 && rdata == 64'd0);
    assume (load_addr[2:0] == 3'd0 && load_addr[63:13] == '0);
    assume (load_beats != 32'd0 && load_beats < 32'd128);
    if (rvalid) assume (n_r != n_ar); // data only for a request that has been taken
  end
  always_ff @(posedge clk) if (!rst) begin
    was_flush <= flush;
    ar_held   <= arvalid && !arready;
    if ((fetch_valid && fetch_ready) || (load_valid && load_ready)) begin
      n_asked <= n_asked + 4'd1;
      if (n_asked == chosen && !known) begin
        known     <= 1'b1;
        for_fetch <= fetch_valid && fetch_ready;
      end
    end
    assert (!(fetch_valid && fetch_ready && load_valid && load_ready));
    if (arvalid && arready) n_ar <= n_ar + 4'd1;
    if (rvalid && rready && rlast) n_r <= n_r + 4'd1;
    if (known && n_r == chosen && n_asked < 4'd15) begin
      assert (!(for_fetch ? r_load : r_fetch));
      if (rvalid && rready && !flush) assert (for_fetch ? r_fetch : r_load);
    end
    if (flush) assert (!r_fetch && !r_load);
    if (rvalid && flush) assert (rready);
    if (was_flush && arvalid) assert (ar_held);
    if (idle) assert (!arvalid);
    cover (n_r == 4'd3);
  end
endmodule
