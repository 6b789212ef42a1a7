/* SPDX-License-Identifier: Apache-2.0
 *
 * AXI write master, shared by completion records (first) and store.
 *
 *   rec_valid, rec_addr, rec_data    a record of 8 bytes; stays as it is until rec_done
 *   rec_done, rec_err                it has been acknowledged; it was refused
 *   st_valid, st_addr, st_beats      store wants this many beats at this address; st_last: they
 *   st_last                          are the last of its descriptor
 *   st_ready, st_take                a burst of so many of them is taken; store moves on
 *   sd_valid, sd_ready, sd_data      the beats, in the order of the bursts
 *   b_store, b_last, b_err           a burst of store is acknowledged; it is the last of its
 *                                    descriptor; it was refused
 *   stop                             no new burst of store; flush: no new burst at all, and what
 *                                    was begun is finished with strobes off
 *   idle                             no burst is open
 *
 * Bursts have up to 64 beats and end at 4 KiB; up to OPEN are open. A beat per cycle, across bursts
 * too. */
module bnn_write #(
  parameter int AXI_DW = 64,
  parameter int OPEN   = 8 // bursts, a power of two
) (
  input  logic                clk,
  input  logic                rst,
  input  logic                stop,
  input  logic                flush,
  output logic                idle,

  input  logic                rec_valid,
  input  logic [63:3]         rec_addr,
  input  logic [63:0]         rec_data,
  output logic                rec_done,
  output logic                rec_err,

  input  logic                st_valid,
  input  logic [63:0]         st_addr,
  input  logic [31:0]         st_beats,
  input  logic                st_last,
  output logic                st_ready,
  output logic [6:0]          st_take,
  input  logic                sd_valid,
  output logic                sd_ready,
  input  logic [AXI_DW-1:0]   sd_data,
  output logic                b_store,
  output logic                b_last,
  output logic                b_err,

  output logic [63:0]         m_axi_awaddr,
  output logic [7:0]          m_axi_awlen,
  output logic [2:0]          m_axi_awsize,
  output logic [1:0]          m_axi_awburst,
  output logic [3:0]          m_axi_awcache,
  output logic [2:0]          m_axi_awprot,
  output logic                m_axi_awvalid,
  input  logic                m_axi_awready,
  output logic [AXI_DW-1:0]   m_axi_wdata,
  output logic [AXI_DW/8-1:0] m_axi_wstrb,
  output logic                m_axi_wlast,
  output logic                m_axi_wvalid,
  input  logic                m_axi_wready,
  input  logic [1:0]          m_axi_bresp,
  input  logic                m_axi_bvalid,
  output logic                m_axi_bready
);
  localparam int BYTES = AXI_DW / 8;
  localparam int LB    = $clog2(BYTES);

  // ------------------------------------------------------------------------------- addresses --
  logic           may, data_room, ack_room, rec_open, rec_start, start;
  logic [12-LB:0] room;
  logic [6:0]     take;

  assign m_axi_awsize  = 3'(LB);
  assign m_axi_awburst = 2'b01;
  assign m_axi_awcache = 4'b0011;
  assign m_axi_awprot  = 3'b000;

  assign may       = (!m_axi_awvalid || m_axi_awready) && data_room && ack_room && !flush;
  assign rec_start = may && rec_valid && !rec_open;
  assign st_ready  = may && !(rec_valid && !rec_open) && !stop;
  assign start     = rec_start || (st_ready && st_valid);

  assign room = {1'b1, {(12 - LB){1'b0}}} - {1'b0, st_addr[11:LB]};
  always_comb begin
    st_take = 7'd64;
    if (st_beats < 32'd64) st_take = st_beats[6:0];
    if (16'(room) < 16'(st_take)) st_take = 7'(room);
    take = rec_start ? 7'd1 : st_take;
  end

  always_ff @(posedge clk) begin
    if (m_axi_awready) m_axi_awvalid <= 1'b0;
    if (start) begin
      m_axi_awvalid <= 1'b1;
      m_axi_awaddr  <= rec_start ? {rec_addr[63:LB], {LB{1'b0}}} : st_addr;
      m_axi_awlen   <= {1'b0, take} - 8'd1;
    end
    if (rec_start) rec_open <= 1'b1;
    if (rec_done) rec_open <= 1'b0;
    if (rst) begin
      m_axi_awvalid <= 1'b0;
      rec_open      <= 1'b0;
    end
  end

  // ------------------------------------------------------------------------------------ data --
  logic       d_valid, d_rec, d_next, d_end;
  logic [6:0] d_take, beat;

  bnn_fifo #(.WIDTH(8), .DEPTH(OPEN)) u_data (
    .clk, .rst,
    .push_valid(start), .push_ready(data_room), .push_data({rec_start, take}),
    .pop_valid(d_valid), .pop_ready(d_next && d_end), .pop_data({d_rec, d_take})
  );

  assign d_next   = d_valid && (!m_axi_wvalid || m_axi_wready) && (d_rec || sd_valid || flush);
  assign d_end    = beat + 7'd1 == d_take;
  assign sd_ready = d_next && !d_rec && !flush;

  logic [BYTES-1:0] rec_strb;
  generate
    if (AXI_DW == 64) begin : gen_whole
      assign rec_strb = '1;
    end else begin : gen_half
      assign rec_strb = rec_addr[3] ? {{8{1'b1}}, {(BYTES - 8){1'b0}}}
                                    : {{(BYTES - 8){1'b0}}, {8{1'b1}}};
    end
  endgenerate

  always_ff @(posedge clk) begin
    if (m_axi_wready) m_axi_wvalid <= 1'b0;
    if (d_next) begin
      m_axi_wvalid <= 1'b1;
      m_axi_wlast  <= d_end;
      m_axi_wdata  <= d_rec ? {(AXI_DW / 64){rec_data}} : sd_data;
      m_axi_wstrb  <= flush ? '0 : d_rec ? rec_strb : '1;
      beat         <= d_end ? 7'd0 : beat + 7'd1;
    end
    if (rst) begin
      m_axi_wvalid <= 1'b0;
      beat         <= '0;
    end
  end

  // -------------------------------------------------------------------------- acknowledgement --
  logic a_valid, a_rec, a_last, a_next;

  bnn_fifo #(.WIDTH(2), .DEPTH(OPEN)) u_ack (
    .clk, .rst,
    .push_valid(start), .push_ready(ack_room),
    .push_data({rec_start, st_last && {25'b0, take} == st_beats}),
    .pop_valid(a_valid), .pop_ready(m_axi_bvalid), .pop_data({a_rec, a_last})
  );

  assign m_axi_bready = a_valid;
  assign a_next       = a_valid && m_axi_bvalid;
  assign b_store      = a_next && !a_rec && !flush;
  assign b_last       = a_last;
  assign b_err        = m_axi_bresp[1];
  assign rec_done     = a_next && a_rec;
  assign rec_err      = m_axi_bresp[1];
  assign idle         = !a_valid;

  logic unused;
  assign unused = &{1'b0, m_axi_bresp[0]};

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic aw_held, w_held, last_last;
  logic [63:0] last_addr;
  logic [BYTES-1:0] last_strb;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    aw_held   <= m_axi_awvalid && !m_axi_awready && !rst;
    w_held    <= m_axi_wvalid && !m_axi_wready && !rst;
    last_addr <= m_axi_awaddr;
    last_strb <= m_axi_wstrb;
    last_last <= m_axi_wlast;
    if (started && !rst) begin
      if (aw_held) assert (m_axi_awvalid && m_axi_awaddr == last_addr);
      if (w_held) begin
        assert (m_axi_wvalid && m_axi_wlast == last_last && m_axi_wstrb == last_strb);
      end
      if (m_axi_awvalid) begin
        assert (m_axi_awlen < 8'd64);
        assert ((13'(m_axi_awaddr[11:0]) + ((13'(m_axi_awlen) + 13'd1) << LB)) <= 13'd4096);
      end
      if (d_valid) assert (beat < d_take);
      if (m_axi_wvalid) assert (a_valid);
    end
  end
`endif
endmodule
