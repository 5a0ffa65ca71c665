#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_readme.sh ROOT: the program in README.md is the one in examples/, below its head comment.
set -eu
root=$1
example=$(sed -n 's/^<!-- example: \(.*\) -->$/\1/p' "$root/README.md")
[ -n "$example" ] || { echo "README.md names no example"; exit 1; }
readme=$(awk '/^```cpp$/ { if (!seen) { inside = 1; seen = 1; next } } /^```$/ { inside = 0 } inside' "$root/README.md")
program=$(awk '/^#include/ { code = 1 } code' "$root/$example")
[ "$readme" = "$program" ] || { echo "README.md and $example differ"; exit 1; }
for file in $(sed -n 's/.*](\([a-z][A-Za-z0-9_./]*\)).*/\1/p' "$root/README.md"); do
    [ -e "$root/$file" ] || { echo "README.md links to $file, which is not there"; exit 1; }
done
echo "README: as in $example"
