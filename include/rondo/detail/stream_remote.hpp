#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The address of a stream's peer, in little room: an Endpoint has place for the longest path of a
// Unix socket, and of ten thousand connections hardly one needs it.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include <rondo/config.hpp>
#include <rondo/endpoint.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// An Endpoint: IP addresses and Unix sockets without a name are kept in place, others elsewhere.
class StreamRemote {
public:
    /// Throws: std::bad_alloc.
    explicit StreamRemote(const Endpoint& endpoint);
    StreamRemote(const StreamRemote&) = delete;
    StreamRemote& operator=(const StreamRemote&) = delete;
    ~StreamRemote() {
        if (size_ == elsewhere) {
            delete named();
        }
    }

    [[nodiscard]] Endpoint get() const noexcept;

private:
    static constexpr std::uint8_t elsewhere = 0xff;

    [[nodiscard]] const Endpoint* named() const noexcept {
        const Endpoint* endpoint = nullptr;
        std::memcpy(&endpoint, bytes_, sizeof endpoint);
        return endpoint;
    }

    // The address as the kernel has it, or the address of an Endpoint.
    alignas(void*) std::byte bytes_[sizeof(sockaddr_in6)];
    std::uint8_t size_;
};

// Implementation

inline StreamRemote::StreamRemote(const Endpoint& endpoint) {
    if (endpoint.native_size() <= sizeof bytes_) {
        size_ = static_cast<std::uint8_t>(endpoint.native_size());
        std::memcpy(bytes_, endpoint.native(), size_);
        return;
    }
    const auto* const copy = new Endpoint(endpoint);
    std::memcpy(bytes_, &copy, sizeof copy);
    size_ = elsewhere;
}

inline Endpoint StreamRemote::get() const noexcept {
    if (size_ == elsewhere) {
        return *named();
    }
    sockaddr_in6 address = {}; // the largest of those kept here
    std::memcpy(&address, bytes_, size_);
    return Endpoint::from_native(reinterpret_cast<const sockaddr*>(&address), size_);
}

} // namespace rondo::inline RONDO_ABI::detail
