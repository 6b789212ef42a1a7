#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes sure that everything which Etalon is built and tested with is installed.
#
#   scripts/setup.sh [--check | --print] [GROUP...]
#
# GROUP is one or more of
#   required   compiler, build tools and libraries
#   tests      what the tests and the report need
#   ci         the checks of .ci/run
#   optional   peers and tools that are nice to have
# Default: required tests.
#
#   (no option)  installs what is missing where it may (Debian or Ubuntu, as root or with sudo that
#                asks no password); otherwise prints the command to type and exits with 1
#   --check      changes nothing; exits with 1 and names what is missing
#   --print      changes nothing; prints the packages of the groups for apt, dnf and brew
#
# Tried on Debian 12, which has every package.  Running it again is a quick no-op.
set -euo pipefail

# manager group: packages
packages="
apt required: gcc libc6-dev cmake ninja-build pkg-config libhdf5-dev libopenblas-dev libfyaml-dev
apt required: librandom123-dev zlib1g-dev libpng-dev liblapacke-dev libfftw3-dev libsndfile1-dev
apt required: libsamplerate0-dev libgif-dev libmuparser-dev libsundials-dev
apt tests: check gnuplot-nox verilator g++
apt ci: clang clang-format clang-tidy libclang-rt-dev cppcheck shellcheck git
apt ci: yosys iverilog nextpnr-ice40 fpga-icestorm z3
apt optional: gcovr python3 python3-h5py python3-torch python3-meep python3-matplotlib python3-brian
dnf required: gcc cmake ninja-build pkgconf-pkg-config hdf5-devel openblas-devel libfyaml-devel
dnf required: Random123-devel zlib-devel libpng-devel lapack-devel fftw-devel libsndfile-devel
dnf required: libsamplerate-devel giflib-devel muParser-devel sundials-devel
dnf tests: check-devel gnuplot verilator gcc-c++
dnf ci: clang clang-tools-extra compiler-rt cppcheck ShellCheck git
dnf ci: yosys iverilog nextpnr icestorm z3
dnf optional: gcovr python3 python3-h5py python3-torch
brew required: cmake ninja pkgconf hdf5 openblas lapack libfyaml zlib libpng fftw libsndfile
brew required: libsamplerate giflib muparser sundials
brew tests: check gnuplot verilator
brew ci: llvm clang-format cppcheck shellcheck git yosys icarus-verilog icestorm z3
brew optional: gcovr python pytorch
"
brew_note="Random123 is not in Homebrew: copy its include/Random123 folder (headers only) from
https://github.com/DEShawResearch/random123 to a folder on the compiler's include path."

mode=install
groups=()
for argument in "$@"; do
    case "$argument" in
    --check) mode=check ;;
    --print) mode=print ;;
    -h | --help) sed -n '3,20s/^# \{0,1\}//p' "$0" && exit 0 ;;
    required | tests | ci | optional) groups+=("$argument") ;;
    *) echo "setup.sh: unknown argument '$argument' (see --help)" >&2 && exit 2 ;;
    esac
done
[ ${#groups[@]} -gt 0 ] || groups=(required tests)

packages() { # MANAGER: the packages of the chosen groups, one per line
    local group
    for group in "${groups[@]}"; do
        sed -n "s/^$1 $group: //p" <<<"$packages" | tr ' ' '\n'
    done
}

one_line() { tr '\n' ' ' | sed 's/ $//'; }

if [ "$mode" = print ]; then
    echo "Debian, Ubuntu:  apt-get install --no-install-recommends $(packages apt | one_line)"
    echo "Fedora:          dnf install $(packages dnf | one_line)"
    echo "Homebrew:        brew install $(packages brew | one_line)"
    echo "$brew_note"
    exit 0
fi

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    manager=apt
elif command -v dnf >/dev/null; then
    manager=dnf
elif command -v brew >/dev/null; then
    manager=brew
else
    echo "setup.sh: no apt-get, dnf or brew here; please install:" >&2
    packages apt | one_line >&2
    echo " (names as in Debian)" >&2
    exit 1
fi

missing_apt() { # one dpkg-query for all: fast when nothing is missing
    local installed
    # Field 1 carries ":amd64" for multi-arch packages only with binary:Package; Package is plain.
    # shellcheck disable=SC2016
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' 2>/dev/null |
        sed -n 's/ installed$//p')
    packages apt | sort -u | comm -23 - <(sort -u <<<"$installed")
}

case "$manager" in
apt) missing=$(missing_apt) ;;
dnf) missing=$(packages dnf | while read -r p; do rpm -q "$p" >/dev/null 2>&1 || echo "$p"; done) ;;
brew) missing=$(packages brew | while read -r p; do brew list "$p" >/dev/null 2>&1 || echo "$p"; done) ;;
esac

if [ -z "$missing" ]; then
    echo "setup: all packages are installed (${groups[*]})"
    exit 0
fi
names=$(one_line <<<"$missing")

case "$manager" in
apt) command="apt-get update && sudo apt-get install --no-install-recommends $names" ;;
dnf) command="dnf install $names" ;;
brew) command="brew install $names" ;;
esac
[ "$manager" = brew ] || command="sudo $command"

if [ "$mode" = check ]; then
    echo "setup: missing: $names" >&2
    echo "setup: install them with: $command" >&2
    exit 1
fi

as_root=()
if [ "$manager" = apt ] && [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
    if ! sudo -n true 2>/dev/null; then manager=apt-by-hand; fi
fi
if [ "$manager" != apt ]; then
    echo "setup: missing: $names" >&2
    echo "setup: please type: $command" >&2
    [ "$manager" != brew ] || echo "$brew_note" >&2
    exit 1
fi

echo "setup: installing $names"
read -ra list <<<"$names"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq || echo "setup: apt-get update failed; trying with the old lists" >&2
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${list[@]}" >/dev/null
echo "setup: done"
