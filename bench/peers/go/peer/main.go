// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The questions of the benchmarks next door, put to Go: goroutines and channels on one thread.
// What has no counterpart is left out: nobody awaits a call, and there is no loop to call soon.
package main

import (
	"runtime"
	"strconv"
	"sync"
	"time"
)

func nothing(group *sync.WaitGroup) {
	group.Done()
}

// crowds spawns that many goroutines and joins them, again and again.
func crowds(count int, member func(group *sync.WaitGroup)) func(rounds int) {
	return func(rounds int) {
		var group sync.WaitGroup
		for ; rounds > 0; rounds-- {
			group.Add(count)
			for i := 0; i < count; i++ {
				go member(&group)
			}
			group.Wait()
		}
	}
}

const yields = 10000

func yielder(group *sync.WaitGroup) {
	for i := 0; i < yields; i++ {
		runtime.Gosched()
	}
	group.Done()
}

// randomTimes returns the same sequence of sleeps as in sleep_bench.
func randomTimes(count int) []time.Duration {
	times := make([]time.Duration, count)
	state := uint64(88172645463325252)
	for i := range times {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		times[i] = time.Duration((state >> 16) % 1_000_000_000)
	}
	return times
}

func sleeps(count int) func(rounds int) {
	times := randomTimes(count)
	return func(int) {
		var group sync.WaitGroup
		group.Add(count)
		for _, duration := range times {
			go func(duration time.Duration) {
				time.Sleep(duration)
				group.Done()
			}(duration)
		}
		group.Wait()
	}
}

func sleeper(group *sync.WaitGroup) {
	time.Sleep(10 * time.Millisecond)
	group.Done()
}

func timerCancelled(rounds int) {
	timer := time.AfterFunc(15*time.Minute, func() {})
	for ; rounds > 0; rounds-- {
		timer.Stop()
		timer.Reset(15 * time.Minute)
	}
	timer.Stop()
}

func callLaterCancelled(rounds int) {
	for ; rounds > 0; rounds-- {
		time.AfterFunc(15*time.Minute, func() {}).Stop()
	}
}

func readySoon(result chan<- int) {
	runtime.Gosched()
	result <- 1
}

func waitFor(rounds int) {
	for ; rounds > 0; rounds-- {
		result := make(chan int, 1)
		go readySoon(result)
		limit := time.NewTimer(10 * time.Second)
		select {
		case <-result:
			limit.Stop()
		case <-limit.C:
			panic("too late")
		}
	}
}

const items = 100000

func queues(size int) func(rounds int) {
	return func(rounds int) {
		queue := make(chan int, size)
		for ; rounds > 0; rounds-- {
			go func() {
				for i := 0; i < items; i++ {
					queue <- i
				}
			}()
			for i := 0; i < items; i++ {
				<-queue
			}
		}
	}
}

const (
	users = 64
	times = 1000
)

func semaphoreUsers(permits int) func(group *sync.WaitGroup) {
	taken := make(chan struct{}, permits)
	return func(group *sync.WaitGroup) {
		for i := 0; i < times; i++ {
			taken <- struct{}{}
			runtime.Gosched()
			<-taken
		}
		group.Done()
	}
}

func lockUsers() func(group *sync.WaitGroup) {
	var lock sync.Mutex
	return func(group *sync.WaitGroup) {
		for i := 0; i < times; i++ {
			lock.Lock()
			runtime.Gosched()
			lock.Unlock()
		}
		group.Done()
	}
}

func semaphoreFree(rounds int) {
	taken := make(chan struct{}, 1)
	for ; rounds > 0; rounds-- {
		taken <- struct{}{}
		<-taken
	}
}

func lockFree(rounds int) {
	var lock sync.Mutex
	for ; rounds > 0; rounds-- {
		lock.Lock()
		lock.Unlock() //lint:ignore SA2001 nothing but the lock is asked about
	}
}

// futureHandOver: a channel for each value, as a Future is made for each.
func futureHandOver(rounds int) {
	wanted := make(chan chan int)
	go func() {
		i := 0
		for future := range wanted {
			future <- i
			i++
		}
	}()
	for ; rounds > 0; rounds-- {
		future := make(chan int, 1)
		wanted <- future
		<-future
	}
	close(wanted)
}

func main() {
	runtime.GOMAXPROCS(1)
	all := []benchmark{
		{"spawn_one", "", 1, false, crowds(1, nothing)},
		{"gather_ready", "", 10000, false, crowds(10000, nothing)},
		{"gather_sleepers", "", 10000, false, crowds(10000, sleeper)},
		{"task_group", "", 1000, false, crowds(1000, nothing)},
		{"sleep", "/tasks:100000", 100000, true, sleeps(100000)},
		{"timer_cancelled", "/others:0/first:0", 1, false, timerCancelled},
		{"call_later_cancelled", "", 1, false, callLaterCancelled},
		{"wait_for", "", 1, false, waitFor},
		{"semaphore_contended", "", users * times, false, crowds(users, semaphoreUsers(8))},
		{"semaphore_free", "", 1, false, semaphoreFree},
		{"lock_contended", "", users * times, false, crowds(users, lockUsers())},
		{"lock_free", "", 1, false, lockFree},
		{"future_hand_over", "", 1, false, futureHandOver},
	}
	for _, count := range []int{1000, 100000} {
		all = append(all, benchmark{"spawn_crowd", "/tasks:" + strconv.Itoa(count), count, false,
			crowds(count, nothing)})
	}
	for _, count := range []int{2, 100} {
		all = append(all, benchmark{"yield", "/tasks:" + strconv.Itoa(count), count * yields, false,
			crowds(count, yielder)})
	}
	for _, size := range []int{1, 64, 1024} {
		all = append(all, benchmark{"queue", "/" + strconv.Itoa(size), items, false, queues(size)})
	}
	runAll("go", all)
}
