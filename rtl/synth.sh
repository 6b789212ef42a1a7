#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Area of the RTL per block and target, by yosys, without place and route, and by nextpnr the clock of
# the larger blocks on an iCE40 HX8K. Prints tables in Markdown.
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
    function base(name) { match(name, /bnn_[a-z_0-9]+/); return substr(name, RSTART, RLENGTH) }
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
    function line(label, number, lut, ff, ram, mul) {
        printf "| %s | %d | %d | %d | %d | %d |\n", label, number, lut, ff, ram, mul
    }
    function children(m, indent,    i, k, list, b, c, seen, names, number, lut, ff, ram, mul, of) {
        k = split(types[m], list, " ")
        for (i = 1; i <= k; i++) {
            if (!(list[i] in modules)) continue
            b = base(list[i])
            if (!(b in number)) names[++seen] = b
            c = count[m, list[i]]
            number[b] += c
            lut[b] += c * add(list[i], "lut")
            ff[b] += c * add(list[i], "ff")
            ram[b] += c * add(list[i], "ram")
            mul[b] += c * add(list[i], "mul")
            of[b] = list[i]
        }
        for (i = 1; i <= seen; i++) {
            b = names[i]
            line(indent "`" b "`", number[b], lut[b], ff[b], ram[b], mul[b])
            if (b == "bnn_core") children(of[b], "· ")
        }
    }
    END {
        for (m in modules) if (base(m) == "bnn_top") top = m
        print "| block | number | LUT | FF | block RAM | multipliers |"
        print "|---|---|---|---|---|---|"
        line("**all**", 1, add(top, "lut"), add(top, "ff"), add(top, "ram"), add(top, "mul"))
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

# A block between chains of registers, since no package has so many pins.
timing() {
    local block=$1 name
    name=$(grep -o "^module [^ ]*bnn_${block}[\\\\ ].*\|^module [^ ]*bnn_${block}\$" "$work/bnn_top.il" | head -1 | cut -d' ' -f2)
    yosys -q -p "read_rtlil $work/bnn_top.il; hierarchy -top $name; rename -top part; flatten; opt_clean
        tee -q -o $work/ports portlist part; write_rtlil $work/part.il" >"$work/log" 2>&1 ||
        { tail -3 "$work/log"; exit 1; }
    awk '/^(input|output)/ {
            width = 1
            if (match($0, /\[[0-9]+:0\]/)) width = substr($0, RSTART + 1, RLENGTH - 4) + 1
            name = $NF
            if (name == "clk") pins = pins ", .clk(clk)"
            else if ($1 == "input") { pins = pins sprintf(", .%s(in[%d +: %d])", name, n_in, width); n_in += width }
            else { pins = pins sprintf(", .%s(now[%d +: %d])", name, n_out, width); n_out += width } }
         END {
            printf "module pins (input clk, input d, output reg q);\n"
            printf "reg [%d:0] in;\nreg [%d:0] out;\nwire [%d:0] now;\n", n_in - 1, n_out - 1, n_out - 1
            printf "always @(posedge clk) begin in <= {in, d}; out <= now ^ {out, 1'"'"'b0}; q <= out[%d]; end\n", n_out - 1
            printf "part part (%s);\nendmodule\n", substr(pins, 3) }' "$work/ports" >"$work/pins.v"
    yosys -q -p "read_rtlil $work/part.il; read_verilog $work/pins.v; synth_ice40 -top pins -json $work/pins.json" \
        >"$work/log" 2>&1 || { tail -3 "$work/log"; exit 1; }
    if nextpnr-ice40 --hx8k --package ct256 --json "$work/pins.json" --seed 1 --freq 50 \
        --timing-allow-fail >"$work/log" 2>&1; then
        awk -v block="$block" '
            /ICESTORM_LC:/ { sub(/.*LC: */, ""); lc = $1; sub(/\/.*/, "", lc) }
            /Max frequency/ { sub(/.*: */, ""); f = $1 }
            END { printf "| `bnn_%s` | %d | %.0f |\n", block, lc, f }' "$work/log"
    else
        printf '| `bnn_%s` | %s | |\n' "$block" "$(grep -m1 ERROR "$work/log")"
    fi
}

timings() {
    local block
    command -v nextpnr-ice40 >/dev/null || { echo "synth.sh: no nextpnr-ice40, no timing"; return 0; }
    [ -f "$work/bnn_top.il" ] || elaborate bnn_top "$sources"
    printf '\nConfiguration %s on iCE40 HX8K, block by block (the whole does not fit), placed and routed by nextpnr:\n\n' "$config"
    printf '| block | logic cells, with chains for the pins | MHz |\n|---|---|---|\n'
    for block in array nest post load store dispatch; do timing "$block"; done
}

for target in "${targets[@]}"; do
    if [ "$target" = timing ]; then timings; else area "$target"; fi
done
