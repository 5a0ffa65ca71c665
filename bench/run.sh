#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# bench/run.sh [<option>...] [<argument of Google Benchmark>...]
#
# Installs what is missing (on Debian), builds the benchmarks as users build, runs them in random
# order in several rounds, and prints tables of ratios. bench/README.md says how to read them.
#
#   sh bench/run.sh                                everything, in a few minutes
#   sh bench/run.sh --quick                        most of it, short and less exact
#   sh bench/run.sh --benchmark_filter=timer       what matches
#   sh bench/run.sh --instructions                 counts instructions too, under valgrind
#   sh bench/run.sh --peers                        compares with other libraries too
#   sh bench/run.sh --growth                       instead: costs of 100 to 1,000,000 tasks
#
#   --json FILE       the table for machines as well
#   --plot FILE       and as a picture, .svg or .png
#   --markdown        prints tables for bench/README.md
#   --build DIR       builds there; CXX=clang++ chooses another compiler for a new folder
#   --again           prints, and plots, what the run before has measured

set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck source=../cmake/debian_packages.sh
. "$root/cmake/debian_packages.sh"
build=$root/build/bench

rounds=5
seconds=0.1
left_out=growth_bench
json=
plot=
markdown=
instructions=
peers=
growth=
again=
wanted=
# What is not ours goes to the end of the arguments, once around.
for argument; do
    shift
    if [ -n "$wanted" ]; then
        argument=$wanted=$argument
        wanted=
    fi
    case $argument in
        # What takes longest is left out.
        --quick) rounds=3 seconds=0.03 left_out="$left_out echo_apart_bench echo_latency_bench" ;;
        --instructions) instructions=1 ;;
        --peers) peers=1 ;;
        --growth) growth=1 ;;
        --markdown) markdown=1 ;;
        --again) again=1 ;;
        --json | --plot | --build) wanted=$argument ;;
        --json=*) json=${argument#*=} ;;
        --plot=*) plot=${argument#*=} ;;
        --build=*) build=${argument#*=} ;;
        *) set -- "$@" "$argument" ;;
    esac
done
if [ -n "$wanted" ]; then
    begin "reading the arguments"
    echo "$wanted wants a name" >&2
    exit 2
fi
results=$build/results
if [ -n "$growth" ]; then
    results=$build/growth
fi

# is_left_out <program>
is_left_out() {
    case " $left_out " in
        *" $(basename "$1") "*) return 0 ;;
    esac
    return 1
}

# run_rounds <program> <argument>...: all its benchmarks, to a file of results.
run_rounds() {
    program=$1
    name=$(basename "$program")
    shift
    # shellcheck disable=SC2086
    $on_one_core "$program" \
        --benchmark_enable_random_interleaving=true --benchmark_repetitions="$rounds" \
        --benchmark_min_time="$seconds" \
        --benchmark_out="$results/$name.json" --benchmark_out_format=json \
        "$@" > "$results/$name.txt" 2>&1 || {
        cat "$results/$name.txt" >&2
        exit 1
    }
}

# only <name>: the filter of that one benchmark.
only() {
    printf '^%s$\n' "$(printf '%s\n' "$1" | sed 's/[][\\.*+?(){}|^$]/\\&/g')"
}

# run_once <program> <name of a benchmark> <file of results> <argument>...
run_once() {
    program=$1
    filter=$(only "$2")
    file=$3
    shift 3
    # shellcheck disable=SC2086
    $on_one_core "$program" "$@" --benchmark_filter="$filter" --benchmark_min_time="$seconds" \
        --benchmark_out="$file" --benchmark_out_format=json > "$results/output.txt" 2>&1 || {
        cat "$results/output.txt" >&2
        exit 1
    }
}

# count_instructions <program> <argument>...: of each of its benchmarks, in a process of its own, so
# that what is dumped is known to be that one's.
count_instructions() {
    program=$1
    shift
    "$program" "$@" --benchmark_list_tests=true > "$scratch/names" 2> "$scratch/output"
    while read -r name; do
        rm -f "$scratch"/out.*
        # shellcheck disable=SC2086
        if $on_one_core timeout 60 valgrind --tool=callgrind \
            --callgrind-out-file="$scratch/out.%p" \
            --zero-before='benchmark::State::StartKeepRunning()' \
            --dump-before='benchmark::State::FinishKeepRunning()' \
            "$program" "$@" --benchmark_filter="$(only "$name")" --benchmark_min_time=0.05 \
            --benchmark_out="$scratch/result.json" --benchmark_out_format=json \
            > "$scratch/output" 2>&1 < /dev/null; then
            awk -f "$root/bench/instructions.awk" "$scratch/result.json" "$scratch"/out.* \
                >> "$results/instructions.txt"
        else
            # Nothing but that number is missing then.
            echo "not counted: $name: $(tail -n 1 "$scratch/output")" >&2
        fi
    done < "$scratch/names"
}

