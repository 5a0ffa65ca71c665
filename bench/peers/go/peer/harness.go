// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// benchmark is one of those that answer a question; as much of Google Benchmark as this needs.
type benchmark struct {
	question   string
	arguments  string           // with a slash before each
	operations int              // in one round
	once       bool             // a single round: it takes long, most of it asleep
	run        func(rounds int) // what is measured
}

// entry is what a file of results says about a benchmark.
type entry struct {
	Name       string  `json:"name"`
	Family     int     `json:"family_index"`
	Instance   int     `json:"per_family_instance_index"`
	RunType    string  `json:"run_type"`
	Iterations int     `json:"iterations"`
	RealTime   float64 `json:"real_time"`
	CPUTime    float64 `json:"cpu_time"`
	TimeUnit   string  `json:"time_unit"`
}

// cpuTime returns what all threads of this process have spent, the garbage collector's too.
func cpuTime() time.Duration {
	const clockOfProcess = 2
	var spent syscall.Timespec
	_, _, failed := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockOfProcess,
		uintptr(unsafe.Pointer(&spent)), 0)
	if failed != 0 {
		log.Fatal(failed)
	}
	return time.Duration(spent.Nano())
}

func (b benchmark) measure(minTime time.Duration) (rounds int, wall, cpu time.Duration) {
	for rounds = 1; ; {
		runtime.GC() // not what others have left
		begun, before := time.Now(), cpuTime()
		b.run(rounds)
		wall, cpu = time.Since(begun), cpuTime()-before
		if b.once || cpu >= minTime {
			return rounds, wall, cpu
		}
		// As many as should do, and a few more; at most ten times as many, since few tell little.
		factor := 1.4 * float64(minTime) / float64(cpu+1)
		if factor > 10 {
			factor = 10
		}
		rounds = int(float64(rounds)*factor) + 1
	}
}

func runAll(peer string, benchmarks []benchmark) {
	filter := flag.String("benchmark_filter", "", "")
	minTime := flag.Float64("benchmark_min_time", 0.5, "")
	out := flag.String("benchmark_out", "", "")
	flag.Parse()
	wanted := regexp.MustCompile(*filter)
	var results []entry
	for family, b := range benchmarks {
		name := b.question + "/" + peer + b.arguments
		if !wanted.MatchString(name) {
			continue
		}
		rounds, wall, cpu := b.measure(time.Duration(*minTime * 1e9))
		iterations := rounds * b.operations
		each := func(time time.Duration) float64 {
			return float64(time.Nanoseconds()) / float64(iterations)
		}
		results = append(results, entry{name, family, 0, "iteration", iterations,
			each(wall), each(cpu), "ns"})
		fmt.Printf("%-50s %12.1f ns %12d\n", name, each(cpu), iterations)
	}
	if *out != "" {
		text, err := json.MarshalIndent(map[string]any{"benchmarks": results}, "", "  ")
		if err == nil {
			err = os.WriteFile(*out, append(text, '\n'), 0o644)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}
