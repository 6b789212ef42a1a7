#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the seeds of fuzz_nir, fuzz_nir_data and fuzz_aer; the comments in those files say what the
# bytes mean.
set -euo pipefail
cd "$(dirname "$0")/corpus"

seed() { # FILE BYTES...
    local file=$1
    shift
    (IFS= && printf '%b' "$*") >"$file"
}

# ---- NIR: options, number of nodes, nodes, number of edges, pairs of nodes ----
none='\x00'
field() { # RANK DIMS... FIRST STEP: codes of tests/fuzz/fuzz_nir.c
    printf '\\x00'
    printf '\\x%02x' "$@"
}
absent='\x07' same='\x0e'
input="\x00$none$(field 1 1 2 0)"
output="\x01$none$(field 1 1 2 0)"
two() { field 1 2 "$1" 0; }
lif="\x0f$none$(two 7)$(two 1)$(two 0)$(two 1)$(two 0)"
linear="\x03$none$(field 2 2 2 5 7)"
seed nir/lif "\x00\x03$input$lif$output\x02\x00\x01\x01\x02"
seed nir/lif-kick "\x03\x03$input$lif$output\x02\x00\x01\x01\x02"
seed nir/recurrent "\x00\x04$input$lif$output$linear\x04\x00\x01\x01\x02\x01\x03\x03\x01"
seed nir/scalar "\x00\x03$input\x0f$none$(field 0 7 0)$(field 0 1 0)$absent$(field 0 1 0)$absent$output\x02\x00\x01\x01\x02"
seed nir/unknown-field "\x00\x03$input\x0f\x07$(field 0 1 1)$(two 7)$(two 1)$(two 0)$(two 1)$absent$output\x02\x00\x01\x01\x02"
seed nir/not-a-number "\x00\x03$input\x0f$none$(two 18)$(two 1)$(two 0)$(two 1)$absent$output\x02\x00\x01\x01\x02"
seed nir/no-shapes "\x00\x03\x00$none$absent$linear\x01$none$absent\x02\x00\x01\x01\x02"
inner="$input$lif$output\x02\x00\x01\x01\x02"
seed nir/nested "\x00\x03$input\x12\x03$inner$output\x02\x00\x01\x01\x02"
seed nir/nested-names "\x00\x03$input\x12\x03$inner$output\x03\x00\x01\x01\x02\x03\x04"
image="\x00$none$(field 1 3 2 1)"
conv="\x09$none$(field 4 3 2 3 3 5 7)$absent$absent$same$absent$absent$absent"
pool="\x0b$none$(field 1 2 2 0)$(field 1 2 1 0)$(field 1 2 0 0)"
seed nir/images "\x00\x05$image$conv$pool\x0e$none$(field 0 11 0)$(field 0 1 0)$absent\x01$none$absent\x04\x00\x01\x01\x02\x02\x03\x03\x04"
cuba="\x11$none$(two 7)$(two 7)$(two 1)$(two 0)$(two 1)$(two 0)$(two 3)"
scale="\x04$none$(two 3)" threshold="\x05$none$(two 5)" delay="\x06$none$(two 12)"
seed nir/chain "\x02\x06$input$scale$delay$threshold$cuba$output\x06\x00\x01\x01\x02\x02\x03\x03\x04\x04\x05\x00\x04"
seed nir/flatten "\x00\x04$image\x07$none$(field 0 0 0)$(field 0 6 0)$absent\x0c$none$(field 0 1 0)\x01$none$absent\x03\x00\x01\x01\x02\x02\x03"
seed nir/circle "\x00\x03$input$linear$output\x04\x00\x01\x01\x02\x01\x01\x02\x01"
seed nir/two-ends "\x00\x04$input$input$output$output\x04\x00\x02\x01\x03\x00\x03\x01\x02"
seed nir/empty "\x00\x00\x00"

# ---- NIRData: kind, dt, t_max, n_neurons, then data, idx, time, value ----
cube='\x03\x01\x02\x02\x00\x01\x01\x00' table='\x02\x01\x03\x00\x01\x05' times='\x02\x01\x03\x04\x01\x08'
seed nir_data/gridded "\x00\x07\x01\x02$cube\x00\x00\x00"
seed nir_data/events "\x01\x07\x01\x02\x00\x00$table$times\x00\x00"
seed nir_data/valued "\x02\x07\x01\x02\x00\x00$table$times\x02\x01\x03\x01\x02\x03"
seed nir_data/shapes-differ "\x01\x07\x01\x02\x00\x00$table\x02\x01\x02\x04\x01"
seed nir_data/neuron-beyond "\x01\x07\x01\x02\x00\x00\x02\x01\x03\x00\x0a\x05$times"
seed nir_data/no-time "\x01\x07\x01\x02\x00\x00\x02\x01\x03\x00\x01\x01$times"
seed nir_data/other-type "\x03\x07\x01\x02$cube"
seed nir_data/no-graph "\x04\x07\x01\x02$cube"

# ---- address events: format, file ----
seed aer/nmnist '\x00\x03\x05\x80\x01\x00\x00\xf0\x00\x00\x00\x07\x21\x00\x00\x0a'
seed aer/nmnist-cut '\x00\x03\x05\x80\x01\x00\x07\x21'
seed aer/nmnist-outside '\x00\x22\x05\x80\x01\x00'
header='#!AER-DAT2.0\r\n# text\r\n'
seed aer/dvs128 "\x01$header\x00\x00\x05\x13\x00\x00\x00\x01\x00\x00\x80\x00\x00\x00\x00\x02"
seed aer/dvs-gesture "\x02$header\x00\xc8\x01\x02\x00\x00\x00\x07"
seed aer/davis346 "\x03$header\x40\xd5\x98\x00\x00\x00\x00\x09"
seed aer/backwards "\x01$header\x00\x00\x05\x13\x00\x00\x00\x09\x00\x00\x05\x13\x00\x00\x00\x01"
seed aer/version3 '\x01#!AER-DAT3.1\r\n\x00\x00'
seed aer/no-end '\x01#!AER-DAT2.0'
seed aer/cut "\x01$header\x00\x00\x05"
