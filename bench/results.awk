# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# awk -f results.awk -f REPORT.awk FILE...: what the reports have in common. Reads, by their names,
#
#   *targets.txt         what must be reached:      <question> <who> <against> <limit>
#   *instructions.txt    what callgrind counted:    <name of the benchmark> <per operation>
#   *.json               what --benchmark_out wrote, a member a line; peer_*.json: other libraries'
#
# A benchmark is called <question>/<who>[/<argument>]...; the report, in its END, finds here:
#
#   questions[1..question_count], contenders[question]   in the order of the programs
#   rounds[question, who]                                how often it was measured
#   values[question, who, "time" or "bytes", round]      ns or bytes per operation
#   costs[question, who, cost]                           of allocations, system_calls, instructions
#   is_peer[question, who], must[question, who, against]

BEGIN {
    nanoseconds["ns"] = 1
    nanoseconds["us"] = 1000
    nanoseconds["ms"] = 1000000
    nanoseconds["s"] = 1000000000
}

FNR == 1 {
    ++file_count
    kind = FILENAME ~ /targets\.txt$/ ? "targets" : \
        FILENAME ~ /instructions\.txt$/ ? "instructions" : ""
    from_peer = FILENAME ~ /(^|\/)peer_[^\/]*$/
}

kind == "targets" {
    if ($1 != "" && $1 !~ /^#/) {
        must[$1, $2, $3] = $4 + 0
    }
    next
}

kind == "instructions" {
    split_name($1)
    costs[question, who, "instructions"] = $2 + 0
    next
}

/^    \{/ { name = type = failed = ""; unit = "ns"; split("", extra); next }
/^    \}/ { end_entry(); next }
/^      "name":/ { name = value_of($0) }
/^      "family_index":/ { family = value_of($0) + 0 }
/^      "per_family_instance_index":/ { instance = value_of($0) + 0 }
/^      "run_type":/ { type = value_of($0) }
/^      "error_message":/ { failed = value_of($0) }
/^      "cpu_time":/ { cpu_time = value_of($0) + 0 }
/^      "real_time":/ { real_time = value_of($0) + 0 }
/^      "time_unit":/ { unit = value_of($0) }
/^      "(allocations|system_calls|bytes)":/ {
    key = $1
    gsub(/[":]/, "", key)
    extra[key] = value_of($0) + 0
}

# "name": value,  ->  value, without quotes and comma
function value_of(line) {
    sub(/^[^:]*: */, "", line)
    sub(/,? *$/, "", line)
    gsub(/^"|"$/, "", line)
    return line
}

# Sets `question` and `who`.
function split_name(name,    parts, count, i) {
    # What Google Benchmark appends to say how it measured; not part of the question.
    gsub(/\/(manual_time|process_time|real_time)|\/(repeats|iterations|min_time):[^\/]*/, "", name)
    count = split(name, parts, "/")
    question = parts[1]
    who = parts[2]
    for (i = 3; i <= count; ++i) {
        question = question "/" parts[i]
    }
}

# What an entry of the results says, once all its lines are read.
function end_entry(    i, round, here) {
    if (type != "iteration") {
        return
    }
    if (failed != "") {
        print "failed: " name ": " failed > "/dev/stderr"
        status = 1
        return
    }
    split_name(name)
    if (!(question in contenders)) {
        questions[++question_count] = question
        place[question] = -1
    }
    if (!((question, who) in rounds)) {
        contenders[question] = contenders[question] " " who
    }
    # Of all that ask the same, the first in the program says where in the table that is.
    here = file_count * 1000000 + family * 1000 + instance
    if (place[question] < 0 || here < place[question]) {
        place[question] = here
    }
    is_peer[question, who] = from_peer
    round = rounds[question, who]++
    values[question, who, "time", round] = \
        (name ~ /\/manual_time/ ? real_time : cpu_time) * nanoseconds[unit]
    if ("bytes" in extra) {
        values[question, who, "bytes", round] = extra["bytes"]
    }
    for (i in extra) {
        costs[question, who, i] = extra[i]
    }
}

function sort(list, count,    i, k, item) {
    for (i = 2; i <= count; ++i) {
        item = list[i]
        for (k = i - 1; k >= 1 && list[k] > item; --k) {
            list[k + 1] = list[k]
        }
        list[k + 1] = item
    }
}

# Sorts list[1..count] and returns the median.
function median(list, count) {
    sort(list, count)
    return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

function middle_of(question, who, measure,    i, list) {
    for (i = 0; i < rounds[question, who]; ++i) {
        list[i + 1] = values[question, who, measure, i]
    }
    return median(list, rounds[question, who])
}

# Sets `ratio`, `least`, `most`: who's figure in relation to against's, round by round. Returns how
# many rounds there are to compare.
function compare(question, who, against, measure,    i, count, list) {
    count = rounds[question, who]
    if (rounds[question, against] < count) {
        count = rounds[question, against]
    }
    for (i = 0; i < count; ++i) {
        if (values[question, against, measure, i] <= 0) {
            return 0
        }
        list[i + 1] = values[question, who, measure, i] / values[question, against, measure, i]
    }
    ratio = median(list, count)
    least = list[1]
    most = list[count]
    return count
}

# Rounds come in random order; reports have the order in which the benchmarks are written, and for
# each question that of the alphabet.
function sort_questions(    i, k, item, count, whos) {
    for (i = 2; i <= question_count; ++i) {
        item = questions[i]
        for (k = i - 1; k >= 1 && place[questions[k]] > place[item]; --k) {
            questions[k + 1] = questions[k]
        }
        questions[k + 1] = item
    }
    for (item in contenders) {
        count = split(contenders[item], whos, " ")
        contenders[item] = ""
        sort(whos, count)
        for (i = 1; i <= count; ++i) {
            contenders[item] = contenders[item] " " whos[i]
        }
    }
}

# A table, as text with aligned columns or as Markdown (-v markdown=1): cells are collected, and
# printed at the end. heads: names of the columns, with _ for a space.
function begin_table(heads,    count, i, list) {
    table_rows = 0
    table_columns = split(heads, list, " ")
    for (i = 1; i <= table_columns; ++i) {
        gsub(/_/, " ", list[i])
    }
    add_row(list)
}

function add_row(list,    i) {
    ++table_rows
    for (i = 1; i <= table_columns; ++i) {
        cells[table_rows, i] = list[i]
    }
}

# left: how many columns are words.
function end_table(left,    r, c, width, line, cell) {
    for (c = 1; c <= table_columns; ++c) {
        width[c] = 0
        for (r = 1; r <= table_rows; ++r) {
            if (length(cells[r, c]) > width[c]) {
                width[c] = length(cells[r, c])
            }
        }
    }
    for (r = 1; r <= table_rows; ++r) {
        line = ""
        for (c = 1; c <= table_columns; ++c) {
            cell = cells[r, c]
            if (markdown) {
                line = line (c == 1 ? "| " : " | ") cell
            } else {
                line = line (c == 1 ? "" : "  ") \
                    sprintf("%" (c <= left ? "-" : "") width[c] "s", cell)
            }
        }
        sub(/ +$/, "", line)
        print line (markdown ? " |" : "")
        if (markdown && r == 1) {
            line = "|"
            for (c = 1; c <= table_columns; ++c) {
                line = line (c <= left ? " --- |" : " --: |")
            }
            print line
        }
    }
}
