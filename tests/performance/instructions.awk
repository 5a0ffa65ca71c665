# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# Reads what callgrind wrote with --collect-systime=yes --compress-strings=no --compress-pos=no.
# Prints the instructions that the program `costs` and liburing executed, and all system calls.
#
# Other libraries are left out: glibc chooses its memcpy and the like by the processor, libgcc looks
# for handlers of exceptions in what the machine has installed. So a budget holds on every machine
# with the same compiler, and what we call is counted by what it takes to call it.

/^events:/ {
    for (i = 2; i <= NF; i++) column[$i] = i # as in the lines of numbers, where a position stands first
    next
}
/^ob=/ { ours = /\/(costs|liburing\.so[^\/]*)$/; next }
/^fn=/ { replaced = /^fn=clock_gettime/; next } # ours only here
/^calls=/ { getline; next } # the next line is what the called function took, which is counted there
/^[0-9]/ {
    if (ours && !replaced) instructions += $column["Ir"]
    system_calls += $column["sysCount"]
}
END { printf "%d %d\n", instructions, system_calls }
