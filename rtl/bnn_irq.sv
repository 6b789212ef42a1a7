/* SPDX-License-Identifier: Apache-2.0
 *
 * Pending interrupts and the line.
 *
 *   set     events of this cycle
 *   test    bits that the host sets; clear: bits that the host clears
 *   stat    what is pending, one cycle later; irq = some pending bit is enabled
 *
 * An event in the cycle of its clear stays pending: no event is lost. */
module bnn_irq #(
  parameter int N = 3
) (
  input  logic         clk,
  input  logic         rst,
  input  logic [N-1:0] set,
  input  logic [N-1:0] test,
  input  logic [N-1:0] clear,
  input  logic [N-1:0] enable,
  output logic [N-1:0] stat,
  output logic         irq
);
  assign irq = (stat & enable) != '0;

  always_ff @(posedge clk) begin
    stat <= (stat & ~clear) | set | test;
    if (rst) stat <= '0;
  end

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic [N-1:0] must, may;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    must <= rst ? '0 : set | test | (stat & ~clear);
    may  <= rst ? '0 : set | test | stat;
    if (started) begin
      assert ((must & ~stat) == '0);
      assert ((stat & ~may) == '0);
      if (stat == '0) assert (!irq);
    end
  end
`endif
endmodule
