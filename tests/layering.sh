#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks the layers and the house rules that docs/design.md states: who may include what, the closed
# list of core/, names, and what the library never does.  Prints one line per violation.
#
#   tests/layering.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

core_nouns='error|log|alloc|array|gemm|rng|parallel|config|store'
core_headers='error|log|array|rng|parallel|config|store'
system_headers="$core_headers|system|transport|accelerator"
# Standard C, POSIX and glibc; everything else in angle brackets belongs to another library.
platform='(arpa|net|netinet|sys)/[a-z_]+|argp|assert|complex|ctype|dirent|dlfcn|errno|fcntl|fenv|float|getopt|inttypes|limits|locale|math|netdb|poll|pthread|regex|sched|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|termios|time|unistd'
# The folders of one library's headers.
sundials='arkode|cvode|nvector|sundials|sunlinsol|sunmatrix'
# What the build writes, and the doors between folders: the bit-exact reference, and the benches
# that the program runs.
generated='[a-z_]+\.def|build_environment\.h|template\.h|[a-z_]*registers?\.h'
doors='hw/(binary|bnn_descriptor)\.h'
library='core hw sim drivers training rtl/cosim'
cosim_headers='error|transport|array'
max_public=14

findings=$(mktemp)
trap 'rm -f "$findings"' EXIT
complain() { printf '%s\n' "$*" >>"$findings"; }

sources() { # FOLDER...: its C and C++ files without tests, sorted
    local folder
    for folder in "$@"; do
        if [ -d "$folder" ]; then
            find "$folder" \( -name '*.[ch]' -o -name '*.[ch]pp' -o -name '*.cpp.in' \) \
                ! -name 'test_*.cpp'
        fi
    done | sort
}

