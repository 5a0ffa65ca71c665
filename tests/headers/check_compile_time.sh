#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_compile_time.sh <include directory> <compiler> [<flag>...]
#
# What <rondo/rondo.hpp> costs, against the standard and system headers that it needs: what we add
# should not outweigh what anybody pays, so the aim is less than twice. Held to 2.9 times for now:
# 2.5 was measured with GCC 12. Compares processor time, the best of five runs each, so that a busy
# machine changes little.
#
# And a file that uses nothing of it must not contain any of it. What makes compilers put it there:
# a coroutine that is no template, and a virtual function that is only later said to be inline.

set -eu
include_dir=$1
shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '#include <rondo/rondo.hpp>\nint main() {}\n' > "$work/rondo.cpp"
# The compiler itself knows which files rondo.hpp pulls in; the headers that these name are needed.
"$@" -MM "$work/rondo.cpp" | tr -s ' \\' '\n\n' | grep -F "$include_dir/rondo/" > "$work/ours"
xargs grep -h '^ *# *include *<' < "$work/ours" | grep -v -e "<rondo/" -e "<sanitizer/" | sed 's/>.*/>/' | sort -u \
    > "$work/needed.cpp"
echo 'int main() {}' >> "$work/needed.cpp"

# Prints the best processor time of five compilations, in milliseconds.
best_time() {
    best=
    for run in 1 2 3 4 5; do
        # `times` prints the shell's own time, then that of its children: 0m1.234000s 0m0.056000s
        spent=$(sh -c '"$@" && times' sh "$@" | awk 'NR == 2 {
            gsub(/[ms]/, " "); printf "%d", 1000 * ($1 * 60 + $2 + $3 * 60 + $4) }')
        if [ -z "$best" ] || [ "$spent" -lt "$best" ]; then
            best=$spent
        fi
    done
    echo "$best"
}

rondo=$(best_time "$@" -c "$work/rondo.cpp" -o "$work/rondo.o")
nm -C --defined-only "$work/rondo.o" | grep 'rondo::' > "$work/emitted" || true
if [ -s "$work/emitted" ]; then
    echo "a file that only includes rondo.hpp contains $(wc -l < "$work/emitted") parts of it:"
    head -n 20 "$work/emitted"
    exit 1
fi
needed=$(best_time "$@" -c "$work/needed.cpp" -o "$work/needed.o")
awk -v rondo="$rondo" -v needed="$needed" 'BEGIN {
    printf "rondo.hpp: %d ms, the headers it needs: %d ms, ratio %.2f (aim: 2, limit: 2.9)\n",
        rondo, needed, rondo / needed
    exit !(rondo < 2.9 * needed) }'
