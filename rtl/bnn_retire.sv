/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of every descriptor: gives its tokens, has its completion record written, counts it.
 *
 *   load_*, compute_*, store_*, simple_*   descriptors that have finished, with the tokens they give
 *   guilty_*     the record of the descriptor that stopped the device; it does not count as retired
 *   push, full   tokens, in the order of bnn_tokens
 *   rec_*        one record at a time to the write master
 *   retired      how many in this cycle; done: how many since the last abort
 *   irq          a record that asks for it has been acknowledged
 *   err, err_info   TOKEN while a counter would overflow, AXI_WRITE when a record was refused
 *   idle         no record waits
 *
 * Without COMPLETE a descriptor retires in the cycle in which it comes, all engines at once; with
 * it, its record waits in a queue of 4 and it retires with the acknowledgement. */
`include "bnn_registers.svh"
module bnn_retire (
  input  logic         clk,
  input  logic         rst,
  output logic         idle,

  input  logic         load_valid,
  output logic         load_ready,
  input  logic         load_push,
  input  logic [126:0] load_info,
  input  logic         compute_valid,
  output logic         compute_ready,
  input  logic [1:0]   compute_push,
  input  logic [126:0] compute_info,
  input  logic         store_valid,
  output logic         store_ready,
  input  logic         store_push,
  input  logic [126:0] store_info,
  input  logic         simple_valid,
  output logic         simple_ready,
  input  logic [126:0] simple_info,
  input  logic         guilty_valid,
  output logic         guilty_ready,
  input  logic [11:0]  guilty_err,
  input  logic [126:0] guilty_info,

  output logic [3:0]   push,
  input  logic [3:0]   full,

  output logic         rec_valid,
  output logic [63:3]  rec_addr,
  output logic [63:0]  rec_data,
  input  logic         rec_done,
  input  logic         rec_err,

  output logic [2:0]   retired,
  output logic [31:0]  done,
  output logic         irq,
  output logic [11:0]  err,
  output logic [126:0] err_info
);
  // ---------------------------------------------------------------------------- who may go on --
  logic         load_over, compute_over, store_over, room, in_valid;
  logic         load_go, compute_go, store_go, record_ok;
  logic [138:0] in_data;
  logic [11:0]  out_err;
  logic [126:0] out_info;

  assign load_over    = load_valid && load_push && full[0];
  assign compute_over = compute_valid && ((compute_push[0] && full[1]) ||
                                          (compute_push[1] && full[2]));
  assign store_over   = store_valid && store_push && full[3];

  // One record enters the queue per cycle: store, compute, load, simple, guilty.
  always_comb begin
    store_ready   = !store_over && (!store_info[126] || room);
    compute_ready = !compute_over &&
                    (!compute_info[126] || (room && !(store_valid && store_info[126])));
    load_ready    = !load_over &&
                    (!load_info[126] || (room && !(store_valid && store_info[126]) &&
                                         !(compute_valid && compute_info[126])));
    simple_ready  = !simple_info[126] ||
                    (room && !(store_valid && store_info[126]) &&
                     !(compute_valid && compute_info[126]) && !(load_valid && load_info[126]));

    in_valid     = 1'b1;
    in_data      = {guilty_err, guilty_info};
    guilty_ready = 1'b0;
    if (store_valid && store_ready && store_info[126]) in_data = {12'd0, store_info};
    else if (compute_valid && compute_ready && compute_info[126]) in_data = {12'd0, compute_info};
    else if (load_valid && load_ready && load_info[126]) in_data = {12'd0, load_info};
    else if (simple_valid && simple_ready && simple_info[126]) in_data = {12'd0, simple_info};
    else begin
      guilty_ready = room;
      in_valid     = guilty_valid && room;
    end
  end

  assign load_go    = load_valid && load_ready;
  assign compute_go = compute_valid && compute_ready;
  assign store_go   = store_valid && store_ready;
  assign push       = {store_go && store_push, compute_go && compute_push[1],
                       compute_go && compute_push[0], load_go && load_push};

  // --------------------------------------------------------------------------------- records --
  bnn_fifo #(.WIDTH(139), .DEPTH(4)) u_records (
    .clk, .rst,
    .push_valid(in_valid), .push_ready(room), .push_data(in_data),
    .pop_valid(rec_valid), .pop_ready(rec_done), .pop_data({out_err, out_info})
  );
  assign idle      = !rec_valid;
  assign rec_addr  = out_info[124:64];
  assign rec_data  = {1'b1, 19'd0, out_err, out_info[63:32]};
  assign record_ok = rec_valid && rec_done && !rec_err;
  assign irq       = record_ok && out_info[125] && out_err == 12'd0;

  // ---------------------------------------------------------------------------------- counts --
  assign retired = {2'b0, load_go && !load_info[126]} +
                   {2'b0, compute_go && !compute_info[126]} +
                   {2'b0, store_go && !store_info[126]} +
                   {2'b0, simple_valid && !simple_info[126]} +
                   {2'b0, record_ok && out_err == 12'd0};

  always_ff @(posedge clk) begin
    done <= done + {29'd0, retired};
    if (rst) done <= '0;
  end

  // ---------------------------------------------------------------------------------- errors --
  always_comb begin
    err      = '0;
    err_info = {1'b0, out_info[125:0]};
    if (load_over) err_info = load_info;
    if (compute_over) err_info = compute_info;
    if (store_over) err_info = store_info;
    if (load_over || compute_over || store_over) err[`BNN_ERR_TOKEN_LSB] = 1'b1;
    if (rec_valid && rec_done && rec_err) begin
      err[`BNN_ERR_AXI_WRITE_LSB] = 1'b1;
      err_info = {1'b0, out_info[125:0]}; // older, and there is nowhere to write
    end
  end

  logic unused; // whatever is in the queue has COMPLETE
  assign unused = &{1'b0, out_info[126]};

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic held;
  logic [31:0] last_done;
  logic [63:0] last_data;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    held      <= rec_valid && !rec_done && !rst;
    last_done <= done;
    last_data <= rec_data;
    if (started && !rst) begin
      assert ((push & full) == 4'd0);
      assert (retired <= 3'd5);
      if (in_valid) assert (room);
      if (held) assert (rec_valid && rec_data == last_data);
      assert (done - last_done <= 32'd5 || done == 32'd0);
    end
  end
`endif
endmodule