includes() { # FILE: line number and the name with its brackets or quotes
    sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]+([<"][^>"]+[>"]).*/\1/p;' "$1"
}

code() { # FILE: the text without comments, lines kept
    sed -E 's@/\*.*\*/@@g; s@//.*@@' "$1" | awk '/\/\*/ { inside = 1; sub(/\/\*.*/, "") ; print; next }
        inside { if (/\*\//) { inside = 0; sub(/.*\*\//, ""); print } else print ""; next } { print }'
}

check_angle() { # FILE NAME ALLOWED-ETALON-HEADERS
    case "$2" in
    etalon/*)
        [[ $2 =~ ^etalon/($3)\.h$ ]] || complain "$1: <$2> lies above ${1%%/*}/ or is no public header"
        ;;
    *)
        if [[ $2 =~ ^($sundials)/ ]]; then
            echo sundials >>"$findings.$$.used"
        elif [[ ! $2 =~ ^($platform)\.h$ ]]; then
            printf '%s\n' "${2%%/*}" >>"$findings.$$.used"
        fi
        ;;
    esac
}

check_quote() { # FILE NAME
    local top=${1%%/*}
    if [[ $2 =~ ^($generated)$ || $2 =~ ^($doors)$ || "$top $2" == "cli bench.h" ]]; then return; fi
    case "$2" in
    *..*) complain "$1: \"$2\" climbs out of its folder" ;;
    *) if [ ! -f "$(dirname "$1")/$2" ] && [ ! -f "$top/$2" ]; then
        complain "$1: \"$2\" is not in $top/"
    fi ;;
    esac
}

check_includes() { # ALLOWED-ETALON-HEADERS FOLDER...
    local allowed=$1 file name
    shift
    while read -r file; do
        : >"$findings.$$.used"
        while read -r name; do
            case "$name" in
            '<'*) name=${name#<} && check_angle "$file" "${name%>}" "$allowed" ;;
            *) name=${name#\"} && check_quote "$file" "${name%\"}" ;;
            esac
        done < <(includes "$file")
        if [ "$(sort -u "$findings.$$.used" | wc -l)" -gt 1 ]; then
            complain "$file: more than one third-party library: $(sort -u "$findings.$$.used" | xargs)"
        fi
        sed "s@\$@ $file@" "$findings.$$.used" >>"$findings.$$.libraries"
    done < <(sources "$@")
}

check_cosim() { # the only C++: its own files, Verilator, the standard library, three headers
    local file name
    while read -r file; do
        while read -r name; do
            case "$name" in
            '<etalon/'*)
                [[ $name =~ ^\<etalon/($cosim_headers)\.h\>$ ]] ||
                    complain "$file: $name lies above rtl/cosim/"
                ;;
            '<'*)
                [[ $name =~ ^\<(verilated[a-z_]*\.h|[a-z_]+)\>$ ]] ||
                    complain "$file: $name is neither of C++ nor of Verilator"
                ;;
            '"V@prefix@.h"') ;;
            *)
                [ -f "rtl/cosim/$(tr -d '"' <<<"$name")" ] ||
                    complain "$file: $name is not in rtl/cosim/"
                ;;
            esac
        done < <(includes "$file")
    done < <(sources rtl/cosim)
    while read -r file; do
        complain "$file: C++ outside rtl/cosim/"
    done < <(tree | grep -E '\.([ch]pp|cc|cxx|hh)$' | grep -v '^\./rtl/cosim/' || true)
}

tree() { # every file of the project
    find . \( -path ./.git -o -path ./build -o -path ./runs \) -prune -o -type f -print | sort
}

never() { # RULE PATTERN [EXEMPT-FILE...]: in the code of the library folders
    local rule=$1 pattern=$2 file line
    shift 2
    # The list of folders is meant to be split.
    # shellcheck disable=SC2086
    while read -r file; do
        if [[ " $* " == *" $file "* ]]; then continue; fi
        while read -r line; do
            complain "$file:${line%%:*}: $rule"
        done < <(code "$file" | grep -nE "$pattern" || true)
    done < <(sources $library)
}

trap 'rm -f "$findings" "$findings.$$."*' EXIT
: >"$findings.$$.libraries"

# ---- includes ----
check_includes "$core_headers" core
check_includes "$system_headers" hw sim drivers
check_includes '[a-z_]+' training
check_includes '[a-z_]+' include
sort -u "$findings.$$.libraries" | awk '{ files[$1] = files[$1] " " $2; n[$1]++ }
    END { for (l in n) if (n[l] > 1) print "<" l "> is wrapped by more than one file:" files[l] }' \
    >>"$findings"
check_includes '[a-z_]+' cli
check_cosim
while read -r file; do
    grep -nE '"(core|hw|sim|drivers|training)/' "$file" | sed "s@^@$file: internal header: @" \
        >>"$findings" || true
done < <(sources cli examples)

# ---- lists and names ----
while read -r file; do
    [[ ${file#core/} =~ ^($core_nouns)(_[a-z0-9_]+)?\.[ch]$ ]] ||
        complain "$file: core/ is a closed list ($core_nouns)"
done < <(sources core)

public=$(find include/etalon -name '*.h' | wc -l)
if [ "$public" -gt "$max_public" ]; then
    complain "include/etalon: $public public headers, at most $max_public"
fi
while read -r file; do
    if [ "$file" != include/etalon/etalon.h ] &&
        ! grep -q "<${file#include/}>" include/etalon/etalon.h; then
        complain "$file: is missing in etalon.h"
    fi
done < <(sources include)

while read -r file; do
    [[ ${file##*/} =~ (^|_|-)(utils?|misc|common|helpers?)(_|-|\.|$) ]] &&
        complain "$file: a name that says nothing"
    case "$file" in
    *.c | *.h | *.cpp | *.hpp | *.cpp.in | *.cmake | *.sh | *.py | *.sv | *.svh | */CMakeLists.txt)
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
            case "$file" in
            ./tests/fuzz/corpus/* | ./tests/data/*) ;;
            *) complain "$file: no SPDX line" ;;
            esac
        ;;
    esac
done < <(tree)

# ---- what the library never does ----
never 'prints' '(^|[^a-z_])(printf|vprintf|puts|putchar|perror)[[:space:]]*\(|(^|[^a-z_])(stdout|stderr)([^a-z_]|$)'
never 'exits or aborts' '(^|[^a-z_])(_?exit|_Exit|abort|quick_exit)[[:space:]]*\('
never 'takes memory without et_alloc' \
    '(^|[^a-z_])(malloc|calloc|realloc|aligned_alloc|posix_memalign|strdup|strndup|asprintf|getline)[[:space:]]*\(' \
    core/alloc.c
never 'random numbers without rng.h' '(^|[^a-z_0-9])(s?rand|random|[dlm]rand48|getrandom)[[:space:]]*\('
never 'a thread without parallel.h' '(^|[^a-z_])(pthread_create|thrd_create)[[:space:]]*\(' core/parallel.c
# The resolvers of cloned functions escape -fvisibility=hidden, and clang makes those of static
# ones global: only static functions may be cloned, and no two under one name.
clones() { # FILE...: "file:line name static" for each cloned function that no macro names
    awk '/ET_VECTOR_CLONES/ && !/define/ {
            text = $0; sub(/.*ET_VECTOR_CLONES/, "", text); place = FILENAME ":" FNR; wanted = 1
            if (text !~ /\(/) next
        }
        wanted {
            if (place != FILENAME ":" FNR) text = text " " $0
            if (text !~ /\(/) next
            is_static = text ~ /(^| )static /
            name = text; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
            if (name !~ /^[A-Z]+$/) print place, name, is_static
            wanted = 0
        }' "$@"
}
# The list of folders is meant to be split.
# shellcheck disable=SC2046,SC2086
clones $(sources $library) | awk '$3 == 0 { print $1 ": a cloned function that is not static" }
    seen[$2] { print $1 ": cloned function " $2 " is also in " seen[$2] } { seen[$2] = $1 }' \
    >>"$findings"
never 'OpenMP' '#[[:space:]]*pragma[[:space:]]+omp|[<"]omp\.h|(^|[^a-z_])omp_[a-z_]+[[:space:]]*\('

if [ -s "$findings" ]; then
    sort "$findings"
    echo "$(wc -l <"$findings") violations"
    exit 1
fi
echo "layers and house rules: ok"
