#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the recipes among the seeds of fuzz_store; enum step in fuzz_store.c says what the bytes
# mean.  etalon.h5 beside them is a run file: three committed datasets.
set -euo pipefail
cd "$(dirname "$0")/corpus/store"

number='\x00' text='\x01' variable_text='\x02' group='\x03' leave='\x04' link='\x05'
mark='\x06' patch='\x07' texts='\x08' rows='\x09' label='\x0a'

seed() { # NAME STEP...
    local name=$1
    shift
    (IFS= && printf '%b' "$*") >"$name"
}

scalar="$number\x01\x00\x00\x00"
matrix="$number\x00\x02\x02\x03\x00\x00"
seed numbers "$matrix" "$scalar" "$number\x03\x01\x04\x00\x01" "$number\x05\x04\x01\x02\x02\x02\x00\x00"
seed odd-formats "$number\x06\x00\x00\x00" "$number\x07\x00\x00\x00" "$number\x08\x00\x00\x00"
seed empty-arrays "$number\x04\x02\x00\x05\x00\x00" "$number\x04\x01\x00\x01\x00"
seed rank-too-high "$number\x00\x05\x01\x01\x01\x01\x01\x00\x00"
seed chunks "$number\x04\x02\x08\x08\x04\x00" "$number\x04\x02\x08\x08\x04\x07"
seed chunks-unwritten "$number\x04\x01\x93\x90\x10" "$number\x00\x02\x86\x86\x08\x03"
seed filter-unknown "$number\x04\x02\x08\x08\x04\x08"
seed external "$number\x04\x01\x08\x00\x02"
seed huge "$number\x00\x02\xbd\xbd\x00\x00"
seed huge-chunks "$number\x00\x01\xa8\x01\x00" "$number\x00\x01\x08\x9e\x00"
seed values-changed "$matrix" "$patch\x03\x00\xff" "$scalar" "$patch\x07\x00\x7f"
seed texts "$text\x05" "$text\x00" "$variable_text"
seed text-length-false "$variable_text" "$patch\x00\x00\x40"
seed text-address-false "$variable_text" "$patch\x04\x00\x01"
seed text-object-false "$variable_text" "$patch\x0c\x00\x09"
seed text-heap-false "$variable_text" "$patch\x28\x00\xff"
seed text-heap-signature "$variable_text" "$patch\x10\x00\x00"
seed groups "$group" "$scalar" "$group" "$matrix" "$leave" "$text\x03"
seed groups-deep "$group$group$group$group$group$group$group$group$group$group" \
    "$group$group$group$group$group$group$group$group$scalar"
seed links "$scalar" "$link\x02" "$link\x03"
seed links-in-circles "$group" "$link\x00" "$link\x01" "$scalar"
seed marks "$scalar" "$mark\x02" "$scalar" "$mark\x00" "$text\x04" "$mark\x04"
seed many-texts "$texts\x03\x00\x00" "$texts\x09\x02\x02" "$texts\x00\x00\x00" "$label"
seed many-texts-false "$texts\x03\x00\x00" "$patch\x10\x00\x40" "$patch\x2c\x00\x09"
seed rows "$rows\x00\x09\x00\x00" "$rows\x03\x05\x02\x03" "$rows\x01\x03\x00\x00" "$label"
seed rows-length-false "$rows\x00\x04\x00\x00" "$patch\x20\x00\x70" "$patch\x33\x00\x01"
seed rows-heap-false "$rows\x00\x04\x00\x00" "$patch\x48\x00\xff"
