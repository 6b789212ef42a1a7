#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Mutation check of the RTL: exchanges one operator or constant at a time and runs the tests of the
# small configuration.  A mutant that no test notices survives; too many survivors fail the check.
#
#   rtl/mutate.sh [--count N] [--seed S] [--keep FOLDER] [--list]
#
#   --count N      mutants that must be built and judged (default 40)
#   --seed S       which ones (default 1)
#   --keep FOLDER  work there and keep it (default: a temporary folder)
#   --list         print the chosen places and stop
#
# A mutant that does not elaborate is not counted.  Survivors that rtl/mutants.txt explains (because
# they change nothing that can be seen) are counted apart.  Exit codes: 0 at least 90 % killed,
# 1 fewer, 77 no Verilator.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

count=40 seed=1 keep="" list=""
while [ $# -gt 0 ]; do
    case "$1" in
    --count) count=$2 && shift 2 ;;
    --seed) seed=$2 && shift 2 ;;
    --keep) keep=$2 && shift 2 ;;
    --list) list=yes && shift ;;
    -h | --help) sed -n '3,17s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) echo "mutate.sh: unknown argument '$1' (see --help)" >&2 && exit 2 ;;
    esac
done

# All places in a seeded order (a linear congruential generator, the same in every awk).
places() {
    awk -f rtl/mutants.awk rtl/bnn_*.sv | awk -v seed="$seed" '
        BEGIN { x = seed }
        { x = (x * 1103515 + 12345) % 2147483647; printf "%010d\t%s\n", x, $0 }' |
        sort | cut -f2-
}

if [ -n "$list" ]; then
    total=$(places | wc -l)
    places | head -n "$count"
    echo "$total places" >&2
    exit 0
fi
command -v verilator >/dev/null || { echo "mutate.sh: skipped, no verilator" >&2 && exit 77; }

work=${keep:-$(mktemp -d)}
[ -n "$keep" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree"
git ls-files | tar -cf - -T - | tar -xf - -C "$work/tree"

build() { cmake --build "$work/build" --target test_rtl_mutation -j "$(nproc)" -- --quiet; }
trim() { printf '%s' "${1#"${1%%[![:space:]]*}"}"; }
run_tests() {
    (cd "$work/tree" && CK_FORK=no CK_DEFAULT_TIMEOUT=0 timeout 120 "$work/build/tests/test_rtl_mutation")
}

echo "building the unchanged design"
cmake -S "$work/tree" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DETALON_RTL_CONFIGS=8x16 >/dev/null
build >"$work/build.log" 2>&1 || { tail -30 "$work/build.log" && exit 1; }
run_tests >"$work/test.log" 2>&1 || { tail -30 "$work/test.log" && exit 1; }

killed=0 survived=0 explained=0 stillborn=0
while IFS=$'\t' read -r file line column length new; do
    [ $((killed + survived + explained)) -lt "$count" ] || break
    old_text=$(sed -n "${line}p" "$root/$file")
    new_text=${old_text:0:column-1}$new${old_text:column-1+length}
    awk -v line="$line" -v text="${new_text//\\/\\\\}" 'NR == line { print text; next } { print }' \
        "$root/$file" >"$work/tree/$file"
    what=$(printf '%s:%s: %s' "$file" "$line" "$(trim "$new_text")")
    if ! build >"$work/build.log" 2>&1; then
        stillborn=$((stillborn + 1))
    elif ! run_tests >"$work/test.log" 2>&1; then
        killed=$((killed + 1))
        echo "killed    $what"
    elif grep -qF -- "$(trim "$new_text")" rtl/mutants.txt; then
        explained=$((explained + 1))
        echo "explained $what"
    else
        survived=$((survived + 1))
        echo "SURVIVED  $what"
        echo "          was: $(trim "$old_text")"
    fi
    cp "$root/$file" "$work/tree/$file"
done < <(places)

judged=$((killed + survived))
echo "$killed of $judged mutants killed, $survived survived; $explained change nothing (rtl/mutants.txt)," \
    "$stillborn did not elaborate"
[ "$judged" -gt 0 ] && [ $((killed * 10)) -ge $((judged * 9)) ]
