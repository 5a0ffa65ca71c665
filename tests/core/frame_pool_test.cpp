// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/frame_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <rondo/config.hpp>
#include <set>
#include <thread>
#include <vector>

#include "../base/allocations.hpp"
#include "support/catch.hpp"

using rondo::detail::FramePool;

namespace {

struct Block {
    void* memory;
    std::size_t size;
};

} // namespace

TEST_CASE("the frame pool gives blocks of every size that do not overlap", "[core][frame_pool]") {
    std::vector<Block> blocks;
    for (std::size_t size = 1; size <= FramePool::largest + 64; ++size) {
        void* memory = FramePool::allocate(size);
        REQUIRE(reinterpret_cast<std::uintptr_t>(memory) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ == 0);
        std::memset(memory, static_cast<int>(size % 251), size);
        blocks.push_back({memory, size});
    }
    for (const Block& block : blocks) {
        const auto* bytes = static_cast<const unsigned char*>(block.memory);
        const auto expected = static_cast<unsigned char>(block.size % 251);
        REQUIRE(std::all_of(bytes, bytes + block.size,
                            [expected](unsigned char byte) { return byte == expected; }));
        FramePool::deallocate(block.memory, block.size);
    }
}

TEST_CASE("blocks come back from the frame pool without a trip to operator new",
          "[core][frame_pool]") {
    if (RONDO_SANITIZED) {
        RONDO_SKIP("sanitizer builds bypass the pool");
    }
    FramePool::deallocate(FramePool::allocate(200), 200);
    const std::size_t before = rondo_test::allocation_count();
    void* first = FramePool::allocate(200);
    void* second = FramePool::allocate(193); // of the same class
    REQUIRE(first != second);
    FramePool::deallocate(second, 193);
    REQUIRE(FramePool::allocate(208) == second); // the last one in
    FramePool::deallocate(second, 208);
    FramePool::deallocate(first, 200);
    for (int i = 0; i < 1000; ++i) {
        FramePool::deallocate(FramePool::allocate(200), 200);
    }
    REQUIRE(rondo_test::allocation_count() - before <= 1); // a chunk, for the second block
}

TEST_CASE("under sanitizers the frame pool is bypassed", "[core][frame_pool]") {
    const std::size_t before = rondo_test::allocation_count();
    for (int i = 0; i < 100; ++i) {
        FramePool::deallocate(FramePool::allocate(64), 64);
    }
    const std::size_t made = rondo_test::allocation_count() - before;
    if (RONDO_SANITIZED) {
        REQUIRE(made == 100);
    } else {
        REQUIRE(made <= 1);
    }
}

TEST_CASE("blocks larger than the pool's come from operator new", "[core][frame_pool]") {
    const std::size_t before = rondo_test::allocation_count();
    FramePool::deallocate(FramePool::allocate(FramePool::largest + 1), FramePool::largest + 1);
    REQUIRE(rondo_test::allocation_count() - before == 1);
}

TEST_CASE("random sizes, allocated and freed at random, stay whole", "[core][frame_pool]") {
    std::mt19937 random(1);
    std::vector<Block> blocks;
    const auto fill = [](const Block& block) {
        std::memset(block.memory, static_cast<int>(block.size % 251), block.size);
    };
    const auto whole = [](const Block& block) {
        const auto* bytes = static_cast<const unsigned char*>(block.memory);
        return bytes[0] == block.size % 251 && bytes[block.size - 1] == block.size % 251;
    };
    for (int step = 0; step < 50000; ++step) {
        if (blocks.size() < 100 || random() % 2 == 0) {
            const std::size_t size = 1 + random() % (FramePool::largest + 100);
            blocks.push_back({FramePool::allocate(size), size});
            fill(blocks.back());
        } else {
            std::swap(blocks[random() % blocks.size()], blocks.back());
            const Block block = blocks.back();
            blocks.pop_back();
            if (!whole(block)) {
                FAIL("a block was overwritten");
            }
            FramePool::deallocate(block.memory, block.size);
        }
    }
    for (const Block& block : blocks) {
        REQUIRE(whole(block));
        FramePool::deallocate(block.memory, block.size);
    }
}

