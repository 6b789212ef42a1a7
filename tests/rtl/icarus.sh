#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The RTL in a second simulator: Icarus Verilog compiles all of it and runs icarus.sv.
#
#   tests/rtl/icarus.sh
#
# Exit codes: 0 passed, 1 failed, 77 no Icarus Verilog.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v iverilog >/dev/null || { echo "skipped: no iverilog" >&2 && exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
awk -v out=sv -f rtl/registers.awk rtl/registers.txt >"$scratch/bnn_registers.svh"
mapfile -t sources < <(grep '^rtl/' rtl/etalon.f)
# Icarus 11 cannot be trusted with assertions (it crashes on some): they are for Verilator.
# Of always_comb it says that it looks at whole vectors; that is no worse.
iverilog -g2012 -DSYNTHESIS -I "$scratch" -o "$scratch/icarus" -s icarus "${sources[@]}" \
    tests/rtl/icarus.sv 2>"$scratch/said" || { cat "$scratch/said" >&2 && exit 1; }
grep -v 'sorry: constant selects in always_' "$scratch/said" >&2 || true
vvp -n "$scratch/icarus" | tee "$scratch/log"
grep -qx PASS "$scratch/log"
