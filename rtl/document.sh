#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the tables that rtl/registers.txt is the source of into docs/accelerator.md.
#
#   rtl/document.sh           rewrites the tables
#   rtl/document.sh --check   changes nothing; fails when they are not up to date
set -euo pipefail
cd "$(dirname "$0")/.."

page=docs/accelerator.md
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT

cp "$page" "$fresh"
for table in registers descriptors; do
    awk -v out=$table -f rtl/registers.awk rtl/registers.txt >"$fresh.table"
    awk -v table="$fresh.table" -v name=$table '
        $0 == "<!-- " name ": begin -->" {
            print
            while ((getline line <table) > 0) print line
            skipping = 1
        }
        $0 == "<!-- " name ": end -->" { skipping = 0 }
        !skipping { print }' "$fresh" >"$fresh.next"
    rm "$fresh.table"
    mv "$fresh.next" "$fresh"
done

if [ "${1-}" = --check ]; then
    diff -u "$page" "$fresh" && echo "the tables of $page are up to date"
else
    cat "$fresh" >"$page"
fi
