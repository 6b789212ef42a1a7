/* SPDX-License-Identifier: Apache-2.0
 *
 * The four dependency counters, in this order: load->compute, compute->load, compute->store,
 * store->compute.
 *
 *   pop    takes one (only where have is 1); push adds one (only where full is 0)
 *   have   there is one to take; full: one more would not fit
 *
 * What is pushed can be taken in the next cycle. */
module bnn_tokens (
  input  logic       clk,
  input  logic       rst,
  input  logic [3:0] pop,
  input  logic [3:0] push,
  output logic [3:0] have,
  output logic [3:0] full
);
  genvar i;
  generate
    for (i = 0; i < 4; i = i + 1) begin : gen_counter
      logic [7:0] count;

      assign have[i] = count != 8'd0;
      assign full[i] = count == 8'd255 && !pop[i];
      always_ff @(posedge clk) begin
        if (push[i] && !pop[i]) count <= count + 8'd1;
        if (pop[i] && !push[i]) count <= count - 8'd1;
        if (rst) count <= 8'd0;
      end

`ifndef SYNTHESIS
      logic started = 1'b0;
      logic [7:0] last;
      always_ff @(posedge clk) begin
        if (rst) started <= 1'b1;
        last <= rst ? 8'd0 : count + {7'b0, push[i]} - {7'b0, pop[i]};
        if (started && !rst) begin
          assert (!pop[i] || have[i]);
          assert (!push[i] || !full[i]);
          assert (count == last);
        end
      end
`endif
    end
  endgenerate
endmodule
