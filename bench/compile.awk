# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# awk -f compile.awk RESULTS
#
# The table of compile.sh, from its lines: "lines <name> <count>", "time <name> <user> <system>
# <kilobytes>" for each round, "size <name> <bytes> <bytes when stripped>".

$1 == "lines" { lines[$2] = $3 }
$1 == "size" { size[$2] = $3; stripped[$2] = $4 }
$1 == "time" {
    seconds[$2, ++rounds[$2]] = $3 + $4
    if ($5 > memory[$2]) {
        memory[$2] = $5
    }
}

# Sorts list[1..count] and returns the median.
function median(list, count,    i, k, item) {
    for (i = 2; i <= count; ++i) {
        item = list[i]
        for (k = i - 1; k >= 1 && list[k] > item; --k) {
            list[k + 1] = list[k]
        }
        list[k + 1] = item
    }
    return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

function median_seconds(name,    i, list) {
    for (i = 1; i <= rounds[name]; ++i) {
        list[i] = seconds[name, i]
    }
    return median(list, rounds[name])
}

function ratio(here, there) {
    return there > 0 ? sprintf("%.2f", here / there) : "-"
}

function megabytes(kilobytes) {
    return sprintf("%.0f", kilobytes / 1024)
}

function row(what, against, what_of, here, there, value, least, most, must, unit) {
    printf "%-10s %-21s %-9s %6s %6s %6s  %-6s %9s %9s %s\n", what, against, what_of, value, least,
        most, (must + 0 > 0 && value > must + 0 ? must " !" : must), here, there, unit
}

function compare(what, what_name, against, against_name, must_lines, must_seconds,    i, list, middle) {
    row(what, against, "lines", lines[what_name], lines[against_name],
        ratio(lines[what_name], lines[against_name]), "", "", must_lines, "")
    for (i = 1; i <= rounds[what_name]; ++i) {
        list[i] = seconds[what_name, i] / seconds[against_name, i]
    }
    middle = median(list, rounds[what_name])
    row(what, against, "time", sprintf("%.2f", median_seconds(what_name)),
        sprintf("%.2f", median_seconds(against_name)), sprintf("%.2f", middle),
        sprintf("%.2f", list[1]), sprintf("%.2f", list[rounds[what_name]]), must_seconds, "s")
    row(what, against, "memory", megabytes(memory[what_name]), megabytes(memory[against_name]),
        ratio(memory[what_name], memory[against_name]), "", "", "", "MiB")
    if (what_name in size && against_name in size) {
        row(what, against, "program", size[what_name], size[against_name],
            ratio(size[what_name], size[against_name]), "", "", "", "bytes")
        row(what, against, "stripped", stripped[what_name], stripped[against_name],
            ratio(stripped[what_name], stripped[against_name]), "", "", "", "bytes")
    }
}

END {
    row("what", "against", "cost", "here", "there", "ratio", "least", "most", "must", "")
    # Where the targets were set, <memory> and <chrono> took 0.35 s, and 0.8 s and 1.2 s were allowed.
    compare("rondo.hpp", "rondo_hpp", "<memory> and <chrono>", "memory_chrono", 2.2, 2.29)
    compare("rondo.hpp", "rondo_hpp", "all others it needs", "others", "", "")
    compare("hello", "hello", "<memory> and <chrono>", "memory_chrono", "", 3.43)
    compare("hello", "hello", "hello, plain C++", "hello_plain", "", "")
    compare("echo", "echo_rondo", "echo, liburing", "echo_liburing", "", "")
}
