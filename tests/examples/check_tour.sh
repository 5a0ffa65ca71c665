#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_tour.sh EXAMPLES: what EXAMPLES/README.md quotes stands in the examples: after each
# `<!-- excerpt: FILE -->` the C++ lines in that order, and before it the Python in FILE's head
# comment; and every file that it links to is there, and every numbered example has its step.
set -eu
cd "$1"
awk '
    /^```python$/ { inside = "python"; pythons = 0; next }
    /^```cpp$/ { inside = "cpp"; next }
    /^```$/ && inside == "cpp" { ++steps; inside = ""; next }
    /^```$/ { inside = ""; next }
    inside == "python" { python[++pythons] = $0; next }
    /^<!-- excerpt: / {
        file = $3
        count = 0
        while ((getline line < file) > 0) {
            source[++count] = line
        }
        close(file)
        if (count == 0) {
            print file " is not there"
            status = 1
        }
        at = 1
        for (i = 1; i <= pythons; ++i) {
            while (at <= count && !(source[at] ~ /^\/\// && index(source[at], python[i]))) {
                ++at
            }
            if (at++ > count) {
                print file ": its head comment has no line " python[i]
                status = 1
                break
            }
        }
        at = 1
        next
    }
    inside == "cpp" {
        while (at <= count && source[at] != $0) {
            ++at
        }
        if (at++ > count) {
            print file ": has no line (or not there): " $0
            status = 1
            inside = ""
        }
    }
    END {
        print steps " excerpts"
        exit status
    }' README.md
for file in $(sed -n 's/.*](\([a-z0-9][A-Za-z0-9_./]*\)).*/\1/p' README.md); do
    [ -e "$file" ] || { echo "README.md links to $file, which is not there"; exit 1; }
done
for file in [0-9][0-9]_*.cpp; do
    grep -q "($file)" README.md || { echo "README.md says nothing of $file"; exit 1; }
done
