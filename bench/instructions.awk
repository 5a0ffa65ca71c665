# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# awk -f instructions.awk RESULT.json out.<process>[.<number>]...
#
# What one benchmark executed per operation, from what callgrind wrote: it dumped its counts where
# a loop of iterations ended, and where a process did. Google Benchmark runs that loop several times
# with more and more iterations, and reports the last.

FNR == 1 {
    is_dump = FILENAME !~ /\.json$/
    if (is_dump) {
        count = split(FILENAME, parts, ".")
        is_loop = FILENAME ~ /\.[0-9]+\.[0-9]+$/
        process = parts[is_loop ? count - 1 : count]
        number = is_loop ? parts[count] + 0 : 0
    }
}

!is_dump && /^      "name":/ { name = $2; gsub(/[",]/, "", name) }
!is_dump && /^      "iterations":/ { iterations = $2 + 0 }

is_dump && /^totals:/ {
    if (is_loop) {
        parent = process
        if (number > last) {
            last = number
            executed = $2
        }
    } else {
        whole[process] = $2
    }
}

END {
    # A crowd in a process of its own. With more of them than one (if it was over too soon), nobody
    # knows which belong to the last loop.
    for (process in whole) {
        if (process != parent) {
            ++children
            executed = whole[process]
        }
    }
    if (iterations > 0 && executed > 0 && children <= 1) {
        printf "%s %.6g\n", name, executed / iterations
    }
}
