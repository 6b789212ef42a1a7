// SPDX-License-Identifier: Apache-2.0
//
// The output stage: drives the search for the codes and writes codes or raw sums to the output
// buffer.
//
//   prepare  the command's fields are valid: places return to the first output
//   take     the sums of one output (or pixel of a window) are captured; at least `post_last` + 1
//            cycles after the take before
//
// Codes: o_bits cycles of search, then (after the last pixel of a window) o_bits planes of
// PE/AXI_DW beats, at least one, written while the next search runs. Raw: PE * width / AXI_DW
// beats, from the cycle after take.
module bnn_post #(
  parameter int PE     = 32,
  parameter int AXI_DW = 64,
  parameter int TDEPTH = 256,
  parameter int ODEPTH = 4096,
  parameter int TAW    = $clog2(TDEPTH),
  parameter int OAW    = $clog2(ODEPTH),
  parameter int LANES  = (PE < AXI_DW) ? AXI_DW / PE : 1
) (
  input  logic              clk,
  input  logic              rst,
  input  logic              ld_valid,
  input  logic [TAW-1:0]    ld_addr,
  input  logic [15:0]       ld_beat,
  input  logic [AXI_DW-1:0] ld_data,

  input  logic              prepare,
  input  logic              codes,
  input  logic              raw16,
  input  logic [3:0]        o_bits,
  input  logic [PE-1:0]     last_lanes,
  input  logic [15:0]       t_base,
  input  logic [15:0]       out_base,
  input  logic [15:0]       out_pixel,
  input  logic [15:0]       out_plane,
  input  logic [15:0]       first_tile,

  input  logic              take,
  input  logic              pool_first,
  input  logic              pool_last,
  input  logic              tile_end,
  input  logic              tile_partial,
  input  logic [PE*32-1:0]  sums,

  output logic              busy,
  output logic              outside,
  output logic              we,
  output logic [OAW-1:0]    waddr,
  output logic [LANES-1:0]  wlanes,
  output logic [AXI_DW-1:0] wdata
);
  localparam int PlaneBeats = (PE > AXI_DW) ? PE / AXI_DW : 1;
  localparam int Beats16    = PE * 16 / AXI_DW;
  localparam int Beats32    = PE * 32 / AXI_DW;
  localparam int LL         = $clog2(LANES);
  localparam int LW         = (LANES > 1) ? LL : 1;

  // The search. `bit_at` is the code bit that is found in this cycle.
  logic           comparing, begins, ends, h_first, h_last, h_end, h_partial;
  logic [2:0]     bit_at, top;
  logic [15:0]    t_at;
  logic [TAW-1:0] middle;
  logic [TAW-1:0] half;
  logic [PE-1:0]  take_lanes, lanes, plane;
  logic [PE*32-1:0] value;
  logic           shift;
  assign top        = 3'(o_bits - 4'd1);
  assign middle     = t_at[TAW-1:0] + ({{(TAW - 1) {1'b0}}, 1'b1} << top);
  assign half       = ({{(TAW - 1) {1'b0}}, 1'b1} << bit_at) >> 1;
  assign begins     = bit_at == top;
  assign ends       = bit_at == '0;
  assign take_lanes = tile_partial ? last_lanes : '1;
  assign lanes      = h_partial ? last_lanes : '1;

  bnn_thresholds #(.PE(PE), .AXI_DW(AXI_DW), .TDEPTH(TDEPTH), .AW(TAW)) u_thresholds (
    .clk(clk), .wr_en(ld_valid), .wr_addr(ld_addr), .wr_beat(ld_beat), .wr_data(ld_data),
    .take(take), .search(codes), .middle(middle), .sums(sums), .take_lanes(take_lanes),
    .compare(comparing), .begins(begins), .ends(ends), .half(half), .lanes(lanes),
    .fresh(h_first), .shift(shift), .value(value), .plane(plane)
  );

  always_ff @(posedge clk) begin
    if (rst) comparing <= 1'b0;
    else if (take) comparing <= codes;
    else if (ends) comparing <= 1'b0;
    if (take) bit_at <= top;
    else if (comparing) bit_at <= bit_at - 3'd1;
    if (take) begin
      h_first   <= pool_first;
      h_last    <= pool_last;
      h_end     <= tile_end;
      h_partial <= tile_partial;
    end
    if (prepare) t_at <= t_base;
    else if (take && tile_end) t_at <= t_at + (16'd1 << o_bits);
  end

  // The writer. A place is advanced as soon as its output has begun.
  logic          start, start_end, writing, plane_done, write_done;
  logic [5:0]    beat;
  logic [6:0]    tile_beats;        // of a tile, in one plane
  logic [2:0]    plane_at;
  logic [25:0]   at, plane_start, pixel, tile, tile_next, tile_first;
  logic [LW-1:0] lane, lane_at, lane_next;
  assign start      = codes ? (comparing && ends && h_last) : take;
  assign start_end  = codes ? h_end : tile_end;
  assign tile_beats = codes ? 7'(PlaneBeats) : raw16 ? 7'(Beats16) : 7'(Beats32);
  assign plane_done = 7'(beat) == tile_beats - 7'd1;
  assign write_done = plane_done && plane_at == top;
  assign shift      = writing && codes && plane_done;
  if (LANES > 1) begin : g_lanes
    // Tiles are narrower than a beat: LANES of them share one.
    assign tile_first = codes ? 26'(first_tile[15:LL]) : 26'(first_tile) * 26'(tile_beats);
    assign lane_next  = lane + 1'b1;
    assign tile_next  = tile + (codes ? 26'(lane == '1) : 26'(tile_beats));
    assign wlanes     = codes ? {{(LANES - 1) {1'b0}}, 1'b1} << lane_at : '1;
  end else begin : g_whole
    assign tile_first = 26'(first_tile) * 26'(tile_beats);
    assign lane_next  = '0;
    assign tile_next  = tile + 26'(tile_beats);
    assign wlanes     = '1;
    logic unused;
    assign unused = &{lane, lane_at};
  end

  always_ff @(posedge clk) begin
    if (rst) writing <= 1'b0;
    else if (start) writing <= 1'b1;
    else if (write_done) writing <= 1'b0;
    if (prepare) begin
      tile  <= 26'(out_base) + tile_first;
      pixel <= 26'(out_base) + tile_first;
      lane  <= (LANES > 1) ? first_tile[LW-1:0] : '0;
    end else if (start) begin
      beat        <= '0;
      plane_at    <= '0;
      at          <= pixel;
      plane_start <= pixel;
      lane_at     <= lane;
      pixel       <= start_end ? tile_next : pixel + 26'(out_pixel);
      if (start_end) begin
        tile <= tile_next;
        lane <= lane_next;
      end
    end else if (writing) begin
      beat <= plane_done ? '0 : beat + 6'd1;
      at   <= at + 26'd1;
      if (plane_done) begin
        plane_at    <= plane_at + 3'd1;
        at          <= plane_start + 26'(out_plane);
        plane_start <= plane_start + 26'(out_plane);
      end
    end
  end

  // Raw sums come from a window of two beats of 32-bit numbers; 16-bit numbers saturate.
  localparam int WindowBits = 2 * AXI_DW;
  logic [WindowBits-1:0] window;
  logic [AXI_DW-1:0]     narrow, half_window;
  logic [5:0]            window_at;
  assign window_at = raw16 ? beat : beat >> 1;
  always_comb begin
    window = '0;
    if (writing && !codes) window = value[32'(window_at)*WindowBits +: WindowBits];
  end
  assign half_window = beat[0] ? window[WindowBits-1:AXI_DW] : window[AXI_DW-1:0];
  for (genvar k = 0; k < AXI_DW / 16; k++) begin : g_narrow
    logic [31:0] wide;
    logic        fits;
    assign wide = window[k*32 +: 32];
    assign fits = wide[31:15] == '0 || wide[31:15] == '1;
    assign narrow[k*16 +: 16] = fits ? wide[15:0] : {wide[31], {15{~wide[31]}}};
  end

  logic [AXI_DW-1:0] code_beat;
  if (PE > AXI_DW) begin : g_beats
    assign code_beat = plane[beat[$clog2(PlaneBeats)-1:0]*AXI_DW +: AXI_DW];
  end else begin : g_copies
    assign code_beat = {LANES{plane}};
  end
  always_comb begin
    if (codes) wdata = code_beat;
    else if (raw16) wdata = narrow;
    else wdata = half_window;
  end

  assign outside = writing && at >= 26'(ODEPTH);
  assign we      = writing && !outside;
  assign waddr   = at[OAW-1:0];
  assign busy    = comparing || writing;

`ifndef SYNTHESIS
  always_ff @(posedge clk) begin
    if (!rst) begin
      assert (!(take && comparing) || ends);
      assert (!(start && writing) || write_done);
      assert (!we || 32'(waddr) < ODEPTH);
      assert (!writing || plane_at <= top);
    end
  end
`endif
endmodule : bnn_post
