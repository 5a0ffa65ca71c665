# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# For scripts that need a server of ours in the background; sourced.

scratch=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT

# start_server COMMAND...: sets $server to its process and $port to where it listens.
start_server() {
    # A shell without job control starts background processes with SIGINT ignored; a server that
    # is to be interrupted needs its default back.
    env --default-signal=INT "$@" >"$scratch/server" 2>&1 &
    server=$!
    tries=0
    until grep -q '^listening on ' "$scratch/server"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 1000 ] || ! kill -0 "$server" 2>/dev/null; then
            echo "the server did not start:"
            cat "$scratch/server"
            exit 1
        fi
        sleep 0.01
    done
    port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$scratch/server")
}

# interrupt_server: Ctrl-C; it must say goodbye and end.
interrupt_server() {
    kill -INT "$server"
    wait "$server" || { echo "the server failed after SIGINT"; cat "$scratch/server"; exit 1; }
    server=
    grep -q '^bye$' "$scratch/server" || { echo "the server did not say bye"; exit 1; }
}

fail() {
    echo "$*"
    exit 1
}
