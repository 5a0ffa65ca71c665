#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_budgets.sh <budgets.txt> <include directory> <compiler> [<flag>...]
#
# Holds each public header to the number of lines it may come to after preprocessing. The unit is
# <memory> and <chrono> together, so that the same table serves every compiler and library.

set -eu
budgets=$1
include_dir=$2
shift 2

# Lines of code after preprocessing what stands on stdin: no blank lines, no line markers.
count_lines() {
    "$@" -E -x c++ - | awk '!/^[ \t]*$/ && !/^#/ { n++ } END { print n + 0 }'
}

unit=$(printf '#include <memory>\n#include <chrono>\n' | count_lines "$@")
echo "the unit, <memory> and <chrono>: $unit lines"

failed=0
cd "$include_dir"
for header in rondo/*.hpp rondo/io/*.hpp rondo/testing/*.hpp; do
    [ -f "$header" ] || continue
    budget=$(awk -v header="${header#rondo/}" '
        /^#/ { next }
        $1 == header { budget = $2; exact = 1 }
        $1 == "*" && !exact { budget = $2 }
        END { print budget }' "$budgets")
    lines=$(printf '#include <%s>\n' "$header" | count_lines "$@")
    [ "$lines" -gt 0 ] || { echo "$header cannot be preprocessed"; failed=1; continue; }
    verdict=$(awk -v lines="$lines" -v unit="$unit" -v budget="$budget" 'BEGIN {
        printf "%.2f of %.2f%s", lines / unit, budget, (lines > budget * unit) ? "  OVER BUDGET" : "" }')
    echo "$header: $lines lines, $verdict"
    case $verdict in *OVER*) failed=1 ;; esac
done
exit $failed
