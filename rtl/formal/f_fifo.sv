/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_fifo: any entry of the prover's choice leaves unchanged and in its turn; nothing is taken
 * when full or given when empty. The properties stand in the module (BNN_FORMAL_FIFO). */
module f_fifo #(
  parameter int DEPTH = 4
) (
  input logic       clk,
  input logic       rst,
  input logic       push_valid,
  input logic [3:0] push_data,
  input logic       pop_ready
);
  logic start = 1'b1;
  always_ff @(posedge clk) start <= 1'b0;
  always_comb if (start) assume (rst);

  logic push_ready, pop_valid;
  logic [3:0] pop_data;
  bnn_fifo #(.WIDTH(4), .DEPTH(DEPTH)) dut (
    .clk, .rst, .push_valid, .push_ready, .push_data, .pop_valid, .pop_ready, .pop_data
  );

  always_ff @(posedge clk) cover (!start && !rst && !push_ready);
endmodule