TEST_CASE("what one thread allocates and another frees is used again", "[core][frame_pool]") {
    if (RONDO_SANITIZED) {
        RONDO_SKIP("sanitizer builds bypass the pool");
    }
    constexpr std::size_t size = 512;
    constexpr std::size_t count = 20000;
    const auto allocate = [] {
        std::vector<void*> memory;
        for (std::size_t i = 0; i < count; ++i) {
            memory.push_back(FramePool::allocate(size));
        }
        return memory;
    };
    const auto free_all = [](const std::vector<void*>& memory) {
        for (void* block : memory) {
            FramePool::deallocate(block, size);
        }
    };
    // Made here, freed by threads that end at once: some of which never allocated anything.
    std::vector<void*> first = allocate();
    const std::set<void*> known(first.begin(), first.end());
    REQUIRE(known.size() == count);
    std::thread(free_all, first).join();
    // Everything is found again, by a thread that never saw it.
    std::vector<void*> second;
    std::thread([&] { second = allocate(); }).join();
    std::size_t found = 0;
    for (void* block : second) {
        found += known.count(block);
    }
    REQUIRE(found == count);
    free_all(second);
}

TEST_CASE("threads that come and go do not use up memory of their own", "[core][frame_pool]") {
    if (RONDO_SANITIZED) {
        RONDO_SKIP("sanitizer builds bypass the pool");
    }
    const auto use_a_block = [] { FramePool::deallocate(FramePool::allocate(640), 640); };
    std::thread(use_a_block).join();
    std::size_t most = 0;
    for (int i = 0; i < 100; ++i) {
        const std::size_t before = rondo_test::allocation_count();
        std::thread(use_a_block).join();
        most = std::max(most, rondo_test::allocation_count() - before);
    }
    REQUIRE(most <= 1); // what std::thread needs: no chunk
}

TEST_CASE("frames that are freed at the very end of a thread are not lost", "[core][frame_pool]") {
    if (RONDO_SANITIZED) {
        RONDO_SKIP("sanitizer builds bypass the pool");
    }
    // Its destructor runs after the pool has closed the thread's lists.
    struct Late {
        ~Late() {
            for (void* block : blocks) {
                FramePool::deallocate(block, 900);
            }
            void* again = FramePool::allocate(900);
            reused = std::count(blocks.begin(), blocks.end(), again) == 1;
            FramePool::deallocate(again, 900);
        }
        std::vector<void*> blocks;
        bool& reused;
    };
    std::vector<void*> all;
    bool reused = false;
    std::thread([&] {
        static thread_local Late late{{}, reused};
        for (int i = 0; i < 10; ++i) {
            late.blocks.push_back(FramePool::allocate(900));
        }
        all = late.blocks;
    }).join();
    REQUIRE(reused);
    // A thread that has none of its own gets them.
    std::ptrdiff_t found = 0;
    std::thread([&] {
        std::vector<void*> again;
        for (int i = 0; i < 10; ++i) {
            again.push_back(FramePool::allocate(900));
            found += std::count(all.begin(), all.end(), again.back());
        }
        for (void* block : again) {
            FramePool::deallocate(block, 900);
        }
    }).join();
    REQUIRE(found == 10);
}

TEST_CASE("threads that only free blocks do not keep them", "[core][frame_pool]") {
    if (RONDO_SANITIZED) {
        RONDO_SKIP("sanitizer builds bypass the pool");
    }
    constexpr std::size_t size = 768;
    // A producer here, a consumer that ends: the blocks must find their way back.
    const auto round = [] {
        std::vector<void*> memory;
        for (int i = 0; i < 1000; ++i) {
            memory.push_back(FramePool::allocate(size));
        }
        std::thread([&memory] {
            for (void* block : memory) {
                FramePool::deallocate(block, size);
            }
        }).join();
    };
    round();
    round();
    const std::size_t before = rondo_test::allocation_count();
    for (int i = 0; i < 20; ++i) {
        round();
    }
    // std::thread and the vector allocate a little; twenty rounds of blocks would be 240 chunks.
    REQUIRE(rondo_test::allocation_count() - before < 20 * 15 + 10);
}
