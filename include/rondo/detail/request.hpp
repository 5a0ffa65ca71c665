#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// One io_uring request, and what its completion goes to: the part of a ring that is the caller's,
// and stays where it is from the submission to the final completion.

#include <rondo/config.hpp>
#include <rondo/detail/intrusive_list.hpp>

#include <cstdint>

struct io_uring_sqe;

namespace rondo::inline RONDO_ABI::detail {

class Ring;

/// What a completion goes to. Its address is the request's user_data.
struct Completion {
    /// Takes what the kernel says: `result` is a count, a descriptor or a negated errno; `flags` are
    /// IORING_CQE_F_…. It may submit and cancel, and destroy its request unless IORING_CQE_F_MORE
    /// is set; it must not call `Ring::poll` or `Ring::wait`.
    using Function = void (*)(Completion&, int result, unsigned flags) noexcept;

    Function on_completion;
};

/// One io_uring request, which fills its submission entry when there is room for it.
///
/// It stays where it is, and alive, until its final completion: the one without
/// IORING_CQE_F_MORE. After that it can be submitted again.
///
/// | state | cancel | what is so |
/// | --- | --- | --- |
/// | idle | none | unknown to any ring |
/// | parked | none | waits in the ring's list for a submission entry |
/// | in flight | none | has an entry; a final completion will come |
/// | in flight | parked | the same; its cancellation waits for an entry |
/// | in flight | asked | the same; its cancellation has an entry, and comes to nothing or not |
class Request : public Completion, public ListHook<Ring> {
public:
    /// Fills `entry`, which is all zeros, except for its user_data.
    using Prepare = void (*)(Request&, io_uring_sqe& entry) noexcept;

    Request(Function completion, Prepare prepare_entry) noexcept
        : Completion{completion}, prepare(prepare_entry) {}

    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    ~Request() {
        RONDO_ASSERT(is_idle(), "a request must outlive its final completion: cancel it and wait");
    }

    bool is_idle() const noexcept { return state_ == idle; }
    bool is_parked() const noexcept { return state_ == parked; }
    bool is_in_flight() const noexcept { return (state_ & in_flight) != 0; }
    /// Whether `Ring::cancel` was called for it since it was submitted.
    bool is_cancel_requested() const noexcept {
        return (state_ & (cancel_parked | cancel_asked)) != 0;
    }

    Prepare prepare;

private:
    friend Ring;

    // One byte, so that a final completion looks at both states at once.
    enum State : std::uint8_t {
        idle = 0,
        parked = 1,
        in_flight = 2,
        cancel_parked = 4,
        cancel_asked = 8,
    };

    std::uint8_t state_ = idle;
};

} // namespace rondo::inline RONDO_ABI::detail
