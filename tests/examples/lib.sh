# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# Sourced by the tests of examples; POSIX sh.
#
#   fail <words>...                  says what is wrong, and ends the test
#   start_server <program> [<arg>]   starts it in the background; sets $port from what it prints
#   stop_server                      sends it SIGINT, as Ctrl-C does, and waits

set -eu

work=$(mktemp -d)
server=
clean_up() {
    status=$?
    [ -z "$server" ] || kill -KILL "$server" 2> /dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT

fail() {
    echo "$*" >&2
    exit 1
}

start_server() {
    mkfifo "$work/announcement"
    # Background jobs of a script ignore SIGINT; `env` restores what Ctrl-C does.
    env --default-signal=INT "$@" > "$work/announcement" 2> "$work/server_errors" &
    server=$!
    # Reading waits until the server has a port, or has ended. The pipe stays open for the server.
    exec 3< "$work/announcement"
    read -r announcement <&3 || fail "$1 said nothing: $(cat "$work/server_errors")"
    case $announcement in
        'listening on 127.0.0.1:'*) port=${announcement##*:} ;;
        *) fail "$1 said: $announcement" ;;
    esac
}

stop_server() {
    kill -INT "$server"
    status=0
    wait "$server" || status=$?
    server=
    [ "$status" -eq 0 ] || fail "the server ended with $status: $(cat "$work/server_errors")"
}
