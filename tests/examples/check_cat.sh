#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_cat.sh CAT: files come out byte for byte, into a file and into a pipe that takes its time.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
head -c 3000000 /dev/urandom >"$scratch/large"
: >"$scratch/empty"
cat "$scratch/large" "$0" >"$scratch/expected"
"$1" "$scratch/large" "$scratch/empty" "$0" >"$scratch/copy"
cmp "$scratch/copy" "$scratch/expected"
"$1" "$scratch/large" "$scratch/empty" "$0" | cmp - "$scratch/expected"
if "$1" "$scratch/missing" 2>"$scratch/error"; then
    echo "a missing file is no error"
    exit 1
fi
grep -q 'openat: No such file or directory' "$scratch/error"
echo "cat: as expected"
