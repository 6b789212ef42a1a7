#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A run that is interrupted or killed continues to the same numbers.
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"
write_experiment small.yaml
arguments=(run small.yaml --quiet --set method.epochs=1000 --set checkpoint_s=0.05)

run_code 0 "${arguments[@]}" --output whole.h5
want=$(digest whole.h5)

# start OUTPUT [--resume]: begins a run and waits until its first checkpoint is on disk.
start() {
    "$etalon" "${arguments[@]}" --output "$@" >out 2>err </dev/null &
    child=$!
    for _ in $(seq 500); do
        [ -e "$1" ] && break
        sleep 0.01
    done
}

for signal in INT TERM; do
    # A background process ignores SIGINT only until the program installs its own handler.
    start "$signal.h5"
    kill -s "$signal" "$child" 2>/dev/null
    wait "$child"
    code=$?
    if [ "$code" -eq 0 ]; then
        echo "note: the run was over before SIG$signal came" >&2
    else
        [ "$code" -eq 3 ] || fail "SIG$signal gave $code, not 3"
        says "--resume"
        run_code 0 show "$signal.h5"
        prints "INTERRUPTED"
        run_code 0 "${arguments[@]}" --output "$signal.h5" --resume
    fi
    [ "$(digest "$signal.h5")" = "$want" ] || fail "SIG$signal and --resume change the result"
done

# kill -9, several times in one run.
kills=0
start killed.h5
for _ in 1 2 3; do
    sleep 0.1
    kill -s KILL "$child" 2>/dev/null && kills=$((kills + 1))
    wait "$child" 2>/dev/null
    "$etalon" show killed.h5 >/dev/null 2>&1 || fail "a killed run left no valid run file"
    start killed.h5 --resume
done
wait "$child" || fail "the last --resume failed"
[ "$kills" -gt 0 ] || fail "no run was killed: make it longer"
[ "$(digest killed.h5)" = "$want" ] || fail "kill -9 and --resume change the result"

# Resuming a finished run changes nothing; another experiment is refused.
run_code 0 "${arguments[@]}" --output whole.h5 --resume
[ "$(digest whole.h5)" = "$want" ] || fail "resuming a finished run changes it"
run_code 2 "${arguments[@]}" --set layers.0.width=17 --output INT.h5 --resume
[ "$(digest INT.h5)" = "$want" ] || fail "a refused --resume changed the file"
finish
