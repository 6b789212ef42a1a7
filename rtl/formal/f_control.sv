/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_control: an error stops the device in the next cycle, for good, until an abort; who erred
 * first is kept; its record is handed over exactly once, in quiet, if it asked for one; an abort
 * ends after 8 quiet cycles with exactly one of DRAINED and a reset. */
module f_control (
  input logic         clk,
  input logic         do_abort,
  input logic         do_reset,
  input logic         quiet,
  input logic         guilty_ready,
  input logic [11:0]  e_load,
  input logic [11:0]  e_store,
  input logic         e_watchdog,
  input logic [31:0]  head,
  input logic [126:0] info
);
  logic rst = 1'b1;
  always_ff @(posedge clk) rst <= 1'b0;

  logic stop, flush, soft_rst, core_rst, halted, draining, guilty_valid, irq_error, irq_drained;
  logic [11:0] guilty_err, err;
  logic [126:0] guilty_info;
  logic [31:0] err_tag, err_index;
  bnn_control dut (
    .clk, .rst, .do_abort, .do_reset, .err_clear(12'd0),
    .e_retire(12'd0), .e_retire_info(127'd0), .e_store, .e_store_info(info),
    .e_compute(12'd0), .e_compute_info(127'd0), .e_load, .e_load_info(~info),
    .e_dispatch(12'd0), .e_dispatch_info(127'd0), .e_ring(1'b0), .e_watchdog, .head,
    .name_dispatch(1'b0), .name_store(1'b0), .name_store_info(127'd0), .name_compute(1'b0),
    .name_compute_info(127'd0), .name_load(1'b0), .name_load_info(127'd0), .quiet,
    .stop, .flush, .soft_rst, .core_rst, .halted, .draining, .guilty_valid, .guilty_ready,
    .guilty_err, .guilty_info, .err, .err_tag, .err_index, .irq_error, .irq_drained
  );
  // RING and WATCHDOG do not come from engines.
  always_comb assume (((e_load | e_store) & 12'h120) == 12'd0);

  logic any, command, was_any = 1'b0, was_command = 1'b0, was_stop = 1'b0, was_flush = 1'b0;
  logic was_halted = 1'b0, asks = 1'b0, told = 1'b0;
  logic [31:0] first_index;
  logic [3:0] calm = 4'd0;
  assign any     = !stop && !soft_rst && (e_load != 12'd0 || e_store != 12'd0 || e_watchdog);
  assign command = do_abort || do_reset;
  always_ff @(posedge clk) begin
    was_any     <= any && !rst;
    was_command <= command && !rst;
    was_stop    <= stop && !rst;
    was_flush   <= flush && !rst;
    was_halted  <= halted && !rst;
    calm        <= rst || !quiet || command ? 4'd0 : calm == 4'd8 ? 4'd8 : calm + 4'd1;
    if (any) begin
      first_index <= e_store != 12'd0 ? info[31:0] : e_load != 12'd0 ? ~info[31:0] : head;
      asks        <= e_store != 12'd0 ? info[126] : e_load != 12'd0 ? !info[126] : 1'b0;
      told        <= 1'b0;
    end
    if (guilty_valid && guilty_ready) told <= 1'b1;
    if (!rst) begin
      if (was_any) assert (stop);
      if (was_any && !was_command) assert (halted && err != 12'd0);
      if (was_command) assert (flush && !halted);
      if (was_stop && !was_flush && !was_command) assert (stop);          // for good
      if (halted) begin
        assert (err_index == first_index && guilty_info[31:0] == first_index);
        assert (guilty_info[126] == (asks && !told));
        assert (guilty_err != 12'd0);
      end
      if (guilty_valid) assert (halted && asks && !told);                 // once
      if (halted && !draining) assert (told || !asks);                    // nobody is forgotten
      if (was_flush && !was_command && !flush) begin
        assert (calm == 4'd8);
        assert (irq_drained != soft_rst);
        assert (!stop && !halted && !draining);
      end
      if (irq_drained || soft_rst) assert (was_flush);
      assert (irq_error == any);
    end
    cover (!rst && halted && !draining && told);
    cover (!rst && soft_rst);
  end
endmodule