# With what, for whoever reads the table elsewhere.
describe() {
    compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[^=]*=//p' "$build/CMakeCache.txt")
    echo "$("$compiler" --version | head -n 1), -O3 -DNDEBUG; $(uname -sr);" \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1);" \
        "$(date +%Y-%m-%d); $(cat "$results/rounds") rounds"
}

# compare <file of results>...: prints tables, and adds to the files for --json and --plot.
compare() {
    for file; do
        shift
        # A pattern that no file has stands for itself.
        if [ -f "$file" ]; then
            set -- "$@" "$file"
        fi
    done
    if [ $# -ne 0 ]; then
        awk -v markdown="$markdown" -v objects="$results/more_objects.txt" \
            -v points="$results/more_points.tsv" \
            -f "$root/bench/results.awk" -f "$root/bench/table.awk" "$root/bench/targets.txt" "$@"
        cat "$results/more_objects.txt" >> "$objects"
        cat "$results/more_points.tsv" >> "$points"
    fi
}

if [ -z "$again" ]; then
    # shellcheck disable=SC2086
    need $build_packages libbenchmark-dev

    begin "configuring $build"
    build_dir "$build"
    cmake -S "$root" -B "$build" -G Ninja -C "$root/cmake/cache/release.cmake" \
        -DRONDO_BUILD_TESTS=OFF -DRONDO_BUILD_EXAMPLES=OFF -DRONDO_WERROR=OFF

    begin "building the benchmarks"
    cmake --build "$build" --parallel "$jobs" ${growth:+--target growth_bench}

    rm -rf "$results"
    mkdir -p "$results"
    echo "$rounds" > "$results/rounds"
fi

# One core, the last that is ours, so that nothing wanders.
on_one_core=
if command -v taskset > /dev/null; then
    on_one_core="taskset -c $(taskset -cp $$ | sed 's/.*[^0-9]//')"
fi

if [ -z "$again" ] && [ -z "$growth" ]; then
    for program in "$build"/bench/*_bench; do
        is_left_out "$program" && continue
        begin "running $(basename "$program")"
        run_rounds "$program" "$@"
    done
    if [ -n "$instructions" ]; then
        need valgrind
        scratch=$results/callgrind
        mkdir "$scratch"
        # Under valgrind a thread that waits in io_uring_enter keeps the others from running.
        left_out="$left_out accept_bench echo_bench echo_apart_bench echo_latency_bench"
        left_out="$left_out idle_connection_bench threadsafe_bench"
        for program in "$build"/bench/*_bench; do
            is_left_out "$program" && continue
            begin "counting instructions of $(basename "$program")"
            count_instructions "$program" "$@"
        done
    fi
    if [ -n "$peers" ]; then
        begin "running peers"
        sh "$root/bench/peers/run.sh" "$build" "$results" "$rounds"
    fi
fi

if [ -z "$again" ] && [ -n "$growth" ]; then
    program=$build/bench/growth_bench
    "$program" "$@" --benchmark_list_tests=true > "$results/names"
    round=1
    while [ "$round" -le "$rounds" ]; do
        begin "round $round of $rounds"
        number=100
        while read -r name; do
            number=$((number + 1))
            run_once "$program" "$name" "$results/$round-$number.json" "$@"
        done < "$results/names"
        round=$((round + 1))
    done
fi

if [ -n "$plot" ]; then
    need gnuplot-nox
fi
begin "comparing"
describe
echo
points=$results/points.tsv
objects=$results/objects.txt
: > "$points"
: > "$objects"
if [ -n "$growth" ]; then
    compare "$results"/*.json > /dev/null
    awk -v markdown="$markdown" -v points="$points" \
        -f "$root/bench/results.awk" -f "$root/bench/growth.awk" "$results"/*.json
    drawing=plot_growth.awk
else
    compare "$results"/*_bench.json "$results"/instructions.txt
    # Rondo was measured once more beside its peers, so that all were at the same time.
    compare "$results"/beside_peers/*.json "$results"/peer_*.json
    drawing=plot.awk
fi
if [ -n "$json" ]; then
    awk 'BEGIN { print "[" } NR > 1 { print "  " line "," } { line = $0 }
        END { print "  " line "\n]" }' "$objects" > "$json"
fi
if [ -n "$plot" ]; then
    begin "plotting"
    awk -v picture="$plot" -f "$root/bench/$drawing" "$points" | gnuplot
    echo "$plot"
fi
