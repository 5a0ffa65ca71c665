#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Getting a ring out of this kernel: the features and opcodes it has, found by trying, and, where
// io_uring cannot be had at all, the one error that names the cause and the remedy. Containers,
// sysctls and old kernels refuse io_uring in ways that look alike (a bare EPERM or ENOSYS), and
// "Operation not permitted" helps nobody.

#include <rondo/detail/uring.hpp>

#include <rondo/config.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <bitset>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <new>
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

/// Parts of a ring's set-up which not every kernel has, as bits.
struct RingFeature {
    /// 5.18: one bad entry does not end a submission.
    static constexpr unsigned submit_all = 1U << 0;
    /// 5.19: no interrupts for completions.
    static constexpr unsigned coop_taskrun = 1U << 1;
    /// 5.19: the kernel flags work that waits for an enter.
    static constexpr unsigned taskrun_flag = 1U << 2;
    /// 6.0: one thread submits.
    static constexpr unsigned single_issuer = 1U << 3;
    /// 6.1: completions are worked on when we enter.
    static constexpr unsigned defer_taskrun = 1U << 4;
    /// 6.6: no indirection in the submission queue.
    static constexpr unsigned no_sqarray = 1U << 5;
    /// 5.18: no look-up of the ring's descriptor.
    static constexpr unsigned registered_fd = 1U << 6;
    /// 6.15: waiting does not count as I/O wait.
    static constexpr unsigned no_iowait = 1U << 7;
    /// 6.13: the time to wait lies in memory shared with the kernel. Copying it costs about a third
    /// of an enter that does not block.
    static constexpr unsigned registered_wait = 1U << 8;
};

struct RingOptions {
    /// Submission entries, at least 1; the kernel rounds up to a power of two, and takes 32768 at
    /// most. It bounds a batch, not the requests outstanding.
    unsigned entries = 256;
    /// Completion entries. 0 means four times the submission entries, at least 4096; a ring of
    /// less than 64 entries is meant to be small and has twice.
    unsigned completion_entries = 0;
    /// Threads which the kernel may start for requests that block: on regular files, 0 for the
    /// kernel's choice; on anything else, where its own bound is the limit of processes.
    unsigned bounded_workers = 0;
    unsigned unbounded_workers = 256;
    /// Bits of RingFeature to do without, as on an older kernel. For tests.
    unsigned disabled_features = 0;
};

/// Counts the forks that led to this process, so that a ring knows it is a copy.
class ForkCount {
public:
    static unsigned value() noexcept { return value_.load(std::memory_order_relaxed); }

    /// Begins to count; to be called before the first look at `value` that matters.
    static void watch() noexcept {
        [[maybe_unused]] static const int watching = ::pthread_atfork(
            nullptr, nullptr, [] { value_.fetch_add(1, std::memory_order_relaxed); });
    }

private:
    static inline std::atomic<unsigned> value_{0};
};

/// An io_uring as the kernel makes it, with what it turned out to have. It is registered with the
/// thread that makes it, and that thread is the one to use and to close it.
struct KernelRing {
    /// Throws: std::system_error that names cause and remedy when io_uring cannot be had.
    explicit KernelRing(const RingOptions& options);
    KernelRing(const KernelRing&) = delete;
    KernelRing& operator=(const KernelRing&) = delete;
    ~KernelRing() { close(); }

    /// Frees everything; does nothing the second time. In a forked child it leaves the parent's
    /// ring alone. On another thread it leaves a reference to the ring with the owner.
    void close() noexcept;
    bool is_closed() const noexcept { return ring.ring_fd < 0; }

    /// Whether this is a forked child's copy, of which neither memory nor use was inherited.
    bool is_inherited() const noexcept { return fork_count != ForkCount::value(); }
    bool is_owned_by_this_thread() const noexcept {
        return ::pthread_equal(owner, ::pthread_self()) != 0;
    }

