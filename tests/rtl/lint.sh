#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The RTL as the tools see it: Verilator lints every configuration of rtl/configs.txt without a
# warning, yosys reads and elaborates the default one.
#
#   tests/rtl/lint.sh [FOLDER of bnn_registers.svh]     default build/release/generated
#
# Exit codes: 0 clean, 1 a finding, 77 no Verilator.
set -euo pipefail
cd "$(dirname "$0")/../.."
generated=${1:-build/release/generated}
command -v verilator >/dev/null || { echo "lint.sh: skipped, no verilator" >&2 && exit 77; }

names=(PE SIMD AXI_DW WDEPTH ADEPTH TDEPTH ODEPTH CDEPTH)
waivers=()
[ ! -f rtl/lint.vlt ] || waivers=(rtl/lint.vlt)
while read -r -a values; do
    parameters=()
    for i in "${!names[@]}"; do parameters+=("-G${names[i]}=${values[i]}"); done
    verilator --lint-only -Wall --assert -Irtl "-I$generated" "${waivers[@]}" "${parameters[@]}" \
        --top-module bnn_top -f rtl/etalon.f
    echo "verilator: clean with ${parameters[*]}"
done < <(grep '^[0-9]' rtl/configs.txt)

if command -v yosys >/dev/null; then
    sources=$(grep -v '^//' rtl/etalon.f | tr '\n' ' ')
    yosys -q -p "read_verilog -sv -Irtl -I$generated $sources; hierarchy -check -top bnn_top"
    echo "yosys: elaborates"
fi
