/* SPDX-License-Identifier: Apache-2.0
 *
 * Load engine: rows of memory to consecutive places of a buffer.
 *
 *   q_*               head of the load queue, its fields by name
 *   have, pop         token compute->load
 *   rd_*              rows to the read master; r_* the beats that come back
 *   ld_*              to the core's buffers, one beat per cycle, always taken:
 *                     target 0 weights (word, lane group), 1 activations (beat, 0),
 *                     2 thresholds (word, beat of the word)
 *   fin_*             a descriptor that has ended well
 *   err, err_info     FIELD, ALIGN or RANGE (the first that fits) before anything is read;
 *                     AXI_READ with the beat that the memory refused
 *   name_*            the oldest descriptor here, for the watchdog
 *   working           something is being loaded or looked at
 *
 * Two halves. The first looks at the fields and asks for rows: 3 cycles from the head of the queue
 * to the first request (weights whose planes are no power of two: 3 + WB, for a division), then a
 * burst per cycle. The second takes what comes back, up to two descriptors behind: without
 * rounding a beat passes in its own cycle. So the rows of the next descriptor are on their way
 * while the last ones arrive.
 *
 * RANGE: also beats that do not fill whole words of weights or thresholds. */
`include "bnn_registers.svh"
module bnn_load #(
  parameter int PE     = 32,
  parameter int SIMD   = 32,
  parameter int AXI_DW = 64,
  parameter int WDEPTH = 2048,
  parameter int ADEPTH = 4096,
  parameter int TDEPTH = 256
) (
  input  logic              clk,
  input  logic              rst,
  input  logic              stop,
  input  logic              q_valid,
  output logic              q_ready,
  input  logic              q_pop,
  input  logic              q_push,
  input  logic [126:0]      q_info,
  input  logic [63:0]       q_addr,
  input  logic [1:0]        q_target,
  input  logic [3:0]        q_stored,
  input  logic [3:0]        q_kept,
  input  logic [15:0]       q_place,
  input  logic [15:0]       q_length,
  input  logic [15:0]       q_rows,
  input  logic [31:0]       q_stride,
  input  logic              have,
  output logic              pop,

  output logic              rd_valid,
  output logic [63:0]       rd_addr,
  output logic [31:0]       rd_beats,
  input  logic              rd_ready,
  input  logic [6:0]        rd_take,
  input  logic              r_valid,
  output logic              r_ready,
  input  logic [AXI_DW-1:0] r_data,
  input  logic              r_err,

  output logic              ld_valid,
  output logic [1:0]        ld_target,
  output logic [15:0]       ld_addr,
  output logic [15:0]       ld_lane,
  output logic [AXI_DW-1:0] ld_data,

  output logic              fin_valid,
  input  logic              fin_ready,
  output logic              fin_push,
  output logic [126:0]      fin_info,
  output logic [11:0]       err,
  output logic [126:0]      err_info,
  output logic              working,
  output logic              name_valid,
  output logic [126:0]      name_info
);
  localparam int LB = $clog2(AXI_DW / 8);
  localparam int GL = $clog2(PE * SIMD / AXI_DW); // lane groups of a weight word
  localparam int TL = $clog2(PE * 32 / AXI_DW);   // beats of a threshold word
  localparam int WB = $clog2(WDEPTH + 1) + 3;     // bits of a legal number of stored planes
  localparam logic [1:0] WEIGHTS = 2'd0, ACTIVATIONS = 2'd1, THRESHOLDS = 2'd2;
  localparam logic [15:0] GROUPS = 16'(PE * SIMD / AXI_DW), T_BEATS = 16'(PE * 32 / AXI_DW);

  // ------------------------------------------------------------------------ first half: asks --
  localparam logic [2:0] IDLE = 3'd0, CHECK = 3'd1, DIVIDE = 3'd2, START = 3'd3, ASK = 3'd4,
                         WRONG = 3'd5;
  logic [2:0]    state;
  logic [31:0]   total, planes, words;
  logic [35:0]   need, space;
  logic [WB-1:0] digits;
  logic [3:0]    rest;
  logic [4:0]    rest2;
  logic [5:0]    left_digits;
  logic [63:0]   row, at;
  logic [31:0]   beats;
  logic [15:0]   rows;
  logic [11:0]   check_err;
  logic          field, range, align, job_room;

  assign pop = state == IDLE && q_valid && !stop && q_pop && have;

  assign align  = q_addr[LB-1:0] != '0 || q_stride[LB-1:0] != '0;
  assign planes = total >> GL;
  assign words  = total >> TL;
  assign need   = {4'd0, planes} * {32'd0, q_kept};
  assign space  = (36'(WDEPTH) - {20'd0, q_place}) * {32'd0, q_stored};
  always_comb begin
    range = 1'b0;
    field = q_length == 16'd0 || q_rows == 16'd0 || q_target == 2'd3;
    case (q_target)
      WEIGHTS: begin
        field = field || q_stored == 4'd0 || q_stored > 4'd8 || q_kept == 4'd0 ||
                q_kept > q_stored;
        range = 32'(q_place) >= WDEPTH || need > space ||
                (total & (32'(GROUPS) - 32'd1)) != 32'd0;
      end
      ACTIVATIONS: begin
        field = field || q_stored != 4'd0 || q_kept != 4'd0;
        range = {1'b0, total} + {17'd0, q_place} > 33'(ADEPTH);
      end
      default: begin
        field = field || q_stored != 4'd0 || q_kept != 4'd0;
        range = {1'b0, words} + {17'd0, q_place} > 33'(TDEPTH) ||
                (total & (32'(T_BEATS) - 32'd1)) != 32'd0;
      end
    endcase
    check_err = '0;
    if (state == CHECK) begin
      if (field) check_err[`BNN_ERR_FIELD_LSB] = 1'b1;
      else if (align) check_err[`BNN_ERR_ALIGN_LSB] = 1'b1;
      else check_err[`BNN_ERR_RANGE_LSB] = range;
    end
    // Long division by the stored planes, one digit per cycle: only the rest is of interest.
    rest2 = {rest, digits[WB-1]};
    if (rest2 >= {1'b0, q_stored}) rest2 = rest2 - {1'b0, q_stored};
    if (state == DIVIDE && left_digits == 6'd0) check_err[`BNN_ERR_RANGE_LSB] = rest != 4'd0;
  end

  assign rd_valid = state == ASK && !stop;
  assign rd_addr  = at;
  assign rd_beats = beats;
  assign q_ready  = rd_valid && rd_ready && beats == 32'(rd_take) && rows == 16'd1;

  always_ff @(posedge clk) begin
    case (state)
      IDLE: if (q_valid && !stop && (!q_pop || have)) begin
        state <= CHECK;
        total <= 32'(q_length) * 32'(q_rows);
      end
      CHECK: begin
        digits      <= planes[WB-1:0];
        rest        <= 4'd0;
        left_digits <= 6'(WB);
        row         <= q_addr;
        at          <= q_addr;
        rows        <= q_rows;
        beats       <= {16'd0, q_length};
        if (32'(q_length) << LB == q_stride) begin // rows without gaps are one row
          rows  <= 16'd1;
          beats <= total;
        end
        if (check_err != '0) state <= WRONG;
        else if (q_target == WEIGHTS && (q_stored & (q_stored - 4'd1)) != 4'd0) state <= DIVIDE;
        else if (q_target == WEIGHTS && (planes & (32'(q_stored) - 32'd1)) != 32'd0) begin
          state       <= DIVIDE; // which finds the rest, too
        end else state <= START;
      end
      DIVIDE: begin
        digits      <= digits << 1;
        rest        <= rest2[3:0];
        left_digits <= left_digits - 6'd1;
        if (left_digits == 6'd0) state <= check_err != '0 ? WRONG : START;
      end
      START: if (job_room && !stop) state <= ASK;
      ASK: if (rd_valid && rd_ready) begin
        at    <= at + (64'(rd_take) << LB);
        beats <= beats - 32'(rd_take);
        if (beats == 32'(rd_take)) begin
          row   <= row + {32'd0, q_stride};
          at    <= row + {32'd0, q_stride};
          beats <= {16'd0, q_length};
          rows  <= rows - 16'd1;
          if (rows == 16'd1) state <= IDLE;
        end
      end
      default: ; // WRONG waits for the abort
    endcase
    if (rst) state <= IDLE;
  end

  // --------------------------------------------------------------- second half: takes, writes --
  logic         job_valid, job_push, job_round, job_end, failed;
  logic [1:0]   job_target;
  logic [3:0]   job_stored, job_kept;
  logic [15:0]  job_place;
  logic [31:0]  job_total;
  logic [126:0] job_info;
  logic         job_start, ended;

  assign job_start = state == START && job_room && !stop;
  bnn_fifo #(.WIDTH(186), .DEPTH(2)) u_jobs (
    .clk, .rst,
    .push_valid(job_start), .push_ready(job_room),
    .push_data({q_push, q_info, q_target, q_stored, q_kept, q_place, total}),
    .pop_valid(job_valid), .pop_ready(job_end),
    .pop_data({job_push, job_info, job_target, job_stored, job_kept, job_place, job_total})
  );

  // Beats of this descriptor that are still to come, and where the next one goes.
  logic              first, in_first, in_done, in_last, n_valid, n_last, w_last;
  logic [31:0]       left, left_now;
  logic [15:0]       base, base_now, lane, lane_now;
  logic [3:0]        plane, plane_now;
  logic [AXI_DW-1:0] n_data;

  assign job_round = job_target == WEIGHTS && job_stored != job_kept;
  assign r_ready   = job_valid && !in_done && !ended;
  assign left_now  = in_first ? job_total : left;
  assign in_last   = left_now == 32'd1;

  bnn_round #(.AXI_DW(AXI_DW)) u_round (
    .clk, .rst,
    .stored(job_stored), .kept(job_kept), .in_valid(r_valid && job_round), .in_data(r_data),
    .out_valid(n_valid), .out_data(n_data), .out_last(n_last)
  );

  assign base_now  = first ? job_place : base;
  assign lane_now  = first ? 16'd0 : lane;
  assign plane_now = first ? 4'd0 : plane;

  assign ld_valid  = (r_valid && !job_round) || n_valid;
  assign ld_target = job_target;
  assign ld_addr   = base_now + {12'd0, plane_now};
  assign ld_lane   = lane_now;
  assign ld_data   = n_valid ? n_data : r_data;

  // The last beat of the descriptor is written in this cycle.
  assign w_last  = job_round ? in_done && n_valid && n_last : r_valid && in_last;
  assign job_end = ended && (failed || fin_ready);

  always_ff @(posedge clk) begin
    if (r_valid) begin
      in_first <= 1'b0;
      left     <= left_now - 32'd1;
      if (in_last) in_done <= 1'b1;
      if (r_err) failed <= 1'b1;
    end
    if (ld_valid) begin
      first <= 1'b0;
      base  <= base_now;
      lane  <= lane_now;
      plane <= plane_now;
      case (job_target)
        WEIGHTS: begin
          plane <= plane_now + 4'd1;
          if (plane_now + 4'd1 == job_kept) begin
            plane <= 4'd0;
            lane  <= lane_now + 16'd1;
            if (lane_now + 16'd1 == GROUPS) begin
              lane <= 16'd0;
              base <= base_now + {12'd0, job_kept};
            end
          end
        end
        THRESHOLDS: begin
          lane <= lane_now + 16'd1;
          if (lane_now + 16'd1 == T_BEATS) begin
            lane <= 16'd0;
            base <= base_now + 16'd1;
          end
        end
        default: base <= base_now + 16'd1;
      endcase
    end
    if (w_last) ended <= 1'b1;
    if (rst || job_end) begin
      first    <= 1'b1;
      in_first <= 1'b1;
      in_done  <= 1'b0;
      ended    <= 1'b0;
      failed   <= 1'b0;
    end
  end

  assign fin_valid = ended && !failed;
  assign fin_push  = job_push;
  assign fin_info  = job_info;

  // ---------------------------------------------------------------------------------- errors --
  always_comb begin
    err      = check_err;
    err_info = q_info;
    if (r_valid && r_err) begin
      err[`BNN_ERR_AXI_READ_LSB] = 1'b1;
      err_info = job_info; // the older one
    end
  end
  assign working    = state != IDLE || job_valid;
  assign name_valid = job_valid || q_valid;
  assign name_info  = job_valid ? job_info : q_info;

`ifndef SYNTHESIS
  logic started = 1'b0;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    if (started && !rst) begin
      if (r_valid) assert (r_ready);
      if (n_valid) assert (job_valid && job_round);
      if (ld_valid && ld_target == WEIGHTS) assert (32'(ld_addr) < WDEPTH && ld_lane < GROUPS);
      if (ld_valid && ld_target == ACTIVATIONS) assert (32'(ld_addr) < ADEPTH);
      if (ld_valid && ld_target == THRESHOLDS) assert (32'(ld_addr) < TDEPTH && ld_lane < T_BEATS);
    end
  end
`endif
endmodule
