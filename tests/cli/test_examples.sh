#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every experiment of examples/ runs, shortened: one seed, few epochs, no claim.  Those that need
# the data folder end with 77 where it is absent, and say how to set it.
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"
ETALON_DATA=$(realpath -m "${ETALON_DATA:-$root/../shared/data}")
export ETALON_DATA

for file in "$root"/examples/*.yaml; do
    short=(--set method.epochs=2 --set 'controls=[zeros]')
    data=none
    case "$file" in
    */mnist-bnn*) data=mnist short+=(--set dataset.limit=500 --set dataset.limit_test=100 --set 'variants=[]') ;;
    */digits-bnn*) short+=(--set dataset.n=200 --set 'variants=[]') ;;
    */mnist-poincare*)
        data=mnist
        short+=(--set dataset.limit=40 --set dataset.limit_test=20 --set method.batch=20)
        ;;
    */mnist-*) data=mnist short+=(--set dataset.limit=500 --set dataset.limit_test=100) ;;
    */*attention*) short+=(--set method.teacher_epochs=1) ;;
    */vowels*-audio*.yaml)
        data=vowels-audio
        short+=(--set dataset.groups=5 --set dataset.samples=400 --set layers.0.system.samples=400)
        ;;
    */*measured*) data=phyll short+=(--set 'layers.0.system.epochs=1' --set 'layers.1.system.epochs=1') ;;
    esac
    if [ "$data" != none ] && [ ! -d "$ETALON_DATA/$data" ]; then
        run_code 77 run "$file" --seeds 1 --output short.h5 "${short[@]}"
        says ETALON_DATA
        echo "SKIP: no data for $file" >&2
        continue
    fi
    if grep -q '^ *type: ode' "$file" && "$etalon" list systems | grep -q '^ *ode .*not available'; then
        run_code 77 run "$file" --seeds 1 --output short.h5 "${short[@]}"
        echo "SKIP: this build has no equations for $file" >&2
        continue
    fi
    if grep -q '^[^#]*"verilator:' "$file" && ! "$etalon" list transports | grep -q 'compiled by Verilator'; then
        run_code 77 run "$file" --seeds 1 --output short.h5 "${short[@]}"
        echo "SKIP: no co-simulation for $file" >&2
        continue
    fi
    config=$(sed -n 's/.*"verilator:config=\([0-9x]*\).*/\1/p' "$file" | head -n 1)
    if [ -n "$config" ] && "$etalon" simulate --system '{type: bnn-layer, n_in: 4, n_out: 2, device: "verilator:config=none"}' 2>&1 |
        grep 'is not one of' | grep -qvw "$config"; then
        echo "SKIP: this build has no co-simulation of $config for $file" >&2
        continue
    fi
    run_code 0 run "$file" --seeds 1 --output short.h5 "${short[@]}"
    run_code 0 show short.h5 --json
    is_json out
done
finish
