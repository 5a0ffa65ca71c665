#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// HTTP/1.1 GET, as far as a crawler needs it: to show what protocols on Stream look like.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

#include <rondo/rondo.hpp>

struct Url {
    std::string host;
    std::uint16_t port = 80;
    std::string path;
};

struct Page {
    int status = 0;
    std::size_t bytes = 0; // of the body
};

template <class Number>
Number parse_number(std::string_view text, const char* what, int base = 10) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw std::runtime_error(std::string("malformed ") + what);
    }
    return number;
}

/// "http://host[:port][/path]". Throws std::runtime_error.
inline Url parse_url(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (text.substr(0, scheme.size()) != scheme) {
        throw std::runtime_error("bad URL: it must begin with http://");
    }
    text.remove_prefix(scheme.size());
    const std::size_t slash = text.find('/');
    std::string_view authority = text.substr(0, slash);
    Url url;
    url.path = slash == std::string_view::npos ? "/" : std::string(text.substr(slash));
    const std::size_t bracket = authority.rfind(']'); // [::1]:8080
    const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
        url.port = parse_number<std::uint16_t>(authority.substr(colon + 1), "port in URL");
        authority = authority.substr(0, colon);
    }
    if (bracket != std::string_view::npos && authority.front() == '[') {
        authority = authority.substr(1, authority.size() - 2);
    }
    if (authority.empty()) {
        throw std::runtime_error("bad URL: no host");
    }
    url.host = std::string(authority);
    return url;
}

inline std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
        text.remove_suffix(1);
    }
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    return text;
}

/// Whether a header line has this name (lower case); then `value` is what follows the colon.
inline bool header_is(std::string_view line, std::string_view name, std::string_view& value) {
    if (line.size() <= name.size() || line[name.size()] != ':') {
        return false;
    }
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char letter = line[i];
        if ((letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter) != name[i]) {
            return false;
        }
    }
    value = trim(line.substr(name.size() + 1));
    return true;
}

/// A body in chunks: "size in hex, CRLF, data, CRLF", until a chunk of size 0.
inline rondo::Coro<std::size_t> read_chunks(rondo::Stream& stream) {
    std::size_t total = 0;
    for (;;) {
        const std::string line = co_await stream.read_until("\r\n");
        const std::string_view size_text = trim(std::string_view(line).substr(0, line.find(';')));
        const auto size = parse_number<std::uint32_t>(size_text, "chunk size", 16);
        const std::string chunk = co_await stream.read_exactly(std::size_t{size} + 2);
        if (size == 0) {
            co_return total;
        }
        total += size;
    }
}

/// Fetches a page. Throws: std::system_error (network), std::runtime_error (malformed or cut off).
inline rondo::Coro<Page> fetch(Url url) {
    rondo::Stream stream = co_await rondo::open_connection(url.host, url.port);
    const std::string request =
        "GET " + url.path + " HTTP/1.1\r\nHost: " + url.host + "\r\nConnection: close\r\n\r\n";
    co_await stream.write(request);

    Page page;
    const std::string status_line = co_await stream.read_line();
    const std::string_view status = status_line;
    if (status.substr(0, 7) != "HTTP/1." || status.size() < 12) {
        throw std::runtime_error(status.empty() ? "the server closed without an answer"
                                                : "malformed response: not HTTP");
    }
    page.status = parse_number<int>(status.substr(9, 3), "status");

    constexpr std::size_t unknown = std::numeric_limits<std::size_t>::max();
    std::size_t length = unknown;
    bool chunked = false;
    for (;;) {
        const std::string line = co_await stream.read_until("\r\n");
        if (line == "\r\n") {
            break;
        }
        std::string_view value;
        if (header_is(line, "content-length", value)) {
            length = parse_number<std::size_t>(value, "Content-Length");
        } else if (header_is(line, "transfer-encoding", value)) {
            chunked = value == "chunked";
        }
    }
    if (chunked) {
        page.bytes = co_await read_chunks(stream);
    } else if (length != unknown) {
        const std::string body = co_await stream.read_exactly(length);
        page.bytes = body.size();
    } else {
        const std::string body = co_await stream.read_all();
        page.bytes = body.size();
    }
    co_await stream.close();
    co_return page;
}
