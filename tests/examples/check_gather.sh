#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# check_gather.sh PROGRAM: three downloads of 0.1 s take at least 0.3 s one after another, and less
# than that at once. On a machine that stood still meanwhile, that is measured again.
set -eu
for attempt in 1 2 3; do
    output=$("$1")
    one_by_one=$(echo "$output" | sed -n 's/^one after another: \(.*\) s$/\1/p')
    at_once=$(echo "$output" | sed -n 's/^at once: \(.*\) s$/\1/p')
    echo "one after another $one_by_one s, at once $at_once s"
    awk -v a="$one_by_one" 'BEGIN { exit !(a >= 0.3) }' || { echo "too quick"; exit 1; }
    if awk -v a="$one_by_one" -v b="$at_once" 'BEGIN { exit !(b >= 0.1 && b < a) }'; then
        exit 0
    fi
done
echo "gather gains nothing"
exit 1
