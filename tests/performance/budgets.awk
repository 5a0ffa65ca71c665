# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# Reads budgets.txt and then what check_costs.sh measured. Prints a table, and says what is over
# budget, which also is the exit status, and what is far below. With mode=update it says nothing, and
# writes the budgets anew into the file `rewritten`.

# A number without zeros at its end.
function short(value, text) {
    text = sprintf("%.4f", value)
    sub(/\.?0+$/, "", text)
    return text
}

# Of one budget. `tolerance` is a part of it, `grain` what rounding may do.
function judge(what, measured, budget, tolerance, grain, limit) {
    if (measured == "-" || budget == "-") return
    measured += 0 # a number from here on
    limit = budget * (1 + tolerance) + grain
    if (measured > limit) {
        over[++overs] = name ": " short(measured) " " what " per operation; the budget is " \
            short(budget) (tolerance && budget > 0 ? ", with " tolerance * 100 " % more tolerated" : "")
    } else if (measured < budget * 0.95 - grain) {
        below[++belows] = name ": its budget of " short(budget) " " what " could be lowered to " \
            short(measured)
    }
}

FNR == NR {
    if (/^#/ || NF == 0) {
        preface = preface $0 "\n"
    } else if ($1 == "case") {
        for (i = 5; i <= NF; i++) {
            toolchains[++count] = $i
            if ($i == toolchain) known = 1
        }
    } else {
        for (i = 2; i <= 4; i++) budget[$1, i] = $i
        for (i = 5; i <= NF; i++) budget[$1, toolchains[i - 4]] = $i
        rows[++row_count] = $1
        is_row[$1] = 1
    }
    next
}

FNR == 1 {
    if (!known && mode == "update") {
        toolchains[++count] = toolchain
        known = 1
    }
    format = "%-32s %12s %13s %12s %13s\n"
    printf format, "per operation", "allocations", "system calls", "clock reads", "instructions"
}

{
    name = $1
    allocations = short(($8 - $3) / $2)
    system_calls = short(($9 - $4) / $2)
    clock_reads = short(($10 - $5) / $2)
    instructions = $6 == "-" ? "-" : sprintf("%.1f", ($11 - $6) / $2)
    # The program knows of those to the ring. Callgrind knows of all, and a few are malloc's own.
    if ($7 != "-" && ($12 - $7) / $2 > system_calls + 0.01) system_calls = short(($12 - $7) / $2)
    printf format, name, allocations, system_calls, clock_reads, instructions

    if (mode == "update") {
        budget[name, 2] = allocations
        budget[name, 3] = system_calls
        budget[name, 4] = clock_reads
        budget[name, toolchain] = instructions
        if (!is_row[name]++) rows[++row_count] = name
        next
    }
    if (!is_row[name]) {
        over[++overs] = name ": has no line in budgets.txt"
        next
    }
    judge("allocations", allocations, budget[name, 2], 0, 0.0005)
    judge("system calls", system_calls, budget[name, 3], 0.02, 0.0005)
    judge("reads of the clock", clock_reads, budget[name, 4], 0.02, 0.0005)
    if (known) judge("instructions", instructions, budget[name, toolchain], 0.03, 0.05)
}

END {
    if (mode == "update") {
        printf "%s%-32s %11s %12s %11s", preface, "case", "allocations", "system_calls", \
            "clock_reads" > rewritten
        for (i = 1; i <= count; i++) printf "  %s", toolchains[i] > rewritten
        printf "\n" > rewritten
        for (i = 1; i <= row_count; i++) {
            name = rows[i]
            printf "%-32s %11s %12s %11s", name, budget[name, 2], budget[name, 3], \
                budget[name, 4] > rewritten
            for (j = 1; j <= count; j++) {
                value = budget[name, toolchains[j]]
                printf "  %" length(toolchains[j]) "s", value == "" ? "-" : value > rewritten
            }
            printf "\n" > rewritten
        }
        exit
    }
    if (!known) print "instructions are not compared: budgets.txt has no column for " toolchain
    for (i = 1; i <= belows; i++) print "note: " below[i]
    for (i = 1; i <= overs; i++) print "OVER BUDGET: " over[i]
    if (overs || belows) {
        print "To take what is measured as the budget: sh tests/performance/run.sh --update"
    }
    exit (overs != 0)
}
