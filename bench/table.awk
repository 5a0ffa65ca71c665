# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# awk -f table.awk [-v json=FILE] targets.txt RESULT.json...
#
# Makes one table of ratios from what the benchmarks wrote with --benchmark_out (JSON, one member a
# line). A benchmark is called <question>/<who>[/<argument>]...; whoever's name begins with "rondo"
# is compared with every other that has the same question and arguments, round by round.

# "name": value,  ->  value, without quotes and comma
function value_of(line) {
    sub(/^[^:]*: */, "", line)
    sub(/,? *$/, "", line)
    gsub(/^"|"$/, "", line)
    return line
}

# What an entry of the results says, once all its lines are read.
function end_entry(    parts, count, i, question, who, time) {
    if (type != "iteration") {
        return
    }
    # What Google Benchmark appends to say how it measured; not part of the question.
    manual = name ~ /\/manual_time/
    gsub(/\/(manual_time|process_time|real_time)|\/(repeats|iterations|min_time):[^\/]*/, "", name)
    count = split(name, parts, "/")
    question = parts[1]
    who = parts[2]
    for (i = 3; i <= count; ++i) {
        question = question "/" parts[i]
    }
    if (failed != "") {
        print "failed: " name ": " failed > "/dev/stderr"
        status = 1
        return
    }
    if (!(question in contenders)) {
        questions[++question_count] = question
        place[question] = file_count * 1000000 + family * 1000 + instance
    }
    if (!((question, who) in rounds)) {
        contenders[question] = contenders[question] " " who
    }
    if (who !~ /^rondo/) {
        place[question] = file_count * 1000000 + family * 1000 + instance
    }
    round = rounds[question, who]++
    time = manual ? real_time : cpu_time
    times[question, who, round] = time
    for (i in extra) {
        extras[question, who, i] = extra[i]
    }
}

FNR == 1 {
    reading_targets = FILENAME ~ /targets\.txt$/
    ++file_count
}

reading_targets {
    if ($1 != "" && $1 !~ /^#/) {
        must[$1] = $2
    }
    next
}

/^    \{/ { type = name = failed = ""; split("", extra); next }
/^    \}/ { end_entry(); next }
/^      "name":/ { name = value_of($0) }
/^      "family_index":/ { family = value_of($0) + 0 }
/^      "per_family_instance_index":/ { instance = value_of($0) + 0 }
/^      "run_type":/ { type = value_of($0) }
/^      "error_message":/ { failed = value_of($0) }
/^      "cpu_time":/ { cpu_time = value_of($0) + 0 }
/^      "real_time":/ { real_time = value_of($0) + 0 }
/^      "(allocations|system_calls|bytes)":/ {
    key = $1
    gsub(/[":]/, "", key)
    extra[key] = value_of($0) + 0
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

function median_time(question, who,    i, list) {
    for (i = 0; i < rounds[question, who]; ++i) {
        list[i + 1] = times[question, who, i]
    }
    return median(list, rounds[question, who])
}

function per_operation(question, who, what,    value) {
    if (!((question, who, what) in extras)) {
        return "-"
    }
    value = extras[question, who, what]
    return value == 0 ? "0" : value < 0.001 ? "<0.001" : sprintf("%.3g", value)
}

function or_null(text) {
    return text == "-" ? "null" : text ~ /^</ ? substr(text, 2) : text
}

function above(value, question) {
    return must[question] != "" && value > must[question]
}

function row(question, who, against, ratio, low, high, target, over, here, there, allocations, calls) {
    printf "%-38s %-8s %-9s %6s %6s %6s  %-6s %7s %8s %9s %9s\n", question, who, against, ratio,
        low, high, (over ? target " !" : target), allocations, calls, here, there
}

function compare(question, who, against,    i, count, list, middle, here, there, allocations, calls) {
    count = rounds[question, who]
    if (rounds[question, against] < count) {
        count = rounds[question, against]
    }
    for (i = 0; i < count; ++i) {
        list[i + 1] = times[question, who, i] / times[question, against, i]
    }
    middle = median(list, count)
    here = median_time(question, who)
    there = median_time(question, against)
    allocations = per_operation(question, who, "allocations")
    calls = per_operation(question, who, "system_calls")
    row(question, who, against, sprintf("%.2f", middle), sprintf("%.2f", list[1]),
        sprintf("%.2f", list[count]), must[question], above(middle, question),
        sprintf("%.3g", here), sprintf("%.3g", there), allocations, calls)
    if (json != "") {
        printf "%s\n  {\"question\": \"%s\", \"who\": \"%s\", \"baseline\": \"%s\", ", comma, question,
            who, against > json
        printf "\"ratio\": %.4g, \"least\": %.4g, \"most\": %.4g, \"rounds\": %d, ", middle, list[1],
            list[count], count > json
        printf "\"must\": %s, \"allocations\": %s, \"system_calls\": %s, ",
            (must[question] == "" ? "null" : must[question]), or_null(allocations),
            or_null(calls) > json
        printf "\"ns\": %.4g, \"baseline_ns\": %.4g, \"bytes\": %s, \"baseline_bytes\": %s}", here,
            there, or_null(per_operation(question, who, "bytes")),
            or_null(per_operation(question, against, "bytes")) > json
        comma = ","
    }
}

function compare_bytes(question, who, against,    here, there, limit) {
    here = extras[question, who, "bytes"]
    there = extras[question, against, "bytes"]
    limit = must[question "/bytes"]
    row(question " BYTES", who, against, sprintf("%.2f", here / there), "", "", limit,
        above(here, question "/bytes"), sprintf("%.0f", here), sprintf("%.0f", there), "", "")
}

# Rounds come in random order; the table has the order in which the benchmarks are written.
function sort_questions(    i, k, item) {
    for (i = 2; i <= question_count; ++i) {
        item = questions[i]
        for (k = i - 1; k >= 1 && place[questions[k]] > place[item]; --k) {
            questions[k + 1] = questions[k]
        }
        questions[k + 1] = item
    }
}

END {
    row("question", "who", "against", "ratio", "least", "most", "must", 0, "ns", "its ns",
        "allocs", "syscalls")
    sort_questions()
    if (json != "") {
        printf "[" > json
    }
    for (q = 1; q <= question_count; ++q) {
        question = questions[q]
        count = split(contenders[question], whos, " ")
        for (i = 1; i <= count; ++i) {
            for (k = 1; k <= count; ++k) {
                if (whos[i] ~ /^rondo/ && whos[k] !~ /^rondo/) {
                    compare(question, whos[i], whos[k])
                    if ((question, whos[i], "bytes") in extras) {
                        compare_bytes(question, whos[i], whos[k])
                    }
                }
            }
        }
    }
    if (json != "") {
        print "\n]" > json
    }
    exit status
}
