// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Fetches many URLs at once and prints a table: status, bytes, milliseconds, error.
//
//   crawl [--limit N] [--timeout SECONDS] URL...     or - for a list of URLs on stdin
//
// Exit status: 0 if all pages came, 1 if any failed, 2 if the arguments make no sense.

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

#include "crawl.hpp"

namespace {

struct Arguments {
    int limit = 100;
    double timeout = 10;
    std::vector<std::string> urls;
};

double positive_number(const char* option, const char* text) {
    char* end = nullptr;
    const double number = text != nullptr ? std::strtod(text, &end) : 0;
    if (text == nullptr || end == text || *end != '\0' || !(number > 0)) {
        throw std::invalid_argument(std::string(option) + " needs a positive number");
    }
    return number;
}

Arguments parse(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const char* next = i + 1 < argc ? argv[i + 1] : nullptr;
        if (argument == "--limit") {
            const double limit = positive_number("--limit", next);
            arguments.limit = limit < 1 ? 1 : static_cast<int>(limit);
            ++i;
        } else if (argument == "--timeout") {
            arguments.timeout = positive_number("--timeout", next);
            ++i;
        } else if (argument == "-") {
            for (std::string line; std::getline(std::cin, line);) {
                if (!line.empty()) {
                    arguments.urls.push_back(line);
                }
            }
        } else if (argument.substr(0, 2) == "--") {
            throw std::invalid_argument("unknown option " + std::string(argument));
        } else {
            arguments.urls.emplace_back(argument);
        }
    }
    if (arguments.urls.empty()) {
        throw std::invalid_argument("no URL given");
    }
    return arguments;
}

} // namespace

int main(int argc, char** argv) {
    try {
        const Arguments arguments = parse(argc, argv);
        const std::chrono::duration<double> timeout(arguments.timeout);
        const std::vector<Row> rows = rondo::run(crawl(arguments.urls, arguments.limit, timeout));
        bool failed = false;
        std::puts("status      bytes         ms  URL");
        for (const Row& row : rows) {
            failed = failed || row.failed();
            if (row.error.empty()) {
                std::printf("%6d %10zu %10.1f  %s\n", row.page.status, row.page.bytes,
                            row.milliseconds, row.url.c_str());
            } else {
                std::printf(" error          - %10.1f  %s: %s\n", row.milliseconds, row.url.c_str(),
                            row.error.c_str());
            }
        }
        return failed ? 1 : 0;
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr,
                     "crawl: %s\nusage: crawl [--limit N] [--timeout SECONDS] URL...\n"
                     "       crawl [--limit N] [--timeout SECONDS] -   (URLs on standard input)\n",
                     error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "crawl: %s\n", error.what());
        return 1;
    } catch (const rondo::KeyboardInterrupt&) {
        std::fputs("crawl: interrupted\n", stderr);
        return 130;
    }
}
