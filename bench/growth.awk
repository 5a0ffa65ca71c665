# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# awk -v points=FILE [-v markdown=1] -f results.awk -f growth.awk RESULT.json...
#
# What an operation costs at each number of tasks or connections: in relation to the baseline at
# that number, and to itself at the smallest. The same goes to a file for plot_growth.awk, there all
# in relation to the baseline at the smallest number.

# The last argument of a question: "growth_spawn/tasks:100" -> 100.
function size_of(question) {
    sub(/.*:/, "", question)
    return question + 0
}

function times_as_much(question, who, smallest) {
    return middle_of(question, who, "time") / middle_of(smallest, who, "time")
}

# series: subject, who; size, middle, least, most
function write_point(subject, question, who, unit,    i, list, count) {
    count = rounds[question, who]
    for (i = 0; i < count; ++i) {
        list[i + 1] = values[question, who, "time", i] / unit
    }
    printf "%s\t%s\t%d\t%.5g\t%.5g\t%.5g\n", subject, who, size_of(question), median(list, count),
        list[1], list[count] > points
}

END {
    sort_questions()
    printf "" > points
    begin_table("question size ratio least most growth its_growth allocs syscalls" \
        (markdown ? "" : " ns its_ns"))
    for (q = 1; q <= question_count; ++q) {
        question = questions[q]
        subject = question
        sub(/\/.*/, "", subject)
        if (!(subject in smallest)) {
            smallest[subject] = question
        }
        against = contenders[question]
        sub(/ rondo$/, "", against)
        sub(/^ /, "", against)
        if (compare(question, "rondo", against, "time") == 0) {
            continue
        }
        row[1] = subject
        row[2] = size_of(question)
        row[3] = sprintf("%.2f", ratio)
        row[4] = sprintf("%.2f", least)
        row[5] = sprintf("%.2f", most)
        row[6] = sprintf("%.2f", times_as_much(question, "rondo", smallest[subject]))
        row[7] = sprintf("%.2f", times_as_much(question, against, smallest[subject]))
        row[8] = sprintf("%.2g", costs[question, "rondo", "allocations"])
        row[9] = sprintf("%.2g", costs[question, "rondo", "system_calls"])
        row[10] = sprintf("%.0f", middle_of(question, "rondo", "time"))
        row[11] = sprintf("%.0f", middle_of(question, against, "time"))
        add_row(row)
        unit = middle_of(smallest[subject], against, "time")
        write_point(subject, question, "rondo", unit)
        write_point(subject, question, against, unit)
    }
    end_table(1)
    exit status
}
