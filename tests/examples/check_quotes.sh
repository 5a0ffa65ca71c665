#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_quotes.sh <source folder> <document>...
#
# A program in the documentation is a piece of an example, word for word, so that it is compiled and
# run. In the text, the line before the fence says which:
#
#   <!-- example: examples/01_hello.cpp -->
#
# Every fence of C++ has such a line, but for those marked `<!-- sketch -->`: declarations, mistakes.

here=$(dirname -- "$0")
. "$here/lib.sh"
root=$1
shift

# Lays each quoted program into a file of its own, named after where it stands, beside the name of
# the example; prints fences that have no line before them.
for document; do
    awk -v work="$work" -v document="$document" '
        in_program && /^```$/ { close(file); in_program = 0 }
        in_program { print > file }
        /^```cpp$/ {
            if (before ~ /^<!-- example: [^ ]+ -->$/) {
                split(before, words, " ")
                file = work "/quote-" NR
                print words[3] > (file ".source")
                print document ":" NR > (file ".place")
                close(file ".source"); close(file ".place")
                printf "" > file
                in_program = 1
            } else if (before != "<!-- sketch -->") {
                print document ":" NR ": a program that names no example"
            }
        }
        { before = $0 }' "$root/$document" >> "$work/complaints"
    for source in "$work"/quote-*.source; do
        [ -f "$source" ] || continue
        quote=${source%.source}
        example=$(cat "$source")
        # The lines must follow each other in the example as they do in the text.
        awk '
            NR == FNR { quote[++n] = $0; next }
            { line[++m] = $0 }
            END {
                for (i = 0; i + n <= m; i++) {
                    for (j = 1; j <= n && line[i + j] == quote[j]; j++) {}
                    if (j > n) exit 0
                }
                exit 1
            }' "$quote" "$root/$example" ||
            echo "$(cat "$quote.place"): differs from $example" >> "$work/complaints"
        echo "$example" >> "$work/quoted"
        rm "$source" "$quote"
    done
done

[ -s "$work/quoted" ] || fail "no document quotes an example"
[ ! -s "$work/complaints" ] || fail "$(cat "$work/complaints")"
echo "$(wc -l < "$work/quoted") quotations agree with the examples"
