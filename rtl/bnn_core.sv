// SPDX-License-Identifier: Apache-2.0
//
// The compute half of the accelerator: on-chip buffers, the loop nest of COMPUTE, the array of
// popcounts, thresholds and pooling (docs/accelerator.md).
//
//   ld_*      one beat per cycle from the load engine, always taken. ld_target 0 weights, 1
//             activations, 2 thresholds; ld_addr a word, for activations a beat; ld_lane the lane
//             group (weights) or the beat within the word (thresholds), else 0. Places are legal.
//   cmd_*     words 4 to 14 of a COMPUTE, word 4 lowest. One at a time.
//   done_*    its end, with the bits of ERR that it met (0: results are good)
//   st_*      the output buffer, data one cycle after the enable
//   inject_*  arms an error (register INJECT); taken in one cycle
//   step, stall_out, ecc_ce, ecc_ue, parity   what the counters count, per cycle
//
// rst is synchronous. It ends a command at once; the buffers keep their content.
//
// Cycles of a command without errors, from the edge that takes it to the first cycle of done_valid:
//
//   n max(K, P) + min(K, P) + F      n = NT M outputs, K = k_h k_w CW a_bits w_bits steps each
//
//   codes   P = o_bits max(1, PE / AXI_DW)     F = 17 + o_bits
//   raw     P = PE width / AXI_DW              F = 17
//   else    P = 1                              F = 16
//
// stall_out is high in (n - 1) max(0, P - K) of them. The nest is the only place that waits: it
// issues the last step of an output no earlier than P cycles after that of the output before, so
// everything behind it flows without stalls:
//
//   cycle 0  the nest issues a step, buffers are read     1  SECDED, parity, masks     2  popcount
//         3  weighting by planes     4  accumulation (initial sums arrive)
//         5  sums complete: captured or stored     6 ...  output stage
//
// The first error ends the command; after it nothing is issued or counted.
`include "bnn_registers.svh"
module bnn_core #(
  parameter int PE     = 32,
  parameter int SIMD   = 32,
  parameter int AXI_DW = 64,
  parameter int WDEPTH = 2048,
  parameter int ADEPTH = 4096,
  parameter int TDEPTH = 256,
  parameter int ODEPTH = 4096,
  parameter int CDEPTH = 256
) (
  input  logic              clk,
  input  logic              rst,
  input  logic              ld_valid,
  input  logic [1:0]        ld_target,
  input  logic [15:0]       ld_addr,
  input  logic [15:0]       ld_lane,
  input  logic [AXI_DW-1:0] ld_data,
  input  logic              cmd_valid,
  output logic              cmd_ready,
  input  logic [351:0]      cmd_words,
  output logic              done_valid,
  input  logic              done_ready,
  output logic [15:0]       done_error,
  input  logic              st_en,
  input  logic [15:0]       st_addr,
  output logic [AXI_DW-1:0] st_data,
  input  logic              inject_valid,
  input  logic [1:0]        inject_kind,
  input  logic [7:0]        inject_bit,
  output logic              busy,
  output logic              step,
  output logic              stall_out,
  output logic [15:0]       ecc_ce,
  output logic [15:0]       ecc_ue,
  output logic [15:0]       parity
);
  localparam int WAW   = $clog2(WDEPTH);
  localparam int AAW   = $clog2(ADEPTH);
  localparam int TAW   = $clog2(TDEPTH);
  localparam int OAW   = $clog2(ODEPTH);
  localparam int CAW   = $clog2(CDEPTH);
  localparam int CB    = $clog2(SIMD) + 2;
  localparam int RW    = (AXI_DW > SIMD) ? $clog2(AXI_DW / SIMD) : 1;
  localparam int LANES = (PE < AXI_DW) ? AXI_DW / PE : 1;

  // ------------------------------------------------------------------------------- control --
  localparam logic [2:0] Idle = 3'd0;
  localparam logic [2:0] Judge = 3'd1;
  localparam logic [2:0] Prepare = 3'd2;
  localparam logic [2:0] Run = 3'd3;
  localparam logic [2:0] Drain = 3'd4;
  localparam logic [2:0] Done = 3'd5;
  logic [2:0]  state;
  logic [15:0] error, error_now;
  logic        accept, legal, prepared, hold, nest_outside, finished, post_outside, post_busy;
  logic        bad_parity, flowing;
  logic [15:0] read_ce, read_ue;

  assign cmd_ready  = state == Idle;
  assign accept     = cmd_valid && cmd_ready;
  assign busy       = state != Idle;
  assign done_valid = state == Done;
  assign done_error = error;
  assign stall_out  = hold;
  assign ecc_ce     = (error == '0) ? read_ce : '0;
  assign ecc_ue     = (error == '0) ? read_ue : '0;
  assign parity     = 16'(bad_parity && error == '0);

  always_comb begin
    error_now = '0;
    error_now[`BNN_ERR_FIELD_LSB]  = state == Judge && !legal;
    error_now[`BNN_ERR_RANGE_LSB]  = nest_outside || post_outside;
    error_now[`BNN_ERR_ECC_LSB]    = read_ue != '0;
    error_now[`BNN_ERR_PARITY_LSB] = bad_parity;
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      state <= Idle;
      error <= '0;
    end else begin
      error <= accept ? '0 : error | error_now;
      case (state)
        Idle:    if (cmd_valid) state <= Judge;
        Judge:   state <= legal ? Prepare : Done;
        Prepare: if (prepared) state <= Run;
        Run:     if ((step && finished) || error_now != '0 || error != '0) state <= Drain;
        Drain:   if (!flowing && !post_busy) state <= Done;
        Done:    if (done_ready) state <= Idle;
        default: state <= Idle;
      endcase
    end
  end

  // ------------------------------------------------------------------------------- command --
  logic            xnor_mode, doubled, a_signed, w_signed, zero_bits, resume, final_sums;
  logic            codes, raw16;
  logic [2:0]      a_last, w_last;
  logic [3:0]      o_bits, pool, k_h, k_w, stride_y, stride_x, pad_top, pad_left;
  logic [15:0]     h, w, out_h, out_w, a_base, w_base, t_base, acc_base, out_base;
  logic [15:0]     out_pixel, out_plane, first_tile, a_pixel, a_plane, last_tile, last_chunk;
  logic [PE-1:0]   last_lanes;
  logic [SIMD-1:0] last_channels;
  logic [6:0]      post_last;
  bnn_command #(.PE(PE), .SIMD(SIMD), .AXI_DW(AXI_DW)) u_command (
    .clk, .rst, .accept, .words(cmd_words), .legal, .xnor_mode, .doubled, .a_signed, .w_signed,
    .zero_bits, .resume, .final_sums, .codes, .raw16, .a_last, .w_last, .o_bits, .pool, .h, .w,
    .k_h, .k_w, .stride_y, .stride_x, .pad_top, .pad_left, .out_h, .out_w, .a_base, .w_base,
    .t_base, .acc_base, .out_base, .out_pixel, .out_plane, .first_tile, .a_pixel, .a_plane,
    .last_lanes, .last_channels, .last_tile, .last_chunk, .post_last
  );

  // ---------------------------------------------------------------------------------- nest --
  logic            in_image, chunk_end, negate, first, last;
  logic            pool_first, pool_last, tile_end, tile_partial;
  logic [15:0]     a_addr, w_addr, acc_addr;
  logic [RW-1:0]   a_word;
  logic [3:0]      shift;
  bnn_nest #(
    .SIMD(SIMD), .AXI_DW(AXI_DW), .WDEPTH(WDEPTH), .ADEPTH(ADEPTH), .TDEPTH(TDEPTH), .CDEPTH(CDEPTH)
  ) u_nest (
    .clk, .rst, .prepare(state == Judge), .prepared, .run(state == Run && error == '0), .a_signed,
    .w_signed, .resume, .final_sums, .codes, .a_last, .w_last, .o_bits, .pool, .h, .w, .k_h, .k_w,
    .stride_y, .stride_x, .pad_top, .pad_left, .out_h, .out_w, .a_base, .w_base, .t_base, .acc_base,
    .a_pixel, .a_plane, .last_tile, .last_chunk, .post_last, .step, .hold, .outside(nest_outside),
    .finished, .in_image, .a_addr, .a_word, .w_addr, .acc_addr, .chunk_end, .negate, .shift, .first,
    .last, .pool_first, .pool_last, .tile_end, .tile_partial
  );

  // ------------------------------------------------------------------------------- pipeline --
  // Flags that travel with a step: what the array needs (to cycle 2), what its sums need (to 5).
  logic [5:1]  valid, is_last;
  logic [3:1]  is_first;
  logic [2:1]  is_negate;
  logic [7:0]  shifts;
  logic [19:0] marks;  // {tile_partial, tile_end, pool_last, pool_first} of cycles 5 … 1
  logic [CAW*5-1:0] acc_at;
  always_ff @(posedge clk) begin
    valid     <= rst ? '0 : {valid[4:1], step};
    is_first  <= {is_first[2:1], first};
    is_last   <= {is_last[4:1], last};
    is_negate <= {is_negate[1], negate};
    shifts    <= {shifts[3:0], shift};
    marks     <= {marks[15:0], tile_partial, tile_end, pool_last, pool_first};
    acc_at    <= {acc_at[CAW*4-1:0], acc_addr[CAW-1:0]};
  end
  assign flowing = |valid;

  // ---------------------------------------------------------------------- loads and buffers --
  logic              load;
  logic [1:0]        load_target;
  logic [15:0]       load_addr, load_lane;
  logic [AXI_DW-1:0] load_data;
  logic              load_w, load_a, load_t;
  always_ff @(posedge clk) begin
    load <= ld_valid && !rst;
    if (ld_valid) begin
      load_target <= ld_target;
      load_addr   <= ld_addr;
      load_lane   <= ld_lane;
      load_data   <= ld_data;
    end
  end
  assign load_w = load && load_target == 2'd0;
  assign load_a = load && load_target == 2'd1;
  assign load_t = load && load_target == 2'd2;

  logic [SIMD+CB-1:0] weight_damage;
  logic [SIMD-1:0]    activation_damage;
  bnn_inject #(.SIMD(SIMD), .CB(CB)) u_inject (
    .clk, .rst, .arm(inject_valid), .kind(inject_kind), .bit_at(inject_bit),
    .weights_written(load_w), .activations_written(load_a), .weight_damage, .activation_damage
  );

  logic [PE*SIMD-1:0] weights;
  bnn_weights #(.PE(PE), .SIMD(SIMD), .AXI_DW(AXI_DW), .WDEPTH(WDEPTH)) u_weights (
    .clk, .rst, .wr_en(load_w), .wr_addr(load_addr[WAW-1:0]), .wr_group(load_lane),
    .wr_data(load_data), .wr_damage(weight_damage), .rd_en(step), .rd_addr(w_addr[WAW-1:0]),
    .word(weights), .ecc_ce(read_ce), .ecc_ue(read_ue)
  );

  logic [SIMD-1:0] flip, care;
  bnn_activations #(.SIMD(SIMD), .AXI_DW(AXI_DW), .ADEPTH(ADEPTH)) u_activations (
    .clk, .rst, .wr_en(load_a), .wr_addr(load_addr[AAW-1:0]), .wr_data(load_data),
    .wr_damage(activation_damage), .step, .in_image, .rd_addr(a_addr[AAW-1:0]), .rd_word(a_word),
    .channels(chunk_end ? last_channels : '1), .zero_bits, .xnor_mode, .flip, .care,
    .bad(bad_parity)
  );

  // ------------------------------------------------------------------------- array and sums --
  logic [PE*32-1:0] sums, start;
  logic             complete;
  assign complete = valid[5] && is_last[5];
  bnn_array #(.PE(PE), .SIMD(SIMD)) u_array (
    .clk, .rst, .valid(valid[2]), .first(is_first[2]), .negate(is_negate[2]), .shift(shifts[7:4]),
    .weights, .flip, .care, .doubled, .resume, .start, .acc(sums)
  );
  bnn_ram #(.WIDTH(PE * 32), .DEPTH(CDEPTH)) u_accumulators (
    .clk, .we(complete && !final_sums), .waddr(acc_at[CAW*4 +: CAW]), .wdata(sums),
    .re(valid[3] && is_first[3] && resume), .raddr(acc_at[CAW*2 +: CAW]), .rdata(start)
  );

  // -------------------------------------------------------------------------------- outputs --
  logic              out_we;
  logic [OAW-1:0]    out_addr;
  logic [LANES-1:0]  out_lanes;
  logic [AXI_DW-1:0] out_data;
  bnn_post #(.PE(PE), .AXI_DW(AXI_DW), .TDEPTH(TDEPTH), .ODEPTH(ODEPTH)) u_post (
    .clk, .rst, .ld_valid(load_t), .ld_addr(load_addr[TAW-1:0]), .ld_beat(load_lane),
    .ld_data(load_data), .prepare(state == Prepare), .codes, .raw16, .o_bits, .last_lanes,
    .t_base, .out_base, .out_pixel, .out_plane, .first_tile,
    .take(complete && final_sums), .pool_first(marks[16]), .pool_last(marks[17]),
    .tile_end(marks[18]), .tile_partial(marks[19]), .sums, .busy(post_busy),
    .outside(post_outside), .we(out_we), .waddr(out_addr), .wlanes(out_lanes), .wdata(out_data)
  );
  bnn_outputs #(.AXI_DW(AXI_DW), .ODEPTH(ODEPTH), .LANES(LANES)) u_outputs (
    .clk, .we(out_we), .waddr(out_addr), .wlanes(out_lanes), .wdata(out_data), .re(st_en),
    .raddr(st_addr[OAW-1:0]), .rdata(st_data)
  );

  // High address bits are 0 where they are not used: the nest and the engines check them.
  logic unused;
  assign unused = &{1'b0, load_addr, st_addr, a_addr, w_addr, acc_addr};

`ifndef SYNTHESIS
  always_ff @(posedge clk) begin
    if (!rst) begin
      assert (!(step && stall_out));
      assert (!step || state == Run);
      assert (!(state == Drain) || !accept);
      assert (state != Done || !(flowing && error == '0));
    end
  end
`endif
endmodule : bnn_core
