#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_output.sh PROGRAM: what it prints is what expected/<name>.txt says. Times are compared as `#`,
# since a busy machine takes its own.
set -eu
name=$(basename "$1")
"$1" | sed 's/[0-9][0-9.]* s\b/# s/g' | diff "expected/$name.txt" - || { echo "$name prints something else than expected"; exit 1; }
echo "$name: as expected"
