#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# lint.sh <build folder> <source folder>            every file of ours that the build compiles
# lint.sh <build folder> <source folder> --sample   sample.cpp, and compares with the marks in it
#
# Finds co_awaits that do not stand alone: the style guide's rule, because GCC 12.1 and 12.2 build
# something else than what is written. Exit status 77 (a skip) if clang-query 19 is not installed.

set -eu
build=$1
root=$2
here=$root/tests/compilers/await_shape
command -v clang-query-19 > /dev/null || {
    echo "skipped: clang-query-19 is not installed (on Debian: apt-get install clang-tools-19)"
    exit 77
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Clang's tools take a launcher in front of the compiler for the compiler.
sed 's|"command": "[^ "]*ccache |"command": "|' "$build/compile_commands.json" \
    > "$work/compile_commands.json"

sed -n 's|^ *"file": "\(.*\)",\{0,1\}$|\1|p' "$work/compile_commands.json" | sort -u |
    grep -F "$root/" | grep -v -F "$build/" > "$work/ours"
if [ "${3-}" = --sample ]; then
    grep -F "$here/sample.cpp" "$work/ours" > "$work/files"
else
    grep -v -F "$here/sample.cpp" "$work/ours" > "$work/files"
fi

# A finding exits with 0, a file that does not parse with something else. One file at a time: the tool
# keeps the trees of all that it is given.
status=0
xargs -P "$(nproc)" -n 1 clang-query-19 -p "$work" -f "$here/await_shape.query" \
    --extra-arg=-Wno-everything < "$work/files" > "$work/output" 2> "$work/errors" || status=$?
if [ "$status" -ne 0 ] || grep -q 'error:' "$work/errors" "$work/output"; then
    cat "$work/errors"
    grep 'error:' "$work/output" || true
    echo "clang-query could not read every file"
    exit 1
fi
grep ' binds here$' "$work/output" | grep -v '"callable" binds here$' | grep -F "$root/" |
    sed "s|^$root/||; s| binds here\$||" | sort -t : -k 1,1 -k 2,2n -u > "$work/findings" || true

if [ "${3-}" = --sample ]; then
    grep -n '// finding$' "$here/sample.cpp" | cut -d : -f 1 > "$work/marked"
    cut -d : -f 2 "$work/findings" | sort -n -u > "$work/found"
    diff "$work/marked" "$work/found" || {
        echo "sample.cpp: < lines that should have been found, > lines that should not"
        exit 1
    }
    echo "found $(wc -l < "$work/found") lines, all of them marked"
    exit 0
fi

cat "$work/findings"
echo "$(wc -l < "$work/findings") findings in $(wc -l < "$work/files") files"
[ ! -s "$work/findings" ]
