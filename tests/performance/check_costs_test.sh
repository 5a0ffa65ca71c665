#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_costs_test.sh <check_costs.sh> <costs>
#
# Gives check_costs.sh budgets that are right, too low and too high, and asks that it says so.

set -eu
check=$1
costs=$2
case=sleep_crowd_1000 # costs something of each kind

command -v valgrind > /dev/null || {
    echo "skipped: valgrind is not installed (on Debian: apt-get install valgrind)"
    [ "${RONDO_TEST_FORBID_SKIPS-}" = 1 ] || exit 77
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect <exit status> <lines that begin so> <how many>
expect() {
    status=0
    sh "$check" "$costs" "$work/budgets" "$case" > "$work/said" 2>&1 || status=$?
    if [ "$status" -ne "$1" ] || [ "$(grep -c "^$2" "$work/said")" -ne "$3" ]; then
        echo "expected exit status $1 (was $status) and $3 times '$2' with"
        cat "$work/budgets"
        echo "but it said"
        cat "$work/said"
        exit 1
    fi
}

# with_budgets <allocations> <system calls> <clock reads> <instructions>
with_budgets() {
    printf 'case allocations system_calls clock_reads %s\n%s %s\n' \
        "$("$costs" --toolchain)" "$case" "$*" > "$work/budgets"
}

with_budgets 0 0 0 1
expect 1 "OVER BUDGET: $case: .* per operation; the budget is " 4
with_budgets 99 99 99 99999
expect 0 "note: $case: its budget of 99.* could be lowered to " 4

echo '# A preface.' > "$work/budgets"
sh "$check" --update "$costs" "$work/budgets" "$case" > "$work/said"
cp "$work/budgets" "$work/right"
expect 0 'note:\|OVER' 0
expect 0 '# A preface' 0

# Four percent less than what it takes is too little, in instructions alone.
awk '$1 == "'$case'" { $5 *= 0.96 } { print }' "$work/right" > "$work/budgets"
expect 1 "OVER BUDGET: $case: [0-9.]* instructions" 1
# What other compilers were found to need says nothing about this one.
awk '$1 == "case" { $5 = "another" } { print }' "$work/budgets" > "$work/budgets.other"
mv "$work/budgets.other" "$work/budgets"
expect 0 'instructions are not compared: budgets.txt has no column for ' 1
# It gets a column of its own, and leaves theirs.
theirs=$(awk '$1 == "'$case'" { print $5 }' "$work/budgets")
sh "$check" --update "$costs" "$work/budgets" "$case" > "$work/said"
[ "$(awk '$1 == "'$case'" { print $5 }' "$work/budgets")" = "$theirs" ]
expect 0 'note:\|OVER\|instructions are not' 0
# A case without a budget is none that is within it.
grep -v "^$case" "$work/right" > "$work/budgets"
expect 1 "OVER BUDGET: $case: has no line in budgets.txt" 1
