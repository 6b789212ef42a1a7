#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# list, describe, new and doctor: every listed type is described and has a template that loads.
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"

run_code 0 list
prints "Physical systems"
prints "Data sets"
run_code 0 list --json
is_json out
run_code 0 doctor
prints "rtl_configs"
prints "sundials"
prints "hdf5"
prints "cpu_features"
run_code 0 doctor --json
is_json out
run_code 0 bench
run_code 0 bench --json
is_json out

for family in systems methods objectives datasets; do
    run_code 0 list "$family"
    grep '^  ' out | grep -v 'not available\|none in this build' | awk '{print $1}' >names
    [ -s names ] || fail "no $family"
    while read -r name; do
        run_code 0 describe "${family%s}/$name"
        prints "$name (${family%s})"
        run_code 0 describe "${family%s}/$name" --json
        is_json out
        run_code 0 new "${family%s}/$name"
        prints "type: $name"
    done <names
done
run_code 0 list transports
grep '^  ' out | grep -v 'not available\|none in this build' | awk '{print $1}' >names
while read -r name; do
    run_code 0 describe "transport/$name"
    prints "address"
    run_code 2 new "transport/$name"
done <names

# A template with its required values filled in is a system.
"$etalon" new system/random | sed -e 's/^#* *n_in:.*/n_in: 3/' -e 's/^#* *n_out:.*/n_out: 5/' >random.yaml
run_code 0 simulate --system "$(cat random.yaml)" --output random.h5
prints "3 inputs, 5 outputs"

run_code 0 describe experiment
prints "layers"
run_code 0 describe experiment --json
is_json out
run_code 0 describe system/zeros

# Legal knobs; benchmarks as a table for the documentation.
run_code 0 describe system/acoustic --json
grep -q '"knob_min"' out || fail "no range of the knobs in JSON"
run_code 0 bench pml --markdown
prints "| case | value | unit | limit | ratio | target |"
grep -q '^|---|---:|---|' out || fail "no table in Markdown"
finish
