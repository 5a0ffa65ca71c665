# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# awk -f ../results.awk -f table.awk FILE...: Rondo's CPU time in relation to that of each peer, round
# by round, and at the end what Rondo is not ahead of. Ratios alone: there are too many peers for more.

END {
    sort_questions()
    begin_table("question peer ratio least most")
    for (q = 1; q <= question_count; ++q) {
        question = questions[q]
        count = split(contenders[question], whos, " ")
        for (i = 1; i <= count; ++i) {
            if (whos[i] == "rondo" || !compare(question, "rondo", whos[i], "time")) {
                continue
            }
            row[1] = question
            row[2] = whos[i]
            row[3] = sprintf("%.2g", ratio)
            row[4] = sprintf("%.2g", least)
            row[5] = sprintf("%.2g", most)
            add_row(row)
            ++asked
            if (ratio >= 1) {
                behind = behind sprintf("\n  %s: %s, %.2f", question, whos[i], ratio)
            }
        }
    }
    end_table(2)
    print behind == "" ? "\nahead in all " asked " rows" : "\nnot ahead in:" behind
    exit status
}
