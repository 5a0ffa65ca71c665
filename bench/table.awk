# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# awk -v objects=FILE -v points=FILE [-v markdown=1] -f results.awk -f table.awk FILE...
#
# Whoever's name begins with "rondo" is compared with every other that was asked the same: a table
# of time, one of memory, one of peers, as far as there are results. The same goes to files for
# machines: as JSON, an object a line; and as plot.awk wants it.

# Near 1 a hundredth decides.
function short(value) {
    return sprintf(value < 0.095 ? "%.2g" : value > 0.9 && value < 1.1 ? "%.3f" : "%.2f", value)
}

function three_digits(value) {
    return sprintf(value < 1000 ? "%.3g" : "%.0f", value)
}

function cost(question, who, what,    value) {
    if (!((question, who, what) in costs)) {
        return "-"
    }
    value = costs[question, who, what]
    return value == 0 ? "0" : value < 0.001 ? "<0.001" : three_digits(value)
}

# Sets `target`, and counts whether it is reached. Returns what the table says about it.
function judge(question, who, against, value) {
    target = ""
    if ((question, who, against) in must) {
        target = must[question, who, against]
    } else if ((question, "best", "best") in must && who == best(question, 1) &&
               against == best(question, 0)) {
        target = must[question, "best", "best"]
    }
    if (target == "") {
        return "-"
    }
    ++judged
    if (value > target) {
        missed[++missed_count] = sprintf("%s %s %s: %s of %s", question, who, against,
                                         short(value), target)
        return target " !"
    }
    return target ""
}

# Of Rondo's contenders or of the others, the one with the least time.
function best(question, ours,    count, whos, i, found) {
    count = split(contenders[question], whos, " ")
    for (i = 1; i <= count; ++i) {
        if ((whos[i] ~ /^rondo/) == ours && !is_peer[question, whos[i]] &&
            (found == "" ||
             middle_of(question, whos[i], "time") < middle_of(question, found, "time"))) {
            found = whos[i]
        }
    }
    return found
}

function member_of_costs(name, question, who, what) {
    member(name, (question, who, what) in costs ? costs[question, who, what] : "")
}

function member(name, value) {
    printf ", \"%s\": %s", name, (value == "" ? "null" : sprintf("%.5g", value)) > objects
}

function write_object(question, who, against, measure, count,    i, what) {
    printf "{\"question\": \"%s\", \"who\": \"%s\", \"baseline\": \"%s\"", question, who,
        against > objects
    printf ", \"peer\": %s", (is_peer[question, against] ? "true" : "false") > objects
    printf ", \"measure\": \"%s\"", (measure == "time" ? "ns" : measure) > objects
    member("ratio", ratio)
    member("least", least)
    member("most", most)
    member("rounds", count)
    member("must", target)
    member("value", middle_of(question, who, measure))
    member("baseline_value", middle_of(question, against, measure))
    if (measure == "time") {
        for (i = 1; i <= cost_count; ++i) {
            what = cost_names[i]
            member_of_costs(what, question, who, what)
            member_of_costs("baseline_" what, question, against, what)
        }
    }
    print "}" > objects
}

# For plot.awk: series, label, ratio, least, most, must.
function write_point(series, label) {
    printf "%s\t%s\t%.5g\t%.5g\t%.5g\t%s\n", series, label, ratio, least, most,
        (target == "" ? "NaN" : target) > points
}

# All that Rondo offers against all others would be too much to read where it offers several: then
# this one is against all, and the others are against the best. In Markdown, of what has a target
# only that.
function belongs_into_table(question, who, against) {
    if (target != "") {
        return 1
    }
    if (markdown && question in has_target) {
        return 0
    }
    return who == "rondo" || against == best(question, 0)
}

function time_row(question, who, against,    count, row) {
    count = compare(question, who, against, "time")
    if (count == 0) {
        return
    }
    row[1] = question
    row[2] = who
    row[3] = against
    row[4] = short(ratio)
    row[5] = short(least)
    row[6] = short(most)
    row[7] = judge(question, who, against, ratio)
    row[8] = cost(question, who, "allocations")
    row[9] = cost(question, who, "system_calls")
    row[10] = cost(question, who, "instructions")
    row[11] = cost(question, against, "instructions")
    row[12] = three_digits(middle_of(question, who, "time"))
    row[13] = three_digits(middle_of(question, against, "time"))
    write_object(question, who, against, "time", count)
    if (!belongs_into_table(question, who, against)) {
        return
    }
    add_row(row)
    write_point(against, question (who == "rondo" ? "" : " (" who ")"))
}

# The target is a number of bytes here, not a ratio.
function bytes_row(question, who, against,    count, row) {
    if (!((question, who, "bytes", 0) in values) || !((question, against, "bytes", 0) in values)) {
        return
    }
    count = compare(question, who, against, "bytes")
    row[1] = question
    row[2] = who
    row[3] = against
    row[4] = sprintf("%.0f", middle_of(question, who, "bytes"))
    row[5] = judge(question, who, "bytes", row[4])
    row[6] = sprintf("%.0f", middle_of(question, against, "bytes"))
    if (count == 0) {
        ratio = least = most = ""
        row[7] = row[8] = row[9] = "-"
    } else {
        row[7] = short(ratio)
        row[8] = short(least)
        row[9] = short(most)
    }
    add_row(row)
    write_object(question, who, against, "bytes", count)
}

function peer_row(question, who, against,    count, row) {
    count = compare(question, who, against, "time")
    if (count == 0) {
        return
    }
    row[1] = question
    row[2] = against
    row[3] = short(ratio)
    row[4] = short(least)
    row[5] = short(most)
    add_row(row)
    target = ""
    write_object(question, who, against, "time", count)
    write_point("peer " against, question)
}

# A row for each of Rondo's contenders and each of the others.
function each_pair(kind,    q, question, i, k, count, whos) {
    for (q = 1; q <= question_count; ++q) {
        question = questions[q]
        count = split(contenders[question], whos, " ")
        for (i = 1; i <= count; ++i) {
            for (k = 1; k <= count; ++k) {
                if (whos[i] !~ /^rondo/ || whos[k] ~ /^rondo/) {
                    continue
                }
                if (is_peer[question, whos[k]]) {
                    if (kind == "peers") {
                        peer_row(question, whos[i], whos[k])
                    }
                } else if (kind == "time") {
                    time_row(question, whos[i], whos[k])
                } else if (kind == "bytes") {
                    bytes_row(question, whos[i], whos[k])
                }
            }
        }
    }
}

function print_table(title, left) {
    if (table_rows > 1) {
        print title "\n"
        end_table(left)
        print ""
    }
}

END {
    sort_questions()
    printf "" > objects
    printf "" > points
    for (i in must) {
        split(i, names, SUBSEP)
        has_target[names[1]] = 1
    }
    cost_count = split("allocations system_calls instructions", cost_names, " ")

    # Nanoseconds are for whoever measures; they are no result.
    begin_table("question who against ratio least most must allocs syscalls instr its_instr" \
        (markdown ? "" : " ns its_ns"))
    each_pair("time")
    print_table("Time of an operation:", 3)

    begin_table("question who against bytes must its_bytes ratio least most")
    each_pair("bytes")
    print_table("Memory of an operation:", 3)

    begin_table("question peer ratio least most")
    each_pair("peers")
    print_table("Time of an operation, in relation to other libraries':", 2)

    if (judged) {
        print judged - missed_count " of " judged " targets reached" (missed_count ? "; not:" : ".")
        for (i = 1; i <= missed_count; ++i) {
            print (markdown ? "- " : "  ") missed[i]
        }
    }
    exit status
}
