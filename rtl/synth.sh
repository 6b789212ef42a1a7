#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Area of the RTL per block and target, by yosys, without place and route, and with nextpnr the clock
# of the compute core of the smallest configuration on an iCE40 HX8K. Prints tables in Markdown.
#
#   rtl/synth.sh [CONFIG [TARGET...]]    CONFIG: a line of rtl/configs.txt, PExSIMD (8x16)
#                                        TARGET: ice40 xc7 ecp5 (all), timing
#
# A block's numbers include what is below it. The hierarchy is kept, so nothing is shared or
# removed across modules. 77: the tools are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in yosys awk; do
    command -v "$tool" >/dev/null || { echo "synth.sh: no $tool"; exit 77; }
done
config=${1:-8x16}
shift || true
targets=("$@")
[ $# -gt 0 ] || targets=(ice40 xc7 ecp5 timing)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -v out=sv -f rtl/registers.awk rtl/registers.txt >"$work/bnn_registers.svh"

values=$(awk -v config="$config" '
    /^[0-9]/ { if ($1 "x" $2 == config || $1 "x" $2 "x" $3 == config) { print; exit } }' rtl/configs.txt)
[ -n "$values" ] || { echo "synth.sh: $config is not in rtl/configs.txt"; exit 1; }
read -ra value <<<"$values"
names=(PE SIMD AXI_DW WDEPTH ADEPTH TDEPTH ODEPTH CDEPTH)
parameters=""
for i in "${!names[@]}"; do parameters+=" -set ${names[$i]} ${value[$i]}"; done
sources=$(grep '^rtl/' rtl/etalon.f | tr '\n' ' ')

# elaborate TOP FILE...: the design with its parameters, before any target
elaborate() {
    local top=$1
    shift
    yosys -q -p "read_verilog -sv -DSYNTHESIS -I$work -Irtl $*
        chparam$parameters $top; hierarchy -top $top; proc; opt_clean
        write_rtlil $work/$top.il" >"$work/log" 2>&1 || { tail -3 "$work/log"; exit 1; }
}

# blocks FILE: from yosys stat, a line per block below the top and below the core
blocks() {
    awk '
    function base(name) { sub(/.*\\/, "", name); return name }
    /^=== / { module = $2; modules[module] = 1; order[++n] = module; next }
    module != "" && NF == 2 && $2 ~ /^[0-9]+$/ { count[module, $1] = $2; types[module] = types[module] " " $1 }
    function add(m, what, factor,    t, i, list, k, sum) {   # cells of a kind below module m
        k = split(types[m], list, " ")
        sum = 0
        for (i = 1; i <= k; i++) {
            t = list[i]
            if (t in modules) sum += count[m, t] * add(t, what, factor)
            else sum += count[m, t] * weight(t, what)
        }
        return sum
    }
    function weight(t, what) {
        if (what == "lut") {
            if (t ~ /^(SB_LUT4|LUT[1-6]|LUT4)$/) return 1
            if (t ~ /^(RAM32M|RAM64M|TRELLIS_DPR16X4)$/) return t ~ /TRELLIS/ ? 2 : 4
            if (t ~ /^(RAM32X1D|RAM64X1D)$/) return 2
            return t == "CCU2C" ? 2 : 0
        }
        if (what == "ff") return t ~ /^(SB_DFF|FD[RSCP]E|TRELLIS_FF)/
        if (what == "ram") return t ~ /^(SB_RAM40_4K|RAMB18E1|RAMB36E1|DP16KD)/
        if (what == "mul") return t ~ /^(DSP48E1|MULT18X18D|SB_MAC16)/
    }
    function line(m, label, times,    r) {
        printf "| %s | %d | %d | %d | %d | %d |\n", label, times, times * add(m, "lut"),
               times * add(m, "ff"), times * add(m, "ram"), times * add(m, "mul")
    }
    function children(m, indent,    i, k, list) {
        k = split(types[m], list, " ")
        for (i = 1; i <= k; i++) {
            if (!(list[i] in modules)) continue
            line(list[i], indent "`" base(list[i]) "`", count[m, list[i]])
            if (base(list[i]) == "bnn_core") children(list[i], indent "· ")
        }
    }
    END {
        for (m in modules) if (base(m) == "bnn_top") top = m
        print "| block | number | LUT | FF | block RAM | multipliers |"
        print "|---|---|---|---|---|---|"
        line(top, "**all**", 1)
        children(top, "")
    }' "$1"
}

area() {
    local target=$1 command
    case $target in
    ice40) command="synth_ice40 -noflatten -top bnn_top" ;;
    ecp5) command="synth_ecp5 -noflatten -top bnn_top" ;;
    xc7) command="synth_xilinx -family xc7 -top bnn_top" ;;
    *) echo "synth.sh: no target $target"; exit 1 ;;
    esac
    [ -f "$work/bnn_top.il" ] || elaborate bnn_top "$sources"
    yosys -q -p "read_rtlil $work/bnn_top.il; $command; tee -q -o $work/$target.stat stat" >"$work/log" 2>&1 ||
        { tail -3 "$work/log"; exit 1; }
    printf '\nConfiguration %s on %s:\n\n' "$config" "$target"
    blocks "$work/$target.stat"
}

