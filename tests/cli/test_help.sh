#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Help, version, unknown names.
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"

run_code 0 --version
prints "etalon "
run_code 2
says "Usage: etalon COMMAND"
run_code 0 --help
prints "Exit codes:"

commands=$(awk '/^Commands:/ {on = 1; next} /^$/ {on = 0} on {print $1}' out)
[ "$(echo "$commands" | wc -w)" -eq 12 ] || fail "there should be twelve commands: $commands"
for command in $commands; do
    run_code 0 "$command" --help
    prints "Usage: etalon $command"
    prints "Example:"
    prints "  etalon $command"
    cp out by_option
    run_code 0 help "$command"
    cmp -s out by_option || fail "'help $command' and '$command --help' differ"
    run_code 2 "$command" --no-such-option
    says "etalon $command: unrecognized option"
done

run_code 2 rnu
says "unknown command 'rnu'; did you mean 'run'?"
run_code 2 describe randon
says "did you mean 'random'?"
run_code 2 new vowel
says "did you mean 'vowels'?"
run_code 2 list sistems
says "did you mean 'systems'?"
run_code 2 bench acustic
says "unknown benchmark 'acustic'"

# A result that cannot be written is a failure.
if [ -w /dev/full ]; then
    "$etalon" list >/dev/full 2>err
    [ $? -eq 1 ] || fail "a full disk went unnoticed"
    says "No space left"
fi
finish
