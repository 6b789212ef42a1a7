#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs a build into a fresh folder, moves that folder, and builds a consumer against it by CMake
# and by pkg-config, shared and static.
#
#   [CC=COMPILER] tests/install/run.sh BUILD      the compiler that BUILD was made with
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: $0 BUILD}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/first" >/dev/null
mv "$scratch/first" "$scratch/prefix"
prefix=$scratch/prefix
library=$(find "$prefix" -name 'libetalon.so' -print -quit)
libdir=$(dirname "$library")
export LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

echo "exported symbols: public ones only"
if nm -D --defined-only "$library" | awk '{ print $3 }' | grep -Ev '^et_[a-z]' | sort; then
    echo "the shared library exports these"
    exit 1
fi

echo "consumer by CMake"
cmake -S "$here" -B "$scratch/cmake" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$scratch/cmake" >/dev/null
"$scratch/cmake/consumer_shared"
"$scratch/cmake/consumer_static"

echo "consumer by pkg-config"
export PKG_CONFIG_PATH=$libdir/pkgconfig
flags=$(pkg-config --cflags --libs etalon)
# shellcheck disable=SC2086
"${CC:-cc}" -std=c11 "$here/consumer.c" $flags -o "$scratch/by_pkg_config"
"$scratch/by_pkg_config"
flags=$(pkg-config --static --cflags --libs etalon | sed 's/-letalon\b/-l:libetalon.a/')
# shellcheck disable=SC2086
"${CC:-cc}" -std=c11 "$here/consumer.c" $flags -o "$scratch/by_pkg_config_static"
env -u LD_LIBRARY_PATH "$scratch/by_pkg_config_static"

echo "the program"
"$prefix/bin/etalon" --version
"$prefix/bin/etalon" list systems >/dev/null
test -s "$prefix/share/man/man1/etalon.1"
