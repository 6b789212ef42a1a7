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
rtl/bnn_core.sv
// level: top
rtl/bnn_top.sv
