#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# sh bench/compile.sh [--rounds COUNT]
#
# What does it cost to compile with Rondo: the header alone, hello and an echo server? Prints a table
# of ratios to the same without Rondo: lines after preprocessing, time and memory of the compiler,
# size of the program. CXX names another compiler; CXXFLAGS replaces "-O2".

set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/debian_packages.sh"

rounds=5
if [ "${1-}" = --rounds ]; then
    rounds=$2
fi
# shellcheck disable=SC2086
need $build_packages time binutils

compiler=${CXX:-c++}
flags="-std=c++20 ${CXXFLAGS:--O2} -I$root/include -DRONDO_NO_COMPILER_NOTE"
libraries=$(pkg-config --libs liburing)

work=$(mktemp -d)
trap 'say_what_failed; rm -rf "$work"' EXIT

begin "writing what is compiled"
printf '#include <memory>\n#include <chrono>\n' > "$work/memory_chrono.cpp"
printf '#include <rondo/rondo.hpp>\n' > "$work/rondo_hpp.cpp"
# What Rondo's headers include that is not Rondo's: so much is not for us to save.
# shellcheck disable=SC2086
"$compiler" $flags -MM "$work/rondo_hpp.cpp" | tr -s '\\ ' '\n\n' | grep /include/rondo/ |
    xargs sed -n 's/^\(#include <[^>]*>\).*/\1/p' | grep -v '<rondo/' | sort -u > "$work/others.cpp"
cp "$root/examples/01_hello.cpp" "$work/hello.cpp"
cp "$root"/bench/compile/*.cpp "$work"

all='memory_chrono others rondo_hpp hello_plain hello echo_liburing echo_rondo'

begin "compiling, $rounds rounds"
for name in $all; do
    # shellcheck disable=SC2086
    echo "lines $name $("$compiler" $flags -E -P "$work/$name.cpp" | wc -l)"
done > "$work/results"
round=0
while [ "$round" -lt "$rounds" ]; do
    for name in $all; do
        # shellcheck disable=SC2086
        command time -q -f "time $name %U %S %M" -a -o "$work/results" \
            "$compiler" $flags -c "$work/$name.cpp" -o "$work/$name.o"
    done
    round=$((round + 1))
done

begin "linking"
for name in hello_plain hello echo_liburing echo_rondo; do
    # shellcheck disable=SC2086
    "$compiler" "$work/$name.o" -o "$work/$name" $libraries
    strip -o "$work/$name.stripped" "$work/$name"
    echo "size $name $(wc -c < "$work/$name") $(wc -c < "$work/$name.stripped")"
done >> "$work/results"

begin "comparing"
echo "$(uname -sr), $("$compiler" --version | head -n 1), ${CXXFLAGS:--O2}, $rounds rounds"
echo
awk -f "$root/bench/compile.awk" "$work/results"
