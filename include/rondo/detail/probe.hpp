#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What this kernel can do: which opcodes it has, and, where io_uring cannot be had at all, the one
// error that names the cause and the remedy. Containers, sysctls and old kernels refuse io_uring in
// ways that look alike (a bare EPERM or ENOSYS), and "Operation not permitted" helps nobody.

#include <rondo/detail/uring.hpp>

#include <rondo/config.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bitset>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rondo::inline RONDO_ABI::detail {

/// The opcodes that a kernel has.
class UringProbe {
public:
    /// Knows of none.
    UringProbe() noexcept = default;

    /// Asks the kernel behind `ring`. A kernel that cannot say (before 5.6) has none.
    explicit UringProbe(io_uring& ring) noexcept;

    /// Whether the kernel has `opcode` (IORING_OP_… or uring::op_…).
    bool supports(int opcode) const noexcept {
        return opcode >= 0 && static_cast<std::size_t>(opcode) < opcodes_.size() &&
               opcodes_[static_cast<std::size_t>(opcode)];
    }

private:
    std::bitset<256> opcodes_;
};

/// What there is to know about a refusal of io_uring. `std::nullopt` and empty: not known.
struct UringFacts {
    std::string kernel;                        ///< uname's release, such as "6.1.0-18-amd64"
    std::optional<int> disabled;               ///< the sysctl kernel.io_uring_disabled
    std::optional<int> seccomp;                ///< 0 none, 1 strict, 2 a filter
    std::optional<std::uint64_t> memory_limit; ///< RLIMIT_MEMLOCK in bytes
    std::optional<std::uint64_t> file_limit;   ///< RLIMIT_NOFILE

    /// Collects them from the running system. Never fails; leaves out what it cannot find.
    static UringFacts collect();
};

/// Says why a ring could not be set up, and what to do about it.
///
/// - error: the errno of io_uring_setup.
/// - facts: what the machine says.
///
/// Returns one line that starts with "rondo:", without the text of errno.
std::string explain_unavailable(int error, const UringFacts& facts);

/// Throws: std::system_error with `error` (an errno), explained by the facts of this machine.
[[noreturn]] void throw_unavailable(int error);

// Implementation

inline UringProbe::UringProbe(io_uring& ring) noexcept {
    // As io_uring_get_probe_ring() does, with the memory on the stack.
    constexpr std::size_t size = sizeof(io_uring_probe) + 256 * sizeof(io_uring_probe_op);
    alignas(io_uring_probe) std::byte memory[size] = {};
    auto* probe = reinterpret_cast<io_uring_probe*>(memory);
    if (io_uring_register_probe(&ring, probe, 256) < 0) {
        return;
    }
    const auto* operations =
        reinterpret_cast<const io_uring_probe_op*>(memory + sizeof(io_uring_probe));
    for (unsigned index = 0; index < probe->ops_len; ++index) {
        opcodes_[operations[index].op] = (operations[index].flags & IO_URING_OP_SUPPORTED) != 0;
    }
}

/// The beginning of a small file of /proc; empty if it cannot be read.
inline std::string read_proc_file(const char* path) {
    std::string text;
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return text;
    }
    char chunk[1024];
    for (;;) {
        const ssize_t size = ::read(fd, chunk, sizeof chunk);
        if (size <= 0) {
            break;
        }
        text.append(chunk, static_cast<std::size_t>(size));
    }
    ::close(fd);
    return text;
}

/// The number at the beginning of `text`, after blanks.
inline std::optional<int> leading_number(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    int number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc() ? std::optional<int>(number) : std::nullopt;
}

inline UringFacts UringFacts::collect() {
    UringFacts facts;
    utsname names = {};
    if (::uname(&names) == 0) {
        facts.kernel = names.release;
    }
    facts.disabled = leading_number(read_proc_file("/proc/sys/kernel/io_uring_disabled"));
    const std::string status = read_proc_file("/proc/self/status");
    constexpr std::string_view label = "\nSeccomp:";
    if (const auto found = status.find(label); found != std::string::npos) {
        facts.seccomp = leading_number(std::string_view(status).substr(found + label.size()));
    }
    rlimit limit = {};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        facts.memory_limit = limit.rlim_cur;
    }
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        facts.file_limit = limit.rlim_cur;
    }
    return facts;
}

inline std::string explain_unavailable(int error, const UringFacts& facts) {
    constexpr std::string_view seccomp_remedy =
        "a seccomp filter forbids it, as the default profile of Docker and of other container "
        "runtimes does: run with a profile that allows io_uring_setup, io_uring_enter and "
        "io_uring_register (for a trial: --security-opt seccomp=unconfined)";
    constexpr std::string_view sysctl_remedy = "run `sysctl -w kernel.io_uring_disabled=0`";
    const bool filtered = facts.seccomp.value_or(0) != 0;

    std::string text = "rondo: io_uring is not available: ";
    switch (error) {
    case ENOSYS:
        if (filtered) {
            text += seccomp_remedy;
            text += "; or this kernel is older than Linux 6.1 or built without CONFIG_IO_URING";
        } else {
            text +=
                "this kernel is too old or built without CONFIG_IO_URING: use Linux 6.1 or later";
        }
        break;
    case EINVAL:
        text += "this kernel's io_uring lacks what Rondo needs: use Linux 6.1 or later";
        break;
    case EPERM:
    case EACCES:
        if (facts.disabled.value_or(0) == 2) {
            text += "the sysctl kernel.io_uring_disabled is 2, which forbids it to everybody: ";
            text += sysctl_remedy;
        } else if (facts.disabled.value_or(0) == 1) {
            text += "the sysctl kernel.io_uring_disabled is 1, which forbids it to processes that "
                    "are neither privileged nor in the group kernel.io_uring_group: ";
            text += sysctl_remedy;
            text += ", or join that group";
        } else if (filtered) {
            text += seccomp_remedy;
        } else {
            text += "a security policy forbids it: look for a seccomp filter around this process, "
                    "an SELinux or AppArmor rule, and the sysctl kernel.io_uring_disabled";
        }
        break;
    case ENOMEM:
        text += "there is no memory for the ring";
        if (facts.memory_limit && *facts.memory_limit != RLIM_INFINITY) {
            text += "; before Linux 5.12 it counts as locked memory, of which this process may "
                    "have " +
                    std::to_string(*facts.memory_limit / 1024) + " KiB";
        }
        text += ": raise `ulimit -l`, free memory, or ask for fewer entries";
        break;
    case EMFILE:
        text += "this process has no file descriptor left";
        if (facts.file_limit && *facts.file_limit != RLIM_INFINITY) {
            text += " of its " + std::to_string(*facts.file_limit);
        }
        text += ": raise `ulimit -n`, or close some";
        break;
    case ENFILE:
        text += "the system has no open file left: raise the sysctl fs.file-max, or close some";
        break;
    default:
        text += "the kernel refused to make a ring for a reason that Rondo does not know";
        if (filtered) {
            text += "; ";
            text += seccomp_remedy;
        }
        break;
    }
    if (!facts.kernel.empty()) {
        text += " (this is Linux " + facts.kernel + ")";
    }
    return text;
}

[[noreturn]] inline void throw_unavailable(int error) {
    throw std::system_error(error, std::system_category(),
                            explain_unavailable(error, UringFacts::collect()));
}

} // namespace rondo::inline RONDO_ABI::detail
