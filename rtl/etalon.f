// SPDX-License-Identifier: Apache-2.0
// Sources of the accelerator, level by level; paths from the root of the repository.
// level: top
rtl/bnn_top.sv
