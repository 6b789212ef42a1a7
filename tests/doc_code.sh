#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A code block in docs/ or README.md that follows the line  <!-- file: PATH -->  must be equal to
# that file, which is compiled and run by other tests.
set -euo pipefail
cd "$(dirname "$0")/.."

block=$(mktemp)
trap 'rm -f "$block"' EXIT
checked=0
failed=0
for doc in README.md CONTRIBUTING.md docs/*.md; do
    while IFS=: read -r line path; do
        # From the marker's line on: what stands between the next two fences.
        awk -v from="$line" 'NR < from { next } /^```/ { fence++; next } fence == 1' "$doc" >"$block"
        checked=$((checked + 1))
        if ! diff -u --label "$doc:$line" --label "$path" "$block" "$path"; then
            failed=1
        fi
    done < <(grep -n '^<!-- file: .* -->$' "$doc" | sed 's/:<!-- file: \(.*\) -->$/:\1/')
done
echo "$checked code blocks compared"
[ $checked -gt 0 ] && [ $failed -eq 0 ]
