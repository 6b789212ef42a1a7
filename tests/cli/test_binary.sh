#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One-bit layers from the command line: the same weights and answers whatever computes them, the
# accuracy of integers alone beside that of the heads.  With Verilator the RTL is in the loop.
example=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../examples/digits-bnn-rtl.yaml")
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"

# on DEVICE: overrides that put all layers there, into devices.
on() {
    devices=()
    for layer in 0 1 2; do devices+=(--set "layers.$layer.system.device=$1"); done
}

# train FILE ARGUMENT...: a short training.
train() {
    local file=$1
    shift
    run_code 0 run "$example" --output "$file" --set dataset.n=300 --set method.epochs=2 \
        --set 'controls=[]' --set 'variants=[]' "$@"
}

weights() { # the digest that the last program printed
    sed -n 's/^weights *digest //p' out
}

on software
train software.h5 "${devices[@]}"
prints 'integers only'
wanted=$(weights)
[ "${#wanted}" -eq 16 ] || fail "no digest of the weights: '$wanted'"
on model:config=32x32
train model.h5 "${devices[@]}"
[ "$(weights)" = "$wanted" ] || fail "other weights on the model of the accelerator"

on model:
run_code 0 evaluate software.h5 --compare "${devices[@]}"
prints 'differ    0 of 60 answers, 0 by integers'
run_code 0 evaluate software.h5 --compare --json "${devices[@]}"
is_json out
run_code 0 evaluate software.h5 --compare --set 'layers.2.system={type: linear, n_in: 128, n_out: 10, tunable: true}'
prints 'differ    0 of 60 answers, 0 by integers'

if ! "$etalon" list transports | grep -q 'compiled by Verilator'; then
    echo "SKIP: no co-simulation in this build" >&2
    [ "$failures" -eq 0 ] && exit 77
    finish
fi
train rtl.h5
[ "$(weights)" = "$wanted" ] || fail "other weights on the RTL"
on verilator:
run_code 0 evaluate software.h5 --compare "${devices[@]}"
prints 'differ    0 of 60 answers, 0 by integers'
finish
