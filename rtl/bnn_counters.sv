/* SPDX-License-Identifier: Apache-2.0
 *
 * Performance counters: 64 bits each, read from a copy that is taken at once of all.
 *
 *   tick      cycles, busy, compute, steps, stall_load, stall_store, stall_out, read beats, written
 *             beats: 1 counts
 *   jobs, ecc_ce, ecc_ue, parity   amounts of this cycle
 *   snapshot  copies all counters; clear sets all counters (not the copy) to 0
 *   index     word of the copy to read: counter * 2 + (0 low, 1 high), counters in the order of
 *             rtl/registers.txt; data answers at once */
module bnn_counters (
  input  logic        clk,
  input  logic        rst,
  input  logic        snapshot,
  input  logic        clear,
  input  logic [8:0]  tick,
  input  logic [2:0]  jobs,
  input  logic [15:0] ecc_ce,
  input  logic [15:0] ecc_ue,
  input  logic [15:0] parity,
  input  logic [4:0]  index,
  output logic [31:0] data
);
  localparam int N = 13;

  logic [63:0] live [0:N-1];
  logic [63:0] copy [0:N-1];
  logic [15:0] amount [0:N-1];

  assign amount[7]  = {13'b0, jobs};
  assign amount[8]  = {15'b0, tick[7]};
  assign amount[9]  = {15'b0, tick[8]};
  assign amount[10] = ecc_ce;
  assign amount[11] = ecc_ue;
  assign amount[12] = parity;

  genvar i;
  generate
    for (i = 0; i < 7; i = i + 1) begin : gen_tick
      assign amount[i] = {15'b0, tick[i]};
    end
    for (i = 0; i < N; i = i + 1) begin : gen_counter
      always_ff @(posedge clk) begin
        if (amount[i] != 16'd0) live[i] <= live[i] + {48'b0, amount[i]};
        if (clear) live[i] <= 64'd0;
        if (snapshot) copy[i] <= live[i];
        if (rst) begin
          live[i] <= 64'd0;
          copy[i] <= 64'd0;
        end
      end
    end
  endgenerate

  logic [63:0] word;
  assign word = copy[index[4:1]];
  assign data = index[0] ? word[63:32] : word[31:0];

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic was_clear;
  logic [63:0] last_cycles, last_jobs;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    was_clear   <= clear || rst;
    last_cycles <= live[0];
    last_jobs   <= live[7];
    if (started && !rst) begin
      if (was_clear) assert (live[0] == 64'd0 && live[12] == 64'd0);
      if (!was_clear) assert (live[0] - last_cycles <= 64'd1);
      if (!was_clear) assert (live[7] - last_jobs <= 64'd7);
    end
  end
`endif
endmodule
