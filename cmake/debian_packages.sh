# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# Sourced by the scripts that must run on a clean Debian machine; POSIX sh.
#
#   begin <words>...       names the step that is under way
#   need <package>...      installs the Debian packages that are missing; nothing if none is
#   build_dir <folder>     configures that folder (under build/) anew if it belongs to another tree
#
# A script that fails says in which step, in its last line.

step='starting'

begin() {
    step=$*
    printf '\n== %s\n' "$step"
}

say_what_failed() {
    status=$?
    if [ "$status" -ne 0 ]; then
        printf '\n%s: failed (exit status %s) while: %s\n' "$0" "$status" "$step" >&2
    fi
}
trap say_what_failed EXIT
# Without these the shell would die of the signal and skip the line above.
trap 'exit 130' INT
trap 'exit 143' TERM

need() {
    command -v dpkg-query > /dev/null || {
        echo "This is no Debian system: if something is missing below, install what Debian calls: $*"
        return 0
    }
    missing=
    for package; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true) in
            installed) ;;
            *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0

    begin "installing$missing"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo > /dev/null || {
            echo "Neither root nor sudo is here. Ask somebody who may to run:" >&2
            echo "    apt-get install$missing" >&2
            return 1
        }
        as_root=sudo
    fi
    # The names are separate words on purpose.
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $missing
}

# A build folder remembers the absolute path of its sources; after a move it is of no use.
build_dir() {
    if [ -f "$1/CMakeCache.txt" ] &&
        ! grep -q -x -F "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$1/CMakeCache.txt"; then
        rm -rf "$1"
    fi
}

# What every build needs. `g++` is the compiler that Debian's users have.
build_packages='g++ cmake ninja-build pkg-config liburing-dev'

# A second build of the same sources is then a matter of seconds.
if command -v ccache > /dev/null && [ -z "${CMAKE_CXX_COMPILER_LAUNCHER+set}" ]; then
    CMAKE_CXX_COMPILER_LAUNCHER=ccache
    export CMAKE_CXX_COMPILER_LAUNCHER
fi

jobs=$(nproc 2> /dev/null || echo 2)
