/* SPDX-License-Identifier: Apache-2.0
 *
 * AXI read master, shared by descriptor fetch (first) and load.
 *
 *   *_valid, *_addr, *_beats   a client wants this many beats from this address on
 *   *_ready, *_take            a burst of so many of them is taken; the client moves on
 *   r_fetch, r_load            a beat for this client; r_data, r_err (refused by the memory)
 *   r_load_ready               load takes its beat in this cycle; fetch has reserved its place
 *   stop                       no new burst; flush: beats are thrown away
 *   idle                       no burst is open
 *
 * Bursts have up to 64 beats and end at 4 KiB; up to OPEN are open, answered in order. A new burst can
 * start in each cycle. */
module bnn_read #(
  parameter int AXI_DW = 64,
  parameter int OPEN   = 8 // bursts, a power of two
) (
  input  logic              clk,
  input  logic              rst,
  input  logic              stop,
  input  logic              flush,
  output logic              idle,

  input  logic              fetch_valid,
  input  logic [63:0]       fetch_addr,
  output logic              fetch_ready,
  input  logic              load_valid,
  input  logic [63:0]       load_addr,
  input  logic [31:0]       load_beats,
  output logic              load_ready,
  output logic [6:0]        load_take,

  output logic              r_fetch,
  output logic              r_load,
  input  logic              r_load_ready,
  output logic [AXI_DW-1:0] r_data,
  output logic              r_err,

  output logic [63:0]       m_axi_araddr,
  output logic [7:0]        m_axi_arlen,
  output logic [2:0]        m_axi_arsize,
  output logic [1:0]        m_axi_arburst,
  output logic [3:0]        m_axi_arcache,
  output logic [2:0]        m_axi_arprot,
  output logic              m_axi_arvalid,
  input  logic              m_axi_arready,
  input  logic [AXI_DW-1:0] m_axi_rdata,
  input  logic [1:0]        m_axi_rresp,
  input  logic              m_axi_rlast,
  input  logic              m_axi_rvalid,
  output logic              m_axi_rready
);
  localparam int LB = $clog2(AXI_DW / 8);
  localparam logic [6:0] FETCH_BEATS = 7'(512 / AXI_DW);

  logic        may, owner_ready, owner_valid, owner, start;
  logic [6:0]  take;
  logic [12-LB:0] room; // beats to the next 4 KiB boundary

  assign m_axi_arsize  = 3'(LB);
  assign m_axi_arburst = 2'b01;   // INCR
  assign m_axi_arcache = 4'b0011; // normal, not cacheable
  assign m_axi_arprot  = 3'b000;

  // Take a burst when the address channel is free and its owner can be remembered.
  assign may         = (!m_axi_arvalid || m_axi_arready) && owner_ready && !stop && !flush;
  assign fetch_ready = may;
  assign load_ready  = may && !fetch_valid;
  assign start       = may && (fetch_valid || load_valid);

  assign room = {1'b1, {(12 - LB){1'b0}}} - {1'b0, load_addr[11:LB]};
  always_comb begin
    load_take = 7'd64;
    if (load_beats < 32'd64) load_take = load_beats[6:0];
    if (16'(room) < 16'(load_take)) load_take = 7'(room);
    take = fetch_valid ? FETCH_BEATS : load_take;
  end

  always_ff @(posedge clk) begin
    if (m_axi_arready) m_axi_arvalid <= 1'b0;
    if (start) begin
      m_axi_arvalid <= 1'b1;
      m_axi_araddr  <= fetch_valid ? fetch_addr : load_addr;
      m_axi_arlen   <= {1'b0, take} - 8'd1;
    end
    if (rst) m_axi_arvalid <= 1'b0;
  end

  // Who asked for the beats that come: 1 fetch, 0 load.
  bnn_fifo #(.WIDTH(1), .DEPTH(OPEN)) u_owner (
    .clk, .rst,
    .push_valid(start), .push_ready(owner_ready), .push_data(fetch_valid),
    .pop_valid(owner_valid), .pop_ready(m_axi_rvalid && m_axi_rready && m_axi_rlast),
    .pop_data(owner)
  );

  assign m_axi_rready = owner_valid && (owner || r_load_ready || flush);
  assign r_fetch      = owner_valid && owner && m_axi_rvalid && !flush;
  assign r_load       = owner_valid && !owner && m_axi_rvalid && r_load_ready && !flush;
  assign r_data       = m_axi_rdata;
  assign r_err        = m_axi_rresp[1];
  assign idle         = !owner_valid;

  // EXOKAY counts as OKAY.
  logic unused;
  assign unused = &{1'b0, m_axi_rresp[0]};

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic held;
  logic [63:0] last_addr;
  logic [7:0] last_len;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    held      <= m_axi_arvalid && !m_axi_arready && !rst;
    last_addr <= m_axi_araddr;
    last_len  <= m_axi_arlen;
    if (started && !rst) begin
      if (held) assert (m_axi_arvalid && m_axi_araddr == last_addr && m_axi_arlen == last_len);
      if (m_axi_arvalid) begin
        assert (m_axi_arlen < 8'd64);
        assert ((13'(m_axi_araddr[11:0]) + ((13'(m_axi_arlen) + 13'd1) << LB)) <= 13'd4096);
        assert (owner_valid);
      end
    end
  end
`endif
endmodule
