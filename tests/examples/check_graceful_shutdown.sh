#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_graceful_shutdown.sh SERVER CLIENT: after SIGINT, and after SIGTERM, a request under way is
# answered, and the server ends although its client is still connected.
set -eu
. ./server.sh

for signal in INT TERM; do
    : >"$scratch/server" # or the port of the last server would be taken for this one's
    start_server "$1"
    "$2" "$port" "first $signal" >"$scratch/first" || fail "the first client failed"
    grep -q "^done: first $signal\$" "$scratch/first" || fail "the first client got no answer"

    "$2" "$port" "second $signal" "too late" >"$scratch/second" 2>"$scratch/error" &
    client=$!
    sleep 0.1
    kill -"$signal" "$server"
    wait "$server" || fail "the server failed after SIG$signal"
    server=
    printf 'closing\nbye\n' >"$scratch/end"
    tail -n +2 "$scratch/server" | diff "$scratch/end" - || fail "no orderly end after SIG$signal"

    # Its first request was under way and is answered; the second finds the connection closed.
    wait "$client" && fail "a request after the end was answered"
    grep -q "^done: second $signal\$" "$scratch/second" || fail "a request under way was dropped"
    "$2" "$port" anybody 2>"$scratch/refused" && fail "a client of no server succeeded"
    grep -q 'Connection refused' "$scratch/refused" || fail "no clear error for a refused connection"
done
echo "graceful shutdown: as expected"
