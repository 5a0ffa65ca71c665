#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_crawl_demo.sh DEMO: 20 pages of 50 ms: a second one after another, several times less at once.
set -eu
output=$("$1" 20)
echo "$output"
ratio=$(echo "$output" | sed -n 's/^ratio: //p')
[ "$ratio" -ge 3 ] || { echo "concurrency gains too little"; exit 1; }