    /// io_uring_enter. Returns what was submitted, or a negative errno.
    int enter(unsigned to_submit, unsigned to_wait_for, unsigned flags, const void* argument,
              std::size_t size) const noexcept {
        return io_uring_enter2(static_cast<unsigned>(enter_fd), to_submit, to_wait_for,
                               flags | enter_flags,
                               static_cast<sigset_t*>(const_cast<void*>(argument)), size);
    }

    io_uring ring = {};
    unsigned features = 0;                          // bits of RingFeature
    uring::RegisteredWait* wait_argument = nullptr; // with RingFeature::registered_wait: a page
    int enter_fd = -1;                              // its descriptor, or its registered number
    unsigned enter_flags = 0;                       // what every enter has
    unsigned fork_count;
    pthread_t owner = ::pthread_self();

private:
    static unsigned set_up_flags(unsigned features) noexcept;
    void set_up(const RingOptions& options);
    void enable();
    void share_wait_argument() noexcept;
    void register_with_thread() noexcept;
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
    constexpr const char* seccomp_remedy =
        "a seccomp filter forbids it, as the default profile of Docker and of other container "
        "runtimes does: run with a profile that allows io_uring_setup, io_uring_enter and "
        "io_uring_register (for a trial: --security-opt seccomp=unconfined)";
    const bool filtered = facts.seccomp.value_or(0) != 0;

    const char* cause = "";
    const char* remedy = "";
    std::string limit;
    switch (error) {
    case ENOSYS:
        if (filtered) {
            cause = seccomp_remedy;
            remedy = "; or this kernel is older than Linux 6.1 or built without CONFIG_IO_URING";
        } else {
            cause =
                "this kernel is too old or built without CONFIG_IO_URING: use Linux 6.1 or later";
        }
        break;
    case EINVAL:
        cause = "this kernel's io_uring lacks what Rondo needs: use Linux 6.1 or later";
        break;
    case EPERM:
    case EACCES:
        if (facts.disabled.value_or(0) == 2) {
            cause = "the sysctl kernel.io_uring_disabled is 2, which forbids it to everybody: run "
                    "`sysctl -w kernel.io_uring_disabled=0`";
        } else if (facts.disabled.value_or(0) == 1) {
            cause = "the sysctl kernel.io_uring_disabled is 1, which forbids it to processes that "
                    "are neither privileged nor in the group kernel.io_uring_group: run "
                    "`sysctl -w kernel.io_uring_disabled=0`, or join that group";
        } else if (filtered) {
            cause = seccomp_remedy;
        } else {
            cause = "a security policy forbids it: look for a seccomp filter around this process, "
                    "an SELinux or AppArmor rule, and the sysctl kernel.io_uring_disabled";
        }
        break;
    case ENOMEM:
        cause = "there is no memory for the ring";
        if (facts.memory_limit && *facts.memory_limit != RLIM_INFINITY) {
            limit
                .append("; before Linux 5.12 it counts as locked memory, of which this process may "
                        "have ")
                .append(std::to_string(*facts.memory_limit / 1024))
                .append(" KiB");
        }
        remedy = ": raise `ulimit -l`, free memory, or ask for fewer entries";
        break;
    case EMFILE:
        cause = "this process has no file descriptor left";
        if (facts.file_limit && *facts.file_limit != RLIM_INFINITY) {
            limit.append(" of its ").append(std::to_string(*facts.file_limit));
        }
        remedy = ": raise `ulimit -n`, or close some";
        break;
    case ENFILE:
        cause = "the system has no open file left: raise the sysctl fs.file-max, or close some";
        break;
    default:
        cause = "the kernel refused to make a ring for a reason that Rondo does not know";
        if (filtered) {
            limit.append("; ");
            remedy = seccomp_remedy;
        }
        break;
    }
    std::string text = "rondo: io_uring is not available: ";
    text.append(cause).append(limit).append(remedy);
    if (!facts.kernel.empty()) {
        text.append(" (this is Linux ").append(facts.kernel).append(")");
    }
    return text;
}

