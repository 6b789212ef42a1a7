// SPDX-License-Identifier: Apache-2.0
// Sources of the accelerator, level by level; paths from the root of the repository. The folder of
// the generated bnn_registers.svh is given apart (+incdir+...).
// level: parts
rtl/bnn_fifo.sv
rtl/bnn_crc.sv
rtl/bnn_round.sv
// level: host
rtl/bnn_axil.sv
rtl/bnn_irq.sv
rtl/bnn_counters.sv
rtl/bnn_regs.sv
// level: control
rtl/bnn_read.sv
rtl/bnn_write.sv
rtl/bnn_fetch.sv
rtl/bnn_dispatch.sv
rtl/bnn_tokens.sv
rtl/bnn_issue.sv
rtl/bnn_load.sv
rtl/bnn_store.sv
rtl/bnn_retire.sv
rtl/bnn_watchdog.sv
rtl/bnn_control.sv
// level: core
rtl/bnn_ram.sv
rtl/bnn_ecc_encode.sv
rtl/bnn_ecc_decode.sv
rtl/bnn_inject.sv
rtl/bnn_weights.sv
rtl/bnn_activations.sv
rtl/bnn_array.sv
rtl/bnn_thresholds.sv
rtl/bnn_post.sv
rtl/bnn_outputs.sv
rtl/bnn_command.sv
rtl/bnn_nest.sv
rtl/bnn_core.sv
// level: top
rtl/bnn_top.sv
