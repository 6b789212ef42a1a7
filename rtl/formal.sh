#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Proves properties of the RTL: yosys turns modules and the harnesses of rtl/formal/ into SMT-LIB,
# yosys-smtbmc and z3 prove. Prints a table in Markdown; fails when a proof fails.
#
#   rtl/formal.sh             all of them
#   rtl/formal.sh fifo irq    these
#
# BMC n: no assertion can fail in the first n cycles after reset. Induction k: k cycles without a
# failure are followed by none, so with BMC none ever fails. 77: the tools are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in yosys yosys-smtbmc z3 awk; do
    command -v "$tool" >/dev/null || { echo "formal.sh: no $tool"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -v out=sv -f rtl/registers.awk rtl/registers.txt >"$work/bnn_registers.svh"
failed=0

# compile NAME FILES... [-D... -set...]: SMT-LIB of harness f_NAME
compile() {
    local name=$1 sources=() options=() parameters="" file
    shift
    for file in "$@"; do
        case $file in
        -D*) options+=("$file") ;;
        *=*) parameters+=" -set ${file%%=*} ${file#*=}" ;;
        *) sources+=("rtl/bnn_$file.sv") ;;
        esac
    done
    yosys -q -p "read_verilog -sv -formal -I$work -Irtl ${options[*]-} ${sources[*]} rtl/formal/f_$name.sv
        ${parameters:+chparam$parameters f_$name}
        prep -top f_$name -flatten -nordff; memory_map; opt -full; techmap; opt -full; clean
        async2sync; dffunmap; write_smt2 -wires $work/$name.smt2" 2>&1 | { grep -v 'Replacing memory' || true; } >&2
}

# row NAME "PROPERTY" "METHOD" ARGUMENTS...: one proof, one line
row() {
    local name=$1 property=$2 method=$3 result=proved begin
    shift 3
    begin=$(date +%s)
    if ! yosys-smtbmc --noprogress --unroll -s z3 "$@" "$work/$name.smt2" >"$work/log" 2>&1; then
        result=FAILED
        failed=1
        grep -E 'Assert failed|Error|ERROR' "$work/log" >&2 || true
    fi
    printf '| %s | %s | %s | %s | %d |\n' "$name" "$property" "$method" "$result" $(($(date +%s) - begin))
}

# prove NAME DEPTH K "PROPERTY" FILES...: BMC to DEPTH, induction with K (0 = none)
prove() {
    local name=$1 depth=$2 k=$3 property=$4
    shift 4
    [[ -z ${wanted-} || " $wanted " == *" $name "* ]] || return 0
    compile "$name" "$@"
    row "$name" "$property" "BMC $depth" -t "$depth"
    [ "$k" = 0 ] || row "$name" "the same, for ever" "induction $k" -i -t "$k"
}

wanted=$*
echo '| harness | property | method | result | s |'
echo '|---|---|---|---|---|'
prove fifo 20 3 'FIFO: entries leave unchanged and in order; never over- or underflows' fifo -DBNN_FORMAL_FIFO
prove irq 20 2 'interrupts: no event is lost, not even to a clear in its cycle; the line is what is enabled' irq
prove axil 20 0 'AXI4-Lite: answers are stable, one per request, in time; SLVERR exactly off the map or for bytes' axil regs
prove crc 3 2 'CRC unit = polynomial division; `ok` exactly after its own CRC' crc
prove tokens 20 2 'tokens: none is lost, none comes of itself, none overflows' tokens
prove watchdog 20 14 'watchdog: bites exactly after its limit (up to 12) without progress' watchdog
prove control 20 12 'errors: stop at once and for good, one record to the first guilty; an abort ends in quiet' control
prove secded 3 2 'SECDED, 32 bits: any one wrong bit is corrected, any two are told' ecc_encode ecc_decode
prove round 12 0 'double rounding = its formula (one weight, all pairs of up to 4 planes)' round MOST=4
prove read 20 0 'AXI reads: stable, within 4 KiB, each beat to its client, none begun in an abort' read fifo
prove write 12 0 'AXI writes: stable, within 4 KiB, WLAST right, none begun in an abort' write fifo
prove sequence 22 0 'sequencer: good programs retire something every 6 cycles: nothing is lost, no deadlock' \
    dispatch fifo tokens issue retire EAGER=1
prove sequence 8 0 'sequencer, any program and timing: nothing twice or too early, engines in order, SYNC last' \
    dispatch fifo tokens issue retire EAGER=0
exit "$failed"
