#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_man.sh PROGRAM OUTPUT: writes the manual page etalon(1) from the help texts.
set -eu
program=$1
output=$2

# Text that troff leaves as it is: no requests, no escapes.
verbatim() {
    echo '.nf'
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\\([.']\\)/\\\\\\&\\1/"
    echo '.fi'
}

commands=$("$program" --help | awk '/^Commands:/ {on = 1; next} /^$/ {on = 0} on {print $1}')
{
    version=$("$program" --version)
    printf '.TH ETALON 1 "" "%s" "User Commands"\n' "$version"
    echo '.SH NAME'
    echo 'etalon \- co-design of neural networks and the physical hardware that computes them'
    echo '.SH DESCRIPTION'
    "$program" --help | verbatim
    for command in $commands; do
        printf '.SH "ETALON %s"\n' "$(echo "$command" | tr '[:lower:]' '[:upper:]')"
        "$program" "$command" --help | verbatim
    done
} >"$output.tmp"
mv "$output.tmp" "$output"
