/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks what all descriptors have in common and gives each to the queue of its engine; NOP and
 * SYNC retire here, SYNC when everything before it has.
 *
 *   desc_*, index       from bnn_fetch
 *   done                descriptors retired
 *   info                {COMPLETE, IRQ, completion address / 8, tag, index}: who it is, for queues,
 *                       records and errors
 *   dep                 {push_next, push_prev, pop_next, pop_prev}
 *   *_valid, *_ready    the queues; simple_* NOP and SYNC
 *   err                 error bits while a wrong descriptor stands here; err_info has COMPLETE only
 *                       when a record can be written
 *
 * Combinational. A full queue holds up the descriptors behind. */
`include "bnn_registers.svh"
module bnn_dispatch (
  input  logic         stop,
  input  logic         desc_valid,
  output logic         desc_ready,
  input  logic [511:0] desc,
  input  logic         desc_ok,
  input  logic         desc_err,
  input  logic [31:0]  index,
  input  logic [31:0]  done,

  output logic [126:0] info,
  output logic [3:0]   dep,
  output logic         load_valid,
  input  logic         load_ready,
  output logic         compute_valid,
  input  logic         compute_ready,
  output logic         store_valid,
  input  logic         store_ready,
  output logic         simple_valid,
  input  logic         simple_ready,

  output logic [11:0]  err,
  output logic [126:0] err_info
);
  localparam logic [7:0] NOP = 8'd0, LOAD = 8'd1, COMPUTE = 8'd2, STORE = 8'd3, SYNC = 8'd4;

  logic [7:0]  op;
  logic        complete, irq, aligned, go, bad;
  logic [31:0] tag;
  logic [63:0] address;
  logic [3:0]  illegal; // dependency bits that the operation does not have

  assign op       = desc[`BNN_D_ANY_OPCODE_MSB:`BNN_D_ANY_OPCODE_LSB];
  assign dep      = {desc[`BNN_D_ANY_PUSH_NEXT_LSB], desc[`BNN_D_ANY_PUSH_PREV_LSB],
                     desc[`BNN_D_ANY_POP_NEXT_LSB], desc[`BNN_D_ANY_POP_PREV_LSB]};
  assign complete = desc[`BNN_D_ANY_COMPLETE_LSB];
  assign irq      = desc[`BNN_D_ANY_IRQ_LSB];
  assign tag      = desc[`BNN_D_ANY_TAG_MSB:`BNN_D_ANY_TAG_LSB];
  assign address  = {desc[`BNN_D_ANY_COMPLETION_HI_MSB:`BNN_D_ANY_COMPLETION_HI_LSB],
                     desc[`BNN_D_ANY_COMPLETION_LO_MSB:`BNN_D_ANY_COMPLETION_LO_LSB]};
  assign aligned  = address[2:0] == 3'd0;
  assign info     = {complete, irq, address[63:3], tag, index};
  assign err_info = {complete && aligned && desc_ok && !desc_err, info[125:64],
                     desc_err ? 32'd0 : tag, index};

  always_comb begin
    case (op)
      LOAD:    illegal = 4'b0101;
      COMPUTE: illegal = 4'b0000;
      STORE:   illegal = 4'b1010;
      default: illegal = 4'b1111;
    endcase
    case (op)
      LOAD:    bad = desc[195:194] != '0 || desc[223:204] != '0 || desc[255:240] != '0 ||
                     desc[287:272] != '0 || desc[319:304] != '0 || desc[479:352] != '0;
      STORE:   bad = desc[223:192] != '0 || desc[255:240] != '0 || desc[287:272] != '0 ||
                     desc[319:304] != '0 || desc[383:368] != '0 || desc[479:384] != '0;
      COMPUTE: bad = 1'b0; // the core looks itself
      default: bad = desc[479:128] != '0;
    endcase

    err = '0;
    if (desc_valid && !stop) begin
      if (desc_err) err[`BNN_ERR_AXI_READ_LSB] = 1'b1;
      else if (!desc_ok) err[`BNN_ERR_CRC_LSB] = 1'b1;
      else if (op > SYNC) err[`BNN_ERR_OPCODE_LSB] = 1'b1;
      else begin
        err[`BNN_ERR_FIELD_LSB] = desc[31:14] != '0 || (irq && !complete) ||
                                  (dep & illegal) != '0 || bad;
        err[`BNN_ERR_ALIGN_LSB] = complete && !aligned && !err[`BNN_ERR_FIELD_LSB];
      end
    end
  end

  assign go            = desc_valid && !stop && err == '0;
  assign load_valid    = go && op == LOAD;
  assign compute_valid = go && op == COMPUTE;
  assign store_valid   = go && op == STORE;
  assign simple_valid  = go && (op == NOP || (op == SYNC && done == index));
  assign desc_ready    = (load_valid && load_ready) || (compute_valid && compute_ready) ||
                         (store_valid && store_ready) || (simple_valid && simple_ready);

  logic unused; // the engines take their own words; the check sum has been looked at
  assign unused = &{1'b0, desc[511:480], desc[239:196], desc[193:192]};

`ifndef SYNTHESIS
  always_comb begin
    assert (!desc_ready || desc_valid);
    assert (err == '0 || !desc_ready);
    assert (32'(load_valid) + 32'(compute_valid) + 32'(store_valid) + 32'(simple_valid) <= 32'd1);
    assert (!stop || (!desc_ready && err == '0));
  end
`endif
endmodule
