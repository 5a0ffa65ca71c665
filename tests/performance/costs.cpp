// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// costs --toolchain                what built this program; instructions are comparable within it
// costs --list [<group or case>]   the cases, each with the operations that it is measured with
// costs <case> <operations>        does them, and prints what the whole program has needed by then:
//                                  allocations, system calls, reads of the clock

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>

#include "costs.hpp"
#include "counted.hpp"

namespace {

struct Group {
    const char* name;
    std::span<const costs::Case> (*cases)();
};

constexpr Group groups[] = {
    {"core", costs::core_cases},
    {"loop", costs::loop_cases},
    {"composition", costs::composition_cases},
    {"sync", costs::sync_cases},
    {"io", costs::io_cases},
};

void print_toolchain() {
#if defined(__clang__)
    std::printf("Clang-%d", __clang_major__);
#else
    std::printf("GNU-%d.%d", __GNUC__, __GNUC_MINOR__);
#endif
#if defined(_GLIBCXX_RELEASE)
    std::printf("/libstdc++-%d", _GLIBCXX_RELEASE);
#endif
#if defined(__x86_64__)
    std::printf("/x86_64\n");
#elif defined(__aarch64__)
    std::printf("/aarch64\n");
#else
    std::printf("/other\n");
#endif
}

int list(const char* wanted) {
    bool found = false;
    for (const Group& group : groups) {
        for (const costs::Case& one : group.cases()) {
            if (wanted == nullptr || std::strcmp(wanted, group.name) == 0 ||
                std::strcmp(wanted, one.name) == 0) {
                std::printf("%s %d\n", one.name, one.operations);
                found = true;
            }
        }
    }
    return found ? EXIT_SUCCESS : EXIT_FAILURE;
}

rondo::Coro<> measure(const costs::Case& one, int operations) {
    co_await one.run(operations);
    const costs::Counts counts = costs::counts();
    std::printf("%llu %llu %llu\n", static_cast<unsigned long long>(counts.allocations),
                static_cast<unsigned long long>(rondo::get_running_loop().metrics().system_calls),
                static_cast<unsigned long long>(counts.clock_reads));
}

const costs::Case* find(const char* name) {
    for (const Group& group : groups) {
        for (const costs::Case& one : group.cases()) {
            if (std::strcmp(name, one.name) == 0) {
                return &one;
            }
        }
    }
    return nullptr;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--toolchain") == 0) {
        print_toolchain();
        return EXIT_SUCCESS;
    }
    if ((argc == 2 || argc == 3) && std::strcmp(argv[1], "--list") == 0) {
        return list(argc == 3 ? argv[2] : nullptr);
    }
    const costs::Case* const one = argc == 3 ? find(argv[1]) : nullptr;
    if (one == nullptr) {
        std::fprintf(stderr,
                     "costs --toolchain | --list [<group or case>] | <case> <operations>\n");
        return EXIT_FAILURE;
    }
    rondo::run(measure(*one, std::atoi(argv[2])));
    return EXIT_SUCCESS;
}
