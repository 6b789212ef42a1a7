#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the libFuzzer programs of a fuzz build, each on a temporary copy of its corpus.
#
#   tests/fuzz/run.sh [--seconds N] [--jobs N] [--build DIR] [NAME...]
#
# Defaults: 60 seconds each, 2 at a time, build/fuzz, every program found there.  A finding fails
# the run; its input is kept in DIR/findings, to be added to the corpus once the bug is mended.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=60
jobs=2
build=build/fuzz
names=()
while [ $# -gt 0 ]; do
    case "$1" in
    --seconds) seconds=$2 && shift 2 ;;
    --jobs) jobs=$2 && shift 2 ;;
    --build) build=$2 && shift 2 ;;
    -h | --help) sed -n '3,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
    -*) echo "unknown option $1 (see --help)" >&2 && exit 2 ;;
    *) names+=("$1") && shift ;;
    esac
done

if [ ${#names[@]} -eq 0 ]; then
    for program in "$build"/fuzz/fuzz_*; do
        [ -x "$program" ] && names+=("${program##*/fuzz_}")
    done
fi
if [ ${#names[@]} -eq 0 ]; then
    echo "no fuzz programs in $build/fuzz: cmake --preset fuzz && cmake --build --preset fuzz" >&2
    exit 2
fi

export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$build/findings"
findings=$(cd "$build/findings" && pwd)

run_one() { # NAME: prints one line; the log only when something was found
    local name=$1 program status=0
    program="$PWD/$build/fuzz/fuzz_$name"
    mkdir -p "$scratch/$name"
    if [ -d "tests/fuzz/corpus/$name" ]; then
        cp -r "tests/fuzz/corpus/$name/." "$scratch/$name/"
    fi
    # Run inside the scratch folder: a reader that is handed odd paths cannot touch the tree.
    (cd "$scratch" && "$program" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 \
        -close_fd_mask=1 -artifact_prefix="$findings/$name-" -print_final_stats=1 \
        "$scratch/$name") >"$scratch/$name.log" 2>&1 || status=$?
    if [ $status -eq 0 ]; then
        printf '%-12s ok, %s runs\n' "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/$name.log")"
    else
        printf '%-12s FAILED; the end of its log:\n' "$name"
        tail -n 60 "$scratch/$name.log"
        touch "$scratch/failed"
    fi
}

for name in "${names[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
    run_one "$name" &
done
wait
[ ! -e "$scratch/failed" ]
