/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_write with any clients and any memory that keep to the protocol: channels are stable until
 * they are taken, no burst crosses 4 KiB, WLAST comes with exactly the last beat of each burst
 * (chosen by the prover), nothing is written and nothing begun in an abort. */
module f_write (
  input logic        clk,
  input logic        stop,
  input logic        flush,
  input logic        rec_valid,
  input logic [63:3] rec_addr,
  input logic        st_valid,
  input logic [63:0] st_addr,
  input logic [31:0] st_beats,
  input logic        st_last,
  input logic        sd_valid,
  input logic [63:0] sd_data,
  input logic        awready,
  input logic        wready,
  input logic        bvalid,
  input logic [1:0]  bresp
);
  logic rst = 1'b1;
  always_ff @(posedge clk) rst <= 1'b0;
  (* anyconst *) logic [3:0] chosen;

  logic idle, rec_done, rec_err, st_ready, sd_ready, b_store, b_last, b_err;
  logic [6:0] st_take;
  logic [63:0] awaddr, wdata;
  logic [7:0] awlen, wstrb;
  logic [2:0] awsize, awprot;
  logic [1:0] awburst;
  logic [3:0] awcache;
  logic awvalid, wlast, wvalid, bready;
  bnn_write #(.AXI_DW(64), .OPEN(2)) dut (
    .clk, .rst, .stop, .flush, .idle, .rec_valid, .rec_addr, .rec_data(64'd5), .rec_done,
    .rec_err, .st_valid, .st_addr, .st_beats, .st_last, .st_ready, .st_take, .sd_valid, .sd_ready,
    .sd_data, .b_store, .b_last, .b_err,
    .m_axi_awaddr(awaddr), .m_axi_awlen(awlen), .m_axi_awsize(awsize), .m_axi_awburst(awburst),
    .m_axi_awcache(awcache), .m_axi_awprot(awprot), .m_axi_awvalid(awvalid),
    .m_axi_awready(awready), .m_axi_wdata(wdata), .m_axi_wstrb(wstrb), .m_axi_wlast(wlast),
    .m_axi_wvalid(wvalid), .m_axi_wready(wready), .m_axi_bresp(bresp), .m_axi_bvalid(bvalid),
    .m_axi_bready(bready)
  );

  logic [3:0] n_aw = 4'd0, n_last = 4'd0, n_b = 4'd0;
  logic [7:0] beats = 8'd0, chosen_len = 8'd0;
  logic known = 1'b0, was_flush = 1'b0, was_rec = 1'b0;
  logic aw_held = 1'b0;
  always_comb begin
    assume (st_addr[2:0] == 3'd0 && st_addr[63:13] == '0 && rec_addr[63:13] == '0);
    assume (st_beats != 32'd0 && st_beats <= 32'd4 && sd_data == 64'd0);
    if (bvalid) assume (n_b != n_last && n_b != n_aw); // an answer to a burst that has ended
    if (was_rec && !was_flush) assume (rec_valid);
  end
  always_ff @(posedge clk) if (!rst) begin
    was_flush <= flush;
    was_rec   <= rec_valid && !rec_done;
    aw_held   <= awvalid && !awready;
    if (awvalid && awready) begin
      n_aw <= n_aw + 4'd1;
      if (n_aw == chosen && !known) begin
        known      <= 1'b1;
        chosen_len <= awlen;
      end
    end
    if (wvalid && wready) begin
      beats <= wlast ? 8'd0 : beats + 8'd1;
      if (wlast) n_last <= n_last + 4'd1;
      if (known && n_last == chosen && n_aw < 4'd15) assert (wlast == (beats == chosen_len));
    end
    if (bvalid && bready) n_b <= n_b + 4'd1;
    if (bvalid) assert (bready);
    if (was_flush && awvalid) assert (aw_held); // nothing is begun
    if (awvalid) assert (awsize == 3'd3 && awburst == 2'b01);
    if (idle) assert (!awvalid && !wvalid);
    cover (n_b == 4'd2);
  end
endmodule
