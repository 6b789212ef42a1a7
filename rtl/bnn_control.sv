/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens when something goes wrong, and how the device gets going again.
 *
 *   e_*            error bits and info of the places that can err, oldest first when several err
 *                  in one cycle: record or token, store, compute, load, dispatch, ring, watchdog
 *   name_*         the oldest descriptor of store, compute, load; one waits in dispatch: whom the
 *                  watchdog may name
 *   do_abort, do_reset, err_clear   the host
 *   quiet          no burst is open and no record waits
 *   stop           start nothing new (from the cycle after the error until the abort)
 *   flush          forget everything (from the cycle after the command until bursts are finished)
 *   soft_rst       one cycle: all registers to their reset values
 *   core_rst       the core stops at once
 *   guilty_*       the record of the descriptor that erred, when what was begun has ended
 *   irq_error, irq_drained   events
 *
 * States: RUN; HALT: bursts are drained; TELL: the guilty record is written; HALTED; FLUSH. */
`include "bnn_registers.svh"
module bnn_control (
  input  logic         clk,
  input  logic         rst,
  input  logic         do_abort,
  input  logic         do_reset,
  input  logic [11:0]  err_clear,

  input  logic [11:0]  e_retire,
  input  logic [126:0] e_retire_info,
  input  logic [11:0]  e_store,
  input  logic [126:0] e_store_info,
  input  logic [11:0]  e_compute,
  input  logic [126:0] e_compute_info,
  input  logic [11:0]  e_load,
  input  logic [126:0] e_load_info,
  input  logic [11:0]  e_dispatch,
  input  logic [126:0] e_dispatch_info,
  input  logic         e_ring,
  input  logic         e_watchdog,
  input  logic [31:0]  head,
  input  logic         name_dispatch,
  input  logic         name_store,
  input  logic [126:0] name_store_info,
  input  logic         name_compute,
  input  logic [126:0] name_compute_info,
  input  logic         name_load,
  input  logic [126:0] name_load_info,
  input  logic         quiet,

  output logic         stop,
  output logic         flush,
  output logic         soft_rst,
  output logic         core_rst,
  output logic         halted,
  output logic         draining,
  output logic         guilty_valid,
  input  logic         guilty_ready,
  output logic [11:0]  guilty_err,
  output logic [126:0] guilty_info,
  output logic [11:0]  err,
  output logic [31:0]  err_tag,
  output logic [31:0]  err_index,
  output logic         irq_error,
  output logic         irq_drained
);
  localparam logic [2:0] RUN = 3'd0, HALT = 3'd1, TELL = 3'd2, HALTED = 3'd3, FLUSH = 3'd4;
  logic [2:0]   state;
  logic         resetting, any;
  logic [11:0]  now;
  logic [126:0] who;
  logic [2:0]   calm; // cycles of quiet in a row: what is between two queues shows up meanwhile

  always_comb begin
    now = e_retire | e_store | e_compute | e_load | e_dispatch;
    now[`BNN_ERR_RING_LSB]     = e_ring;
    now[`BNN_ERR_WATCHDOG_LSB] = e_watchdog;
  end
  assign any       = state == RUN && now != 12'd0 && !soft_rst;
  assign irq_error = any;

  // Whom the watchdog names: the lowest count of the three, else what would be handed on next.
  function automatic logic older(input logic [31:0] a, input logic [31:0] b);
    older = a - b >= 32'h80000000;
  endfunction
  always_comb begin
    who = name_dispatch && !e_ring ? e_dispatch_info : {95'd0, head};
    if (e_retire != '0) who = e_retire_info;
    else if (e_store != '0) who = e_store_info;
    else if (e_compute != '0) who = e_compute_info;
    else if (e_load != '0) who = e_load_info;
    else if (e_dispatch != '0) who = e_dispatch_info;
    else if (e_watchdog && !e_ring) begin
      if (name_store) who = name_store_info;
      if (name_compute && (!name_store || older(name_compute_info[31:0], who[31:0])))
        who = name_compute_info;
      if (name_load && ((!name_store && !name_compute) ||
                        older(name_load_info[31:0], who[31:0])))
        who = name_load_info;
    end
  end

  assign stop     = state != RUN;
  assign flush    = state == FLUSH;
  assign halted   = state == HALT || state == TELL || state == HALTED;
  assign draining = state == HALT || state == TELL || state == FLUSH;

  assign guilty_valid = state == TELL && guilty_info[126];

  always_ff @(posedge clk) begin
    soft_rst    <= 1'b0;
    core_rst    <= 1'b0;
    irq_drained <= 1'b0;
    calm        <= !quiet ? 3'd0 : calm == 3'd7 ? 3'd7 : calm + 3'd1;
    err         <= err & ~err_clear;

    if (any) begin
      state       <= HALT;
      core_rst    <= 1'b1;
      calm        <= 3'd0;
      err         <= (err & ~err_clear) | now;
      err_tag     <= who[63:32];
      err_index   <= who[31:0];
      guilty_err  <= now;
      guilty_info <= who;
    end
    case (state)
      HALT: if (calm == 3'd7 && quiet) begin
        state <= TELL;
        calm  <= 3'd0;
      end
      TELL: if (!guilty_info[126]) state <= HALTED;
            else if (guilty_ready) begin
              guilty_info[126] <= 1'b0; // handed over; drain once more
              state <= HALT;
            end
      FLUSH: if (calm == 3'd7 && quiet) begin
        state       <= RUN;
        resetting   <= 1'b0;
        soft_rst    <= resetting;
        irq_drained <= !resetting;
      end
      default: ;
    endcase
    if (do_abort || do_reset) begin
      state     <= FLUSH;
      core_rst  <= 1'b1;
      calm      <= 3'd0;
      resetting <= do_reset || (resetting && state == FLUSH);
      irq_drained <= 1'b0;
      soft_rst  <= 1'b0;
    end
    if (rst || soft_rst) begin
      err       <= '0;
      err_tag   <= '0;
      err_index <= '0;
    end
    if (rst) begin
      state     <= RUN;
      resetting <= 1'b0;
      core_rst  <= 1'b1;
      soft_rst <= 1'b0;
      calm     <= 3'd0;
      irq_drained <= 1'b0;
    end
  end

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic was_any, was_halted;
  logic [31:0] last_index;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    was_any    <= any && !rst && !do_abort && !do_reset;
    was_halted <= halted && !rst;
    last_index <= err_index;
    if (started && !rst) begin
      assert (!(halted && flush));
      assert (!draining || stop);
      if (was_any) assert (stop && halted);
      if (was_halted && halted) assert (err_index == last_index);
      if (guilty_valid) assert (halted && guilty_err != 12'd0);
    end
  end
`endif
endmodule
