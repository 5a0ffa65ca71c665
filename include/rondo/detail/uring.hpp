#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The only include of <liburing.h>. liburing 2.3 is enough to compile against, while the kernel
// that a program meets may be years newer: constants and request layouts which later headers have
// are spelled out here from the kernel's ABI, and used only after a probe at run time. Where a
// feature needs code inside liburing, a macro RONDO_URING_HAS_… says that it is there.

#include <liburing.h>

#include <rondo/config.hpp>

#include <cstdint>

// A ring without the array that maps the submission queue onto itself. Its set-up flag (6.6) moves
// things which liburing maps, so that an older library would write over the ring's head.
#ifdef IORING_SETUP_NO_SQARRAY
#define RONDO_URING_HAS_NO_SQARRAY 1
#else
#define RONDO_URING_HAS_NO_SQARRAY 0
#endif

namespace rondo::inline RONDO_ABI::detail::uring {

// Opcodes behind liburing 2.3's IORING_OP_LAST, numbered by the kernel's ABI.
inline constexpr std::uint8_t op_waitid = 50;    // 6.7
inline constexpr std::uint8_t op_ftruncate = 55; // 6.9

// io_uring_params::features.
inline constexpr unsigned feature_rw_attribute = 1U << 16; // 6.14
inline constexpr unsigned feature_no_iowait = 1U << 17;    // 6.15

// Flags of io_uring_enter.
inline constexpr unsigned enter_absolute_timer = 1U << 5;      // 6.12
inline constexpr unsigned enter_registered_argument = 1U << 6; // 6.13
inline constexpr unsigned enter_no_iowait = 1U << 7;           // 6.15

// An argument of io_uring_enter that the kernel reads in shared memory, which is registered while
// the ring is disabled (6.13): struct io_uring_reg_wait, io_uring_region_desc and
// io_uring_mem_region_reg of later headers.

struct RegisteredWait {
    __kernel_timespec time;
    std::uint32_t min_wait_usec;
    std::uint32_t flags;
    std::uint64_t sigmask;
    std::uint32_t sigmask_size;
    std::uint32_t reserved_32[3];
    std::uint64_t reserved_64[2];
};
static_assert(sizeof(RegisteredWait) == 64);

struct RegionDescription {
    std::uint64_t user_address;
    std::uint64_t size;
    std::uint32_t flags;
    std::uint32_t id;
    std::uint64_t mmap_offset;
    std::uint64_t reserved[4];
};
static_assert(sizeof(RegionDescription) == 64);

struct RegionRegistration {
    std::uint64_t description;
    std::uint64_t flags;
    std::uint64_t reserved[2];
};
static_assert(sizeof(RegionRegistration) == 32);

inline constexpr unsigned register_region = 34;
inline constexpr std::uint32_t registered_wait_has_time = 1;
inline constexpr std::uint32_t region_in_user_memory = 1;
inline constexpr std::uint64_t region_holds_wait_arguments = 1;

// As liburing's io_uring_prep_…, for requests that its version 2.3 does not have, and for those that
// are most often made. Each expects a zeroed SQE, as Ring hands it out.

/// IORING_OP_READ, RECV and their like, with the least of stores; `fd` is the caller's to set.
inline void prepare_transfer(io_uring_sqe& sqe, std::uint8_t opcode, const void* memory,
                             unsigned size) noexcept {
    sqe.opcode = opcode;
    sqe.addr = reinterpret_cast<std::uintptr_t>(memory);
    sqe.len = size;
}

inline void prepare_waitid(io_uring_sqe& sqe, unsigned id_type, int id, void* siginfo,
                           unsigned options) noexcept {
    sqe.opcode = op_waitid;
    sqe.fd = id;
    sqe.len = id_type;
    sqe.addr2 = reinterpret_cast<std::uintptr_t>(siginfo);
    sqe.file_index = options;
}

inline void prepare_ftruncate(io_uring_sqe& sqe, int fd, std::uint64_t size) noexcept {
    sqe.opcode = op_ftruncate;
    sqe.fd = fd;
    sqe.off = size;
}

} // namespace rondo::inline RONDO_ABI::detail::uring
