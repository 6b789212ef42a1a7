/* SPDX-License-Identifier: Apache-2.0
 *
 * Store engine: rows of the output buffer to memory.
 *
 *   q_*               head of the store queue, its fields by name
 *   have, pop         token compute->store
 *   wr_*              rows to the write master, sd_* their beats, b_* acknowledgements
 *   st_en, st_addr    reads a beat of the output buffer; st_data answers in the next cycle
 *   fin_*             a descriptor whose data have all been acknowledged
 *   err, err_info     FIELD, ALIGN or RANGE (the first that fits) before anything is written; AXI_WRITE with the answer
 *   name_*            the oldest descriptor here, for the watchdog
 *   working           something is being stored, looked at or waits for acknowledgement
 *
 * 3 cycles from the head of the queue to the first request, then a burst and a beat per cycle. The
 * next descriptor starts when the last one has been handed to the write master; up to 4 wait for
 * their acknowledgements. */
`include "bnn_registers.svh"
module bnn_store #(
  parameter int AXI_DW = 64,
  parameter int ODEPTH = 4096
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
  input  logic [15:0]       q_place,
  input  logic [15:0]       q_length,
  input  logic [15:0]       q_rows,
  input  logic [31:0]       q_stride,
  input  logic [15:0]       q_out_stride,
  input  logic              have,
  output logic              pop,

  output logic              wr_valid,
  output logic [63:0]       wr_addr,
  output logic [31:0]       wr_beats,
  output logic              wr_last,
  input  logic              wr_ready,
  input  logic [6:0]        wr_take,
  output logic              sd_valid,
  input  logic              sd_ready,
  output logic [AXI_DW-1:0] sd_data,
  input  logic              b_store,
  input  logic              b_last,
  input  logic              b_err,

  output logic              st_en,
  output logic [15:0]       st_addr,
  input  logic [AXI_DW-1:0] st_data,

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

  // ------------------------------------------------------------------------------ descriptor --
  localparam logic [1:0] IDLE = 2'd0, CHECK = 2'd1, RUN = 2'd2, WRONG = 2'd3;
  logic [1:0]  state;
  logic [31:0] total, last_row;
  logic [33:0] past;
  logic [2:0]  open; // descriptors between their start and their end
  logic [11:0] check_err;
  logic        field, begin_job, job_over;

  assign begin_job = state == IDLE && q_valid && !stop && (!q_pop || have) && open != 3'd4;
  assign pop       = begin_job && q_pop;
  assign past      = {2'd0, last_row} + {18'd0, q_place} + {18'd0, q_length};
  assign field     = q_length == 16'd0 || q_rows == 16'd0;
  always_comb begin
    check_err = '0;
    if (state == CHECK) begin
      if (field) check_err[`BNN_ERR_FIELD_LSB] = 1'b1;
      else if (q_addr[LB-1:0] != '0 || q_stride[LB-1:0] != '0) check_err[`BNN_ERR_ALIGN_LSB] = 1'b1;
      else check_err[`BNN_ERR_RANGE_LSB] = past > 34'(ODEPTH);
    end
  end

  // --------------------------------------------------------------------------------- requests --
  logic        asking;
  logic [63:0] row, at;
  logic [31:0] beats;
  logic [15:0] rows;

  assign wr_valid = state == RUN && asking && !stop;
  assign wr_addr  = at;
  assign wr_beats = beats;
  assign wr_last  = rows == 16'd1;

  // ------------------------------------------------------------------------------------- data --
  logic        reading, arrives, d_room;
  logic [15:0] place, row_place, d_left, d_rows;
  logic [3:0]  places; // of the queue below that are free and not promised

  assign st_en    = state == RUN && reading && places != 4'd0;
  assign st_addr  = place;
  assign job_over = state == RUN && !asking && !reading;
  assign q_ready  = job_over;

  bnn_fifo #(.WIDTH(AXI_DW), .DEPTH(8)) u_data (
    .clk, .rst,
    .push_valid(arrives), .push_ready(d_room), .push_data(st_data),
    .pop_valid(sd_valid), .pop_ready(sd_ready), .pop_data(sd_data)
  );

  always_ff @(posedge clk) begin
    arrives <= st_en;
    places  <= places - {3'd0, st_en} + {3'd0, sd_valid && sd_ready};
    case (state)
      IDLE: if (begin_job) begin
        state    <= CHECK;
        total    <= 32'(q_length) * 32'(q_rows);
        last_row <= (32'(q_rows) - 32'd1) * 32'(q_out_stride);
      end
      CHECK: begin
        state     <= check_err != '0 ? WRONG : RUN;
        asking    <= 1'b1;
        reading   <= 1'b1;
        row       <= q_addr;
        at        <= q_addr;
        rows      <= q_rows;
        beats     <= {16'd0, q_length};
        place     <= q_place;
        row_place <= q_place;
        d_left    <= q_length;
        d_rows    <= q_rows;
        if (32'(q_length) << LB == q_stride) begin // rows without gaps in memory are one row
          rows  <= 16'd1;
          beats <= total;
        end
      end
      RUN: begin
        if (wr_valid && wr_ready) begin
          at    <= at + (64'(wr_take) << LB);
          beats <= beats - 32'(wr_take);
          if (beats == 32'(wr_take)) begin
            row    <= row + {32'd0, q_stride};
            at     <= row + {32'd0, q_stride};
            beats  <= {16'd0, q_length};
            rows   <= rows - 16'd1;
            asking <= rows != 16'd1;
          end
        end
        if (st_en) begin
          place  <= place + 16'd1;
          d_left <= d_left - 16'd1;
          if (d_left == 16'd1) begin
            row_place <= row_place + q_out_stride;
            place     <= row_place + q_out_stride;
            d_left    <= q_length;
            d_rows    <= d_rows - 16'd1;
            reading   <= d_rows != 16'd1;
          end
        end
        if (job_over) state <= IDLE;
      end
      default: ; // WRONG waits for the abort
    endcase
    if (rst) begin
      state   <= IDLE;
      places  <= 4'd8;
      arrives <= 1'b0;
    end
  end

  // -------------------------------------------------------------------------- acknowledgement --
  // Descriptors whose data are on their way, then those that wait for their records.
  logic         w_valid, w_room, w_push, w_end, f_room, failed;
  logic [126:0] w_info;

  assign w_end = b_store && b_last;
  bnn_fifo #(.WIDTH(128), .DEPTH(4)) u_waiting (
    .clk, .rst,
    .push_valid(state == CHECK && check_err == '0), .push_ready(w_room),
    .push_data({q_push, q_info}),
    .pop_valid(w_valid), .pop_ready(w_end), .pop_data({w_push, w_info})
  );
  bnn_fifo #(.WIDTH(128), .DEPTH(4)) u_finished (
    .clk, .rst,
    .push_valid(w_end && !failed && !b_err), .push_ready(f_room), .push_data({w_push, w_info}),
    .pop_valid(fin_valid), .pop_ready(fin_ready), .pop_data({fin_push, fin_info})
  );

  always_ff @(posedge clk) begin
    if (b_store) failed <= !b_last && (failed || b_err);
    open <= open + {2'd0, begin_job} - {2'd0, fin_valid && fin_ready};
    if (rst) begin
      open   <= 3'd0;
      failed <= 1'b0;
    end
  end

  // ---------------------------------------------------------------------------------- errors --
  always_comb begin
    err      = check_err;
    err_info = q_info;
    if (b_store && b_err) begin
      err[`BNN_ERR_AXI_WRITE_LSB] = 1'b1;
      err_info = w_info; // the older one
    end
  end
  assign working    = state != IDLE || w_valid || fin_valid;
  assign name_valid = w_valid || q_valid;
  assign name_info  = w_valid ? w_info : q_info;

  logic unused; // room is promised by `open` and `places`
  assign unused = &{1'b0, w_room, f_room, d_room};

`ifndef SYNTHESIS
  logic started = 1'b0;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    if (started && !rst) begin
      assert (places <= 4'd8 && open <= 3'd4);
      if (arrives) assert (d_room);
      if (st_en) assert (32'(st_addr) < ODEPTH);
      if (state == CHECK) assert (w_room);
      if (w_end) assert (f_room && w_valid);
    end
  end
`endif
endmodule
