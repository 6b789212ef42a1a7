/* SPDX-License-Identifier: Apache-2.0
 *
 * First-in, first-out queue; the oldest entry is visible without a request.
 *
 *   push_valid/push_ready/push_data   in; an entry is taken when both are 1
 *   pop_valid/pop_ready/pop_data      out; likewise
 *   rst                               also empties the queue (synchronous)
 *
 * Latency 1 cycle, an entry per cycle. push_ready does not depend on pop_ready: a full queue takes
 * nothing in the cycle in which it gives. DEPTH is a power of two, at least 2. */
module bnn_fifo #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 4
) (
  input  logic             clk,
  input  logic             rst,
  input  logic             push_valid,
  output logic             push_ready,
  input  logic [WIDTH-1:0] push_data,
  output logic             pop_valid,
  input  logic             pop_ready,
  output logic [WIDTH-1:0] pop_data
);
  localparam int AW = $clog2(DEPTH);
  localparam logic [AW:0] ONE = 1;

  logic [WIDTH-1:0] mem [0:DEPTH-1];
  logic [AW:0] wr, rd; // one bit more than an address: equal = empty, half apart = full

  assign push_ready = wr != {~rd[AW], rd[AW-1:0]};
  assign pop_valid  = wr != rd;
  assign pop_data   = mem[rd[AW-1:0]];

  always_ff @(posedge clk) begin
    if (push_valid && push_ready) begin
      mem[wr[AW-1:0]] <= push_data;
      wr <= wr + ONE;
    end
    if (pop_valid && pop_ready) rd <= rd + ONE;
    if (rst) begin
      wr <= '0;
      rd <= '0;
    end
  end

`ifndef SYNTHESIS
  logic started = 1'b0;
  logic [AW:0] level;
  assign level = wr - rd;
  always_ff @(posedge clk) begin
    if (rst) started <= 1'b1;
    if (started && !rst) begin
      assert (32'(level) <= DEPTH);
      assert (push_ready == (32'(level) != DEPTH));
      assert (pop_valid == (level != '0));
    end
  end
`endif

`ifdef BNN_FORMAL_FIFO
  // An entry of the prover's choice waits unchanged in its place and leaves after exactly those
  // that were there before it.
  (* anyseq *) logic choose;
  logic follows = 1'b0;
  logic [AW:0] place, before;
  logic [WIDTH-1:0] value;
  always_ff @(posedge clk) begin
    if (follows && pop_valid && pop_ready) begin
      if (before == '0) begin
        assert (pop_data == value);
        follows <= 1'b0;
      end
      before <= before - ONE;
    end
    if (!follows && started && choose && push_valid && push_ready) begin
      follows <= 1'b1;
      place   <= wr;
      value   <= push_data;
      before  <= level - {{AW{1'b0}}, pop_valid && pop_ready};
    end
    if (follows) begin
      assert (started);
      assert (mem[place[AW-1:0]] == value);
      assert (place - rd == before);
      assert (before < level);
    end
    if (rst) follows <= 1'b0;
  end
`endif
endmodule