[[noreturn]] inline void throw_unavailable(int error) {
    throw std::system_error(error, std::system_category(),
                            explain_unavailable(error, UringFacts::collect()));
}

inline KernelRing::KernelRing(const RingOptions& options) {
    RONDO_ASSERT(options.entries > 0, "a ring needs at least one entry");
    ForkCount::watch();
    fork_count = ForkCount::value();
    ring.ring_fd = -1;
    set_up(options);

    // From here on everything is an improvement, and its failure no reason to do without a ring.
    io_uring_ring_dontfork(&ring);
    unsigned workers[2] = {options.bounded_workers, options.unbounded_workers};
    io_uring_register_iowq_max_workers(&ring, workers);
    const unsigned wanted = ~options.disabled_features;
    if ((wanted & RingFeature::registered_fd) != 0) {
        register_with_thread();
    }
    if ((wanted & RingFeature::no_iowait) != 0 && (ring.features & uring::feature_no_iowait) != 0) {
        features |= RingFeature::no_iowait;
        enter_flags |= uring::enter_no_iowait;
    }
}

inline unsigned KernelRing::set_up_flags(unsigned features) noexcept {
    unsigned flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    if ((features & RingFeature::submit_all) != 0) {
        flags |= IORING_SETUP_SUBMIT_ALL;
    }
    if ((features & RingFeature::single_issuer) != 0) {
        flags |= IORING_SETUP_SINGLE_ISSUER;
    }
    if ((features & RingFeature::defer_taskrun) != 0) {
        flags |= IORING_SETUP_DEFER_TASKRUN;
    } else if ((features & RingFeature::coop_taskrun) != 0) {
        flags |= IORING_SETUP_COOP_TASKRUN;
    }
    if ((features & RingFeature::taskrun_flag) != 0) {
        flags |= IORING_SETUP_TASKRUN_FLAG;
    }
    if ((features & RingFeature::registered_wait) != 0) {
        flags |= IORING_SETUP_R_DISABLED;
    }
#if RONDO_URING_HAS_NO_SQARRAY
    if ((features & RingFeature::no_sqarray) != 0) {
        flags |= IORING_SETUP_NO_SQARRAY;
    }
#endif
    return flags;
}

inline void KernelRing::set_up(const RingOptions& options) {
    // What to give up next, the newest first, when the kernel says EINVAL.
    constexpr unsigned degrade[] = {
        RingFeature::no_sqarray,   RingFeature::defer_taskrun, RingFeature::single_issuer,
        RingFeature::coop_taskrun, RingFeature::submit_all,    RingFeature::registered_wait,
    };
    features = RingFeature::submit_all | RingFeature::coop_taskrun | RingFeature::taskrun_flag |
               RingFeature::single_issuer | RingFeature::defer_taskrun |
               RingFeature::registered_wait;
#if RONDO_URING_HAS_NO_SQARRAY
    features |= RingFeature::no_sqarray;
#endif
    features &= ~options.disabled_features;

    unsigned entries = options.entries;
    unsigned completion_entries = options.completion_entries;
    if (completion_entries == 0) {
        constexpr unsigned small = 64;
        constexpr unsigned least = 4096;
        constexpr unsigned most = 32768; // which the kernel would make of any more
        const unsigned bounded = entries < most ? entries : most;
        completion_entries = bounded < small       ? 2 * bounded
                             : 4 * bounded < least ? least
                                                   : 4 * bounded;
    }

    std::size_t next = 0;
    for (;;) {
        // Some of them need others.
        if ((features & RingFeature::single_issuer) == 0) {
            features &= ~RingFeature::defer_taskrun;
        }
        if ((features & (RingFeature::defer_taskrun | RingFeature::coop_taskrun)) == 0) {
            features &= ~RingFeature::taskrun_flag;
        }
        io_uring_params parameters = {};
        parameters.flags = set_up_flags(features);
        parameters.cq_entries = completion_entries < entries ? entries : completion_entries;
        const int result = io_uring_queue_init_params(entries, &ring, &parameters);
        if (result >= 0) {
            break;
        }
        ring.ring_fd = -1;
        if (result == -ENOMEM && entries > 1) {
            // Before 5.12 a ring counts against RLIMIT_MEMLOCK, which was small.
            entries /= 2;
            completion_entries = completion_entries / 2 + completion_entries % 2;
            continue;
        }
        while (next < std::size(degrade) && (features & degrade[next]) == 0) {
            ++next;
        }
        if (result != -EINVAL || next == std::size(degrade)) {
            throw_unavailable(-result);
        }
        features &= ~degrade[next];
    }
    enter_fd = ring.ring_fd;
    constexpr unsigned required =
        IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_EXT_ARG;
    if ((ring.features & required) != required) {
        close();
        throw_unavailable(EINVAL);
    }
    if ((features & RingFeature::registered_wait) != 0) {
        enable();
    }
}

