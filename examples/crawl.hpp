#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Fetching many pages concurrently: a semaphore for how many at a time, wait_for for each, gather
// for all. An error is a row of the table and disturbs nothing else.

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <rondo/rondo.hpp>

#include "http_get.hpp"

struct Row {
    std::string url;
    Page page;
    double milliseconds = 0;
    std::string error; // empty if there is a page

    [[nodiscard]] bool failed() const { return !error.empty() || page.status >= 400; }
};

/// "37/200 fetched, 2 failed", rewritten in place; only on a terminal.
class Progress {
public:
    explicit Progress(std::size_t total) : total_(total) {}

    void add(const Row& row) {
        ++done_;
        failed_ += row.failed() ? 1U : 0U;
        if (terminal_) {
            std::fprintf(stderr, "\r%zu/%zu fetched, %zu failed%s", done_, total_, failed_,
                         done_ == total_ ? "\n" : "");
        }
    }

private:
    std::size_t total_;
    std::size_t done_ = 0;
    std::size_t failed_ = 0;
    bool terminal_ = ::isatty(STDERR_FILENO) == 1;
};

/// One row. The references are to locals of crawl(), which awaits all rows.
inline rondo::Coro<Row> crawl_one(std::string url, std::chrono::duration<double> timeout,
                                  rondo::Semaphore& limit, Progress& progress) {
    const auto permit = co_await limit.acquire();
    Row row{.url = std::move(url), .page = {}, .milliseconds = 0, .error = {}};
    const auto start = rondo::Clock::now();
    try {
        const Url parsed = parse_url(row.url);
        row.page = co_await rondo::wait_for(fetch(parsed), timeout);
    } catch (const rondo::TimeoutError&) {
        row.error = "timed out";
    } catch (const rondo::IncompleteReadError&) {
        row.error = "truncated response";
    } catch (const std::exception& error) {
        row.error = error.what();
    }
    row.milliseconds =
        std::chrono::duration<double, std::milli>(rondo::Clock::now() - start).count();
    progress.add(row);
    co_return row;
}

/// Fetches all, at most `at_once` at a time; rows in the order of the URLs.
inline rondo::Coro<std::vector<Row>> crawl(std::vector<std::string> urls, int at_once,
                                           std::chrono::duration<double> timeout) {
    rondo::Semaphore limit(at_once);
    Progress progress(urls.size());
    std::vector<rondo::Coro<Row>> rows;
    for (std::string& url : urls) {
        rows.push_back(crawl_one(std::move(url), timeout, limit, progress));
    }
    auto all = rondo::gather(std::move(rows));
    co_return co_await std::move(all);
}
