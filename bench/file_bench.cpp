// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does Rondo add to random reads of 4 KiB from a file of 256 MiB, so many at a time: from the
// page cache, and from the device (O_DIRECT)? Baselines: liburing by hand, with the same set-up
// flags; and pread, one at a time. From the page cache time is CPU time; from the device it is time
// on the clock, which is what one waits for.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "hand_ring.hpp"
#include "temporary_file.hpp"

namespace {

using bench::TemporaryFile;

constexpr std::size_t file_blocks = std::size_t{256} << 20U >> 12U;
constexpr int reads_each = 200; // of each task or slot, before all wait for one another

const TemporaryFile& the_file() {
    static const TemporaryFile file(file_blocks);
    return file;
}

/// Numbers of blocks; each task or slot has its own sequence, the same whoever reads.
class RandomBlocks {
public:
    explicit RandomBlocks(std::size_t seed) : state_(88172645463325252U + seed * 2654435769U) {}

    std::size_t next() {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return state_ % file_blocks;
    }

private:
    std::uint64_t state_;
};

/// A block of memory for each reader, as O_DIRECT wants it.
class Buffers {
public:
    explicit Buffers(std::size_t count)
        : memory_(static_cast<std::byte*>(
              std::aligned_alloc(TemporaryFile::block, count * TemporaryFile::block))) {
        bench::require(memory_ != nullptr, "aligned_alloc");
    }
    std::byte* operator[](std::size_t index) {
        return memory_.get() + index * TemporaryFile::block;
    }

private:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    std::unique_ptr<std::byte, Free> memory_;
};

void check(std::size_t number, const std::byte* bytes, std::int64_t result) {
    bench::require(result == TemporaryFile::block && TemporaryFile::is_block(number, bytes),
                   "read");
}

/// Tells a benchmark on manual time how long a round took.
class Stopwatch {
public:
    explicit Stopwatch(benchmark::State& state) : state_(state) {}
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;
    ~Stopwatch() {
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
        state_.SetIterationTime(passed.count());
    }

private:
    benchmark::State& state_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class LiburingReader {
public:
    LiburingReader(int file, std::size_t depth) : file_(file), buffers_(depth) {
        for (std::size_t i = 0; i < depth; ++i) {
            slots_.push_back({RandomBlocks(i), 0, 0});
        }
    }

    /// Each slot reads so many.
    void round() {
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            slots_[i].left = reads_each;
            read(i);
        }
        for (std::size_t busy = slots_.size(); busy > 0;) {
            ring_.submit_and_wait(1);
            unsigned count = 0;
            unsigned head = 0;
            io_uring_cqe* completion = nullptr;
            io_uring_for_each_cqe(&ring_.native(), head, completion) {
                ++count;
                const std::size_t index = completion->user_data;
                Slot& slot = slots_[index];
                check(slot.block, buffers_[index], completion->res);
                if (--slot.left > 0) {
                    read(index);
                } else {
                    --busy;
                }
            }
            io_uring_cq_advance(&ring_.native(), count);
        }
    }

private:
    struct Slot {
        RandomBlocks blocks;
        std::size_t block;
        int left;
    };

    void read(std::size_t index) {
        Slot& slot = slots_[index];
        slot.block = slot.blocks.next();
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_read(&entry, file_, buffers_[index], TemporaryFile::block,
                           slot.block * TemporaryFile::block);
        entry.user_data = index;
    }

    int file_;
    bench::HandRing ring_{256};
    Buffers buffers_;
    std::vector<Slot> slots_;
};

void read_by_liburing(benchmark::State& state, int file) {
    const auto depth = static_cast<std::size_t>(state.range(0));
    LiburingReader reader(file, depth);
    while (state.KeepRunningBatch(static_cast<std::int64_t>(depth) * reads_each)) {
        const Stopwatch watch(state);
        reader.round();
    }
}

rondo::Coro<> read_blocks(int file, std::byte* buffer, RandomBlocks& blocks) {
    for (int i = 0; i < reads_each; ++i) {
        const std::size_t block = blocks.next();
        const rondo::MutableBuffer into(buffer, TemporaryFile::block);
        const std::size_t count =
            co_await rondo::io::read(file, into, block * TemporaryFile::block);
        check(block, buffer, static_cast<std::int64_t>(count));
    }
}

rondo::Coro<> read_by_tasks(benchmark::State& state, int file) {
    const bench::CountCosts costs(state);
    const auto depth = static_cast<std::size_t>(state.range(0));
    Buffers buffers(depth);
    std::vector<RandomBlocks> blocks;
    for (std::size_t i = 0; i < depth; ++i) {
        blocks.emplace_back(i);
    }
    std::vector<rondo::Task<>> tasks;
    while (state.KeepRunningBatch(static_cast<std::int64_t>(depth) * reads_each)) {
        const Stopwatch watch(state);
        for (std::size_t i = 0; i < depth; ++i) {
            tasks.push_back(rondo::create_task(read_blocks(file, buffers[i], blocks[i])));
        }
        for (const rondo::Task<>& task : tasks) {
            co_await task;
        }
        tasks.clear();
    }
}

void read_by_pread(benchmark::State& state, int file) {
    Buffers buffers(1);
    RandomBlocks blocks(0);
    while (state.KeepRunningBatch(reads_each)) {
        const Stopwatch watch(state);
        for (int i = 0; i < reads_each; ++i) {
            const std::size_t block = blocks.next();
            const auto offset = static_cast<off_t>(block * TemporaryFile::block);
            check(block, buffers[0], ::pread(file, buffers[0], TemporaryFile::block, offset));
        }
    }
}

using Read = void (*)(benchmark::State& state, int file);

void read_by_rondo(benchmark::State& state, int file) {
    rondo::run(read_by_tasks(state, file));
}

template <Read read>
void cached(benchmark::State& state) {
    read(state, the_file().cached());
}

template <Read read>
void direct(benchmark::State& state) {
    read(state, the_file().direct());
}

void depth_1(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("depth")->Arg(1);
}
void depths(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("depth")->Arg(1)->Arg(32)->Arg(128);
}

// Where reads cannot go around the page cache they are not measured, rather than measured as what
// they are not.
[[maybe_unused]] const bool direct_if_possible = [] {
    const bool possible = TemporaryFile(1).direct() >= 0;
    if (possible) {
        const auto add = [](const char* name, void (*function)(benchmark::State&)) {
            return benchmark::RegisterBenchmark(name, function)->UseManualTime();
        };
        add("file_direct/pread", direct<read_by_pread>)->Apply(depth_1);
        add("file_direct/liburing", direct<read_by_liburing>)->Apply(depths);
        add("file_direct/rondo", direct<read_by_rondo>)->Apply(depths);
    }
    return possible;
}();

} // namespace

BENCHMARK(cached<read_by_pread>)->Name("file_cached/pread")->Apply(depth_1);
BENCHMARK(cached<read_by_liburing>)->Name("file_cached/liburing")->Apply(depths);
BENCHMARK(cached<read_by_rondo>)->Name("file_cached/rondo")->Apply(depths);
