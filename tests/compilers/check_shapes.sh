#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_shapes.sh <program.cpp> <behaviour.txt> <compiler name> <compiler> [<flag>...]
#
# Builds one program of shapes/ at -O0 and at -O2, runs each shape in it, and says what the compiler
# makes of it:
#
#   fine      compiles, runs, destroys everything once
#   wrong     compiles, and then crashes, hangs, or does something else than it says
#   refused   does not compile
#
# Fails if that differs from behaviour.txt. A compiler that has no column there passes: its column
# is what this prints.

set -u
program=$1
table=$2
compiler_name=$3
shift 3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Every sh that we know has these two, though POSIX does not.
# shellcheck disable=SC3045
ulimit -c 0
# shellcheck disable=SC3045
ulimit -s 8192

family=$(basename "$program" .cpp)
for level in O0 O2; do
    "$@" -"$level" "$program" -o "$work/$level" 2> "$work/$level.errors"
done

# Prints fine, wrong or refused.
outcome() {
    if [ ! -x "$work/$1" ]; then
        echo refused
    elif timeout 60 "$work/$1" "$2" > "$work/output" 2>&1; then
        echo fine
    else
        echo wrong
    fi
}

# A program that does not compile cannot list its shapes; it then has one, of its own name.
shapes=$family
for level in O0 O2; do
    if [ -x "$work/$level" ]; then
        shapes=$("$work/$level" --list | sort)
    fi
done

failed=0
for shape in $shapes; do
    found=$(outcome O0 "$shape" 2> "$work/signal"),$(outcome O2 "$shape" 2> "$work/signal")
    case $found in
        fine,fine | wrong,wrong | refused,refused) found=${found%,*} ;;
    esac
    expected=$(awk -v row="$family/$shape" -v compiler="$compiler_name" '
        $1 == "shape" { for (i = 2; i <= NF; i++) if (index(compiler ".", $i ".") == 1) column = i }
        $1 == row && column { print $column; known = 1 }
        END { if (column && !known) print "missing" }' "$table")
    if [ -z "$expected" ] || [ "$expected" = "$found" ]; then
        printf '%-60s %s\n' "$family/$shape" "$found"
    else
        printf '%-60s %s, but behaviour.txt says %s\n' "$family/$shape" "$found" "$expected"
        cat "$work/O0.errors"
        failed=1
    fi
done
exit $failed
