/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_irq: an event is pending from the next cycle on until it is cleared in a cycle without
 * another one; nothing else makes a bit pending or clears it; the line is what is enabled of it. */
module f_irq (
  input logic       clk,
  input logic       rst,
  input logic [2:0] set,
  input logic [2:0] test,
  input logic [2:0] clear,
  input logic [2:0] enable
);
  logic start = 1'b1;
  always_ff @(posedge clk) start <= 1'b0;
  always_comb if (start) assume (rst);

  logic [2:0] stat;
  logic irq;
  bnn_irq #(.N(3)) dut (.clk, .rst, .set, .test, .clear, .enable, .stat, .irq);

  logic [2:0] last_set, last_test, last_clear, last_stat;
  logic last_rst;
  always_ff @(posedge clk) begin
    last_set   <= set;
    last_test  <= test;
    last_clear <= clear;
    last_stat  <= stat;
    last_rst   <= rst;
    if (!start && last_rst) assert (stat == 3'd0);
    if (!start && !last_rst) begin
      assert ((stat & last_set) == last_set);     // a set is never lost, not even to a clear
      assert ((stat & last_test) == last_test);
      assert ((last_stat & ~last_clear & ~stat) == 3'd0);
      assert ((stat & ~(last_stat | last_set | last_test)) == 3'd0);
      assert ((stat & last_clear & ~last_set & ~last_test) == 3'd0);
    end
    if (!start) assert (irq == |(stat & enable));
    cover (!start && last_clear[0] && last_set[0] && stat[0]);
  end
endmodule
