#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_output.sh SOURCE PROGRAM: the program prints what the head comment of its source says, in
# the column below "$ <name>", and ends well. Times are compared as `#`, since a busy machine takes
# its own.
set -eu
source=$1
program=$2
name=$(basename "$source" .cpp)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mask='s/[0-9][0-9.]* s$/# s/'
awk -v header="| \$ $name" '
    !column { column = index($0, header); next }
    substr($0, 1, 2) != "//" || substr($0, column, 1) != "|" { exit }
    { line = substr($0, column + 2); sub(/ +$/, "", line) }
    line == "" { exit }
    { print line }' "$source" | sed "$mask" >"$scratch/expected"
[ -s "$scratch/expected" ] || { echo "$source does not say what it prints"; exit 1; }

"$program" >"$scratch/output" || { echo "$name failed: exit status $?"; exit 1; }
sed "$mask" "$scratch/output" | diff "$scratch/expected" - ||
    { echo "$name prints something else than its head comment says"; exit 1; }
echo "$name: as expected"
