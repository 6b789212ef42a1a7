# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of the command line share.  Sourced with the program as $1: makes a fresh working
# folder, removes it at exit, and fails the test at its end when any check failed.
set -u
etalon=$(realpath "$1")
export etalon
folder=$(mktemp -d)
failures=0
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

fail() {
    printf 'FAIL: %s\n' "$*" >&2
    failures=$((failures + 1))
}

# run_code CODE ARGUMENT...: the program ends with CODE; its output is in ./out and ./err, and
# neither a sanitizer nor a signal spoke.
run_code() {
    local want=$1 got=0
    shift
    "$etalon" "$@" >out 2>err </dev/null || got=$?
    if [ "$got" -ne "$want" ]; then
        fail "etalon $* ended with $got, not $want"
        sed 's/^/    /' err >&2
    fi
    if grep -q 'Sanitizer\|runtime error:\|Assertion' err; then
        fail "etalon $* broke a rule"
        sed 's/^/    /' err >&2
    fi
}

# says TEXT: the last program wrote TEXT (a fixed string) to standard error.
says() {
    grep -qF -- "$1" err && return
    fail "standard error lacks '$1'"
    sed 's/^/    /' err >&2
}

# prints TEXT: the last program wrote TEXT (a fixed string) to standard output.
prints() {
    grep -qF -- "$1" out && return
    fail "standard output lacks '$1'"
    sed 's/^/    /' out >&2
}

# is_json FILE: FILE holds one JSON value.
is_json() {
    if ! command -v python3 >/dev/null; then
        echo "SKIP: no python3, the syntax of JSON is not checked" >&2
        return
    fi
    python3 -m json.tool "$1" >/dev/null || fail "$1 is not JSON"
}

# write_experiment FILE: a small experiment without physics, a second or less per run.
write_experiment() {
    cat >"$1" <<'YAML'
experiment: small
seeds: 2
dataset: {type: rings, n: 300, d: 3}
layers:
  - system: {type: disturb, system: {type: random, n_in: 3, n_out: 12}}
    width: 16
    activation: relu
  - width: 16
    activation: relu
method:
  type: forward-forward
  objective: {type: local-ce}
  epochs: 6
  batch: 32
controls: [zeros, linear]
YAML
}

# digest FILE
digest() {
    "$etalon" show "$1" --digest || fail "no digest of $1"
}

finish() {
    [ "$failures" -eq 0 ] || { echo "$failures checks failed" >&2 && exit 1; }
    echo "all checks passed"
    exit 0
}