# The core between two chains of registers, since no package has that many pins.
timing() {
    command -v nextpnr-ice40 >/dev/null || { echo "synth.sh: no nextpnr-ice40, no timing"; return 0; }
    cat >"$work/bnn_pins.sv" <<'PINS'
module bnn_pins #(
  parameter int PE = 8, SIMD = 16, AXI_DW = 64, WDEPTH = 128, ADEPTH = 128, TDEPTH = 256,
                ODEPTH = 64, CDEPTH = 32
) (
  input logic clk,
  input logic d,
  output logic q
);
  localparam int IN = 475 + 2 * AXI_DW - AXI_DW, OUT = AXI_DW + 70;
  logic [IN-1:0] in;
  logic [OUT-1:0] out, out_now;
  always_ff @(posedge clk) begin
    in  <= {in[IN-2:0], d};
    out <= out_now ^ {out[OUT-2:0], 1'b0};
    q   <= out[OUT-1];
  end
  bnn_core #(
    .PE(PE), .SIMD(SIMD), .AXI_DW(AXI_DW), .WDEPTH(WDEPTH), .ADEPTH(ADEPTH), .TDEPTH(TDEPTH),
    .ODEPTH(ODEPTH), .CDEPTH(CDEPTH)
  ) core (
    .clk, .rst(in[0]), .ld_valid(in[1]), .ld_target(in[3:2]), .ld_addr(in[19:4]),
    .ld_lane(in[35:20]), .cmd_valid(in[36]), .done_ready(in[37]), .st_en(in[38]),
    .st_addr(in[54:39]), .inject_valid(in[55]), .inject_kind(in[57:56]), .inject_bit(in[65:58]),
    .cmd_words(in[417:66]), .ld_data(in[418 +: AXI_DW]),
    .st_data(out_now[AXI_DW-1:0]), .cmd_ready(out_now[AXI_DW]), .done_valid(out_now[AXI_DW+1]),
    .done_error(out_now[AXI_DW+17:AXI_DW+2]), .busy(out_now[AXI_DW+18]),
    .step(out_now[AXI_DW+19]), .stall_out(out_now[AXI_DW+20]),
    .ecc_ce(out_now[AXI_DW+36:AXI_DW+21]), .ecc_ue(out_now[AXI_DW+52:AXI_DW+37]),
    .parity(out_now[AXI_DW+68:AXI_DW+53])
  );
  assign out_now[AXI_DW+69] = 1'b0;
endmodule
PINS
    local core
    core=$(grep '^rtl/' rtl/etalon.f | grep -v bnn_top | tr '\n' ' ')
    elaborate bnn_pins "$core $work/bnn_pins.sv"
    yosys -q -p "read_rtlil $work/bnn_pins.il; synth_ice40 -top bnn_pins -json $work/pins.json" >"$work/log" 2>&1 ||
        { tail -3 "$work/log"; exit 1; }
    if nextpnr-ice40 --hx8k --package ct256 --json "$work/pins.json" --seed 1 --freq 40 --timing-allow-fail \
        >"$work/log" 2>&1; then
        printf '\n`bnn_core` %s on iCE40 HX8K, placed and routed (nextpnr, seed 1): ' "$config"
        awk '/ICESTORM_LC:/ { lc = $4 $5 } /ICESTORM_RAM:/ { ram = $4 $5 }
             /Max frequency/ { f = $(NF - 4) " " $(NF - 3) }
             END { gsub(/[^0-9\/]/, "", lc); gsub(/[^0-9\/]/, "", ram)
                   printf "%s, %s logic cells, %s block RAMs.\n", f, lc, ram }' "$work/log"
    else
        printf '\n`bnn_core` %s does not fit an iCE40 HX8K: %s\n' "$config" "$(grep -m1 ERROR "$work/log")"
    fi
}

for target in "${targets[@]}"; do
    if [ "$target" = timing ]; then timing; else area "$target"; fi
done
