/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the compute queue and the core: waits for tokens, hands over, reports the end.
 *
 *   q_*            head of the queue: descriptor words 4 to 14, dependency bits, info
 *   have, pop      tokens: {store->compute, load->compute}
 *   cmd_*, done_*  the core; it may take the next descriptor before it has finished the last
 *   fin_*          a descriptor that has ended well, with the tokens that it gives {next, prev}
 *   err, err_info  the core's error bits, with the descriptor's info
 *   working        a descriptor is with the core
 *   name_*         the oldest descriptor here, for the watchdog
 *   wait_load, wait_store   the core is idle and the head of the queue misses this token
 *
 * A descriptor reaches the core in the cycle in which it heads the queue and has its tokens. */
module bnn_issue (
  input  logic         clk,
  input  logic         rst,
  input  logic         stop,
  input  logic         q_valid,
  output logic         q_ready,
  input  logic [3:0]   q_dep,
  input  logic [126:0] q_info,
  input  logic [1:0]   have,
  output logic [1:0]   pop,

  output logic         cmd_valid,
  input  logic         cmd_ready,
  input  logic         done_valid,
  output logic         done_ready,
  input  logic [15:0]  done_error,

  output logic         fin_valid,
  input  logic         fin_ready,
  output logic [1:0]   fin_push,
  output logic [126:0] fin_info,
  output logic [11:0]  err,
  output logic         working,
  output logic         name_valid,
  output logic [126:0] name_info,
  output logic         wait_load,
  output logic         wait_store
);
  logic       room, failed;
  logic [1:0] missing;

  assign missing   = q_dep[1:0] & ~have;
  assign cmd_valid = q_valid && missing == 2'b00 && room && !stop;
  assign q_ready   = cmd_valid && cmd_ready;
  assign pop       = q_ready ? q_dep[1:0] : 2'b00;

  bnn_fifo #(.WIDTH(129), .DEPTH(2)) u_inside (
    .clk, .rst,
    .push_valid(q_ready), .push_ready(room), .push_data({q_dep[3:2], q_info}),
    .pop_valid(working), .pop_ready(done_valid && done_ready), .pop_data({fin_push, fin_info})
  );

  assign failed     = done_error[11:0] != 12'd0;
  assign fin_valid  = done_valid && working && !failed && !stop;
  assign done_ready = failed || (fin_ready && !stop);
  assign err        = done_valid && !stop ? done_error[11:0] : 12'd0;
  assign name_valid = working || q_valid;
  assign name_info  = working ? fin_info : q_info;
  assign wait_load  = q_valid && !working && missing[0];
  assign wait_store = q_valid && !working && missing[1];

  logic unused;
  assign unused = &{1'b0, done_error[15:12]};

`ifndef SYNTHESIS
  logic started = 1'b0;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    if (started && !rst) begin
      if (done_valid && !stop) assert (working);
      if (cmd_valid) assert ((q_dep[1:0] & ~have) == 2'b00);
      if (fin_valid) assert (err == 12'd0);
      assert (done_error[15:12] == 4'd0 || !done_valid);
    end
  end
`endif
endmodule
