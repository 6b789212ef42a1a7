#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A device served to another process: the same numbers, one end that is asked for, wrong arguments.
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"

simulate() { # DEVICE: prints the outputs of a layer on it
    "$etalon" simulate --samples 3 --seed 5 --output sim.h5 \
        --system "{type: bnn-layer, n_in: 40, n_out: 8, device: \"$1\"}" | grep '^outputs'
}

"$etalon" serve model:config=8x16 --listen "unix:$PWD/device" 2>said &
server=$!
for _ in $(seq 500); do
    grep -q listening said && break
    sleep 0.02
done
grep -q listening said || fail "the server does not listen: $(cat said)"
simulate "unix:$PWD/device" >remote || fail "no outputs from the served device"
simulate software >twin
cmp remote twin || fail "the served device computes something else"
kill "$server"
wait "$server" || fail "the server ended with $?"
[ ! -e device ] || fail "the socket is still there"

run_code 2 serve model:
says "--listen is missing"
run_code 2 serve --listen unix:x
says "which device?"
run_code 2 serve nothing: --listen unix:x
says "there is no transport 'nothing:'"
run_code 1 simulate --system "{type: bnn-layer, n_in: 4, n_out: 2, device: \"unix:$PWD/device\"}"
says "nobody serves a device at"
finish
