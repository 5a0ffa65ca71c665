# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# awk -v picture=FILE.svg -f plot.awk POINTS.tsv | gnuplot
#
# Draws the ratios that table.awk wrote: a line for each question, a point for each that Rondo is
# compared with, with the spread over all rounds, and a mark at what must not be exceeded. One panel
# each for primitives, for system calls by hand, for what clients notice, and for other libraries.

BEGIN {
    FS = "\t"
    panel_count = split("primitives system waiting peers", panel_names, " ")
    title["primitives"] = "Rondo's time in relation to the least that can work"
    title["system"] = "Rondo's time in relation to the same system calls by hand"
    title["waiting"] = "How long clients wait, in relation to servers by hand"
    title["peers"] = "Rondo's time in relation to other libraries'"
    colour_count = split("#2a6fbb #d9822b #3b9c5d #8e5bb5 #7f7f7f #c2549d #17a2b8 #8c6d31 #4f5d75" \
        " #a3b18a", colours, " ")
    shape_count = split("7 5 9 11 13 4 6 8 10 12", shapes, " ")
}

# series, label, ratio, least, most, must
NF == 6 {
    panel = $1 ~ /^peer / ? "peers" : $2 ~ /^echo_(apart|p[0-9])/ ? "waiting" : \
        $1 ~ /^(liburing.*|.*poll|pread)$/ ? "system" : "primitives"
    sub(/^peer /, "", $1)
    if (!((panel, $2) in line_of)) {
        line_of[panel, $2] = ++lines[panel]
        labels[panel, lines[panel]] = $2
    }
    if (!((panel, $1) in index_of)) {
        index_of[panel, $1] = ++series_count[panel]
        series[panel, series_count[panel]] = $1
    }
    ++count
    panel_of[count] = panel
    series_of[count] = index_of[panel, $1]
    place[count] = line_of[panel, $2]
    rank[count] = ++on_line[panel, place[count]]
    ratio[count] = $3
    spread[count] = $4 "\t" $5
    missed[count] = $6 != "NaN" && $3 > $6
    if ($6 != "NaN") {
        marks[panel] = marks[panel] $6 "\t" place[count] "\n"
    }
    if (!(panel in low) || $4 < low[panel]) {
        low[panel] = $4
    }
    if (!(panel in high) || $5 > high[panel]) {
        high[panel] = $5
    }
}

# Points of one line stand a little below one another.
function collect_points(    i, y, point, panel) {
    for (i = 1; i <= count; ++i) {
        panel = panel_of[i]
        y = place[i] + ((rank[i] - 0.5) / on_line[panel, place[i]] - 0.5) * 0.6
        point = ratio[i] "\t" y "\t" spread[i] "\n"
        points[panel, series_of[i]] = points[panel, series_of[i]] point
        if (missed[i]) {
            misses[panel] = misses[panel] point
        }
    }
}

function data_block(name, data) {
    print "$" name " << END_OF_DATA\n" data "END_OF_DATA"
}

# Numbers for the axis, as many as there is room for.
function numbers(span) {
    return span < 6 ? "0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 1.7, 2, 2.5, 3, 4, 5" : \
        span < 60 ? "0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50" : \
        "0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100"
}

# Pixels for the title and for the legend below it, two names a line.
function head(panel,    names) {
    names = series_count[panel] + (panel in marks) + (panel in misses)
    return 30 + 18 * int((names + 1) / 2)
}

# y: where the panel begins, in pixels from the top.
function draw(panel, y,    i, n, tics, plots, from, to) {
    n = lines[panel]
    printf "set label 1 \"%s\" at screen 0.015, screen %.5f font ',13'\n", title[panel],
        1 - (y + 16) / height
    printf "set key at screen 0.985, screen %.5f right top horizontal maxcols 2 samplen 1\n",
        1 - (y + 24) / height
    y += head(panel)
    printf "set tmargin at screen %.5f\nset bmargin at screen %.5f\n", 1 - y / height,
        1 - (y + n * line_height) / height
    printf "set yrange [%.1f:0.4]\n", n + 0.6
    from = (low[panel] < 0.9 ? low[panel] : 0.9) / 1.05
    to = (high[panel] > 1.1 ? high[panel] : 1.1) * 1.05
    printf "set xrange [%.5g:%.5g]\nset xtics (%s)\n", from, to, numbers(to / from)
    for (i = 1; i <= n; ++i) {
        tics = tics (i == 1 ? "" : ", ") "\"" labels[panel, i] "\" " i
    }
    print "set ytics (" tics ")"

    for (i = 1; i <= series_count[panel]; ++i) {
        data_block(panel i, points[panel, i])
        plots = plots (i == 1 ? "" : ", ") sprintf("$%s%d using 1:2:3:4 with xerrorbars pt %d" \
            " ps 0.6 lw 1.3 lc rgb '%s' title '%s'", panel, i,
            shapes[(i - 1) % shape_count + 1], colours[(i - 1) % colour_count + 1],
            series[panel, i])
    }
    if (panel in marks) {
        data_block(panel "_marks", marks[panel])
        plots = plots ", $" panel "_marks using 1:2 with points pt '|' ps 1.3 lc rgb '#c1121f'" \
            " title 'must not exceed'"
    }
    if (panel in misses) {
        data_block(panel "_misses", misses[panel])
        plots = plots ", $" panel "_misses using 1:2 with points pt 6 ps 1.3 lw 1.5" \
            " lc rgb '#c1121f' title 'exceeds it'"
    }
    print "plot " plots
}

END {
    line_height = 18
    foot = 44
    collect_points()
    for (i = 1; i <= panel_count; ++i) {
        if (panel_names[i] in lines) {
            height += head(panel_names[i]) + lines[panel_names[i]] * line_height + foot
        }
    }
    if (height == 0) {
        print "nothing to plot" > "/dev/stderr"
        exit 1
    }
    print "set terminal " (picture ~ /\.png$/ ? "pngcairo" : "svg") \
        " noenhanced size 1000, " height " font 'Helvetica,11' background '#ffffff'"
    print "set output \"" picture "\""
    print "set encoding utf8\nset datafile separator \"\\t\"\nset logscale x\nset multiplot"
    print "set lmargin at screen 0.42\nset rmargin at screen 0.98"
    print "set grid xtics ytics lc rgb '#dddddd' lw 0.6 lt 1\nset border 1 lc rgb '#888888'"
    print "set tics scale 0 nomirror textcolor rgb '#222222' font ',10'"
    print "set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead lc rgb '#555555' lw 1.2" \
        " back"
    for (i = 1; i <= panel_count; ++i) {
        if (panel_names[i] in lines) {
            draw(panel_names[i], begin)
            begin += head(panel_names[i]) + lines[panel_names[i]] * line_height + foot
        }
    }
    print "unset multiplot"
}
