#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds Etalon and runs its tests, all but the slow ones.
#
#   scripts/test.sh [CTEST OPTION...]     e.g.  scripts/test.sh -L physics
#                                               scripts/test.sh -R unit-config --verbose
#
# The slow tests (whole experiments on the real data) run with  ctest --test-dir build/release -L slow.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1-}" in -h | --help) sed -n '3,8s/^# \{0,1\}//p' "$0" && exit 0 ;; esac

scripts/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)"
ctest --test-dir build/release --output-on-failure -j "$(nproc)" -LE slow "$@"
