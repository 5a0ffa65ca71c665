#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_costs.sh <costs> <budgets.txt> [<group or case>]            compares with the budgets
# check_costs.sh --update <costs> <budgets.txt> [<group or case>]   writes them into the file
#
# What one operation of each case costs, held to the budgets. A case is run with N operations and
# with 2 N: the difference, divided by N, is one operation without what begins and ends the program.
# Instructions are counted by callgrind, the rest by the program itself.
#
# Exit status 77 (a skip) without valgrind, if all but the instructions keeps to its budget; a
# failure then with RONDO_TEST_FORBID_SKIPS=1.

set -eu
mode=check
if [ "$1" = --update ]; then
    mode=update
    shift
fi
costs=$1
budgets=$2
which=${3-}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

have_valgrind=yes
command -v valgrind > /dev/null || have_valgrind=no
if [ "$mode" = update ] && [ "$have_valgrind" = no ]; then
    echo "valgrind is not installed (on Debian: apt-get install valgrind)"
    exit 1
fi

# Prints instructions and all system calls of <case> with <operations>, or two dashes.
count_instructions() {
    if [ "$have_valgrind" = no ]; then
        echo "- -"
        return
    fi
    valgrind --tool=callgrind --collect-systime=yes --compress-strings=no --compress-pos=no \
        --dump-line=no --callgrind-out-file="$work/callgrind" "$costs" "$1" "$2" \
        > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    awk -f "$here/instructions.awk" "$work/callgrind"
}

"$costs" --toolchain > "$work/toolchain"
# shellcheck disable=SC2086
"$costs" --list $which > "$work/cases"

# <case> <N>, then the program's three and callgrind's two with N and with 2 N.
while read -r name operations; do
    few=$("$costs" "$name" "$operations")
    many=$("$costs" "$name" $((operations * 2)))
    few_counted=$(count_instructions "$name" "$operations")
    many_counted=$(count_instructions "$name" $((operations * 2)))
    echo "$name $operations $few $few_counted $many $many_counted"
done < "$work/cases" > "$work/measured"

awk -v toolchain="$(cat "$work/toolchain")" -v mode="$mode" -v rewritten="$work/budgets" \
    -f "$here/budgets.awk" "$budgets" "$work/measured" || exit 1

if [ "$mode" = update ]; then
    cp "$work/budgets" "$budgets"
elif [ "$have_valgrind" = no ]; then
    echo "skipped: instructions are not counted, because valgrind is not installed" \
        "(on Debian: apt-get install valgrind)"
    [ "${RONDO_TEST_FORBID_SKIPS-}" = 1 ] || exit 77
    exit 1
fi
