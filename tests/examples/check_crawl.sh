#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_crawl.sh CRAWL SLOW_SERVER: pages, and a clear row for everything that can go wrong.
set -eu
. ./server.sh
crawl=$1
start_server "$2" 0 50
base=http://127.0.0.1:$port

# A hundred pages of a server that takes 50 ms each: 5 s one after another, much less at once.
i=0
while [ $i -lt 100 ]; do
    echo "$base/page/$i"
    i=$((i + 1))
done >"$scratch/urls"
"$crawl" --limit 100 - <"$scratch/urls" >"$scratch/table" || fail "crawling good pages failed"
[ "$(grep -c '^ *200 *1024 ' "$scratch/table")" -eq 100 ] || fail "not a hundred good rows"
tail -n 1 "$scratch/table" | grep -q "$base/page/99" || fail "rows are not in the order of the URLs"

# row TEXT: the table has a row with it.
row() {
    grep -q -- "$1" "$scratch/table" || { cat "$scratch/table"; fail "no row with: $1"; }
}
if "$crawl" --limit 4 --timeout 0.02 "$base/slow" http://127.0.0.1:1/ \
    http://no.such.host.invalid/ ftp://x/ http:// http://127.0.0.1:port/ >"$scratch/table"; then
    fail "failed fetches, and exit status 0"
fi
row "$base/slow: timed out"
row "http://127.0.0.1:1/: .*Connection refused"
row "http://no.such.host.invalid/: .*no.such.host.invalid"
row "ftp://x/: bad URL"
row "http://: bad URL"
row "http://127.0.0.1:port/: malformed port"

# One failure among good ones disturbs nothing.
"$crawl" "$base/a" http://127.0.0.1:1/ "$base/b" >"$scratch/table" && fail "exit status 0"
[ "$(grep -c '^ *200 ' "$scratch/table")" -eq 2 ] || fail "a failure disturbed the others"

status=0
"$crawl" --limit 2>/dev/null || status=$?
[ "$status" -eq 2 ] || fail "bad arguments: exit status $status instead of 2"
interrupt_server
echo "crawl: as expected"
