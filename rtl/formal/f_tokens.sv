/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_tokens: each counter is what was pushed less what was popped, from 0 to 255: no token is lost
 * and none comes of itself. */
module f_tokens (
  input logic       clk,
  input logic       rst,
  input logic [3:0] pop,
  input logic [3:0] push
);
  logic start = 1'b1;
  always_ff @(posedge clk) start <= 1'b0;
  always_comb if (start) assume (rst);

  logic [3:0] have, full;
  bnn_tokens dut (.clk, .rst, .pop, .push, .have, .full);
  always_comb begin
    assume ((pop & ~have) == 4'd0);
    assume ((push & full) == 4'd0);
  end

  // The module itself asserts that a count is the last one and what was pushed, less what was popped.
  logic [3:0] last_have, last_pop, last_push;
  logic last_rst;
  always_ff @(posedge clk) begin
    last_have <= have;
    last_pop  <= pop;
    last_push <= push;
    last_rst  <= rst;
    if (!start && last_rst) assert (have == 4'd0);
    if (!start && !last_rst) begin
      assert ((last_push & ~have) == 4'd0);                          // given is there
      assert ((have & ~last_have & ~last_push) == 4'd0);             // nothing comes of itself
      assert ((last_have & ~last_pop & ~have) == 4'd0);              // nothing is lost
    end
  end
endmodule
