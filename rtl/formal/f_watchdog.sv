/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_watchdog: bites exactly when `limit` cycles of work in a row have brought no progress. */
module f_watchdog (
  input logic clk,
  input logic rst,
  input logic busy,
  input logic progress
);
  (* anyconst *) logic [31:0] limit;
  logic start = 1'b1;
  always_ff @(posedge clk) start <= 1'b0;
  always_comb begin
    if (start) assume (rst);
    assume (limit <= 32'd12);
  end

  logic bite;
  bnn_watchdog dut (.clk, .rst, .limit, .busy, .progress, .bite);

  logic [4:0] still = 5'd0; // this cycle not counted
  always_ff @(posedge clk) begin
    still <= rst || !busy || progress || bite ? 5'd0 : still == 5'd31 ? 5'd31 : still + 5'd1;
    if (!start && !rst && limit != 32'd0) begin
      assert (bite == (busy && !progress && 32'(still) + 32'd1 == limit));
    end
    if (!start && !rst && limit == 32'd0) assert (!bite);
    cover (bite && limit == 32'd5);
  end
endmodule
