# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# awk -v picture=FILE.svg -f plot_growth.awk POINTS.tsv | gnuplot
#
# Draws what growth.awk wrote, a panel for each subject: what an operation costs at each size,
# Rondo's and its baseline's, both in relation to the baseline's at the smallest. Both axes are
# logarithmic; a line that is level is a cost that does not depend on the size.

BEGIN {
    FS = "\t"
    title["growth_spawn"] = "a task made and joined"
    title["growth_sleep"] = "a sleeping task (a heap: log n)"
    title["growth_queue"] = "a task that gets an item from a queue"
    title["growth_echo"] = "an echo over TCP"
    size_name["growth_echo"] = "connections"
    top = 1
    bottom = 1
}

# subject, who, size, middle, least, most
{
    if (!($1 in panel)) {
        panel[$1] = ++panels
        subjects[panels] = $1
    }
    if ($2 != "rondo") {
        baseline[$1] = $2
        if (!($1 in first_size)) {
            first_size[$1] = $3
        }
    } else if (!($1 in first)) {
        first[$1] = $4
    }
    points[$1, $2 == "rondo"] = points[$1, $2 == "rondo"] $3 "\t" $4 "\t" $5 "\t" $6 "\n"
    top = $6 > top ? $6 : top
    bottom = $5 < bottom ? $5 : bottom
}

function data_block(name, data) {
    print "$" name " << END_OF_DATA\n" data "END_OF_DATA"
}

function curve(block, colour, shape, name) {
    return sprintf("$%s using 1:2 with lines lw 1.6 lc rgb '%s' notitle, $%s using 1:2:3:4 with" \
        " yerrorbars pt %d ps 0.8 lw 1.4 lc rgb '%s' title '%s'", block, colour, block, shape,
        colour, name)
}

END {
    if (!panels) {
        print "nothing to plot" > "/dev/stderr"
        exit 1
    }
    lines = int((panels + 1) / 2)
    print "set terminal " (picture ~ /\.png$/ ? "pngcairo" : "svg") \
        " noenhanced size 1000, " lines * 360 " font 'Helvetica,11' background '#ffffff'"
    print "set output \"" picture "\"\nset datafile separator \"\\t\"\nset logscale xy"
    print "set multiplot layout " lines ", 2"
    print "set grid lc rgb '#dddddd' lw 0.6 lt 1\nset border 3 lc rgb '#888888'"
    print "set tics nomirror textcolor rgb '#222222'\nset key top left reverse Left samplen 1.5"
    print "set ytics (0.5, 1, 2, 3, 5, 10, 20, 50, 100)"
    print "set xtics ('10' 10, '100' 100, '1,000' 1000, '10,000' 10000, '100,000' 100000," \
        " '1,000,000' 1000000)"
    printf "set yrange [%.4g:%.4g]\n", bottom * 0.8, top * 1.7
    for (i = 1; i <= panels; ++i) {
        subject = subjects[i]
        data_block("rondo" i, points[subject, 1])
        data_block("baseline" i, points[subject, 0])
        print "set title \"" title[subject] "\" font ',13'"
        print "set xlabel \"" (subject in size_name ? size_name[subject] : "tasks") "\""
        print "set ylabel \"time, " baseline[subject] " at " first_size[subject] " = 1\""
        printf "set xrange [%g:%g]\n", first_size[subject] * 0.7,
            subject == "growth_echo" ? 14000 : 1400000
        plots = curve("baseline" i, "#7f7f7f", 5, baseline[subject]) ", " \
            curve("rondo" i, "#2a6fbb", 7, "rondo")
        if (subject == "growth_sleep") {
            plots = plots sprintf(", %g * log(x) / log(%d) with lines dt 2 lc rgb '#d9822b' title" \
                " 'as log n'", first[subject], first_size[subject])
        }
        print "plot " plots
    }
    print "unset multiplot"
}