/// Ends the set-up of a ring that was made disabled, as the registration of its wait argument asks.
inline void KernelRing::enable() {
    share_wait_argument();
    const int result = io_uring_register(static_cast<unsigned>(ring.ring_fd),
                                         IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    if (result < 0) {
        close();
        throw_unavailable(-result);
    }
    if (wait_argument == nullptr) {
        features &= ~RingFeature::registered_wait;
    }
}

inline void KernelRing::share_wait_argument() noexcept {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const memory =
        ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return;
    }
    uring::RegionDescription description = {};
    description.user_address = reinterpret_cast<std::uintptr_t>(memory);
    description.size = page;
    description.flags = uring::region_in_user_memory;
    uring::RegionRegistration registration = {};
    registration.description = reinterpret_cast<std::uintptr_t>(&description);
    registration.flags = uring::region_holds_wait_arguments;
    if (io_uring_register(static_cast<unsigned>(ring.ring_fd), uring::register_region,
                          &registration, 1) < 0) {
        ::munmap(memory, page);
        return;
    }
    ::madvise(memory, page, MADV_DONTFORK);
    wait_argument = new (memory) uring::RegisteredWait{};
    wait_argument->flags = uring::registered_wait_has_time;
}

/// As io_uring_register_ring_fd(), which would undo it on whatever thread the ring is closed, and
/// there take away a number that belongs to another ring.
inline void KernelRing::register_with_thread() noexcept {
    io_uring_rsrc_update update = {};
    update.offset = static_cast<unsigned>(-1); // any number that is free
    update.data = static_cast<unsigned>(ring.ring_fd);
    if (io_uring_register(static_cast<unsigned>(ring.ring_fd), IORING_REGISTER_RING_FDS, &update,
                          1) == 1) {
        enter_fd = static_cast<int>(update.offset);
        enter_flags |= IORING_ENTER_REGISTERED_RING;
        features |= RingFeature::registered_fd;
    }
}

inline void KernelRing::close() noexcept {
    if (is_closed()) {
        return;
    }
    if (is_inherited()) {
        // The memory was not inherited, and its addresses may belong to something else by now.
        ::close(ring.ring_fd);
        ring.ring_fd = -1;
        return;
    }
    if ((features & RingFeature::registered_fd) != 0 && is_owned_by_this_thread()) {
        io_uring_rsrc_update update = {};
        update.offset = static_cast<unsigned>(enter_fd);
        io_uring_register(static_cast<unsigned>(ring.ring_fd), IORING_UNREGISTER_RING_FDS, &update,
                          1);
    }
    io_uring_queue_exit(&ring);
    ring.ring_fd = -1;
    if (wait_argument != nullptr) {
        ::munmap(wait_argument, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
        wait_argument = nullptr;
    }
}

} // namespace rondo::inline RONDO_ABI::detail
