#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_echo.sh SERVER CLIENT: what goes in comes out, for several clients at once; Ctrl-C ends it.
set -eu
. ./server.sh
start_server "$1"
for client in 1 2 3; do
    "$2" "$port" "hello from $client" "and bye" >"$scratch/client$client" &
    eval "client$client=\$!"
done
for client in 1 2 3; do
    eval "wait \$client$client" || fail "client $client failed"
    printf 'hello from %s\nand bye\n' "$client" | diff - "$scratch/client$client" ||
        fail "client $client got something else back"
done
interrupt_server
"$2" "$port" anybody 2>"$scratch/refused" && fail "a client of no server succeeded"
grep -q 'Connection refused' "$scratch/refused" || fail "no clear error for a refused connection"
echo "echo: as expected"
