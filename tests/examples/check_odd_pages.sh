#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_odd_pages.sh CRAWL ODD_SERVER: what servers do on bad days is a row of the table each, and
# disturbs no other row.
set -eu
. ./server.sh
crawl=$1
start_server "$2"
base=http://127.0.0.1:$port

status=0
"$crawl" --limit 5 --timeout 2 "$base/fine" "$base/chunked" "$base/until-close" "$base/missing" \
    "$base/truncated" "$base/malformed" "$base/silent" "$base/slam" "$base/reset" "$base/fine" \
    >"$scratch/table" 2>"$scratch/errors" || status=$?
cat "$scratch/table"
[ "$status" -eq 1 ] || fail "exit status $status instead of 1"
[ ! -s "$scratch/errors" ] || fail "something on stderr: $(cat "$scratch/errors")"

# row NUMBER STATUS BYTES TEXT: that row of the table says all this.
row() {
    sed -n "$(($1 + 1))p" "$scratch/table" >"$scratch/row"
    grep -q "^ *$2 *$3 .*$4" "$scratch/row" || fail "row $1 says not \"$2 $3 ... $4\""
}
row 1 200 5 "$base/fine\$"
row 2 200 6 "$base/chunked\$"
row 3 200 19 "$base/until-close\$"
row 4 404 0 "$base/missing\$"
row 5 error - "truncated: truncated response\$"
row 6 error - "malformed: malformed response"
row 7 error - "silent: timed out\$"
row 8 error - "slam: the server closed without an answer\$"
row 9 error - "reset: .*[Rr]eset"
row 10 200 5 "$base/fine\$"
echo "crawl: a clear row for everything"
