#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What tests of asynchronous code need: a virtual clock, and sweeps over everything that can go
// wrong. rondo/testing/operator_new.hpp is apart: it is for one source file of a program.

#include <rondo/testing/allocations.hpp> // IWYU pragma: export
#include <rondo/testing/run.hpp>         // IWYU pragma: export
#include <rondo/testing/sweep.hpp>       // IWYU pragma: export
