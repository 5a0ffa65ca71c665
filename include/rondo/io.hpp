#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Every operation on io_uring: the kernel's calls, awaited.

#include <rondo/io/accept_multishot.hpp> // IWYU pragma: export
#include <rondo/io/buffer_pool.hpp>      // IWYU pragma: export
#include <rondo/io/file_ops.hpp>         // IWYU pragma: export
#include <rondo/io/multishot.hpp>        // IWYU pragma: export
#include <rondo/io/operation.hpp>        // IWYU pragma: export
#include <rondo/io/path_ops.hpp>         // IWYU pragma: export
#include <rondo/io/poll.hpp>             // IWYU pragma: export
#include <rondo/io/poll_multishot.hpp>   // IWYU pragma: export
#include <rondo/io/recv_multishot.hpp>   // IWYU pragma: export
#include <rondo/io/socket_ops.hpp>       // IWYU pragma: export
